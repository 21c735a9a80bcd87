/* loader_test.c: every way in which a plugin can be unfit is told apart, in words that help. The unfit
 * plugins are bad_plugin.c, built into the folder bad/ beside this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hosts/loader/loader.h"

static char here[PATH_MAX]; /* the folder of this program */

static const char *bad(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/bad/%s.so", here, name);
    return path;
}

static void expect(const char *path, int32_t code, const char *words)
{
    char message[LOADER_MESSAGE_MAX] = "";
    const eep_plugin *plugin = (const eep_plugin *)1;
    assert_int_equal(loader_open(path, &plugin, message, sizeof(message)), code);
    assert_null(plugin);
    if (!strstr(message, words)) fail_msg("\"%s\" does not say \"%s\"", message, words);
    if (!strstr(message, path)) fail_msg("\"%s\" does not name the file", message);
}

static void loads_a_good_one(void **state)
{
    (void)state;
    char message[LOADER_MESSAGE_MAX] = "untouched";
    const eep_plugin *plugin = NULL;
    assert_int_equal(loader_open(bad("nothing"), &plugin, message, sizeof(message)), EEP_OK);
    assert_string_equal(plugin->id, "bad");
    const eep_plugin *again = NULL;
    assert_int_equal(loader_open(bad("nothing"), &again, message, sizeof(message)), EEP_OK);
    assert_ptr_equal(plugin, again);
    assert_string_equal(message, "untouched");
}

static void refuses_broken_ones(void **state)
{
    (void)state;
    expect(bad("no_entry"), EEP_E_INVALID_ARGUMENT, "exports no function eep_plugin_v1");
    expect(bad("null_table"), EEP_E_INTERNAL, "returned no table");
    expect(bad("small_table"), EEP_E_INTERNAL, "ABI 1.0 has");
    expect(bad("too_new"), EEP_E_UNSUPPORTED, "needs a host that knows ABI 1.");
    expect(bad("null_slot"), EEP_E_INTERNAL, "the slot `execute` of its table is NULL");
    expect(bad("null_text"), EEP_E_INTERNAL, "the slot `vendor` of its table is NULL");
    expect(bad("no_library"), EEP_E_INVALID_ARGUMENT, "eep_bad_plugin_missing_symbol");
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    expect("/nowhere/plugin.so", EEP_E_NOT_FOUND, "there is no plugin at");
    expect(here, EEP_E_INVALID_ARGUMENT, "is not a shared object");
}

static void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void refuses_what_is_no_shared_object(void **state)
{
    (void)state;
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/text.so", here);
    write_file(path, "this is a text\n", 15);
    expect(path, EEP_E_INVALID_ARGUMENT, "is not a shared object");
    write_file(path, "", 0);
    expect(path, EEP_E_INVALID_ARGUMENT, "is not a shared object");
    unlink(path);
}

static void refuses_another_machine(void **state)
{
    (void)state;
    char path[PATH_MAX + 64];
    Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                         .e_type = ET_DYN,
                         .e_machine = EM_S390,
                         .e_version = EV_CURRENT,
                         .e_ehsize = sizeof(header)};
    snprintf(path, sizeof(path), "%s/machine.so", here);
    write_file(path, &header, sizeof(header));
    expect(path, EEP_E_INVALID_ARGUMENT, "another kind of machine");
    unlink(path);
}

static void a_bare_name_is_a_local_file(void **state)
{
    (void)state;
    char message[LOADER_MESSAGE_MAX];
    const eep_plugin *plugin = NULL;
    assert_int_equal(loader_open("libc.so.6", &plugin, message, sizeof(message)), EEP_E_NOT_FOUND);
    assert_non_null(strstr(message, "./libc.so.6"));
}

static void a_small_message_buffer_is_respected(void **state)
{
    (void)state;
    char message[8] = "abcdefg";
    const eep_plugin *plugin = NULL;
    assert_int_equal(loader_open("/nowhere", &plugin, message, 4), EEP_E_NOT_FOUND);
    assert_memory_equal(message, "the\0efg", 8);
    assert_int_equal(loader_open("/nowhere", &plugin, NULL, 0), EEP_E_NOT_FOUND);
}

static void find_prefers_the_argument_then_the_variable(void **state)
{
    (void)state;
    char path[PATH_MAX];
    char message[LOADER_MESSAGE_MAX];
    char beside[PATH_MAX + 64];
    snprintf(beside, sizeof(beside), "%s/x.so", here);

    setenv("EEP_PLUGIN", "/from/variable.so", 1);
    assert_int_equal(loader_find("/a.so", "x.so", path, sizeof(path), message, sizeof(message)), EEP_OK);
    assert_string_equal(path, "/a.so");
    assert_int_equal(loader_find(NULL, "x.so", path, sizeof(path), message, sizeof(message)), EEP_OK);
    assert_string_equal(path, "/from/variable.so");
    setenv("EEP_PLUGIN", "", 1);
    assert_int_equal(loader_find(NULL, "x.so", path, sizeof(path), message, sizeof(message)), EEP_OK);
    assert_string_equal(path, beside);
    unsetenv("EEP_PLUGIN");
    assert_int_equal(loader_find(NULL, "x.so", path, sizeof(path), message, sizeof(message)), EEP_OK);
    assert_string_equal(path, beside);
    assert_int_equal(loader_find(NULL, "x.so", path, 4, message, sizeof(message)), EEP_E_NOT_FOUND);
}

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);
    if (length < 0) return 1;
    *strrchr(here, '/') = '\0';
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_good_one),
        cmocka_unit_test(refuses_broken_ones),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(refuses_what_is_no_shared_object),
        cmocka_unit_test(refuses_another_machine),
        cmocka_unit_test(a_bare_name_is_a_local_file),
        cmocka_unit_test(a_small_message_buffer_is_respected),
        cmocka_unit_test(find_prefers_the_argument_then_the_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
