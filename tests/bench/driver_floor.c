/* driver_floor: the same requests with nothing but libcurl around them: as fast as a client can be. See driver.h.
 *
 *     acquire     POST /sandbox, then GET until it is started      release LEASE    DELETE /sandbox/LEASE
 *     execute LEASE SCRIPT         POST process/execute of sh -c SCRIPT: merged output, nothing durable
 *     stdin LEASE BYTES SCRIPT     the same with its input in a here-document, as a shell would be given it
 *     load LEASE COUNT INFLIGHT    that many `echo hi` over one curl_multi
 *     state
 */
#include <curl/curl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

struct answer {
    char *data;
    size_t len;
};

static CURL *easy;
static struct curl_slist *headers;
static char toolbox[1024]; /* …/toolbox */

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "driver_floor: %s\n", what);
    exit(2);
}

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct answer *answer = ctx;
    answer->data = realloc(answer->data, answer->len + size * count + 1);
    if (answer->data == NULL) die("out of memory");
    memcpy(answer->data + answer->len, data, size * count);
    answer->len += size * count;
    answer->data[answer->len] = '\0';
    return size * count;
}

static CURL *new_easy(void)
{
    CURL *made = curl_easy_init();
    const char *ca = getenv("BENCH_CA");
    if (headers == NULL) {
        char line[512];
        snprintf(line, sizeof line, "Authorization: Bearer %s", driver_setting("BENCH_KEY"));
        headers = curl_slist_append(NULL, line);
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
    }
    curl_easy_setopt(made, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(made, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(made, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(made, CURLOPT_PROXY, "");
    if (ca) curl_easy_setopt(made, CURLOPT_CAINFO, ca);
    return made;
}

/* Sends it; the answer's JSON, or NULL with outcome->error. */
static json_object *ask(const char *method, const char *url, const char *body, struct outcome *outcome)
{
    static char error[256];
    struct answer answer = {0};
    long status = 0;
    if (easy == NULL) easy = new_easy();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (body) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    CURLcode code = curl_easy_perform(easy);
    if (code == CURLE_SEND_ERROR) code = curl_easy_perform(easy); /* the kept connection had been closed */
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    json_object *json = answer.data ? json_tokener_parse(answer.data) : NULL;
    if (code != CURLE_OK || status / 100 != 2) {
        snprintf(error, sizeof error, "%s: %ld %s", curl_easy_strerror(code), status,
                 answer.data ? answer.data : "");
        outcome->error = error;
    }
    free(answer.data);
    return json;
}

static const char *member(json_object *json, const char *key)
{
    const char *value = json_object_get_string(json_object_object_get(json, key));
    return value ? value : "";
}

/* -- Verbs ------------------------------------------------------------------------------------- */

static void sandbox_url(char *url, size_t size, const char *lease)
{
    snprintf(url, size, "%s/sandbox%s%s", driver_setting("BENCH_API"), lease ? "/" : "", lease ? lease : "");
}

static void do_acquire(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    static char lease[256];
    char url[1024];
    (void)words;
    double begin = driver_now_ms();
    sandbox_url(url, sizeof url, NULL);
    json_object *sandbox = ask("POST", url, "{}", outcome);
    snprintf(lease, sizeof lease, "%s", member(sandbox, "id"));
    sandbox_url(url, sizeof url, lease);
    while (outcome->error == NULL && strcmp(member(sandbox, "state"), "started") != 0) {
        json_object_put(sandbox);
        sandbox = ask("GET", url, NULL, outcome);
    }
    snprintf(toolbox, sizeof toolbox, "%s", member(sandbox, "toolboxProxyUrl"));
    outcome->ms = driver_now_ms() - begin;
    outcome->lease = lease;
    json_object_put(sandbox);
}

static void do_release(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    char url[1024];
    sandbox_url(url, sizeof url, words[1]);
    double begin = driver_now_ms();
    json_object_put(ask("DELETE", url, NULL, outcome));
    outcome->ms = driver_now_ms() - begin;
}

/* Where the toolbox is: not part of what is measured. */
static void need_toolbox(const char *lease, struct outcome *outcome)
{
    char url[1024];
    if (toolbox[0] != '\0') return;
    sandbox_url(url, sizeof url, lease);
    json_object *sandbox = ask("GET", url, NULL, outcome);
    snprintf(toolbox, sizeof toolbox, "%s", member(sandbox, "toolboxProxyUrl"));
    json_object_put(sandbox);
}

static char *execute_body(const char *command)
{
    json_object *json = json_object_new_object();
    json_object_object_add(json, "command", json_object_new_string(command));
    char *body = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
    json_object_put(json);
    return body;
}

static void execute(const char *lease, const char *command, struct outcome *outcome)
{
    static char *output;
    char url[2048];
    need_toolbox(lease, outcome);
    snprintf(url, sizeof url, "%s/%s/process/execute", toolbox, lease);
    double begin = driver_now_ms();
    char *body = execute_body(command);
    json_object *ran = ask("POST", url, body, outcome);
    outcome->ms = driver_now_ms() - begin;
    free(body);
    free(output);
    output = strdup(member(ran, "result"));
    outcome->exit_code = json_object_get_int(json_object_object_get(ran, "exitCode"));
    outcome->output = output;
    outcome->output_len = strlen(output);
    json_object_put(ran);
}

/* sh -c 'SCRIPT'; scripts of the benchmark have no quotes. */
static void do_execute(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    char command[4096];
    snprintf(command, sizeof command, "sh -c '%s%s%s'", words[2] ? words[2] : "", words[3] ? " " : "",
             words[3] ? words[3] : "");
    execute(words[1], command, outcome);
}

static void do_stdin(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    size_t size = driver_number(words[2]);
    char *data = driver_input(size);
    char *command = malloc(size + 4096);
    if (command == NULL) die("out of memory");
    data[size] = '\0';
    snprintf(command, size + 4096, "sh -c '%s' << 'BENCH_EOF'\n%sBENCH_EOF\n", words[3] ? words[3] : "",
             data);
    execute(words[1], command, outcome);
    free(command);
    free(data);
}

/* -- Load -------------------------------------------------------------------------------------- */

struct slot {
    CURL *easy;
    struct answer answer;
    double began;
};

static void begin_one(CURLM *multi, struct slot *slot)
{
    slot->answer.len = 0;
    slot->began = driver_now_ms();
    curl_multi_add_handle(multi, slot->easy);
}

static struct slot *make_slots(size_t count, const char *url, const char *body)
{
    struct slot *slots = calloc(count, sizeof *slots);
    for (size_t i = 0; i < count; i++) {
        slots[i].easy = new_easy();
        curl_easy_setopt(slots[i].easy, CURLOPT_URL, url);
        curl_easy_setopt(slots[i].easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(slots[i].easy, CURLOPT_WRITEDATA, &slots[i].answer);
        curl_easy_setopt(slots[i].easy, CURLOPT_PRIVATE, &slots[i]);
    }
    return slots;
}

static bool is_right(const struct slot *slot, CURLcode code)
{
    return code == CURLE_OK && slot->answer.data && strstr(slot->answer.data, "hi\\n") != NULL;
}

static void run_load(CURLM *multi, struct slot *slots, size_t inflight, struct load *load, size_t count)
{
    int running;
    int left;
    size_t begun = 0;
    while (begun < inflight && begun < count)
        begin_one(multi, &slots[begun++]);
    while (load->count < count) {
        CURLMsg *message;
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            char *owner = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
            struct slot *slot = (struct slot *)(void *)owner;
            load->failed += !is_right(slot, message->data.result);
            load->ms[load->count++] = driver_now_ms() - slot->began;
            curl_multi_remove_handle(multi, slot->easy);
            if (begun++ < count) begin_one(multi, slot);
        }
        if (load->count < count) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

static void do_load(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    char url[2048];
    size_t count = driver_number(words[2]);
    size_t inflight = driver_number(words[3]);
    need_toolbox(words[1], outcome);
    snprintf(url, sizeof url, "%s/%s/process/execute", toolbox, words[1]);
    CURLM *multi = curl_multi_init();
    struct slot *slots = make_slots(inflight, url, "{\"command\":\"echo hi\"}");
    struct load load = {.ms = calloc(count + 1, sizeof(double)), .cpu_us = -driver_cpu_us()};
    double begin = driver_now_ms();
    run_load(multi, slots, inflight, &load, count);
    load.wall_ms = driver_now_ms() - begin;
    load.cpu_us += driver_cpu_us();
    outcome->more = driver_tell_load(&load);
    if (load.failed > 0) outcome->error = "some executes failed";
    for (size_t i = 0; i < inflight; i++) {
        curl_easy_cleanup(slots[i].easy);
        free(slots[i].answer.data);
    }
    curl_multi_cleanup(multi);
    free(slots);
    free(load.ms);
}

int main(void)
{
    static const struct verb verbs[] = {
        {"acquire", do_acquire},
        {"release", do_release},
        {"execute", do_execute},
        {"stdin", do_stdin},
        {"load", do_load},
        {"state", driver_state},
        {NULL, NULL},
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return driver_run(verbs);
}
