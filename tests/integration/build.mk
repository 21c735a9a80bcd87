# Tests that dlopen the real plugin and drive it against a real stand-in, over real sockets.

INTEGRATION_TESTS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/integration/*_test.c))
INTEGRATION_SUPPORT := $(addprefix $(BUILD)/,tests/integration/host.o tests/integration/async_host.o \
                         tests/integration/elsewhere.o tests/integration/executions.o tests/integration/holdings.o tests/integration/liar.o \
                         tests/integration/place.o tests/integration/stage.o tests/integration/standin.o tests/integration/process.o \
                         tests/support/canned_server.o tests/support/cutter.o tests/support/proxy.o tests/support/local_run.o hosts/loader/loader.o)

$(INTEGRATION_TESTS): %: %.o $(INTEGRATION_SUPPORT) | $(PLUGIN_SO) $(BUILD)/daytona-standin
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ljson-c -lcmocka -lpthread -ldl -o $@

$(BUILD)/tests/integration/async_test: | $(BUILD)/poll
$(BUILD)/tests/integration/crowd_test: | $(BUILD)/tests/bench/delayserver

TESTS += $(INTEGRATION_TESTS)

# What runs commands, once more with the runner in sh: by itself the plugin takes the native one wherever it can. Not under
# the sanitizers: in the plugin it is the same code.
ifeq ($(SAN),)
SH_TESTS := $(patsubst %,$(BUILD)/tests/integration/sh/%_test,execute execute_faults attach detach kill ends kill_points \
              limits live moments output property shells survival)
$(SH_TESTS): $(BUILD)/tests/integration/sh/%: $(BUILD)/tests/integration/%
	mkdir -p $(@D)
	printf '#!/bin/sh\nEEP_RUNNER=sh exec %s\n' $< >$@
	chmod +x $@

TESTS += $(SH_TESTS)
endif
