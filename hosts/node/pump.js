'use strict';
/* pump.js: the worker thread of an environment. It waits in next() and posts what comes to the main thread.
 *
 * It looks at no message: while it waits it could not. `unread` counts the batches that the main thread has not handled: at
 * LIMIT it waits, the plugin's own limit fills up, and the sandbox's output stays where it is. */
const { parentPort, workerData } = require('worker_threads');
const { structs, CALLS, NUMBERS } = require('./abi.js');
const { memory, read } = require('./values.js');
const { loadTable } = require('./table.js');

const BATCH = 64;
const LIMIT = 16;
const SIZE = structs.event.size;
const SLICE_MS = 500; // who terminates a worker, or the process, waits until it is in JavaScript

const table = loadTable(workerData.file);
const unread = new Int32Array(workerData.unread);
const events = Buffer.alloc(BATCH * SIZE);
const count = Buffer.alloc(4);

/* An event as the main thread wants it: with its result and its error. */
function told(bytes) {
  const event = read(bytes, structs.event);
  const { type, op, code, stream, level, data } = event;
  const message = { type, op, code, stream, level, data };
  const struct = CALLS[event.userData].result;
  if (event.result) message.result = read(memory(event.result, struct.size), struct);
  if (event.error) message.error = read(memory(event.error, structs.error.size), structs.error);
  return message;
}

function take() {
  const batch = [];
  for (let i = 0; i < count.readUInt32LE(0); i++) {
    const bytes = events.subarray(i * SIZE, (i + 1) * SIZE);
    batch.push(told(bytes));
    table.clear(bytes);
  }
  return batch;
}

function waitForReader() {
  for (let there; (there = Atomics.load(unread, 0)) >= LIMIT; ) Atomics.wait(unread, 0, there);
}

for (;;) {
  waitForReader();
  events.fill(0);
  for (let i = 0; i < BATCH; i++) events.writeUInt32LE(SIZE, i * SIZE);
  const code = table.next(workerData.env, events, BATCH, SIZE, SLICE_MS, count, null);
  if (code === NUMBERS.E_SHUTDOWN) break;
  if (code !== 0) throw new Error(`next: error ${code}`);
  if (count.readUInt32LE(0) === 0) continue;
  Atomics.add(unread, 0, 1);
  parentPort.postMessage(take());
}
