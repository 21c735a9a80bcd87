# Included by the top Makefile. Scripts: exit 0 and one line "ok - name" or "not ok - name: why".
CHECKS += $(addprefix tests/abi/, header_standalone.sh header_rules.sh layout.sh symbols.sh banned.sh docs.sh \
                                  sizes.sh singleuse.sh install.sh \
                                  gates_selftest.sh)
TESTS  += $(BUILD)/tests/abi/layout_test $(BUILD)/tests/abi/border_test

$(BUILD)/tests/abi/layout_fields.h: abi/eep.h tests/abi/strip_c.awk tests/abi/fields.awk
	@mkdir -p $(@D)
	awk -f tests/abi/strip_c.awk abi/eep.h | awk -f tests/abi/fields.awk > $@.new
	mv $@.new $@

$(BUILD)/tests/abi/layout_test: tests/abi/layout_test.c $(BUILD)/tests/abi/layout_fields.h
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -I$(@D) -o $@ $< $(LDFLAGS)

$(BUILD)/tests/abi/border_test: tests/abi/border_test.c | $(PLUGIN_SO)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DPLUGIN_SO='"$(PLUGIN_SO)"' -o $@ $< $(LDFLAGS) -lcmocka -ldl
