"""abi.py: the declarations of abi/eep.h and abi/ext/, for ctypes. Nothing else.

Each struct is a text with lines "type name name ...", in the order of the header. An array ("*pair env") is followed by
its count and its stride, so nobody has to write them down. test_eep.py compares every offset with the header's.
"""
import ctypes

OUTPUT_FN = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)
LOG_FN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_char_p)

TYPES = {
    "u32": ctypes.c_uint32,
    "i32": ctypes.c_int32,
    "u64": ctypes.c_uint64,
    "i64": ctypes.c_int64,
    "size": ctypes.c_size_t,
    "pointer": ctypes.c_void_p,
    "cstring": ctypes.c_char_p,
    "output_fn": OUTPUT_FN,
    "log_fn": LOG_FN,
}


def singular(name):
    """What the count and the stride of an array are called by."""
    return name[:-1] if name.endswith("s") else name


def _fields(text):
    for line in text.split("\n"):
        kind, *names = line.split() or [""]
        for name in names:
            if not kind.startswith("*"):
                yield name, TYPES[kind]
                continue
            yield name, ctypes.POINTER(TYPES[kind[1:]])
            yield singular(name) + "_count", ctypes.c_uint32
            yield singular(name) + "_stride", ctypes.c_uint32


def struct(name, text):
    """Declares eep_NAME; later texts may use it as a type."""
    TYPES[name] = type("eep_" + name, (ctypes.Structure,), {"_fields_": list(_fields(text))})
    return TYPES[name]


Str = struct("str", "pointer ptr\n size len")
Bytes = struct("bytes", "pointer ptr\n size len")
Pair = struct("pair", "str name value")
Out = struct("out", "u32 struct_size flags\n pointer arena")
Request = struct("request", """
    u32 struct_size flags timeout_ms grace_ms
    pointer cancel
    str trace_id""")
Error = struct("error", """
    out head
    i32 code http_status os_errno
    u32 retry_after_ms
    str message where request_id lease execution_id""")
Host = struct("host", """
    u32 struct_size flags log_level reserved
    pointer ctx
    log_fn log
    str name version""")

ValidateRequest = struct("validate_request", "u32 struct_size flags\n str config")
Finding = struct("finding", "u32 severity reserved\n str code pointer message hint")
Validation = struct("validation", """
    out head
    u32 valid errors
    *finding findings
    str normalized
    *str secrets""")
OpenRequest = struct("open_request", "u32 struct_size flags\n str config\n pointer host")

ProbeRequest = struct("probe_request", "request head\n u32 max_depth reserved")
Check = struct("check", "u32 status depth\n i32 code\n u32 elapsed_ms\n str name message")
Probe = struct("probe", """
    out head
    u32 failed unknown
    *check checks
    str api_url server_version lease sandbox_name target shell workspace""")

AcquireRequest = struct("acquire_request", """
    request head
    str idempotency_key name_hint
    *pair labels
    *pair env""")
ResumeRequest = struct("resume_request", "request head\n str lease")
Lease = struct("lease", """
    out head
    str lease name state_text target image snapshot shell home user workdir workspace arch
    u32 state cpu memory_gib disk_gib
    i64 created_at_ms
    i32 auto_stop_min auto_archive_min auto_delete_min
    u32 gpu requests queued_ms""")

Source = struct("source", "u32 kind mode\n str path\n bytes data")
RealizeRequest = struct("realize_request", "request head\n str lease root\n *source sources")
SourceResult = struct("source_result", "i32 code\n u32 reserved\n str path message")
Workspace = struct("workspace", """
    out head
    str root
    u32 files failed
    u64 bytes
    *source_result sources""")

ExecuteRequest = struct("execute_request", """
    request head
    str lease execution_id
    *str argv
    str script shell cwd
    *pair env
    bytes stdin_data
    u32 time_limit_ms reserved
    u64 max_output_bytes capture_bytes
    output_fn on_output
    pointer output_ctx""")
Execution = struct("execution", """
    out head
    str execution_id
    i32 exit_code term_signal kill_signal
    u32 requests
    bytes stdout_data stderr_data
    u64 stdout_head stderr_head stdout_total stderr_total
    i64 started_at_ms finished_at_ms kept_until_ms""")

ReleaseRequest = struct("release_request", "request head\n str lease\n u32 mode reserved")
Released = struct("released", "out head\n u32 mode state\n str state_text")


def call(request, result):
    """The type of a blocking call: (env, request, result, error)."""
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(request), ctypes.POINTER(result),
                            ctypes.POINTER(Error))


class Table(ctypes.Structure):
    """eep_plugin"""
    _fields_ = list(_fields("""
        u32 struct_size abi_minor min_host_minor flags
        cstring id name version vendor license url build_info config_schema""")) + [
        ("validate_config", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(ValidateRequest),
                                             ctypes.POINTER(Validation), ctypes.POINTER(Error))),
        ("open", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(OpenRequest), ctypes.POINTER(ctypes.c_void_p),
                                  ctypes.POINTER(Error))),
        ("close", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("probe", call(ProbeRequest, Probe)),
        ("acquire_lease", call(AcquireRequest, Lease)),
        ("resume_lease", call(ResumeRequest, Lease)),
        ("realize_workspace", call(RealizeRequest, Workspace)),
        ("execute", call(ExecuteRequest, Execution)),
        ("release", call(ReleaseRequest, Released)),
        ("clear", ctypes.CFUNCTYPE(None, ctypes.POINTER(Out))),
        ("cancel_create", ctypes.CFUNCTYPE(ctypes.c_void_p)),
        ("cancel_fire", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("cancel_destroy", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("get_extension", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)),
    ]


# -- ext/execution.h -----------------------------------------------------------------------------------------------

AttachRequest = struct("attach_request", """
    request head
    str lease execution_id
    u64 stdout_from stderr_from capture_bytes
    output_fn on_output
    pointer output_ctx""")
KillRequest = struct("kill_request", "request head\n str lease execution_id")
ListRequest = struct("list_request", "request head\n str lease\n u32 max reserved")
ListedExecution = struct("listed_execution", """
    str execution_id
    u32 state flags
    i32 exit_code term_signal
    u64 stdout_total stderr_total
    i64 started_at_ms finished_at_ms""")
ExecutionList = struct("execution_list", "out head\n *listed_execution executions")
DropRequest = struct("drop_request", "request head\n str lease execution_id")


class ExecutionTable(ctypes.Structure):
    """eep_execution_table, the extension "eep.execution/1" """
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("attach", call(AttachRequest, Execution)),
        ("kill", call(KillRequest, Execution)),
        ("list", call(ListRequest, ExecutionList)),
        ("drop", call(DropRequest, Execution)),
    ]


# -- ext/lease.h ---------------------------------------------------------------------------------------------------

Leased = struct("leased", """
    str lease name name_hint owner state_text reason target snapshot
    *pair labels
    u32 state flags cpu memory_gib disk_gib gpu
    i32 auto_stop_min auto_archive_min auto_delete_min
    u32 reserved
    i64 created_at_ms active_at_ms""")
LeaseGetRequest = struct("lease_get_request", "request head\n str lease")
LeasesRequest = struct("leases_request", "request head\n str cursor\n u32 states page")
Leases = struct("leases", "out head\n *leased leases\n str next")
KeepaliveRequest = struct("keepalive_request", "request head\n str lease\n i64 until_ms")
Kept = struct("kept", "out head\n i64 kept_until_ms\n i32 auto_stop_min\n u32 reserved")
ReapRequest = struct("reap_request", "request head\n str cursor\n u64 idle_ms\n u32 states page")
Reaped = struct("reaped", """
    str lease name name_hint owner state_text message
    u32 outcome spared
    i32 code
    u32 flags
    i64 created_at_ms active_at_ms""")
Reaping = struct("reaping", "out head\n *reaped leases\n str next\n u32 deleted spared failed gone")
ExplainRequest = struct("explain_request", "request head\n str lease")
Symptom = struct("symptom", """
    u32 status
    i32 code
    u32 elapsed_ms reserved
    str name evidence advice""")
Explanation = struct("explanation", "out head\n u32 failed unknown\n *symptom symptoms\n *leased leases")


class LeaseTable(ctypes.Structure):
    """eep_lease_table, the extension "eep.lease/1" """
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("get", call(LeaseGetRequest, Leases)),
        ("list", call(LeasesRequest, Leases)),
        ("keepalive", call(KeepaliveRequest, Kept)),
        ("reap", call(ReapRequest, Reaping)),
        ("explain", call(ExplainRequest, Explanation)),
    ]


# -- ext/async.h ---------------------------------------------------------------------------------------------------

AsyncRequest = struct("async_request", """
    u32 struct_size flags
    cstring call
    pointer request
    u64 user_data
    u32 result_size reserved""")
Event = struct("event", """
    out head
    u32 type
    i32 code
    u64 op user_data
    pointer result error
    bytes data
    u64 offset
    u32 stream level""")


class AsyncTable(ctypes.Structure):
    """eep_async_table, the extension "eep.async/1" """
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("submit", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(AsyncRequest),
                                    ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(Error))),
        ("cancel", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(Error))),
        ("fd", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int32),
                                ctypes.POINTER(Error))),
        ("next", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(Event), ctypes.c_uint32,
                                  ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32),
                                  ctypes.POINTER(Error))),
        ("shutdown", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ]


EXTENSIONS = {"eep.execution/1": ExecutionTable, "eep.lease/1": LeaseTable, "eep.async/1": AsyncTable}


# -- Numbers -------------------------------------------------------------------------------------------------------

ENTRY_SYMBOL = "eep_plugin_v1"
ABI_MINOR = 0

CODES = {
    1: "CANCELLED", 2: "DEADLINE", 3: "INVALID_ARGUMENT", 4: "INVALID_CONFIG", 5: "UNSUPPORTED", 6: "UNAUTHENTICATED",
    7: "PERMISSION_DENIED", 8: "NOT_FOUND", 9: "CONFLICT", 10: "QUOTA", 11: "RATE_LIMITED", 12: "UNAVAILABLE",
    13: "PROTOCOL", 14: "TLS", 15: "LEASE_LOST", 16: "NO_MEMORY", 17: "FORKED", 18: "SHUTDOWN", 19: "TOO_LARGE",
    20: "SANDBOX", 21: "INTERRUPTED", 22: "EXPIRED", 99: "INTERNAL",
}

# By their names in the headers, less EEP_ . Flags are in hexadecimal.
REQUEST_NO_GRACE = 0x1
ERROR_RETRYABLE, ERROR_MAYBE_APPLIED, ERROR_FROM_SERVICE = 0x1, 0x2, 0x4
LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_HOST_MISBEHAVING = 1, 2, 3, 4, 5
VALIDATE_STRICT, VALIDATE_TRUST_ENV = 0x100, 0x200
SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_INFO = 1, 2, 3
OPEN_STRICT, OPEN_TRUST_ENV = 0x100, 0x200
PROBE_LOCAL, PROBE_REACH, PROBE_AUTH, PROBE_QUOTA, PROBE_FULL = 1, 2, 3, 4, 5
CHECK_OK, CHECK_FAILED, CHECK_SKIPPED, CHECK_UNKNOWN = 1, 2, 3, 4
LEASE_MAX = 255
ACQUIRE_REUSE = 0x100
RESUME_NO_START = 0x100
STATE_UNKNOWN, STATE_STARTED, STATE_STOPPED, STATE_ARCHIVED, STATE_PAUSED, STATE_ERROR, STATE_GONE = 0, 1, 2, 3, 4, 5, 6
STATE_CHANGING = 7
LEASE_REUSED, LEASE_RESUMED, LEASE_STARTED, LEASE_BARE = 0x1, 0x2, 0x4, 0x8
SOURCE_FILE, SOURCE_DIR = 1, 2
WORKSPACE_STARTED = 0x1
EXECUTE_MERGE, EXECUTE_LOGIN, EXECUTE_DETACH = 0x100, 0x200, 0x400
STREAM_STDOUT, STREAM_STDERR = 1, 2
EXECUTION_ID_MAX = 64
EXECUTION_TIMED_OUT, EXECUTION_OUTPUT_LIMIT, EXECUTION_OUTPUT_LOST, EXECUTION_TRUNCATED = 0x1, 0x2, 0x4, 0x8
EXECUTION_HELD, EXECUTION_ATTACHED, EXECUTION_KILLED, EXECUTION_UNCONFIRMED = 0x10, 0x20, 0x40, 0x80
EXECUTION_STARTED, EXECUTION_RUNNING = 0x100, 0x200
RELEASE_BY_CONFIG, RELEASE_STOP, RELEASE_DESTROY, RELEASE_ARCHIVE, RELEASE_DETACH = 0, 1, 2, 3, 4
RELEASE_DESTROY_IF_STOP_FAILS = 0x100
RELEASED_ALREADY, RELEASED_CONFIRMED, RELEASED_FELL_BACK = 0x1, 0x2, 0x4
ATTACH_NO_WAIT, ATTACH_NO_START = 0x100, 0x200
LIST_NO_START = 0x100
LIST_MAX = 10000
EXECUTION_STATE_UNKNOWN, EXECUTION_STATE_RUNNING, EXECUTION_STATE_DONE, EXECUTION_STATE_EXPIRED = 0, 1, 2, 3
EXECUTION_STATE_INTERRUPTED, EXECUTION_STATE_NEVER = 4, 5
EXECUTION_LIST_MORE = 0x1
LEASED_OWN, LEASED_KEYED, LEASED_REUSABLE, LEASED_RECOVERABLE, LEASED_FOREIGN = 0x1, 0x2, 0x4, 0x8, 0x10
LEASES_ALL = 0x100
LEASES_PAGE_MIN, LEASES_PAGE_MAX = 10, 200
KEEPALIVE_NO_RAISE = 0x100
KEEPALIVE_MAX_MS = 604800000
KEPT_RAISED, KEPT_SHORT, KEPT_NO_STOP = 0x1, 0x2, 0x4
REAP_DRY_RUN, REAP_ALL, REAP_REUSABLE, REAP_RUNNING = 0x100, 0x200, 0x400, 0x800
REAPED_DELETED, REAPED_WOULD, REAPED_GONE, REAPED_SPARED, REAPED_FAILED = 1, 2, 3, 4, 5
SPARED_ACTIVE, SPARED_REUSABLE, SPARED_RUNNING, SPARED_UNSEEN, SPARED_CHANGED, SPARED_STATE = 1, 2, 3, 4, 5, 6
ASYNC_OPS_MAX, ASYNC_UNREAD_MAX, ASYNC_OUTPUT_MAX = 16384, 8388608, 65536
ASYNC_OUTPUT, ASYNC_LOG = 0x1, 0x2
EVENT_DONE, EVENT_OUTPUT, EVENT_LOG = 1, 2, 3
