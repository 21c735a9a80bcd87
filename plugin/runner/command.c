#include "runner/command.h"

#include <string.h>

#include "base/str.h"
#include "runner/native.h"
#include "runner/quote.h"

static eep_str argument(const struct runner_command *command, uint32_t index)
{
    size_t stride = command->argv_stride ? command->argv_stride : sizeof(eep_str);
    return *(const eep_str *)((const char *)command->argv + index * stride);
}

static eep_pair variable(const struct runner_command *command, uint32_t index)
{
    size_t stride = command->env_stride ? command->env_stride : sizeof(eep_pair);
    return *(const eep_pair *)((const char *)command->env + index * stride);
}

eep_str command_shell(const struct runner_command *command)
{
    if (!command_has_script(command)) return (eep_str){0};
    return str_empty(command->shell) ? STR("auto") : command->shell;
}

bool command_has_script(const struct runner_command *command)
{
    return command->argv_count == 0 || command->login;
}

bool command_sets_path(const struct runner_command *command)
{
    for (uint32_t i = 0; i < command->env_count; i++)
        if (str_is(variable(command, i).name, "PATH")) return true;
    return false;
}

/* export A='…' with `separator` behind each. */
static int put_env(struct buf *out, const struct runner_command *command, char separator)
{
    for (uint32_t i = 0; i < command->env_count; i++) {
        eep_pair pair = variable(command, i);
        TRY(buf_append_cstr(out, "export "));
        TRY(buf_append_str(out, pair.name));
        TRY(buf_append_char(out, '='));
        TRY(quote_raw(out, pair.value));
        TRY(buf_append_char(out, separator));
    }
    return EEP_OK;
}

static int put_argv(struct buf *out, const struct runner_command *command)
{
    for (uint32_t i = 0; i < command->argv_count; i++) {
        TRY(buf_append_char(out, ' '));
        TRY(quote_raw(out, argument(command, i)));
    }
    return buf_append_char(out, '\n');
}

int command_settings(struct buf *out, const struct runner_command *command)
{
    /* Profiles come before the caller's environment: then it is the script's matter. */
    if (command->login) return EEP_OK;
    TRY(put_env(out, command, '\n'));
    if (command->argv_count == 0) return EEP_OK;
    TRY(buf_append_cstr(out, "set -- \"$@\""));
    return put_argv(out, command);
}

/* The profiles in the order that eep.h tells; a shell's own -l reads others, each shell its own. The folder is that of
 * the command again, wherever they went. */
static const char profiles[] = "eep_cwd=$PWD;"
                               "[ ! -f /etc/profile ] || . /etc/profile;"
                               "[ ! -f ~/.profile ] || . ~/.profile;"
                               "if [ -f ~/.bash_profile ];then . ~/.bash_profile;"
                               "elif [ -f ~/.bashrc ];then . ~/.bashrc;fi;"
                               "[ ! -f ~/.zprofile ] || . ~/.zprofile;"
                               "cd \"$eep_cwd\";unset eep_cwd;set --;";

int command_script(struct buf *out, const struct runner_command *command)
{
    if (!command_has_script(command)) return EEP_OK;
    if (command->login) {
        /* On the first line, so that the script's line numbers stay. Takes the streams back from where
         * supervise.sh has hidden them from the profiles. */
        TRY(buf_append_cstr(out, profiles));
        TRY(buf_append_cstr(out, "exec <&7 >&4 2>&5 4>&- 5>&- 7<&-;"));
        TRY(put_env(out, command, ';'));
    }
    if (command->argv_count == 0) return buf_append_str(out, command->script);
    TRY(buf_append_cstr(out, "exec"));
    return put_argv(out, command);
}

/* Without a shell around it the environment travels by itself; with login profiles the script sets it after them. */
static int native_env(struct buf *fields, const struct runner_command *command)
{
    CLEANUP(buf_finish_secret) struct buf pair = BUF_INIT(fields->max);
    for (uint32_t i = 0; i < command->env_count && !command->login; i++) {
        buf_reset(&pair);
        TRY(buf_append_str(&pair, variable(command, i).name));
        TRY(buf_append_char(&pair, '='));
        TRY(buf_append_str(&pair, variable(command, i).value));
        TRY(native_field(fields, "env", buf_str(&pair)));
    }
    return EEP_OK;
}

static int native_script(struct buf *fields, const struct runner_command *command)
{
    CLEANUP(buf_finish_secret) struct buf script = BUF_INIT(fields->max);
    TRY(command_script(&script, command));
    TRY(native_field(fields, "shell", command_shell(command)));
    return native_field(fields, "script", buf_str(&script));
}

int command_fields(struct buf *fields, const struct runner_command *command)
{
    if (command->merge) TRY(native_field(fields, "merge", STR("")));
    if (command->login) TRY(native_field(fields, "login", STR("")));
    if (!str_empty(command->cwd)) TRY(native_field(fields, "cwd", command->cwd));
    TRY(native_env(fields, command));
    if (command->stdin_data.len > 0)
        TRY(native_field(fields, "input", (eep_str){command->stdin_data.ptr, command->stdin_data.len}));
    if (command_has_script(command)) return native_script(fields, command);
    for (uint32_t i = 0; i < command->argv_count; i++)
        TRY(native_field(fields, "arg", argument(command, i)));
    return EEP_OK;
}

static int check_env(const struct runner_command *command, struct err *err)
{
    for (uint32_t i = 0; i < command->env_count; i++) {
        eep_pair pair = variable(command, i);
        if (!str_is_env_name(pair.name))
            return err_set(err, EEP_E_INVALID_ARGUMENT, "env[%u]: a name must match [A-Za-z_][A-Za-z0-9_]*",
                           i);
        if (str_has_byte(pair.value, '\0'))
            return err_set(err, EEP_E_INVALID_ARGUMENT, "env[%u]: the value holds a NUL", i);
    }
    return EEP_OK;
}

static int check_argv(const struct runner_command *command, struct err *err)
{
    for (uint32_t i = 0; i < command->argv_count; i++)
        if (str_has_byte(argument(command, i), '\0'))
            return err_set(err, EEP_E_INVALID_ARGUMENT, "argv[%u] holds a NUL", i);
    if (command->argv_count > 0 && str_empty(argument(command, 0)))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "argv[0] is empty");
    return EEP_OK;
}

int command_check(const struct runner_command *command, struct err *err)
{
    if ((command->argv_count > 0) == !str_absent(command->script))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "give either argv or script");
    if (str_has_byte(command->script, '\0'))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the script holds a NUL");
    if (str_has_byte(command->shell, '\0') || str_has_prefix(command->shell, "-"))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the shell is not the path of a program");
    if (str_has_byte(command->cwd, '\0'))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the working directory holds a NUL");
    TRY(check_argv(command, err));
    return check_env(command, err);
}

static void add_bytes(struct sha256 *hash, const void *data, size_t len)
{
    /* Absent and empty differ. */
    sha256_add(hash, data ? "+" : "-", 1);
    sha256_add_field(hash, (eep_str){data ? data : "", data ? len : 0});
}

static void add_str(struct sha256 *hash, eep_str text)
{
    add_bytes(hash, text.ptr, text.len);
}

int runner_digest(eep_str id, const struct runner_command *command, char hex[RUNNER_DIGEST_LEN + 1],
                  struct err *err)
{
    TRY(command_check(command, err));
    struct sha256 hash;
    char full[SHA256_HEX + 1];
    unsigned char flags[2] = {command->merge, command->login};
    sha256_init(&hash);
    sha256_add_field(&hash, STR("EEP1"));
    sha256_add_field(&hash, id);
    sha256_add(&hash, flags, sizeof flags);
    sha256_add(&hash, &command->argv_count, sizeof command->argv_count);
    for (uint32_t i = 0; i < command->argv_count; i++)
        add_str(&hash, argument(command, i));
    sha256_add(&hash, &command->env_count, sizeof command->env_count);
    for (uint32_t i = 0; i < command->env_count; i++) {
        add_str(&hash, variable(command, i).name);
        add_str(&hash, variable(command, i).value);
    }
    add_str(&hash, command->script);
    add_str(&hash, command->shell);
    add_str(&hash, command->cwd);
    add_bytes(&hash, command->stdin_data.ptr, command->stdin_data.len);
    sha256_final_hex(&hash, full);
    memcpy(hex, full, RUNNER_DIGEST_LEN);
    hex[RUNNER_DIGEST_LEN] = '\0';
    return EEP_OK;
}
