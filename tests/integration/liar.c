#include "liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/eep-liar-XXXXXX";

static const char liar[] =
    "answer=%s/answer\n"
    "[ -s $answer ] || exec sh\n"
    "text=$(cat)\n"
    "no=$(printf '%%s\\n' \"$text\" | sed -n \"s/^e_no='*\\([0-9a-f]*\\).*/\\1/p\" | sed 1q)\n"
    "id=$(printf '%%s\\n' \"$text\" | sed -n \"s/^e_id='*\\([A-Za-z0-9_-]*\\).*/\\1/p\" | sed 1q)\n"
    "asked=$(printf '%%s\\n' \"$text\" | grep -c '^e_digest=')\n"
    ". $answer\n";

static void write_file(const char *name, const char *content)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

void liar_start(const char *config)
{
    char script[1024];
    char shell[64];
    char all[128];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(script, sizeof script, liar, folder);
    write_file("liar", script);
    liar_answer("");
    snprintf(shell, sizeof shell, "/bin/sh %s/liar", folder);
    snprintf(all, sizeof all, "'runner':'sh'%s%s", config ? "," : "", config ? config : "");
    /* Without isolation the sandbox sees the script. */
    place_make((const char *const[]){"--isolation", "none", "--shell", shell, NULL}, all);
    EXPECT_RUN(env, lease, "echo honest", "honest\n");
}

void liar_answer(const char *text)
{
    write_file("answer", text);
}

int liar_be_honest(void **state)
{
    (void)state;
    liar_answer("");
    return 0;
}

int liar_stop(void **state)
{
    char command[128];
    liar_answer("");
    place_stop(state);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
