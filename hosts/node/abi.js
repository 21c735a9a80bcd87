'use strict';
/* abi.js: the declarations of abi/eep.h and abi/ext/. Nothing else.
 *
 * Each struct is a text with lines "type name name ...", in the order of the header. An array ("*pair env") is followed by
 * its count and its stride, so nobody has to write them down. test_eep.js compares every offset with the header's. */

const SCALARS = { u32: 4, i32: 4, u64: 8, i64: 8, size: 8, pointer: 8 };
const structs = {};

function alignment(kind) {
  return kind in SCALARS ? SCALARS[kind] : structs[kind].align;
}

function sizeOf(kind) {
  return kind in SCALARS ? SCALARS[kind] : structs[kind].size;
}

/* [type, name] of every member, those of arrays included. */
function* members(text) {
  for (const line of text.split('\n')) {
    const [kind, ...names] = line.trim().split(/\s+/);
    for (const name of names) {
      if (!kind.startsWith('*')) {
        yield { kind, name };
        continue;
      }
      const singular = name.replace(/s$/, '');
      yield { kind: 'pointer', name, element: kind.slice(1), singular };
      yield { kind: 'u32', name: singular + '_count', ofArray: true };
      yield { kind: 'u32', name: singular + '_stride', ofArray: true };
    }
  }
}

/* Declares eep_NAME; later texts may use it as a type. */
function struct(name, text) {
  const fields = [];
  let size = 0;
  let align = 4;
  for (const field of members(text)) {
    const own = alignment(field.kind);
    size = Math.ceil(size / own) * own;
    fields.push({ ...field, offset: size, size: sizeOf(field.kind) });
    size += sizeOf(field.kind);
    align = Math.max(align, own);
  }
  structs[name] = { name, fields, align, size: Math.ceil(size / align) * align };
}

struct('str', 'pointer ptr\n size len');
struct('bytes', 'pointer ptr\n size len');
struct('pair', 'str name value');
struct('out', 'u32 struct_size flags\n pointer arena');
struct('request', 'u32 struct_size flags timeout_ms grace_ms\n pointer cancel\n str trace_id');
struct('error', `out head
  i32 code http_status os_errno
  u32 retry_after_ms
  str message where request_id lease execution_id`);
struct('host', 'u32 struct_size flags log_level reserved\n pointer ctx log\n str name version');

struct('validate_request', 'u32 struct_size flags\n str config');
struct('finding', 'u32 severity reserved\n str code pointer message hint');
struct('validation', 'out head\n u32 valid errors\n *finding findings\n str normalized\n *str secrets');
struct('open_request', 'u32 struct_size flags\n str config\n pointer host');

struct('probe_request', 'request head\n u32 max_depth reserved');
struct('check', 'u32 status depth\n i32 code\n u32 elapsed_ms\n str name message');
struct('probe', `out head
  u32 failed unknown
  *check checks
  str api_url server_version lease sandbox_name target shell workspace`);

struct('acquire_request', 'request head\n str idempotency_key name_hint\n *pair labels\n *pair env');
struct('resume_request', 'request head\n str lease');
struct('lease', `out head
  str lease name state_text target image snapshot shell home user workdir workspace arch
  u32 state cpu memory_gib disk_gib
  i64 created_at_ms
  i32 auto_stop_min auto_archive_min auto_delete_min
  u32 gpu requests queued_ms`);

struct('source', 'u32 kind mode\n str path\n bytes data');
struct('realize_request', 'request head\n str lease root\n *source sources');
struct('source_result', 'i32 code\n u32 reserved\n str path message');
struct('workspace', 'out head\n str root\n u32 files failed\n u64 bytes\n *source_result sources');

struct('execute_request', `request head
  str lease execution_id
  *str argv
  str script shell cwd
  *pair env
  bytes stdin_data
  u32 time_limit_ms reserved
  u64 max_output_bytes capture_bytes
  pointer on_output output_ctx`);
struct('execution', `out head
  str execution_id
  i32 exit_code term_signal kill_signal
  u32 requests
  bytes stdout_data stderr_data
  u64 stdout_head stderr_head stdout_total stderr_total
  i64 started_at_ms finished_at_ms kept_until_ms`);

struct('release_request', 'request head\n str lease\n u32 mode reserved');
struct('released', 'out head\n u32 mode state\n str state_text');

struct('plugin', `u32 struct_size abi_minor min_host_minor flags
  pointer id name version vendor license url build_info config_schema
  pointer validate_config open close probe acquire_lease resume_lease realize_workspace execute release
  pointer clear cancel_create cancel_fire cancel_destroy get_extension`);

// ext/execution.h
struct('attach_request', `request head
  str lease execution_id
  u64 stdout_from stderr_from capture_bytes
  pointer on_output output_ctx`);
struct('kill_request', 'request head\n str lease execution_id');
struct('list_request', 'request head\n str lease\n u32 max reserved');
struct('listed_execution', `str execution_id
  u32 state flags
  i32 exit_code term_signal
  u64 stdout_total stderr_total
  i64 started_at_ms finished_at_ms`);
struct('execution_list', 'out head\n *listed_execution executions');
struct('drop_request', 'request head\n str lease execution_id');
struct('execution_table', 'u32 struct_size flags\n pointer attach kill list drop');

// ext/lease.h
struct('leased', `str lease name name_hint owner state_text reason target snapshot
  *pair labels
  u32 state flags cpu memory_gib disk_gib gpu
  i32 auto_stop_min auto_archive_min auto_delete_min
  u32 reserved
  i64 created_at_ms active_at_ms`);
struct('lease_get_request', 'request head\n str lease');
struct('leases_request', 'request head\n str cursor\n u32 states page');
struct('leases', 'out head\n *leased leases\n str next');
struct('keepalive_request', 'request head\n str lease\n i64 until_ms');
struct('kept', 'out head\n i64 kept_until_ms\n i32 auto_stop_min\n u32 reserved');
struct('reap_request', 'request head\n str cursor\n u64 idle_ms\n u32 states page');
struct('reaped', `str lease name name_hint owner state_text message
  u32 outcome spared
  i32 code
  u32 flags
  i64 created_at_ms active_at_ms`);
struct('reaping', 'out head\n *reaped leases\n str next\n u32 deleted spared failed gone');
struct('explain_request', 'request head\n str lease');
struct('symptom', 'u32 status\n i32 code\n u32 elapsed_ms reserved\n str name evidence advice');
struct('explanation', 'out head\n u32 failed unknown\n *symptom symptoms\n *leased leases');
struct('lease_table', 'u32 struct_size flags\n pointer get list keepalive reap explain');

// ext/async.h
struct('async_request', `u32 struct_size flags
  pointer call request
  u64 user_data
  u32 result_size reserved`);
struct('event', `out head
  u32 type
  i32 code
  u64 op user_data
  pointer result error
  bytes data
  u64 offset
  u32 stream level`);
struct('async_table', 'u32 struct_size flags\n pointer submit cancel fd next shutdown');

/* The calls that can be submitted, and the structs they take and give. Their place here is their user_data. */
const CALLS = [
  ['probe', 'probe_request', 'probe'],
  ['acquire_lease', 'acquire_request', 'lease'],
  ['resume_lease', 'resume_request', 'lease'],
  ['realize_workspace', 'realize_request', 'workspace'],
  ['execute', 'execute_request', 'execution'],
  ['release', 'release_request', 'released'],
  ['eep.execution/1.attach', 'attach_request', 'execution'],
  ['eep.execution/1.kill', 'kill_request', 'execution'],
  ['eep.execution/1.list', 'list_request', 'execution_list'],
  ['eep.execution/1.drop', 'drop_request', 'execution'],
  ['eep.lease/1.get', 'lease_get_request', 'leases'],
  ['eep.lease/1.list', 'leases_request', 'leases'],
  ['eep.lease/1.keepalive', 'keepalive_request', 'kept'],
  ['eep.lease/1.reap', 'reap_request', 'reaping'],
  ['eep.lease/1.explain', 'explain_request', 'explanation'],
].map(([name, request, result]) => ({ name, request: structs[request], result: structs[result] }));

const CODES = {
  1: 'CANCELLED', 2: 'DEADLINE', 3: 'INVALID_ARGUMENT', 4: 'INVALID_CONFIG', 5: 'UNSUPPORTED', 6: 'UNAUTHENTICATED',
  7: 'PERMISSION_DENIED', 8: 'NOT_FOUND', 9: 'CONFLICT', 10: 'QUOTA', 11: 'RATE_LIMITED', 12: 'UNAVAILABLE',
  13: 'PROTOCOL', 14: 'TLS', 15: 'LEASE_LOST', 16: 'NO_MEMORY', 17: 'FORKED', 18: 'SHUTDOWN', 19: 'TOO_LARGE',
  20: 'SANDBOX', 21: 'INTERRUPTED', 22: 'EXPIRED', 99: 'INTERNAL',
};

/* By their names in the headers, less EEP_ . Flags are in hexadecimal. */
const NUMBERS = {
  E_SHUTDOWN: 18,
  ABI_MINOR: 0,
  REQUEST_NO_GRACE: 0x1,
  ERROR_RETRYABLE: 0x1, ERROR_MAYBE_APPLIED: 0x2, ERROR_FROM_SERVICE: 0x4,
  LOG_ERROR: 1, LOG_WARNING: 2, LOG_INFO: 3, LOG_DEBUG: 4, LOG_HOST_MISBEHAVING: 5,
  VALIDATE_STRICT: 0x100, VALIDATE_TRUST_ENV: 0x200,
  SEVERITY_ERROR: 1, SEVERITY_WARNING: 2, SEVERITY_INFO: 3,
  OPEN_STRICT: 0x100, OPEN_TRUST_ENV: 0x200,
  PROBE_LOCAL: 1, PROBE_REACH: 2, PROBE_AUTH: 3, PROBE_QUOTA: 4, PROBE_FULL: 5,
  CHECK_OK: 1, CHECK_FAILED: 2, CHECK_SKIPPED: 3, CHECK_UNKNOWN: 4,
  LEASE_MAX: 255,
  ACQUIRE_REUSE: 0x100,
  RESUME_NO_START: 0x100,
  STATE_UNKNOWN: 0, STATE_STARTED: 1, STATE_STOPPED: 2, STATE_ARCHIVED: 3, STATE_PAUSED: 4, STATE_ERROR: 5,
  STATE_GONE: 6, STATE_CHANGING: 7,
  LEASE_REUSED: 0x1, LEASE_RESUMED: 0x2, LEASE_STARTED: 0x4, LEASE_BARE: 0x8,
  SOURCE_FILE: 1, SOURCE_DIR: 2,
  WORKSPACE_STARTED: 0x1,
  EXECUTE_MERGE: 0x100, EXECUTE_LOGIN: 0x200, EXECUTE_DETACH: 0x400,
  STREAM_STDOUT: 1, STREAM_STDERR: 2,
  EXECUTION_ID_MAX: 64,
  EXECUTION_TIMED_OUT: 0x1, EXECUTION_OUTPUT_LIMIT: 0x2, EXECUTION_OUTPUT_LOST: 0x4, EXECUTION_TRUNCATED: 0x8,
  EXECUTION_HELD: 0x10, EXECUTION_ATTACHED: 0x20, EXECUTION_KILLED: 0x40, EXECUTION_UNCONFIRMED: 0x80,
  EXECUTION_STARTED: 0x100, EXECUTION_RUNNING: 0x200,
  RELEASE_BY_CONFIG: 0, RELEASE_STOP: 1, RELEASE_DESTROY: 2, RELEASE_ARCHIVE: 3, RELEASE_DETACH: 4,
  RELEASE_DESTROY_IF_STOP_FAILS: 0x100,
  RELEASED_ALREADY: 0x1, RELEASED_CONFIRMED: 0x2, RELEASED_FELL_BACK: 0x4,
  ATTACH_NO_WAIT: 0x100, ATTACH_NO_START: 0x200,
  LIST_NO_START: 0x100,
  LIST_MAX: 10000,
  EXECUTION_STATE_UNKNOWN: 0, EXECUTION_STATE_RUNNING: 1, EXECUTION_STATE_DONE: 2, EXECUTION_STATE_EXPIRED: 3,
  EXECUTION_STATE_INTERRUPTED: 4, EXECUTION_STATE_NEVER: 5,
  EXECUTION_LIST_MORE: 0x1,
  LEASED_OWN: 0x1, LEASED_KEYED: 0x2, LEASED_REUSABLE: 0x4, LEASED_RECOVERABLE: 0x8, LEASED_FOREIGN: 0x10,
  LEASES_ALL: 0x100,
  LEASES_PAGE_MIN: 10, LEASES_PAGE_MAX: 200,
  KEEPALIVE_NO_RAISE: 0x100,
  KEEPALIVE_MAX_MS: 604800000,
  KEPT_RAISED: 0x1, KEPT_SHORT: 0x2, KEPT_NO_STOP: 0x4,
  REAP_DRY_RUN: 0x100, REAP_ALL: 0x200, REAP_REUSABLE: 0x400, REAP_RUNNING: 0x800,
  REAPED_DELETED: 1, REAPED_WOULD: 2, REAPED_GONE: 3, REAPED_SPARED: 4, REAPED_FAILED: 5,
  SPARED_ACTIVE: 1, SPARED_REUSABLE: 2, SPARED_RUNNING: 3, SPARED_UNSEEN: 4, SPARED_CHANGED: 5, SPARED_STATE: 6,
  ASYNC_OPS_MAX: 16384, ASYNC_UNREAD_MAX: 8388608, ASYNC_OUTPUT_MAX: 65536,
  ASYNC_OUTPUT: 0x1, ASYNC_LOG: 0x2,
  EVENT_DONE: 1, EVENT_OUTPUT: 2, EVENT_LOG: 3,
};

module.exports = { structs, CALLS, CODES, NUMBERS };
