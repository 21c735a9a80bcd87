#!/usr/bin/env node
// typescript_adapter_test.mjs: what an orchestrator does with the official TypeScript SDK, done to the stand-in, request by request.
//
// The plugin of paperclip is not here; its calls of the SDK are, in their order, with the outcomes it counts on.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { runTests, startStandin } from "./standin.mjs";
import { sdk } from "./typescript_sdk.mjs";

const { Daytona, DaytonaBadRequestError, DaytonaNotFoundError, DaytonaTimeoutError } = sdk;

const CREATE = "POST /api/sandbox", GET = "GET /api/sandbox/{id}", DELETE = "DELETE /api/sandbox/{id}";
const START = "POST /api/sandbox/{id}/start", STOP = "POST /api/sandbox/{id}/stop", RECOVER = "POST /api/sandbox/{id}/recover";
const EXECUTE = "POST /toolbox/{id}/process/execute", WORK_DIR = "GET /toolbox/{id}/work-dir", FOLDER = "POST /toolbox/{id}/files/folder";
const UPLOAD = "POST /toolbox/{id}/files/bulk-upload", REMOVE = "DELETE /toolbox/{id}/files";
const SECONDS = 300;

const standin = await startStandin("--control");
for (const name of Object.keys(process.env)) if (name.startsWith("DAYTONA_")) delete process.env[name];

// A client for each step, as the plugin makes one.
const client = () => new Daytona({ apiKey: standin.key, apiUrl: standin.apiUrl });

// These requests since the last look. Looks at a state may be repeated: how often is a matter of time.
async function expectRequests(...expected) {
    const log = (await standin.takeLog()).filter((entry) => !entry.startsWith("GET /api/socket.io"));
    assert.deepEqual(log.filter((entry, n) => entry !== GET || log[n - 1] !== GET), expected);
}

const labels = (more) => ({
    "paperclip-provider": "daytona", "paperclip-company-id": "c1", "paperclip-environment-id": "e1", "paperclip-reuse-lease": "true", ...more,
});

function create(more) {
    return client().create({ labels: labels(more), language: "python", autoStopInterval: 15, autoArchiveInterval: 60, autoDeleteInterval: 10080 }, { timeout: SECONDS });
}

async function prepare(sandbox) {
    const root = (await sandbox.getWorkDir())?.trim() || (await sandbox.getUserHomeDir())?.trim() || "/home/daytona";
    const workspace = `${root}/paperclip-workspace`;
    await sandbox.fs.createFolder(workspace, "755");
    const shell = await sandbox.process.executeCommand("command -v bash >/dev/null && printf bash || printf sh", undefined, undefined, SECONDS);
    assert.equal(shell.result.trim(), "bash");
    return workspace;
}

async function started(id) {
    const sandbox = await client().get(id);
    if (sandbox.state === "error" && sandbox.recoverable) await sandbox.recover(SECONDS);
    else if (sandbox.state !== "started") await sandbox.start(SECONDS);
    return sandbox;
}

const quote = (text) => `'${text.replaceAll("'", `'"'"'`)}'`;

async function execute(id, command, { cwd, env = {}, stdin, seconds = SECONDS } = {}) {
    const sandbox = await started(id);
    const input = stdin === undefined ? undefined : `/tmp/paperclip-stdin-${randomUUID()}`;
    const variables = Object.entries(env).map(([key, value]) => `${key}=${quote(value)}`);
    const steps = [
        "if [ -f /etc/profile ]; then . /etc/profile >/dev/null 2>&1 || true; fi",
        'if [ -f "$HOME/.profile" ]; then . "$HOME/.profile" >/dev/null 2>&1 || true; fi',
        ...(cwd ? [`cd ${quote(cwd)}`] : []),
        [...(variables.length ? ["env", ...variables] : []), ...command.map(quote), ...(input ? ["<", quote(input)] : [])].join(" "),
    ];
    try {
        if (input) await sandbox.fs.uploadFile(Buffer.from(stdin), input, seconds);
        return await sandbox.process.executeCommand(steps.join(" && "), undefined, undefined, seconds);
    } finally {
        if (input) await sandbox.fs.deleteFile(input).catch(() => undefined);
    }
}

const tests = {
    probe: async () => {
        await standin.takeLog();
        const sandbox = await create();
        await prepare(sandbox);
        await sandbox.delete(SECONDS);
        await expectRequests(CREATE, WORK_DIR, FOLDER, EXECUTE, DELETE);
    },

    acquire_execute_release_resume_destroy: async () => {
        const made = await create({ "paperclip-run-id": "r1" });
        const workspace = await prepare(made);
        assert.equal(made.labels["paperclip-run-id"], "r1");
        await standin.takeLog();

        const answer = await execute(made.id, ["sh", "-c", 'pwd; cat; printf %s "$K"'], { cwd: workspace, env: { K: "it's $x" }, stdin: "input\n" });
        assert.deepEqual([answer.exitCode, answer.result], [0, `${workspace}\ninput\nit's $x`]);
        await expectRequests(GET, UPLOAD, EXECUTE, REMOVE);
        assert.equal((await execute(made.id, ["sh", "-c", "ls /tmp; exit 7"])).exitCode, 7);
        await execute(made.id, ["touch", "kept"], { cwd: workspace });
        await standin.takeLog();

        await (await client().get(made.id)).stop(SECONDS); // release
        await expectRequests(GET, STOP, GET);
        const again = await started(made.id); // resume
        assert.equal(await prepare(again), workspace);
        await expectRequests(GET, START, WORK_DIR, FOLDER, EXECUTE);
        assert.equal((await execute(made.id, ["ls"], { cwd: workspace })).result, "kept\n");
        await (await client().get(made.id)).delete(SECONDS); // destroy
        await assert.rejects(client().get(made.id), DaytonaNotFoundError);
    },

    empty_standard_input_is_a_file: async () => {
        const made = await create();
        assert.equal((await execute(made.id, ["wc", "-c"], { stdin: "" })).result.trim(), "0");
        await made.delete();
    },

    the_profile_comes_before_the_callers_variables: async () => {
        const made = await create();
        await made.process.executeCommand("echo 'export K=profile P=profile; echo noise' > ~/.profile");
        assert.equal((await execute(made.id, ["sh", "-c", "echo $K $P"], { env: { K: "caller" } })).result, "caller profile\n");
        await made.delete();
    },

    a_directory_that_is_not_there: async () => {
        const made = await create();
        const answer = await execute(made.id, ["touch", "/tmp/ran"], { cwd: "/no/such" });
        assert.notEqual(answer.exitCode, 0);
        assert.equal((await made.process.executeCommand("test -e /tmp/ran")).exitCode, 1);
        await made.delete();
    },

    a_time_limit_is_an_error_of_its_own_kind: async () => {
        const made = await create();
        await assert.rejects(execute(made.id, ["sleep", "20"], { seconds: 1, stdin: "x" }), (error) =>
            error instanceof DaytonaTimeoutError && /command execution timeout/.test(error.message));
        assert.equal((await made.process.executeCommand("ls /tmp | grep -c paperclip-stdin")).result, "0\n");
        await made.delete();
    },

    resume_recovers_what_can_be_recovered: async () => {
        const made = await create();
        await standin.call("PUT", `/_standin/sandboxes/${made.id}`, { state: "error", errorReason: "disk full", recoverable: true });
        await standin.takeLog();
        assert.equal((await started(made.id)).state, "started");
        await expectRequests(GET, RECOVER);
        await made.delete();
    },

    release_of_a_sandbox_in_error_falls_back_to_delete: async () => {
        const made = await create();
        await standin.call("PUT", `/_standin/sandboxes/${made.id}`, { state: "error", errorReason: "lost", recoverable: false });
        const sandbox = await client().get(made.id);
        await assert.rejects(sandbox.stop(SECONDS), DaytonaBadRequestError);
        await sandbox.delete(SECONDS);
        await assert.rejects(client().get(made.id), DaytonaNotFoundError);
    },

    resume_of_a_sandbox_that_is_gone: async () => {
        await standin.takeLog();
        await assert.rejects(client().get("nobody"), DaytonaNotFoundError);
    },
};

const good = await runTests(tests);
await standin.end();
process.exit(good ? 0 : 1); // the SDK keeps a socket and timers
