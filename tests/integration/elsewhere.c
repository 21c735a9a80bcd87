#include "elsewhere.h"

#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"
#include "process.h"

/* -- There ------------------------------------------------------------------------------------- */

bool elsewhere_is_asked(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "attach") == 0 || strcmp(argv[1], "execute") == 0);
}

/* ID FROM OUTPUT CODE */
static int attach(char **words)
{
    OUTCOME attached = ATTACH(words[0], .stdout_from = strtoull(words[1], NULL, 10));
    bool right = attached.code == EEP_OK && attached.execution.exit_code == atoi(words[3]) &&
                 attached.execution.stdout_data.len == strlen(words[2]) &&
                 memcmp(attached.execution.stdout_data.ptr, words[2], strlen(words[2])) == 0;
    if (!right)
        fprintf(stderr, "code %d (%s), exit code %d, output \"%s\"\n", attached.code,
                attached.code ? attached.err.message.ptr : "", attached.execution.exit_code,
                attached.code ? "" : (const char *)attached.execution.stdout_data.ptr);
    return right ? 0 : 1;
}

/* ID SCRIPT */
static int execute(char **words)
{
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(words[0]), .script = text(words[1]));
    return ran.code;
}

/* attach or execute, API, LEASE, and the words of each. */
int elsewhere_main(char **argv)
{
    snprintf(standin.api, sizeof standin.api, "%s", argv[2]);
    snprintf(lease, sizeof lease, "%s", argv[3]);
    env = host_open(&standin, NULL);
    int status = strcmp(argv[1], "attach") == 0 ? attach(argv + 4) : execute(argv + 4);
    plugin()->close(env);
    return status;
}

/* -- Here -------------------------------------------------------------------------------------- */

pid_t elsewhere_begin_attach(const char *id, const char *from, const char *output, const char *code)
{
    const char *const words[] = {"attach", standin.api, lease, id, from, output, code, NULL};
    return process_start_self(words);
}

void elsewhere_attach(const char *id, const char *from, const char *output, const char *code)
{
    assert_int_equal(process_await(elsewhere_begin_attach(id, from, output, code)), 0);
}

pid_t elsewhere_begin_execute(const char *id, const char *script)
{
    const char *const words[] = {"execute", standin.api, lease, id, script, NULL};
    return process_start_self(words);
}
