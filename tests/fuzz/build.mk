# Fuzzing what comes from sandboxes. The plain fuzzer is one of the tests; `make fuzz` runs libFuzzer (clang) for FUZZ_S seconds.

FUZZ_TARGETS := answer
FUZZ_CODEC    = $(filter $(BUILD)/plugin/runner/% $(BUILD)/plugin/base/%,$(PLUGIN_OBJ))
FUZZ_S       ?= 60

$(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%_fuzz_test): $(BUILD)/tests/fuzz/%_fuzz_test: $(BUILD)/tests/fuzz/%_fuzz.o \
    $(BUILD)/tests/fuzz/fuzz_main.o $(BUILD)/tests/fuzz/fuzz_fail.o $(FUZZ_CODEC)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(JSONC) -lpthread -o $@

TESTS += $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%_fuzz_test)

.PHONY: fuzz fuzz-%
fuzz: $(FUZZ_TARGETS:%=fuzz-%)

# In a folder of its own: everything is instrumented.
fuzz-%: $(BUILD)/tests/fuzz/%_fuzz_test
	$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang SAN="-fsanitize=fuzzer-no-link,address,undefined" \
	    $(BUILD)/fuzz/tests/fuzz/$*_libfuzzer
	mkdir -p $(BUILD)/fuzz/corpus-$*
	$< seeds $(BUILD)/fuzz/corpus-$*
	$(BUILD)/fuzz/tests/fuzz/$*_libfuzzer -max_total_time=$(FUZZ_S) -max_len=16384 $(BUILD)/fuzz/corpus-$*

$(BUILD)/tests/fuzz/%_libfuzzer: $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/tests/fuzz/fuzz_fail.o $(FUZZ_CODEC)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer $^ $(JSONC) -lpthread -o $@
