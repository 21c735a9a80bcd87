'use strict';
/* test_eep.js: the declarations against the header, and the calls against the plugin and the stand-in.
 *
 * Tests build/eep-daytona.so against build/daytona-standin, or $EEP_TEST_PLUGIN against $STANDIN; from the source tree. */
const assert = require('assert');
const { execFileSync, spawn } = require('child_process');
const { once } = require('events');
const fs = require('fs');
const https = require('https');
const os = require('os');
const path = require('path');
const eep = require('./eep.js');
const { structs, CODES, NUMBERS } = require('./abi.js');
const { runAll } = require('../../tests/support/test_lines.js');

const KEY = 'node-key';
const PLUGIN = process.env.EEP_TEST_PLUGIN || 'build/eep-daytona.so';
const GOLDEN = ['layout.golden', 'layout.execution.golden', 'layout.lease.golden', 'layout.async.golden'];
const tests = {};
let standin; // { process, api }
let env;
let lease;

/* -- The stand-in: a process of the test's own */

async function startStandin(more = []) {
  const options = ['--port', '0', '--ready-fd', '3', '--key', KEY, '--control', '--quiet', ...more];
  const child = spawn(process.env.STANDIN || 'build/daytona-standin', options, { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  const [line] = await once(child.stdio[3].setEncoding('utf8'), 'data');
  return { process: child, api: line.trim() };
}

async function stop({ process: child }) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function live() {
  const answer = await fetch(standin.api.replace(/\/api$/, '/_standin/sandboxes'));
  return (await answer.json()).live;
}

/* A program of ours in a process of its own: { code, signal, out, err } */
async function program(argv, onData = () => {}) {
  const environment = { ...process.env, DAYTONA_API_URL: standin.api, DAYTONA_API_KEY: KEY };
  const child = spawn(process.execPath, argv, { env: environment });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => onData(child, (out += data)));
  child.stderr.on('data', (data) => (err += data));
  const [code, signal] = await once(child, 'close');
  return { code, signal, out, err };
}

/* -- Declarations */

function golden(file, pattern) {
  const found = fs.readFileSync(path.join('tests/abi', file), 'utf8').split('\n').map((line) => line.match(pattern));
  const matches = found.filter(Boolean);
  assert(matches.length);
  return matches;
}

for (const file of GOLDEN) {
  tests[`the structs of ${file}`] = () => {
    for (const [, name, size] of golden(file, /^struct eep_(\w+) size (\d+)/))
      assert.strictEqual(structs[name].size, Number(size), name);
    for (const [, name, member, offset, size] of golden(file, /^field eep_(\w+)\.(\w+) offset (\d+) size (\d+)/)) {
      const field = structs[name].fields.find((candidate) => candidate.name === member);
      assert.deepStrictEqual([field.offset, field.size], [Number(offset), Number(size)], `${name}.${member}`);
    }
  };
}

tests['the numbers'] = () => {
  const all = GOLDEN.flatMap((file) => golden(file, /^constant EEP_(\w+) (\d+)/));
  const numbers = Object.fromEntries(all.map(([, name, value]) => [name, Number(value)]));
  const wanted = Object.entries(numbers).filter(([name]) => !/^(E_|OK$)/.test(name) || name === 'E_SHUTDOWN');
  assert.deepStrictEqual(NUMBERS, Object.fromEntries(wanted));
  const codes = Object.entries(numbers).filter(([name]) => /^E_/.test(name)).map(([name, value]) => [value, name.slice(2)]);
  assert.deepStrictEqual(CODES, Object.fromEntries(codes));
};

/* -- Without network */

tests['validate tells all findings'] = () => {
  const { valid, findings } = eep.load(PLUGIN).validate({ apiKey: 'k', image: 'a b', cpu: 'many' });
  assert.strictEqual(valid, 0);
  assert.deepStrictEqual(findings.map((finding) => finding.pointer).sort(), ['/cpu', '/image']);
};

tests['a wrong configuration throws'] = () => {
  assert.throws(() => eep.load(PLUGIN).open({}), { name: 'EepError', codeName: 'INVALID_CONFIG' });
};

/* -- With a lease */

tests['acquire, and the same key again'] = async () => {
  env = eep.load(PLUGIN).open({ apiUrl: standin.api, apiKey: KEY });
  const request = { idempotencyKey: 'node', labels: { a: 'b' }, env: { FROM: 'acquire' } };
  ({ lease } = await env.acquire(request));
  const again = await env.acquire(request);
  assert.strictEqual(again.lease, lease);
  assert.strictEqual((await env.resume(lease)).workspace, again.workspace);
};

tests['argv, standard input, any bytes'] = async () => {
  const printed = await env.execute(lease, ['printf', '%s|', 'a b', '', '\u20ac', Buffer.from([0xff])]);
  const expected = [Buffer.from('a b||\u20ac|'), Buffer.from([0xff]), Buffer.from('|')];
  assert.deepStrictEqual(printed.stdoutData, Buffer.concat(expected));
  const every = Buffer.from(Array.from({ length: 768 }, (_, i) => i % 256));
  assert.deepStrictEqual((await env.execute(lease, 'cat', { stdinData: every })).stdoutData, every);
};

tests['two streams, status, environment, folder'] = async () => {
  const done = await env.execute(lease, 'echo $A$FROM; pwd >&2; exit 3', { env: { A: 'x' }, cwd: '/tmp' });
  assert.deepStrictEqual([done.exitCode, String(done.stdoutData), String(done.stderrData)], [3, 'xacquire\n', '/tmp\n']);
};

tests['output while it runs'] = async () => {
  const seen = { [eep.STDOUT]: '', [eep.STDERR]: '' };
  const onOutput = (stream, data) => (seen[stream] += data);
  const done = await env.execute(lease, 'echo one; echo two >&2', { onOutput });
  assert.deepStrictEqual(seen, { [eep.STDOUT]: 'one\n', [eep.STDERR]: 'two\n' });
  assert.strictEqual(done.stdoutData, null);
};

tests['a large output arrives whole'] = async () => {
  let size = 0;
  await env.execute(lease, 'head -c 20000000 /dev/zero', { onOutput: (_, data) => (size += data.length) });
  assert.strictEqual(size, 20000000);
};

tests['what onOutput throws comes out, and the command ends'] = async () => {
  const boom = () => { throw new RangeError('mine'); };
  await assert.rejects(env.execute(lease, 'echo; sleep 60', { onOutput: boom }), RangeError);
};

tests['what onOutput throws last comes out, too'] = async () => {
  const boom = () => { throw new RangeError('mine'); };
  const running = env.execute(lease, 'echo', { onOutput: boom });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); // its output and its end come in one turn of the loop
  await assert.rejects(running, RangeError);
};

tests['the log is told'] = async () => {
  const lines = [];
  const log = (...line) => {
    lines.push(line);
    throw new Error('not worth a call');
  };
  const talkative = eep.load(PLUGIN).open({ apiUrl: standin.api, apiKey: KEY }, { log, logLevel: 4 });
  await assert.rejects(talkative.execute('no-such-lease', 'true'), { codeName: 'LEASE_LOST' });
  await assert.rejects(talkative.leaseInfo('no-such-lease'), { codeName: 'LEASE_LOST' });
  await talkative.close();
  const told = lines.filter(([, , message]) => message.startsWith('failed: LEASE_LOST'));
  assert.deepStrictEqual(told.map(([level, component]) => [level, component]), [[3, 'execute'], [3, 'get']]);
};

tests['a worker that failed leaves nobody waiting'] = async () => {
  const own = eep.load(PLUGIN).open({ apiUrl: standin.api, apiKey: KEY });
  const running = own.execute(lease, 'sleep 60');
  own.worker.emit('error', new Error('the worker died'));
  await assert.rejects(running, /the worker died/);
  await assert.rejects(own.execute(lease, 'true'), /the worker died/);
  await own.close();
};

tests['closing ends what is under way, and tells it'] = async () => {
  const own = eep.load(PLUGIN).open({ apiUrl: standin.api, apiKey: KEY });
  let closing;
  const onOutput = () => (closing ??= Promise.all([own.close(), own.close()]));
  const running = Array.from({ length: 20 }, () => own.execute(lease, 'echo on; sleep 60', { onOutput }));
  for (const each of await Promise.allSettled(running)) assert.strictEqual(each.reason.codeName, 'SHUTDOWN');
  await closing;
  await own.close();
};

tests['an AbortSignal cancels'] = async () => {
  const abort = new AbortController();
  const running = env.execute(lease, 'echo on; sleep 60', { onOutput: () => abort.abort(), signal: abort.signal });
  await assert.rejects(running, (error) => error.codeName === 'CANCELLED' &&
    Boolean(error.partial.flags & NUMBERS.EXECUTION_KILLED));
  await assert.rejects(env.execute(lease, 'true', { signal: abort.signal }), { name: 'AbortError' });
};

tests['files'] = async () => {
  const files = { 'p/data': Buffer.from([0, 1]), go: { data: '#!/bin/sh\necho went\n', mode: 0o755 } };
  const { sources } = await env.realize(lease, { files, folders: ['empty'] });
  assert.deepStrictEqual(sources.map((source) => source.code), [0, 0, 0]);
  const { stdoutData } = await env.execute(lease, './go; ls -d empty; wc -c <p/data');
  assert.strictEqual(String(stdoutData), 'went\nempty\n2\n');
};

tests['an error tells all'] = async () => {
  await assert.rejects(env.execute(lease, 'true', { cwd: 'nowhere' }), { codeName: 'NOT_FOUND', retryable: false });
  await assert.rejects(env.execute(lease, 'true', { colour: 'red' }), TypeError);
  for (const wrong of ['5s', 1.5, NaN]) {
    await assert.rejects(env.execute(lease, 'true', { timeLimitMs: wrong }), /timeLimitMs takes a whole number/);
  }
  await assert.rejects(env.execute(lease, 'true', { timeLimitMs: -1 }), RangeError);
};

tests['detached, found, killed, dropped'] = async () => {
  const flags = NUMBERS.EXECUTE_DETACH;
  await env.execute(lease, 'echo up; sleep 60', { flags, timeLimitMs: 90000, executionId: 'job' });
  const { executions } = await env.list(lease);
  assert(executions.some((execution) => execution.executionId === 'job'));
  assert((await env.kill(lease, 'job')).flags & NUMBERS.EXECUTION_KILLED);
  assert.strictEqual(String((await env.attach(lease, 'job')).stdoutData), 'up\n');
  await env.drop(lease, 'job');
  await assert.rejects(env.attach(lease, 'job'), { codeName: 'EXPIRED' });
};

tests['three hundred at once'] = async () => {
  const runs = Array.from({ length: 300 }, (_, i) => env.execute(lease, ['echo', String(i)]));
  const outputs = (await Promise.all(runs)).map((done) => Number(done.stdoutData));
  assert.deepStrictEqual(outputs, outputs.map((_, i) => i));
};

tests['leases are told, kept and spared'] = async () => {
  const { leases } = await env.leases();
  assert.deepStrictEqual(leases.map((told) => [told.lease, told.labels[0]]), [[lease, { name: 'a', value: 'b' }]]);
  assert.strictEqual((await env.leaseInfo(lease)).leases[0].lease, lease);
  const until = Date.now() + 60000;
  assert((await env.keepalive(lease, until)).keptUntilMs >= until);
  const { spared, deleted } = await env.reap(3600000, { flags: NUMBERS.REAP_DRY_RUN });
  assert.deepStrictEqual([spared, deleted], [1, 0]);
};

tests['release and close'] = async () => {
  await env.release(lease, eep.DESTROY);
  await env.close();
  await assert.rejects(env.probe(), /closed/);
  assert.strictEqual(await live(), 0);
};

/* -- Over TLS: node exports a library of its own, which libcurl then finds */

function certificate(folder) {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  return { key, cert };
}

/* A request of Node's own. */
async function ask({ api }, cert) {
  const [answer] = await once(https.get(api, { ca: fs.readFileSync(cert), agent: false }), 'response');
  answer.resume();
  await once(answer, 'end');
}

/* A whole lease, and Node's requests to the same server meanwhile. */
async function leaseOverTls(secure, cert) {
  const own = eep.load(PLUGIN).open({ apiUrl: secure.api, apiKey: KEY, caFile: cert });
  const made = await own.acquire();
  const runs = Array.from({ length: 50 }, (_, i) => own.execute(made.lease, ['echo', String(i)]));
  const [done] = await Promise.all([Promise.all(runs), ...Array.from({ length: 20 }, () => ask(secure, cert))]);
  assert.deepStrictEqual(done.map(({ stdoutData }) => Number(stdoutData)), done.map((_, i) => i));
  await own.release(made.lease, eep.DESTROY);
  await own.close();
}

tests['TLS beside that of Node'] = async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-tls.'));
  const { key, cert } = certificate(folder);
  const secure = await startStandin(['--tls-cert', cert, '--tls-key', key]);
  const stranger = eep.load(PLUGIN).open({ apiUrl: secure.api, apiKey: KEY });
  try {
    assert.match(secure.api, /^https:/);
    await leaseOverTls(secure, cert);
    await assert.rejects(stranger.acquire(), { codeName: 'TLS' });
  } finally {
    await stranger.close();
    await stop(secure);
    fs.rmSync(folder, { recursive: true });
  }
};

/* -- As processes */

tests['the example'] = async () => {
  const { code, out, err } = await program([path.join(__dirname, 'example.js'), PLUGIN]);
  assert.deepStrictEqual([code, out], [0, 'hello\nexit code 3\n0 + 1 + ... + 99 = 4950\n'], err);
  assert.match(err, /^Linux/);
};

tests['the README'] = async () => {
  const readme = fs.readFileSync('README.md', 'utf8');
  const text = readme.match(/```js\n([^]*?)```/)[1].replace('build/eep-daytona.so', PLUGIN);
  const { code, out, err } = await program(['-e', text]);
  assert.deepStrictEqual([code, out, err], [0, 'built\n42\n', '']);
};

tests['exit in the middle of a command does not hang'] = async () => {
  const text = `const eep = require(${JSON.stringify(path.join(__dirname, 'eep.js'))});
    const env = eep.load(process.argv[1]).open({}, { trustEnv: true });
    env.acquire({ idempotencyKey: 'exit' }).then(({ lease }) =>
      env.execute(lease, 'echo on; sleep 60', { onOutput: () => process.exit(7) }));`;
  const began = Date.now();
  const { code, err } = await program(['-e', text, PLUGIN]);
  assert.strictEqual(code, 7, err);
  assert(Date.now() - began < 30000);
};

tests['an environment that is forgotten keeps no process alive'] = async () => {
  const text = `const eep = require(${JSON.stringify(path.join(__dirname, 'eep.js'))});
    eep.load(process.argv[1]).open({}, { trustEnv: true }).probe().then(({ failed }) => console.log('failed', failed));`;
  const { code, out, err } = await program(['-e', text, PLUGIN]);
  assert.deepStrictEqual([code, out, err], [0, 'failed 0\n', '']);
};

tests['a worker that has an environment can be terminated'] = async () => {
  const inner = `const eep = require(${JSON.stringify(path.join(__dirname, 'eep.js'))});
    const env = eep.load(${JSON.stringify(PLUGIN)}).open({}, { trustEnv: true });
    env.acquire({ idempotencyKey: 'exit' }).then(({ lease }) => env.execute(lease, 'echo on; sleep 60', {
      onOutput: () => require('worker_threads').parentPort.postMessage('on') }));`;
  const text = `const worker = new (require('worker_threads').Worker)(${JSON.stringify(inner)}, { eval: true });
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 30000).unref();
    worker.once('message', () => worker.terminate().then(() => console.log('terminated')));`;
  const { code, out, err } = await program(['-e', text]);
  assert.deepStrictEqual([code, out, err], [0, 'terminated\n', '']);
};

async function main() {
  standin = await startStandin();
  const good = await runAll(tests);
  await stop(standin);
  process.exitCode = good ? 0 : 1;
}

main();
