// The official TypeScript SDK, driven as the paperclip adapter drives it: a client for each call, a GET before each, the
// login profiles in front of each command, standard input as an uploaded file. The protocol is driver.h's.
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import path from "node:path";

// The SDK is installed below the build folder, not beside this file.
const { Daytona } = createRequire(path.join(process.env.BENCH_NODE, "package.json"))("@daytona/sdk");

const TIMEOUT_S = 300;

/** As driver_input in driver.c. */
function makeInput(size) {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i % 64 === 63 ? 10 : 97 + ((i + Math.floor(i / 64)) % 26);
  return bytes.toString("utf8");
}

const quote = (text) => `'${text.replace(/'/g, `'"'"'`)}'`;

const client = () => new Daytona({ apiKey: process.env.BENCH_KEY, apiUrl: process.env.BENCH_API });
const getSandbox = (lease) => client().get(lease);

async function start(sandbox) {
  if (sandbox.state === "started") return;
  await sandbox.start(TIMEOUT_S);
}

async function setUp(sandbox) {
  const root = (await sandbox.getWorkDir())?.trim() || (await sandbox.getUserHomeDir())?.trim() || "/home/daytona";
  await sandbox.fs.createFolder(path.posix.join(root, "paperclip-workspace"), "755");
  const probe = "if command -v bash >/dev/null 2>&1; then printf bash; else printf sh; fi";
  await sandbox.process.executeCommand(probe, undefined, undefined, TIMEOUT_S);
}

function loginScript(command, args, stdinPath) {
  const words = [command, ...args].map(quote).join(" ");
  return [
    "if [ -f /etc/profile ]; then . /etc/profile >/dev/null 2>&1 || true; fi",
    'if [ -f "$HOME/.profile" ]; then . "$HOME/.profile" >/dev/null 2>&1 || true; fi',
    'if [ -f "$HOME/.bash_profile" ]; then . "$HOME/.bash_profile" >/dev/null 2>&1 || true; ' +
      'elif [ -f "$HOME/.bashrc" ]; then . "$HOME/.bashrc" >/dev/null 2>&1 || true; fi',
    'if [ -f "$HOME/.zprofile" ]; then . "$HOME/.zprofile" >/dev/null 2>&1 || true; fi',
    'export NVM_DIR="${NVM_DIR:-$HOME/.nvm}"',
    '[ -s "$NVM_DIR/nvm.sh" ] && . "$NVM_DIR/nvm.sh" >/dev/null 2>&1 || true',
    stdinPath ? `${words} < ${quote(stdinPath)}` : words,
  ].join(" && ");
}

async function execute(lease, command, args, stdin) {
  const sandbox = await getSandbox(lease);
  await start(sandbox);
  const stdinPath = stdin !== undefined ? `/tmp/paperclip-stdin-${randomUUID()}` : undefined;
  try {
    if (stdinPath) await sandbox.fs.uploadFile(Buffer.from(stdin, "utf8"), stdinPath, TIMEOUT_S);
    const script = loginScript(command, args, stdinPath);
    return await sandbox.process.executeCommand(script, undefined, undefined, TIMEOUT_S);
  } finally {
    if (stdinPath) await sandbox.fs.deleteFile(stdinPath).catch(() => undefined);
  }
}

async function timed(call) {
  const begin = process.hrtime.bigint();
  const result = await call();
  return [Number(process.hrtime.bigint() - begin) / 1e6, result];
}

async function executed(call) {
  const [ms, result] = await timed(call);
  const data = Buffer.from(result.result ?? "", "utf8");
  return { ms, exit: result.exitCode, output: data.subarray(0, 1024).toString("hex"), outputLen: data.length };
}

const cpuUs = () => {
  const usage = process.cpuUsage();
  return usage.user + usage.system;
};

async function runLoad(lease, count, inflight) {
  let next = 0;
  let failed = 0;
  const times = [];
  const member = async () => {
    while (next++ < count) {
      const [ms, result] = await timed(() => execute(lease, "echo", ["hi"]));
      times.push(ms);
      if (result.exitCode !== 0 || result.result !== "hi\n") failed++;
    }
  };
  await Promise.all(Array.from({ length: inflight }, member));
  return { times, failed };
}

const verbs = {
  async acquire() {
    const [ms, sandbox] = await timed(async () => {
      const made = await client().create({ labels: { "paperclip-provider": "daytona" } }, { timeout: TIMEOUT_S });
      await setUp(made);
      return made;
    });
    return { ms, exit: 0, lease: sandbox.id };
  },
  async resume(lease) {
    const [ms] = await timed(async () => {
      const sandbox = await getSandbox(lease);
      await start(sandbox);
      await setUp(sandbox);
    });
    return { ms, exit: 0 };
  },
  async realize(lease) {
    const [ms] = await timed(async () => {
      const sandbox = await getSandbox(lease);
      await start(sandbox);
      await sandbox.fs.createFolder("/home/daytona/paperclip-workspace", "755");
    });
    return { ms, exit: 0 };
  },
  execute: (lease, script) => executed(() => execute(lease, "sh", ["-c", script])),
  stdin(lease, rest) {
    const [, size, script] = rest.match(/^(\d+) (.*)$/);
    const input = makeInput(Number(size));
    return executed(() => execute(lease, "sh", ["-c", script], input));
  },
  async release(lease) {
    const [ms] = await timed(async () => (await getSandbox(lease)).delete(TIMEOUT_S));
    return { ms, exit: 0 };
  },
  async load(lease, rest) {
    const [count, inflight] = rest.split(" ").map(Number);
    const cpu = cpuUs();
    const [wallMs, { times, failed }] = await timed(() => runLoad(lease, count, inflight));
    times.sort((a, b) => a - b);
    return {
      ms: 0, exit: 0, count, failed, wallMs, cpuUs: (cpuUs() - cpu) / count,
      p50Ms: times[Math.floor(count / 2)], p99Ms: times[Math.floor((count * 99) / 100)],
    };
  },
  async state() {
    const status = readFileSync("/proc/self/status", "utf8");
    const number = (name) => Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))[1]);
    const names = readdirSync("/proc/self/fd").map((entry) => {
      try {
        return readlinkSync(`/proc/self/fd/${entry}`);
      } catch {
        return "";
      }
    });
    return {
      ms: 0, exit: 0, rssKb: number("VmRSS"), peakKb: number("VmHWM"), threads: number("Threads"),
      descriptors: names.length, sockets: names.filter((name) => name.startsWith("socket:")).length,
    };
  },
};

console.log = console.info = console.debug = console.error; // what the SDK prints is no answer
for await (const line of createInterface({ input: process.stdin })) {
  const [, verb, lease, rest] = line.match(/^(\S+)(?: (\S+))?(?: (.*))?$/);
  let answer;
  try {
    if (!verbs[verb]) throw new Error("unknown verb");
    answer = await verbs[verb](lease, rest);
  } catch (error) {
    answer = { ms: 0, exit: 0, error: `${error.name}: ${error.message}`.slice(0, 500) };
  }
  writeSync(1, JSON.stringify(answer) + "\n");
}
process.exit(0);
