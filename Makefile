# eep-daytona: build, test, demo. `make help` lists what there is.
#
# Plain `make` needs no network. `make demo` and `make test` first install what is missing (tools/deps says what and why).

BUILD  ?= build
CC     ?= cc
CFLAGS ?= -O2 -g
WARN   ?= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
          -Wwrite-strings -Wvla
WERROR ?=
SAN    ?=

CPPFLAGS += -D_GNU_SOURCE -I. -Iabi -Iplugin -I$(BUILD)/gen
ALL_CFLAGS = -std=gnu11 $(WARN) $(WERROR) $(CFLAGS) $(SAN) -MMD -MP

.DEFAULT_GOAL := all

# Each part of the house tells its objects, programs, tests and checks.
PROGRAMS :=
TESTS    :=
CHECKS   :=

# How a source becomes an object: plugin code is position-independent and hidden, the rest is ordinary.
$(BUILD)/plugin/%.o: plugin/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

include plugin/build.mk
-include hosts/build.mk
-include tests/standin/build.mk
-include tests/abi/build.mk
-include tests/integration/build.mk

.PHONY: all help demo test check clean format deps

all: $(PROGRAMS)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
