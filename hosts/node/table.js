'use strict';
/* table.js: the plugin's tables as callable functions. Every thread of Node makes its own.
 *
 * Pointers are Buffers, addresses (BigInt) or null. None of these functions waits for the network, but for next(). */
const koffi = require('koffi');
const path = require('path');
const { structs } = require('./abi.js');
const { memory } = require('./values.js');

const PROTOTYPES = {
  validate_config: ['int32_t', 'request', 'result', 'error'],
  open: ['int32_t', 'request', 'env', 'error'],
  close: ['void', 'env'],
  clear: ['void', 'out'],
  submit: ['int32_t', 'env', 'request', 'op', 'error'],
  cancel: ['int32_t', 'env', { op: 'uint64_t' }, 'error'],
  next: ['int32_t', 'env', 'events', { capacity: 'uint32_t' }, { stride: 'uint32_t' }, { timeout_ms: 'uint32_t' },
    'count', 'error'],
  shutdown: ['void', 'env'],
  get_extension: ['void *', 'id'],
};

function prototype([result, ...parameters]) {
  const kind = (parameter) => (typeof parameter === 'string' ? 'void *' : Object.values(parameter)[0]);
  return koffi.proto(result, parameters.map(kind));
}

/* The members of a table: numbers, texts' addresses, and the functions that have a prototype. */
function decode(struct, address) {
  const bytes = memory(address, struct.size);
  const table = {};
  for (const { name, kind, offset } of struct.fields) {
    const value = kind === 'u32' ? bytes.readUInt32LE(offset) : bytes.readBigUInt64LE(offset);
    table[name] = name in PROTOTYPES ? koffi.decode(value, prototype(PROTOTYPES[name])) : value;
  }
  return table;
}

/* Loads a plugin, for life: there is no unloading. */
function loadTable(file) {
  const entry = koffi.load(path.resolve(file)).func('eep_plugin_v1', 'void *', []);
  const plugin = decode(structs.plugin, entry());
  const extension = plugin.get_extension(Buffer.from('eep.async/1\0'));
  if (!extension) throw new Error(`${file} lacks the extension eep.async/1`);
  const { submit, cancel, next, shutdown } = decode(structs.async_table, extension);
  return { ...plugin, submit, cancel, next, shutdown };
}

const text = (address) => koffi.decode(address, 'char', -1);

module.exports = { loadTable, text };
