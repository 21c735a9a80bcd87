#!/usr/bin/env node
// typescript_sdk_test.mjs: the official TypeScript SDK, unmodified, against the stand-in: only its URL and its key are set.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { runTests, startStandin } from "./standin.mjs";
import { sdk } from "./typescript_sdk.mjs";

const { Daytona, DaytonaBadRequestError, DaytonaError, DaytonaNotFoundError, DaytonaTimeoutError } = sdk;

const standin = await startStandin("--control");
for (const name of Object.keys(process.env)) if (name.startsWith("DAYTONA_")) delete process.env[name];
process.env.DAYTONA_API_URL = standin.apiUrl;
process.env.DAYTONA_API_KEY = standin.key;
const daytona = new Daytona();
const shared = await daytona.create();
const { process: commands, fs } = shared;

async function collect(iterator) {
    const all = [];
    for await (const item of iterator) all.push(item);
    return all;
}

// A sandbox for the length of a test.
async function withSandbox(params, test) {
    const sandbox = await daytona.create(params);
    try {
        await test(sandbox);
    } finally {
        await sandbox.delete().catch((error) => {
            if (!(error instanceof DaytonaNotFoundError)) throw error;
        });
    }
}

const lifecycle = {
    create_default: () => withSandbox(undefined, async (sandbox) => {
        assert.equal(sandbox.state, "started");
        assert.equal(sandbox.labels["code-toolbox-language"], "python");
    }),

    create_from_a_snapshot: () => withSandbox({
        snapshot: "snap", name: "from-snapshot", labels: { a: "b" }, envVars: { FROM: "create" },
        autoStopInterval: 0, autoArchiveInterval: 60, autoDeleteInterval: 120,
    }, async (sandbox) => {
        assert.deepEqual([sandbox.snapshot, sandbox.name, sandbox.labels.a], ["snap", "from-snapshot", "b"]);
        assert.deepEqual([sandbox.autoStopInterval, sandbox.autoArchiveInterval, sandbox.autoDeleteInterval], [0, 60, 120]);
        assert.equal((await sandbox.process.executeCommand("echo $FROM")).result, "create\n");
    }),

    create_from_an_image_with_resources: () => withSandbox({
        image: "debian:12", resources: { cpu: 2, memory: 4, disk: 5 }, labels: { from: "image" },
    }, async (sandbox) => {
        assert.deepEqual([sandbox.cpu, sandbox.memory, sandbox.disk, sandbox.labels.from], [2, 4, 5, "image"]);
        assert.equal((await daytona.get(sandbox.id)).buildInfo.dockerfileContent, "FROM debian:12\n");
    }),

    get_by_id_and_by_name: () => withSandbox({ name: "named/with slash" }, async (sandbox) => {
        assert.equal((await daytona.get("named/with slash")).id, sandbox.id);
        assert.equal((await daytona.get(sandbox.id)).name, "named/with slash");
        await assert.rejects(daytona.get("nobody"), DaytonaNotFoundError);
        await assert.rejects(daytona.create({ name: "named/with slash" }), /already exists/);
    }),

    list_by_labels_with_pages: async () => {
        const made = await Promise.all([1, 2, 3, 4, 5].map((n) => daytona.create({ labels: { group: "listed", n: String(n) } })));
        const found = await collect(daytona.list({ labels: { group: "listed" }, limit: 2 }));
        assert.deepEqual(found.map((sandbox) => sandbox.id).sort(), made.map((sandbox) => sandbox.id).sort());
        assert.equal((await collect(daytona.list({ labels: { group: "listed", n: "3" } }))).length, 1);
        assert.equal((await collect(daytona.list({ labels: { group: "none" } }))).length, 0);
        await Promise.all(made.map((sandbox) => sandbox.delete()));
    },

    stop_and_start_keep_the_files: () => withSandbox(undefined, async (sandbox) => {
        await sandbox.process.executeCommand("echo kept > kept");
        await sandbox.stop();
        assert.equal(sandbox.state, "stopped");
        await assert.rejects(sandbox.process.executeCommand("true"), DaytonaBadRequestError);
        await sandbox.start();
        assert.equal((await sandbox.process.executeCommand("cat kept")).result, "kept\n");
    }),

    delete_and_wait: async () => {
        const sandbox = await daytona.create();
        await sandbox.delete(20, true);
        await assert.rejects(sandbox.refreshData(), DaytonaNotFoundError);
    },

    archive: () => withSandbox(undefined, async (sandbox) => {
        await sandbox.stop();
        await sandbox.archive();
        await sandbox.refreshData();
        assert.equal(sandbox.state, "archived");
    }),

    recover: () => withSandbox(undefined, async (sandbox) => {
        await standin.call("PUT", `/_standin/sandboxes/${sandbox.id}`, { state: "error", errorReason: "disk full", recoverable: true });
        await sandbox.refreshData();
        assert.deepEqual([sandbox.state, sandbox.errorReason, sandbox.recoverable], ["error", "disk full", true]);
        await sandbox.recover();
        assert.equal(sandbox.state, "started");
    }),

    labels_and_intervals: () => withSandbox({ labels: { old: "1" } }, async (sandbox) => {
        await sandbox.setLabels({ new: "2" });
        await sandbox.setAutostopInterval(30);
        await sandbox.setAutoArchiveInterval(60);
        await sandbox.setAutoDeleteInterval(90);
        await sandbox.refreshActivity();
        const again = await daytona.get(sandbox.id);
        assert.deepEqual(again.labels, { new: "2" });
        assert.deepEqual([again.autoStopInterval, again.autoArchiveInterval, again.autoDeleteInterval], [30, 60, 90]);
    }),

    a_bad_key_is_told: async () => {
        await assert.rejects(new Daytona({ apiKey: "wrong", apiUrl: standin.apiUrl }).create(), /Invalid credentials/);
    },
};

const execution = {
    execute_result_and_exit_code: async () => {
        const answer = await commands.executeCommand("echo out; echo err >&2; exit 3");
        assert.deepEqual([answer.exitCode, answer.result], [3, "out\nerr\n"]);
        assert.equal((await commands.executeCommand("printf 'ä€😀<&>'")).result, "ä€😀<&>");
    },

    execute_cwd_and_env: async () => {
        assert.equal((await commands.executeCommand("pwd", "/tmp")).result, "/tmp\n");
        assert.equal((await commands.executeCommand('echo "$A"', undefined, { A: "it's \"quoted\" $x" })).result, "it's \"quoted\" $x\n");
        assert.equal((await commands.executeCommand("pwd", "/no/such")).exitCode, -1);
    },

    execute_timeout: async () => {
        assert.equal((await commands.executeCommand("echo quick", undefined, undefined, 5)).result, "quick\n");
        await assert.rejects(commands.executeCommand("sleep 20", undefined, undefined, 1), DaytonaTimeoutError);
    },

    code_run: async () => {
        const answer = await commands.codeRun("import os, sys\nprint(sys.argv[1:], os.environ['K'])", { argv: ["a", "b"], env: { K: "v" } });
        assert.deepEqual([answer.exitCode, answer.result], [0, "['a', 'b'] v\n"]);
        assert.equal((await commands.codeRun("raise SystemExit(4)")).exitCode, 4);
        await assert.rejects(commands.codeRun("import time; time.sleep(20)", undefined, 1), DaytonaTimeoutError);
    },

    what_is_missing_says_so: async () => {
        for (const call of [() => commands.createSession("s"), () => commands.listSessions(), () => commands.executeSessionCommand("s", { command: "true" }),
            () => shared.git.status("."), () => commands.listPtySessions(), () => shared.getPreviewLink(3000), () => daytona.volume.list(),
            () => daytona.snapshot.list()])
            await assert.rejects(call(), (error) => error instanceof DaytonaError && /is not implemented by the stand-in/.test(error.message));
    },

    directories: async () => {
        assert.equal(await shared.getWorkDir(), (await commands.executeCommand("pwd")).result.trim());
        assert.equal(await shared.getUserHomeDir(), (await commands.executeCommand("echo $HOME")).result.trim());
    },
};

const files = {
    bytes_up_and_down: async () => {
        const data = Buffer.from(Array.from({ length: 256000 }, (_, n) => n % 256));
        await fs.uploadFile(data, "up/deep/all bytes");
        assert.ok(data.equals(await fs.downloadFile("up/deep/all bytes")));
        await assert.rejects(fs.downloadFile("none"), DaytonaNotFoundError);
    },

    any_name: async () => {
        const names = ["a b", "ä€😀", "%41", "100%", "a+b", "a&b=c", "a;b", "#x", "?q", "'q'", '"dq"', "line\nbreak", "tab\tx", "-rf", "~", "\\b",
            ".hidden", "[x]", "*", "x".repeat(255)];
        for (const name of names) {
            await fs.uploadFile(Buffer.from(name), "names/" + name);
            assert.equal((await fs.downloadFile("names/" + name)).toString(), name);
            assert.equal((await fs.getFileDetails("names/" + name)).name, name);
        }
        assert.deepEqual((await fs.listFiles("names")).map((entry) => entry.name).sort(), names.sort());
    },

    local_files_up_and_down: async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "sdk-"));
        const source = path.join(folder, "source"), target = path.join(folder, "target");
        await writeFile(source, Buffer.alloc(3000000, "0123456789"));
        await fs.uploadFile(source, "local");
        await fs.downloadFile("local", target);
        assert.ok((await readFile(source)).equals(await readFile(target)));
        await rm(folder, { recursive: true });
    },

    bulk_both_ways: async () => {
        await fs.uploadFiles([
            { source: Buffer.from("one"), destination: "bulk/1" }, { source: Buffer.alloc(0), destination: "bulk/empty" },
            { source: Buffer.from([0, 255]), destination: 'bulk/ä "q"' },
        ]);
        const answers = await fs.downloadFiles(["bulk/1", "bulk/none", 'bulk/ä "q"', "bulk", "bulk/empty"].map((source) => ({ source })));
        assert.deepEqual(answers.map((answer) => answer.result && Buffer.from(answer.result).toString("hex")),
            ["6f6e65", undefined, "00ff", undefined, ""]);
        assert.match(answers[1].error, /file not found: bulk\/none/);
        assert.match(answers[3].error, /path points to a directory/);
    },

    list_and_info: async () => {
        await fs.createFolder("listed/sub", "755");
        await fs.uploadFile(Buffer.from("12345"), "listed/file");
        const entries = await fs.listFiles("listed");
        assert.deepEqual(entries.map((entry) => [entry.name, entry.isDir]).sort(), [["file", false], ["sub", true]]);
        const info = await fs.getFileDetails("listed/file");
        assert.deepEqual([info.name, info.size, info.mode, info.permissions], ["file", 5, "-rw-r--r--", "0644"]);
        await assert.rejects(fs.getFileDetails("listed/none"), DaytonaNotFoundError);
    },

    folder_move_delete: async () => {
        await fs.createFolder("made", "750");
        assert.equal((await fs.getFileDetails("made")).permissions, "0750");
        await fs.moveFiles("made", "moved + 1");
        await assert.rejects(fs.deleteFile("moved + 1"), DaytonaBadRequestError);
        await fs.deleteFile("moved + 1", true);
        await assert.rejects(fs.getFileDetails("moved + 1"), DaytonaNotFoundError);
    },

    find_search_replace: async () => {
        await fs.uploadFiles([
            { source: Buffer.from("first\nTODO: one\n"), destination: "src/a.py" }, { source: Buffer.from("TODO: two\n"), destination: "src/sub/b.py" },
        ]);
        const found = await fs.findFiles("src", "TODO:");
        assert.deepEqual(found.map((match) => [match.file, match.line, match.content]), [["src/a.py", 2, "TODO: one"], ["src/sub/b.py", 1, "TODO: two"]]);
        assert.deepEqual((await fs.searchFiles("src", "*.py")).files, ["src/a.py", "src/sub/b.py"]);
        const results = await fs.replaceInFiles(["src/a.py", "src/none"], "TODO", "DONE");
        assert.deepEqual(results.map((result) => result.success), [true, false]);
        assert.equal((await fs.downloadFile("src/a.py")).toString(), "first\nDONE: one\n");
    },

    permissions: async () => {
        await fs.uploadFile(Buffer.from("#!/bin/sh\necho ran\n"), "script");
        await fs.setFilePermissions("script", { mode: "755" });
        assert.equal((await commands.executeCommand("./script")).result, "ran\n");
        await fs.setFilePermissions("script", { mode: "600", owner: "daytona", group: "daytona" });
        assert.equal((await fs.getFileDetails("script")).permissions, "0600");
    },
};

const good = await runTests({ ...lifecycle, ...execution, ...files });
await standin.end();
process.exit(good ? 0 : 1); // the SDK keeps a socket and timers
