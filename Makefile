# eep-daytona: build, test, demo. `make help` lists what there is.
#
# Plain `make` needs no network. `make demo`, `make test` and `make check` first install what is missing (tools/deps).

BUILD  ?= build
CC     ?= cc
CFLAGS ?= -O2 -g
WARN   ?= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
          -Wwrite-strings -Wvla
WERROR ?=
SAN    ?=

CPPFLAGS += -D_GNU_SOURCE -I. -Iabi -Iplugin -I$(BUILD)/gen
# OWN_CFLAGS is for single targets: CFLAGS and SAN may come from the command line, which nothing can add to.
ALL_CFLAGS = -std=gnu11 $(WARN) $(WERROR) $(CFLAGS) $(SAN) $(OWN_CFLAGS) -MMD -MP

.DEFAULT_GOAL := all

# Commands are shown with V=1.
ifndef V
.SILENT:
endif

# Each part of the house tells its programs, its tests (programs), those tests that an interpreter runs (they are left out
# of the sanitizers' run, whose runtime it does not have), and its checks (scripts).
PROGRAMS      :=
TESTS         :=
FOREIGN_TESTS :=
CHECKS        :=

include plugin/build.mk
-include hosts/build.mk
-include tests/standin/build.mk
-include tests/runner/build.mk
-include tests/fuzz/build.mk
-include tests/integration/build.mk
-include tests/soak/build.mk
-include tests/sdk/build.mk
-include tests/abi/build.mk
-include tests/bench/build.mk

# Plugin code is position-independent and hidden, the rest is ordinary.
$(BUILD)/plugin/%.o: plugin/%.c
	mkdir -p $(@D)
	echo "  CC    $<"
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

$(BUILD)/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $<"
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

.SECONDARY:
.PHONY: all help demo test run-tests check sanitize format clean install uninstall

all: $(PROGRAMS)

help:
	sed -n 's/^#: //p' Makefile

#: make          build/eep-daytona.so (the plugin), build/eep (the command line), build/daytona-standin (a local server)
#: make demo     everything from nothing: install what is missing, build, run a whole lease through dlopen
#: make test     everything from nothing: build and run all tests
#: make soak     hosts against a service at its worst, for five minutes (SOAK_SECONDS, SOAK_SEED; see tests/soak/soak_test.c)
#: make check    format, static analysis, sanitizers, the gates of the ABI
#: make bench    what it costs beside libcurl and the official SDKs: tests/bench/README.md
#: make fuzz     libFuzzer against what sandboxes answer, FUZZ_S=60 seconds (needs clang)
#: make install  bin/eep, lib/eep/eep-daytona.so, include/eep/, lib/pkgconfig/eep.pc below PREFIX=/usr/local; DESTDIR
#: make uninstall  removes them
#: make format   clang-format on all sources
#: make clean    remove build/
#: make V=1      show the commands

demo:
	tools/deps build
	$(MAKE) --no-print-directory all
	hosts/demo/demo.sh

test:
	tools/deps test
	$(MAKE) --no-print-directory run-tests

run-tests: $(PROGRAMS) $(TESTS)
	BUILD=$(BUILD) tools/run-tests $(TESTS) $(if $(SAN),,$(FOREIGN_TESTS))

check:
	tools/deps check
	$(MAKE) --no-print-directory all
	BUILD=$(BUILD) EEP_TEST_TIMEOUT=1200 EEP_TEST_JOBS=1 tools/run-tests $(CHECKS) tools/check-readme tools/check-format tools/check-static tools/check-sanitizers

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD)

# -- Installing. The plugin is no library that one links with: it has a folder of its own, where eep looks for it.

PREFIX    ?= /usr/local
TO        := $(DESTDIR)$(PREFIX)
PLUGINS   := $(TO)/lib/eep
HEADERS   := $(TO)/include/eep
PKGCONFIG := $(TO)/lib/pkgconfig
ABI_MINOR  = $(shell sed -n 's/^\#define EEP_ABI_MINOR *\([0-9]*\).*/\1/p' abi/eep.h)

install: $(BUILD)/eep $(PLUGIN_SO)
	install -d $(TO)/bin $(PLUGINS) $(HEADERS)/ext $(PKGCONFIG)
	install -m 755 $(BUILD)/eep $(TO)/bin
	install -m 644 $(PLUGIN_SO) $(PLUGINS)
	install -m 644 abi/eep.h $(HEADERS)
	install -m 644 abi/ext/*.h $(HEADERS)/ext
	sed 's/@VERSION@/1.$(ABI_MINOR)/' abi/eep.pc.in > $(PKGCONFIG)/eep.pc
	echo "Installed below $(TO): bin/eep, lib/eep/eep-daytona.so, include/eep, lib/pkgconfig/eep.pc"

uninstall:
	rm -f $(TO)/bin/eep $(PLUGINS)/$(notdir $(PLUGIN_SO)) $(PKGCONFIG)/eep.pc
	rm -rf $(HEADERS)
	-rmdir $(PLUGINS) 2>/dev/null # other plugins may live there

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
