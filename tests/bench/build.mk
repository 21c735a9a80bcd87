# The benchmarks: `make bench` (times, side by side) and `make bench-smoke` (counts, for CI). See README.md.

BENCH_OUT := $(BUILD)/tests/bench

$(BENCH_OUT)/delayserver: $(BENCH_OUT)/delayserver.o $(BENCH_OUT)/answers.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@

$(BENCH_OUT)/delaylink: $(BENCH_OUT)/delaylink.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@

# The drivers: the plugin, and the floor that is libcurl alone.
$(BENCH_OUT)/driver_eep: $(BENCH_OUT)/driver_eep.o $(BENCH_OUT)/driver_eep_load.o $(BENCH_OUT)/driver.o | $(PLUGIN_SO)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lpthread -ldl -o $@

$(BENCH_OUT)/driver_floor: $(BENCH_OUT)/driver_floor.o $(BENCH_OUT)/driver.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(CURL_LIBS) -ljson-c -o $@

BENCH_PROGRAMS := $(addprefix $(BENCH_OUT)/,delayserver delaylink driver_eep driver_floor)

# The SDKs that it compares with: tests/sdk/ installs them.
BENCH_SDKS := $(BUILD)/sdk/venv/.ok $(BUILD)/sdk/node/node_modules/.ok

# make bench BENCH_ARGS=--quick; `make bench BENCH_ARGS=--help` tells all of them. --no-sdk needs no SDK installed.
BENCH_ARGS ?=

# Counts and instructions only: one of the tests.
FOREIGN_TESTS += tests/bench/smoke_test.py

run-tests: $(BENCH_PROGRAMS)

.PHONY: bench bench-programs bench-page bench-smoke bench-profile
bench-smoke: all bench-programs
	BUILD=$(BUILD) tests/bench/smoke_test.py

bench-profile: all bench-programs
	BUILD=$(BUILD) tests/bench/profile.sh

bench-programs: $(BENCH_PROGRAMS)

bench:
	tools/deps bench
	$(MAKE) --no-print-directory all bench-programs $(if $(filter --no-sdk --help,$(BENCH_ARGS)),,$(BENCH_SDKS))
	python3 tests/bench/bench.py --build $(BUILD) $(BENCH_ARGS)

# Puts the figures of the last `make bench` into the page.
bench-page:
	python3 tests/bench/report.py $(BUILD)/bench/results.json docs/performance.md
	cp $(BUILD)/bench/plot.svg docs/performance.svg
