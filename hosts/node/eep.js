'use strict';
/* eep.js: loads an execution-environment plugin and calls it. Every call is a promise; nothing blocks the event loop.
 *
 *     const eep = require('eep');
 *     const env = eep.load('build/eep-daytona.so').open({ image: 'debian:12' }, { trustEnv: true });
 *     const { lease } = await env.acquire({ idempotencyKey: 'build-42' });      // a string: keep it where you like
 *     const done = await env.execute(lease, ['uname', '-a']);
 *     console.log(done.exitCode, done.stdoutData.toString());
 *     await env.release(lease, eep.DESTROY);
 *     await env.close();
 *
 * Results are plain objects with the fields of abi/eep.h in camelCase; eep.flags has its numbers by their names
 * (eep.flags.LEASE_REUSED). What fails rejects with an EepError, which has the fields of eep_error. `signal` (an
 * AbortSignal) cancels a call; it settles when the plugin has undone what it did.
 *
 * Calls go through the extension eep.async/1; one worker thread per environment waits for its events (pump.js). A worker of
 * yours that is terminated with an environment open leaves it so: what it had begun goes on until its time is over. */
const koffi = require('koffi');
const path = require('path');
const { Worker } = require('worker_threads');
const { structs, CALLS, CODES, NUMBERS } = require('./abi.js');
const { make, pairs, read } = require('./values.js');
const { loadTable, text } = require('./table.js');

class EepError extends Error {
  constructor(code, fields, partial) {
    const name = CODES[code] || 'INTERNAL';
    super(`${name}: ${fields.message} (${fields.where})`);
    Object.assign(this, fields, { code, codeName: name, text: fields.message, message: this.message });
    this.name = 'EepError';
    this.retryable = Boolean(fields.flags & NUMBERS.ERROR_RETRYABLE);
    this.maybeApplied = Boolean(fields.flags & NUMBERS.ERROR_MAYBE_APPLIED);
    this.partial = partial; // what execute and attach know of a command that they did not see to its end
  }
}

const loaded = new Map();

/* Loads a plugin, for life. Default: the variable EEP_PLUGIN. */
function load(file = process.env.EEP_PLUGIN) {
  if (!file) throw new TypeError('no plugin: give its path, or set EEP_PLUGIN');
  const full = path.resolve(file);
  if (!loaded.has(full)) loaded.set(full, new Plugin(full));
  return loaded.get(full);
}

class Plugin {
  constructor(file) {
    this.file = file;
    this.table = loadTable(file);
    if (this.table.min_host_minor > NUMBERS.ABI_MINOR)
      throw new Error(`${file} wants a host of ABI 1.${this.table.min_host_minor} or newer`);
    this.id = text(this.table.id);
    this.version = text(this.table.version);
  }

  /* Calls one of the functions that do not wait: run(error) gives its code. */
  call(run) {
    const error = make(structs.error);
    const code = run(error);
    const fields = read(error, structs.error);
    this.table.clear(error);
    if (code !== 0) throw new EepError(code, fields);
  }

  /* All that is wrong with a configuration, at once. No network. */
  validate(config, { trustEnv = false } = {}) {
    const flags = trustEnv ? NUMBERS.VALIDATE_TRUST_ENV : 0;
    const request = make(structs.validate_request, { flags, config: JSON.stringify(config) });
    const result = make(structs.validation);
    this.call((error) => this.table.validate_config(request, result, error));
    const plain = read(result, structs.validation);
    this.table.clear(result);
    return plain;
  }

  /* An environment: one configuration with its credentials. log(level, component, message) gets its log. */
  open(config = {}, { trustEnv = false, log = null, logLevel = 0, name = 'node' } = {}) {
    const flags = trustEnv ? NUMBERS.OPEN_TRUST_ENV : 0;
    const host = make(structs.host, { logLevel, name });
    const request = make(structs.open_request, { flags, config: JSON.stringify(config), host: koffi.address(host) });
    const address = Buffer.alloc(8);
    request.keep.push(host);
    this.call((error) => this.table.open(request, address, error));
    return new Env(this, address.readBigUInt64LE(0), log);
  }
}

/* An open environment. Options of every call: timeoutMs, graceMs, traceId, signal. */
class Env {
  constructor(plugin, address, log) {
    this.plugin = plugin;
    this.log = log;
    this.table = plugin.table;
    this.address = address;
    this.operations = new Map();
    this.unread = new Int32Array(new SharedArrayBuffer(4));
    const workerData = { file: plugin.file, env: address, unread: this.unread.buffer };
    this.worker = new Worker(path.join(__dirname, 'pump.js'), { workerData });
    this.worker.unref(); // an idle environment keeps no process alive
    this.worker.on('message', (batch) => this._take(batch));
    this.worker.on('error', (error) => this._broken(error));
    this.ended = new Promise((resolve) => this.worker.once('exit', resolve));
    this.leave = () => this._leave();
    process.once('exit', this.leave);
  }

  /* Ends what is under way with SHUTDOWN and waits for that. Leases are not touched. */
  async close() {
    if (this.address === null) return;
    this.worker.ref();
    this.table.shutdown(this.address);
    await this.ended;
    process.removeListener('exit', this.leave);
    this.table.close(this.address);
    this.address = null;
  }

  probe(options = {}) {
    return this._call('probe', {}, options);
  }

  acquire({ labels, env, ...options } = {}) {
    return this._call('acquire_lease', { labels: pairs(labels), env: pairs(env) }, options);
  }

  resume(lease, options = {}) {
    return this._call('resume_lease', { lease }, options);
  }

  /* files: { path: data } or { path: { data, mode } } */
  realize(lease, { files = {}, folders = [], ...options } = {}) {
    const sources = folders.map((folder) => ({ kind: NUMBERS.SOURCE_DIR, path: folder }));
    for (const [file, content] of Object.entries(files)) {
      const plain = typeof content === 'string' || content instanceof Uint8Array;
      sources.push({ kind: NUMBERS.SOURCE_FILE, path: file, ...(plain ? { data: content } : content) });
    }
    return this._call('realize_workspace', { lease, sources }, options);
  }

  /* command: an array (program and arguments), or a string (shell text). onOutput(stream, Buffer) gets the output while it
   * comes. Other options: env, cwd, stdinData, timeLimitMs, executionId, flags, ... as in eep_execute_request. */
  execute(lease, command, { env, ...options } = {}) {
    const what = Array.isArray(command) ? { argv: command } : { script: command };
    return this._call('execute', { lease, ...what, env: pairs(env) }, options);
  }

  release(lease, mode = NUMBERS.RELEASE_BY_CONFIG, options = {}) {
    return this._call('release', { lease, mode }, options);
  }

  /* The end of a command and its output from any byte (stdoutFrom, stderrFrom) on. */
  attach(lease, executionId, options = {}) {
    return this._call('eep.execution/1.attach', { lease, executionId }, options);
  }

  kill(lease, executionId, options = {}) {
    return this._call('eep.execution/1.kill', { lease, executionId }, options);
  }

  list(lease, options = {}) {
    return this._call('eep.execution/1.list', { lease }, options);
  }

  drop(lease, executionId, options = {}) {
    return this._call('eep.execution/1.drop', { lease, executionId }, options);
  }

  /* What is told of a lease: `leases` has one line. */
  leaseInfo(lease, options = {}) {
    return this._call('eep.lease/1.get', { lease }, options);
  }

  /* A page of leases; `next` is the cursor of the next page, null after the last. */
  leases(options = {}) {
    return this._call('eep.lease/1.list', {}, options);
  }

  keepalive(lease, untilMs, options = {}) {
    return this._call('eep.lease/1.keepalive', { lease, untilMs }, options);
  }

  /* Deletes leases of a page that nobody has used for idleMs; tells of each what became of it. */
  reap(idleMs, options = {}) {
    return this._call('eep.lease/1.reap', { idleMs }, options);
  }

  /* Why a lease does not work: what was looked at, in order, with evidence and advice. */
  explain(lease, options = {}) {
    return this._call('eep.lease/1.explain', { lease }, options);
  }

  /* -- how a call is made */

  async _call(name, fields, { signal, onOutput, flags, timeoutMs, graceMs, traceId, ...more }) {
    if (this.address === null) throw new Error('the environment is closed');
    if (this.failed) throw this.failed;
    if (signal) signal.throwIfAborted();
    const index = CALLS.findIndex((call) => call.name === name);
    const head = { flags, timeoutMs, graceMs, traceId };
    const request = make(CALLS[index].request, { head, ...fields, ...more });
    const op = this._submit(index, request, onOutput);
    const cancel = () => this._cancel(op);
    if (signal) signal.addEventListener('abort', cancel);
    try {
      return await this._done(op, onOutput, name.split('.').pop());
    } finally {
      if (signal) signal.removeEventListener('abort', cancel);
    }
  }

  _submit(index, request, onOutput) {
    const op = Buffer.alloc(8);
    const { name, result } = CALLS[index];
    const called = Buffer.from(name + '\0');
    const submission = make(structs.async_request, {
      flags: (onOutput ? NUMBERS.ASYNC_OUTPUT : 0) | (this.log ? NUMBERS.ASYNC_LOG : 0),
      call: koffi.address(called),
      request: koffi.address(request),
      userData: index,
      resultSize: result.size,
    });
    submission.keep.push(called, request);
    this.plugin.call((error) => this.table.submit(this.address, submission, op, error));
    return Number(op.readBigUInt64LE(0)); // less than 2^53
  }

  _done(op, onOutput, component) {
    this.worker.ref();
    return new Promise((resolve, reject) => this.operations.set(op, { resolve, reject, onOutput, component }));
  }

  _cancel(op) {
    if (this.operations.has(op)) this.table.cancel(this.address, op, null);
  }

  /* -- events, posted by the worker */

  _take(batch) {
    Atomics.sub(this.unread, 0, 1);
    Atomics.notify(this.unread, 0);
    for (const event of batch) {
      if (event.type === NUMBERS.EVENT_OUTPUT) this._output(event);
      else if (event.type === NUMBERS.EVENT_LOG) this._tellLog(event);
      else if (event.type === NUMBERS.EVENT_DONE) this._settle(event);
    }
  }

  _output({ op, stream, data }) {
    const operation = this.operations.get(op);
    if (!operation || operation.thrown) return;
    try {
      operation.onOutput(stream, Buffer.from(data));
    } catch (error) {
      operation.thrown = error;
      this._cancel(op);
    }
  }

  _tellLog({ op, level, data }) {
    const operation = this.operations.get(op);
    try {
      if (operation) this.log(level, operation.component, Buffer.from(data).toString());
    } catch {
      // a log line is not worth a call
    }
  }

  _settle({ op, code, result, error }) {
    if (!this.operations.has(op)) return;
    const { resolve, reject, thrown } = this.operations.get(op);
    this.operations.delete(op);
    if (this.operations.size === 0) this.worker.unref();
    for (const key of ['stdoutData', 'stderrData']) if (result && result[key]) result[key] = Buffer.from(result[key]);
    if (thrown) reject(thrown); // also when the command ended well before it could be stopped
    else if (code === 0) resolve(result);
    else reject(new EepError(code, error || { flags: 0 }, result));
  }

  /* The worker has failed: nobody will hear of what goes on, so it ends, and nothing new begins. */
  _broken(error) {
    this.failed = error;
    this.table.shutdown(this.address);
    for (const { reject } of this.operations.values()) reject(error);
    this.operations.clear();
  }

  /* The process ends, and Node will wait for the worker: everything ends at once. */
  _leave() {
    for (const op of this.operations.keys()) for (let fire = 0; fire < 2; fire++) this._cancel(op);
    this.table.shutdown(this.address);
    Atomics.store(this.unread, 0, 0);
    Atomics.notify(this.unread, 0);
  }
}

module.exports = {
  load,
  EepError,
  STDOUT: NUMBERS.STREAM_STDOUT,
  STDERR: NUMBERS.STREAM_STDERR,
  BY_CONFIG: NUMBERS.RELEASE_BY_CONFIG,
  STOP: NUMBERS.RELEASE_STOP,
  DESTROY: NUMBERS.RELEASE_DESTROY,
  ARCHIVE: NUMBERS.RELEASE_ARCHIVE,
  DETACH: NUMBERS.RELEASE_DETACH,
  flags: NUMBERS,
};
