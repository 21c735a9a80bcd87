# The benchmarks: `make bench` (times, side by side) and `make bench-smoke` (counts, for CI). See README.md.

BENCH_OUT := $(BUILD)/tests/bench

$(BENCH_OUT)/delayserver: $(BENCH_OUT)/delayserver.o $(BENCH_OUT)/answers.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@

$(BENCH_OUT)/delaylink: $(BENCH_OUT)/delaylink.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@

# The drivers: the plugin, and the floor that is libcurl alone.
$(BENCH_OUT)/driver_eep: $(BENCH_OUT)/driver_eep.o $(BENCH_OUT)/driver.o | $(PLUGIN_SO)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lpthread -ldl -o $@

$(BENCH_OUT)/driver_floor: $(BENCH_OUT)/driver_floor.o $(BENCH_OUT)/driver.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(CURL_LIBS) -ljson-c -o $@

BENCH_PROGRAMS := $(addprefix $(BENCH_OUT)/,delayserver delaylink driver_eep driver_floor)

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)
