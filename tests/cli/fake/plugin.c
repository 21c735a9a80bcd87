/* plugin.c: the table. */
#include "fake.h"

static const void *fake_get_extension(const char *id)
{
    (void)id;
    return NULL;
}

static const eep_plugin table = {
    .struct_size = sizeof(eep_plugin),
    .abi_minor = EEP_ABI_MINOR,
    .id = "fake",
    .name = "Folders of this machine (for tests)",
    .version = "0.0.1",
    .vendor = "tests/cli",
    .license = "MIT",
    .url = "about:blank",
    .build_info = "test build",
    .config_schema = "{\"type\": \"object\", \"properties\": {\"dir\": {\"type\": \"string\"}}}",
    .validate_config = fake_validate,
    .open = fake_open,
    .close = fake_close,
    .probe = fake_probe,
    .acquire_lease = fake_acquire,
    .resume_lease = fake_resume,
    .realize_workspace = fake_realize,
    .execute = fake_execute,
    .release = fake_release,
    .clear = fake_clear,
    .cancel_create = fake_cancel_create,
    .cancel_fire = fake_cancel_fire,
    .cancel_destroy = fake_cancel_destroy,
    .get_extension = fake_get_extension,
};

const eep_plugin *eep_plugin_v1(void)
{
    return &table;
}
