# The randomised run: hosts against a service at its worst (soak_test.c). `make test` runs a short one with a fixed seed, `make soak`
# one of five minutes with a seed of its own: SOAK_SECONDS=600 SOAK_SEED=7 make soak

SOAK_OBJ := $(addprefix $(BUILD)/tests/soak/,soak_test.o crew.o storm.o journal.o)

$(BUILD)/tests/soak/soak_test: $(SOAK_OBJ) $(INTEGRATION_SUPPORT) | $(PLUGIN_SO) $(BUILD)/daytona-standin
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -ljson-c -lcmocka -lpthread -ldl -o $@

TESTS += $(BUILD)/tests/soak/soak_test

.PHONY: soak
soak: $(BUILD)/tests/soak/soak_test
	SOAK_SECONDS=$${SOAK_SECONDS:-300} SOAK_SEED=$${SOAK_SEED:-$$(date +%s)} $<
