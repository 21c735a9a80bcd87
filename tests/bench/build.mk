# The benchmarks: `make bench` (times, side by side) and `make bench-smoke` (counts, for CI). See README.md.

BENCH_OUT := $(BUILD)/tests/bench

$(BENCH_OUT)/delayserver: $(BENCH_OUT)/delayserver.o $(BENCH_OUT)/answers.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@

BENCH_PROGRAMS := $(BENCH_OUT)/delayserver

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)
