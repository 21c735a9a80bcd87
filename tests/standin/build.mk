# tests/standin/build.mk: the stand-in and its tests. Included by the top Makefile, which sets BUILD, CC, CFLAGS,
# LDFLAGS, WARN, WERROR and SAN. Test programs are added to TESTS; they want STANDIN=$(BUILD)/daytona-standin.

STANDIN_OUT  := $(BUILD)/tests/standin
STANDIN_FLAGS = -std=c11 -D_GNU_SOURCE -Itests/standin -pthread

STANDIN_SRC := $(addprefix tests/standin/, \
    main.c options.c server.c response.c routes.c request.c auth.c throttle.c rate.c quota.c reqlog.c faults.c control.c \
    api_misc.c api_usage.c api_create.c create_check.c api_list.c list_query.c api_sandbox.c api_settings.c labels.c \
    toolbox.c toolbox_exec.c toolbox_code.c execution.c outcome.c go_json.c go_error.c go_path.c json_scan.c \
    sandbox.c history.c registry.c keeper.c isolate.c bwrap.c store.c persist.c \
    toolbox_files.c toolbox_transfer.c toolbox_search.c form.c media_type.c upload.c file_info.c multipart.c range.c \
    buf.c clock.c fail.c fd.c json_out.c mem.c signals.c url.c utf8.c uuid.c)
STANDIN_AGENT_SRC := $(addprefix tests/standin/, \
    agent.c agent_exec.c agent_files.c agent_search.c agent_glob.c agent_descendants.c agent_seccomp.c fd.c \
    go_path.c signals.c utf8.c)

PROGRAMS += $(BUILD)/daytona-standin $(BUILD)/standin-agent

STANDIN_OBJ       := $(STANDIN_SRC:tests/standin/%.c=$(STANDIN_OUT)/%.o)
STANDIN_AGENT_OBJ := $(STANDIN_AGENT_SRC:tests/standin/%.c=$(STANDIN_OUT)/%.o)

$(STANDIN_OUT)/%.o: tests/standin/%.c
	@mkdir -p $(@D)
	echo "  CC    $<"
	$(CC) $(STANDIN_FLAGS) $(WARN) $(WERROR) $(CFLAGS) $(SAN) -MMD -MP -c -o $@ $<

# The server looks for the agent next to itself.
$(BUILD)/daytona-standin: $(STANDIN_OBJ) | $(BUILD)/standin-agent
	$(CC) $(CFLAGS) $(SAN) -pthread -o $@ $(STANDIN_OBJ) $(LDFLAGS) -lmicrohttpd -ljson-c

$(BUILD)/standin-agent: $(STANDIN_AGENT_OBJ)
	$(CC) $(CFLAGS) $(SAN) -o $@ $(STANDIN_AGENT_OBJ) $(LDFLAGS)

# Tests: pure parts, then programs that drive the real server.
STANDIN_LIB_OBJ  := $(filter-out $(STANDIN_OUT)/main.o,$(STANDIN_OBJ))
STANDIN_DRIVERS  := $(addprefix $(STANDIN_OUT)/,api_test execute_test files_test isolation_test control_test faults_test state_test service_test wire_test)
TESTS            += $(STANDIN_OUT)/pure_test $(STANDIN_DRIVERS)

$(STANDIN_OUT)/pure_test: $(STANDIN_OUT)/pure_test.o $(STANDIN_LIB_OBJ)
	$(CC) $(CFLAGS) $(SAN) -pthread -o $@ $^ $(LDFLAGS) -lmicrohttpd -ljson-c -lcmocka

$(STANDIN_DRIVERS): %: %.o $(STANDIN_OUT)/harness.o $(STANDIN_OUT)/shared.o | $(BUILD)/daytona-standin
	$(CC) $(CFLAGS) $(SAN) -pthread -o $@ $^ $(LDFLAGS) -lcurl -ljson-c -lcmocka

-include $(wildcard $(STANDIN_OUT)/*.d)

# What it costs; no test, as nothing here depends on times.
$(STANDIN_OUT)/bench: %: %.o $(STANDIN_OUT)/harness.o | $(BUILD)/daytona-standin
	$(CC) $(CFLAGS) $(SAN) -pthread -o $@ $^ $(LDFLAGS) -lcurl -ljson-c -lcmocka

.PHONY: standin-bench
standin-bench: $(STANDIN_OUT)/bench
	STANDIN=$(BUILD)/daytona-standin $<
