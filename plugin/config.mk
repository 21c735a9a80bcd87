# The configuration: its schema is part of the table (entry.c), and one of its tests makes memory run out.

$(BUILD)/plugin/entry.o $(BUILD)/plugin/config_schema_test.o: $(BUILD)/gen/config_schema_json.h

$(BUILD)/plugin/config_memory_test: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup \
                                               -Wl,--wrap=json_tokener_parse_ex,--wrap=lh_table_insert_w_hash
