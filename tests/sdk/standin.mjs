// standin.mjs: a stand-in of one's own ($STANDIN, or build/daytona-standin), and a runner that prints as tools/run-tests counts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const START_MS = 20000;
const KEY = "local-key";
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

function firstLine(stream) {
    return new Promise((resolve, reject) => {
        let text = "";
        const late = setTimeout(() => reject(new Error("the stand-in did not start in time")), START_MS);
        stream.on("data", (piece) => {
            text += piece;
            if (!text.includes("\n")) return;
            clearTimeout(late);
            resolve(text.trim());
        });
        stream.on("end", () => reject(new Error("the stand-in ended before it was ready")));
    });
}

export async function startStandin(...options) {
    const binary = process.env.STANDIN || path.join(process.env.BUILD || "build", "daytona-standin");
    const child = spawn(binary, ["--port", "0", "--ready-fd", "3", "--quiet", ...options], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
    const apiUrl = await firstLine(child.stdio[3]);
    return {
        apiUrl,
        key: KEY,
        async call(method, target, body) {
            const answer = await fetch(new URL(target, apiUrl), {
                method,
                headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
                body: body === undefined ? undefined : JSON.stringify(body),
            });
            const text = await answer.text();
            if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${text}`);
            return text ? JSON.parse(text) : undefined;
        },
        // "METHOD /path" of every request since the last call of this, ids of sandboxes as {id}.
        async takeLog() {
            const entries = await this.call("GET", "/_standin/log");
            await this.call("DELETE", "/_standin/log");
            return entries.map(({ method, path: target }) => `${method} ${target.replace(ID, "{id}")}`);
        },
        async end() {
            const exited = once(child, "exit");
            child.kill("SIGTERM");
            const [code] = await exited;
            if (code !== 0) throw new Error(`the stand-in ended with ${code}`);
        },
    };
}

// tests: { name: async function }. Resolves to whether all passed.
export async function runTests(tests) {
    let good = true;
    for (const [name, test] of Object.entries(tests)) {
        console.log(`[ RUN      ] ${name}`);
        try {
            await test();
            console.log(`[       OK ] ${name}`);
        } catch (error) {
            good = false;
            console.log(`error: ${error.stack}`);
            // Twice, as cmocka does: in its place and in the summary.
            console.log(`[  FAILED  ] ${name}\n[  FAILED  ] ${name}`);
        }
    }
    return good;
}
