'use strict';
/* values.js: JavaScript values into the memory of structs, and back.
 *
 * Names are camelCase here and snake_case in the header: timeLimitMs is time_limit_ms. What a struct points to hangs on its
 * Buffer as `keep`, and so lives as long. Reading copies: nothing points into the plugin afterwards. */
const koffi = require('koffi');
const { structs } = require('./abi.js');

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

const isSpan = (kind) => kind === 'str' || kind === 'bytes';

/* The memory at an address. Copy what you want to keep. */
function memory(address, size) {
  return Buffer.from(koffi.view(address, size));
}

/* -- Writing ---------------------------------------------------------------------------------------------------- */

function writeSpan(buffer, at, value, keep) {
  const data = Buffer.isBuffer(value) || value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
  const held = data.length ? data : Buffer.alloc(1); // empty is not absent
  keep.push(held);
  buffer.writeBigUInt64LE(koffi.address(held), at);
  buffer.writeBigUInt64LE(BigInt(data.length), at + 8);
}

function writeArray(buffer, struct, field, values, keep) {
  const element = structs[field.element];
  const place = (name) => struct.fields.find((other) => other.name === name).offset;
  const array = Buffer.alloc(Math.max(values.length * element.size, 1));
  values.forEach((value, i) => {
    const slot = array.subarray(i * element.size, (i + 1) * element.size);
    if (isSpan(field.element)) writeSpan(slot, 0, value, keep);
    else write(slot, element, value, keep);
  });
  keep.push(array);
  buffer.writeBigUInt64LE(koffi.address(array), field.offset);
  buffer.writeUInt32LE(values.length, place(field.singular + '_count'));
  buffer.writeUInt32LE(element.size, place(field.singular + '_stride'));
}

function writeScalar(buffer, field, value) {
  if (typeof value !== 'boolean' && typeof value !== 'bigint' && !Number.isInteger(value)) {
    throw new TypeError(`${camel(field.name)} takes a whole number, not ${JSON.stringify(value)}`);
  }
  if (field.kind === 'u32') buffer.writeUInt32LE(value, field.offset);
  else if (field.kind === 'i32') buffer.writeInt32LE(value, field.offset);
  else if (field.kind === 'i64') buffer.writeBigInt64LE(BigInt(value), field.offset);
  else buffer.writeBigUInt64LE(BigInt(value), field.offset);
}

/* Sets the fields that `values` has; null and undefined leave the default. An unknown name is a TypeError. */
function write(buffer, struct, values, keep) {
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue;
    const field = struct.fields.find((candidate) => candidate.name === snake(key));
    if (!field) throw new TypeError(`there is no ${key} in eep_${struct.name}`);
    const part = buffer.subarray(field.offset, field.offset + field.size);
    if (field.element) writeArray(buffer, struct, field, value, keep);
    else if (isSpan(field.kind)) writeSpan(buffer, field.offset, value, keep);
    else if (field.kind in structs) write(part, structs[field.kind], value, keep);
    else writeScalar(buffer, field, value);
  }
}

/* A struct of its own, zeroed, struct_size set. */
function make(struct, values = {}) {
  const buffer = Buffer.alloc(struct.size);
  buffer.keep = [];
  buffer.writeUInt32LE(struct.size, 0); // struct_size comes first, in a head too
  write(buffer, struct, values, buffer.keep);
  return buffer;
}

const pairs = (object) => object && Object.entries(object).map(([name, value]) => ({ name, value }));

/* -- Reading ---------------------------------------------------------------------------------------------------- */

function readSpan(buffer, at, kind) {
  const address = buffer.readBigUInt64LE(at);
  if (address === 0n) return null;
  const size = Number(buffer.readBigUInt64LE(at + 8));
  const data = size ? Buffer.from(memory(address, size)) : Buffer.alloc(0);
  return kind === 'str' ? data.toString() : data;
}

/* Step by the array's stride: an older plugin's elements are shorter. */
function readArray(buffer, struct, field) {
  const number = (name) => buffer.readUInt32LE(struct.fields.find((other) => other.name === name).offset);
  const [count, stride] = [number(field.singular + '_count'), number(field.singular + '_stride')];
  const element = structs[field.element];
  const array = count ? memory(buffer.readBigUInt64LE(field.offset), count * stride) : null;
  return Array.from({ length: count }, (_, i) => {
    const slot = Buffer.alloc(element.size);
    array.copy(slot, 0, i * stride, i * stride + Math.min(stride, element.size));
    return isSpan(field.element) ? readSpan(slot, 0, field.element) : read(slot, element);
  });
}

function readScalar(buffer, field) {
  if (field.kind === 'u32') return buffer.readUInt32LE(field.offset);
  if (field.kind === 'i32') return buffer.readInt32LE(field.offset);
  if (field.kind === 'i64') return Number(buffer.readBigInt64LE(field.offset));
  const value = buffer.readBigUInt64LE(field.offset);
  return field.kind === 'pointer' ? value : Number(value);
}

/* A plain object with the struct's fields; `flags` comes from its head. */
function read(buffer, struct) {
  const plain = {};
  for (const field of struct.fields) {
    if (field.name === 'head') plain.flags = buffer.readUInt32LE(field.offset + 4);
    else if (field.element) plain[camel(field.name)] = readArray(buffer, struct, field);
    else if (isSpan(field.kind)) plain[camel(field.name)] = readSpan(buffer, field.offset, field.kind);
    else if (!field.ofArray && field.name !== 'reserved') plain[camel(field.name)] = readScalar(buffer, field);
  }
  return plain;
}

module.exports = { make, memory, pairs, read };
