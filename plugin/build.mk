# The plugin: build/eep-daytona.so, and the unit tests that stand beside its sources.

PLUGIN_TEST_SRC := $(wildcard plugin/*_test.c plugin/*/*_test.c)
PLUGIN_SRC      := $(filter-out $(PLUGIN_TEST_SRC),$(wildcard plugin/*.c plugin/*/*.c))
PLUGIN_OBJ      := $(PLUGIN_SRC:%.c=$(BUILD)/%.o)
PLUGIN_SO       := $(BUILD)/eep-daytona.so

CURL_CFLAGS := $(shell pkg-config --cflags libcurl 2>/dev/null)
CURL_LIBS   := $(shell pkg-config --libs libcurl 2>/dev/null || echo -lcurl)
CPPFLAGS    += $(CURL_CFLAGS)

# json-c is linked statically and hidden: a host may bring its own JSON library with the same names.
JSONC_STATIC ?= -l:libjson-c.a

# Its call for a copy of the locale comes to us (base/json.c).
JSONC := $(JSONC_STATIC) -Wl,--wrap=duplocale

PLUGIN_LDFLAGS := -shared -Wl,-soname,eep-daytona.so -Wl,--version-script=plugin/exports.map \
                  -Wl,--exclude-libs,ALL -Wl,-z,nodelete,-z,now,-z,relro -Wl,--gc-sections
# The sanitizers' runtime lives in the host program, so undefined symbols are allowed only there.
ifeq ($(SAN),)
PLUGIN_LDFLAGS += -Wl,-z,defs
endif

$(PLUGIN_SO): $(PLUGIN_OBJ) plugin/exports.map
	echo "  LINK  $@"
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(PLUGIN_LDFLAGS) $(PLUGIN_OBJ) $(JSONC) $(CURL_LIBS) -lpthread -o $@

PROGRAMS += $(PLUGIN_SO)

# A text that becomes part of the .so: plugin/x/NAME.sh -> $(BUILD)/gen/NAME_sh.h, a C string.
$(BUILD)/gen/%_sh.h: plugin/runner/%.sh tools/embed
	@mkdir -p $(@D)
	tools/embed --shell $*_sh $< > $@

$(BUILD)/gen/%_json.h: plugin/%.json tools/embed
	@mkdir -p $(@D)
	tools/embed --text $*_json $< > $@

# Unit tests: plugin/a/b_test.c is linked with all objects of the plugin, and with what tests share.
TEST_SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

$(BUILD)/plugin/%_test: $(BUILD)/plugin/%_test.o $(PLUGIN_OBJ) $(TEST_SUPPORT_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(JSONC) $(CURL_LIBS) -lcmocka -lpthread -o $@

TESTS += $(PLUGIN_TEST_SRC:%.c=$(BUILD)/%)

-include plugin/config.mk
include plugin/runner/build.mk
