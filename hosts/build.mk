# The hosts: build/eep (the command line), build/minimal (the 60-line host), and their tests.

# Only the CLI needs more than the loader: json-c, as the shared library that every distribution has.
HOSTS_LOADER := $(BUILD)/hosts/loader/loader.o

# -- build/eep

CLI_TEST_SRC := $(wildcard hosts/cli/*_test.c)
CLI_SRC      := $(filter-out $(CLI_TEST_SRC),$(wildcard hosts/cli/*.c))
CLI_OBJ      := $(CLI_SRC:%.c=$(BUILD)/%.o)
CLI_LIBS     := -ljson-c -lpthread -ldl

$(BUILD)/eep: $(CLI_OBJ) $(HOSTS_LOADER)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(CLI_LIBS) -o $@

# -- build/minimal: needs nothing but eep.h

$(BUILD)/minimal: $(BUILD)/hosts/minimal/minimal.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ldl -o $@

# -- build/poll: many commands from one thread with eep.async/1

$(BUILD)/poll: $(BUILD)/hosts/poll/poll.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ldl -o $@

PROGRAMS += $(BUILD)/eep $(BUILD)/minimal $(BUILD)/poll

# -- unit tests: hosts/cli/X_test.c is linked with all of eep but its main

CLI_UNIT_TESTS := $(CLI_TEST_SRC:%.c=$(BUILD)/%)

$(CLI_UNIT_TESTS): %: %.o $(filter-out %/main.o,$(CLI_OBJ)) $(HOSTS_LOADER)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(CLI_LIBS) -lcmocka -o $@

TESTS += $(CLI_UNIT_TESTS)

# -- the loader's test, and a plugin for each way to be unfit

BAD_PLUGINS := nothing no_entry null_table small_table too_new null_slot null_text no_library

upper = $(shell echo $(1) | tr a-z A-Z)

$(BUILD)/hosts/loader/bad/%.so: hosts/loader/bad_plugin.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DBREAK=BREAK_$(call upper,$*) -fPIC -shared -Wl,-z,undefs $< -o $@

$(BUILD)/hosts/loader/loader_test: $(BUILD)/hosts/loader/loader_test.o $(HOSTS_LOADER) \
                                   | $(BAD_PLUGINS:%=$(BUILD)/hosts/loader/bad/%.so)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lcmocka -ldl -o $@

TESTS += $(BUILD)/hosts/loader/loader_test

# -- tests that drive build/eep as a process: with a plugin of their own, and with the real one and the stand-in

CLI_FAKE    := $(BUILD)/tests/cli/fake/plugin.so
CLI_HARNESS := $(BUILD)/tests/cli/process.o $(BUILD)/tests/cli/eep_process.o

CLI_FAKE_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/cli/fake/*.c))

$(CLI_FAKE_OBJ): OWN_CFLAGS := -fPIC -fvisibility=hidden

$(CLI_FAKE): $(CLI_FAKE_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared $^ -ljson-c -o $@

$(BUILD)/tests/cli/cli_test: $(BUILD)/tests/cli/cli_test.o $(CLI_HARNESS) | $(BUILD)/eep $(CLI_FAKE)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ljson-c -lcmocka -o $@

TESTS += $(BUILD)/tests/cli/cli_test

# Those that need leases: once with each provider (tests/cli/provider.h), but for what the plugin of our own cannot do.
CLI_LEASED        := exec detached lease
CLI_FAKE_TESTS    := $(CLI_LEASED:%=$(BUILD)/tests/cli/fake_%_test)
CLI_DAYTONA_TESTS := $(CLI_LEASED:%=$(BUILD)/tests/cli/daytona_%_test) $(BUILD)/tests/cli/daytona_leases_test
CLI_LEASED_OBJ    := $(BUILD)/tests/cli/leased.o $(CLI_HARNESS)

$(CLI_FAKE_TESTS): $(BUILD)/tests/cli/fake_%_test: \
    $(BUILD)/tests/cli/%_test.o $(BUILD)/tests/cli/provider_fake.o $(CLI_LEASED_OBJ) | $(BUILD)/eep $(BUILD)/minimal $(CLI_FAKE)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ljson-c -lcmocka -o $@

$(CLI_DAYTONA_TESTS): $(BUILD)/tests/cli/daytona_%_test: \
    $(BUILD)/tests/cli/%_test.o $(BUILD)/tests/cli/provider_daytona.o $(CLI_LEASED_OBJ) | $(BUILD)/eep $(BUILD)/minimal
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ljson-c -lcmocka -o $@

TESTS         += $(CLI_FAKE_TESTS) $(CLI_DAYTONA_TESTS)
FOREIGN_TESTS += tests/cli/crash_test.py tests/cli/terminal_test.py

# -- hosts in other languages

FOREIGN_TESTS += hosts/python/test_eep.py hosts/node/test.sh
