# Tests of the runner by itself, under four shells, without a network. `make runner-bench` prints what it costs.

RUNNER_TESTS   := streams inputs once limits image records foreign property
RUNNER_HARNESS := $(BUILD)/tests/runner/service.o $(BUILD)/tests/runner/world.o $(BUILD)/tests/support/local_run.o
RUNNER_CODEC    = $(filter $(BUILD)/plugin/runner/% $(BUILD)/plugin/base/%,$(PLUGIN_OBJ))

$(RUNNER_TESTS:%=$(BUILD)/tests/runner/%_test) $(BUILD)/tests/runner/bench: %: %.o $(RUNNER_HARNESS) $(RUNNER_CODEC)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(JSONC) -lcmocka -lpthread -o $@

# Those that run under each runner are a test for each: build/tests/runner/sh/once_test. Under the sanitizers, which look at
# the requests and the answers, what takes long in sh is left out.
RUNNER_BOTH := streams inputs once limits image records
RUNNER_SH_TESTS := $(if $(SAN),streams inputs image records,$(RUNNER_BOTH))
RUNNER_EACH := $(RUNNER_SH_TESTS:%=$(BUILD)/tests/runner/sh/%_test) $(RUNNER_BOTH:%=$(BUILD)/tests/runner/native/%_test)

# A program that runs the one above it with the runner that the directory is named for.
define under
	mkdir -p $(@D)
	printf '#!/bin/sh\nEEP_RUNNER=%s exec %s\n' $(notdir $(@D)) $< >$@
	chmod +x $@
endef

$(filter $(BUILD)/tests/runner/sh/%,$(RUNNER_EACH)): $(BUILD)/tests/runner/sh/%: $(BUILD)/tests/runner/%
	$(under)
$(filter $(BUILD)/tests/runner/native/%,$(RUNNER_EACH)): $(BUILD)/tests/runner/native/%: $(BUILD)/tests/runner/%
	$(under)

TESTS += $(RUNNER_EACH) $(filter-out $(RUNNER_BOTH:%=$(BUILD)/tests/runner/%_test),$(RUNNER_TESTS:%=$(BUILD)/tests/runner/%_test))

.PHONY: runner-bench
runner-bench: $(BUILD)/tests/runner/bench
	$<
