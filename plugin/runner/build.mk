# What the plugin puts into sandboxes: the shell texts that request.c embeds, and the native runner for each CPU that a
# compiler is there for. It needs no library, so any C compiler for the CPU will do; without one, sandboxes of that CPU
# use the runner in sh.
RUNNER_SH := base common ladder keep supervise start attach kill drop list clean prepare place needs examine

$(BUILD)/plugin/runner/texts.o: $(RUNNER_SH:%=$(BUILD)/gen/%_sh.h)

NATIVE_SRC := $(wildcard plugin/runner/native/*.c)
NATIVE_HDR := $(wildcard plugin/runner/native/*.h)
NATIVE_CPU := x86_64 aarch64
NATIVE_BIN := $(NATIVE_CPU:%=$(BUILD)/native/%)

# A compiler may have been installed since.
$(shell CC="$(CC)" tools/cross --late $(BUILD) $(NATIVE_CPU))

NATIVE_CFLAGS := -std=gnu11 -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -fno-pic -ffunction-sections \
                 -fno-unwind-tables -fno-asynchronous-unwind-tables
NATIVE_LDFLAGS := -static -nostdlib -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -s

$(NATIVE_BIN): $(BUILD)/native/%: $(NATIVE_SRC) $(NATIVE_HDR) tools/cross plugin/runner/build.mk
	mkdir -p $(@D)
	echo "  NATIVE $*"
	CC="$(CC)" tools/cross $* $(NATIVE_CFLAGS) $(WARN) $(WERROR) $(NATIVE_LDFLAGS) $(NATIVE_SRC) -o $@

$(BUILD)/gen/native_programs.h: $(NATIVE_BIN) tools/embed
	mkdir -p $(@D)
	tools/embed --programs native_programs $(NATIVE_BIN) > $@

$(BUILD)/plugin/runner/native.o: $(BUILD)/gen/native_programs.h
