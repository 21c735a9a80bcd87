# Tests of the runner by itself, under four shells, without a network. `make runner-bench` prints what it costs.

RUNNER_TESTS   := streams inputs once limits image foreign property
RUNNER_HARNESS := $(BUILD)/tests/runner/service.o $(BUILD)/tests/runner/world.o $(BUILD)/tests/support/local_run.o
RUNNER_CODEC    = $(filter $(BUILD)/plugin/runner/% $(BUILD)/plugin/base/%,$(PLUGIN_OBJ))

$(RUNNER_TESTS:%=$(BUILD)/tests/runner/%_test) $(BUILD)/tests/runner/bench: %: %.o $(RUNNER_HARNESS) $(RUNNER_CODEC)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(JSONC_STATIC) -lcmocka -lpthread -o $@

TESTS += $(RUNNER_TESTS:%=$(BUILD)/tests/runner/%_test)

.PHONY: runner-bench
runner-bench: $(BUILD)/tests/runner/bench
	$<
