"""eep: loads an execution-environment plugin and calls it. Python 3.8 or newer, nothing but the standard library.

    import eep

    with eep.load("build/eep-daytona.so").open({"image": "debian:12"}, trust_env=True) as env:
        lease = env.acquire(idempotency_key="build-42").lease      # a string: keep it where you like
        done = env.execute(lease, ["uname", "-a"])
        print(done.exit_code, done.stdout_data)
        env.release(lease, eep.DESTROY)

Results are plain objects with the fields of abi/eep.h. What fails raises eep.Error, with its fields. Any thread may call, any
number at once; the interpreter's lock is released meanwhile. Ctrl-C in the main thread cancels the call, which then undoes
what it did; a second one returns at once.
"""
import ctypes
import json
import os
import threading

from . import abi
from .values import copied, fill

BY_CONFIG, STOP, DESTROY, ARCHIVE, DETACH = range(5)
MERGE, LOGIN = abi.EXECUTE_MERGE, abi.EXECUTE_LOGIN
STDOUT, STDERR = abi.STREAM_STDOUT, abi.STREAM_STDERR


class Error(Exception):
    """What eep_error tells: code, name ("LEASE_LOST"), retryable, maybe_applied, message, where, lease, ...

    `partial` is what execute and attach know of a command when they were cancelled or ran out of time, else None.
    """

    def __init__(self, code, fields=None, partial=None):
        vars(self).update(vars(fields) if fields else {"flags": 0, "message": None, "where": None, "lease": None})
        self.code = code
        self.name = abi.CODES.get(code, "INTERNAL")
        self.retryable = bool(self.flags & abi.ERROR_RETRYABLE)
        self.maybe_applied = bool(self.flags & abi.ERROR_MAYBE_APPLIED)
        self.partial = partial
        super().__init__("%s: %s (%s)" % (self.name, self.message, self.where))


def load(path=None):
    """Loads a plugin, for life: there is no unloading. Default: the variable EEP_PLUGIN."""
    path = path or os.environ.get("EEP_PLUGIN")
    if not path:
        raise ValueError("no plugin: give its path, or set EEP_PLUGIN")
    entry = getattr(ctypes.CDLL(os.path.abspath(path)), abi.ENTRY_SYMBOL)
    entry.restype = ctypes.POINTER(abi.Table)
    table = entry().contents
    if table.min_host_minor > abi.ABI_MINOR:
        raise OSError("%s wants a host of ABI 1.%d or newer" % (path, table.min_host_minor))
    return Plugin(table)


class Plugin:
    """A loaded plugin."""

    def __init__(self, table):
        self.table = table
        self.id = table.id.decode()
        self.version = table.version.decode()

    def call(self, function, result, *arguments):
        """Calls function(*arguments, result, error); returns a copy of the result or raises Error."""
        error = fill(abi.Error())
        if result is not None:
            fill(result)
        try:
            code = function(*arguments, *([] if result is None else [ctypes.byref(result)]), ctypes.byref(error))
            plain = None if result is None else copied(result)
            if code != 0:
                raise Error(code, copied(error), plain)
            return plain
        finally:
            for out in (error, result):
                if out is not None:
                    self.table.clear(ctypes.cast(ctypes.byref(out), ctypes.POINTER(abi.Out)))

    def validate(self, config, trust_env=False):
        """All that is wrong with a configuration, at once: valid, errors, findings, normalized. No network."""
        flags = abi.VALIDATE_TRUST_ENV if trust_env else 0
        request = fill(abi.ValidateRequest(), flags=flags, config=json.dumps(config))
        return self.call(self.table.validate_config, abi.Validation(), ctypes.byref(request))

    def open(self, config=None, trust_env=False, log=None, log_level=0, name="python"):
        """An environment: one configuration with its credentials. log(level, component, message) gets its log."""
        return Env(self, config or {}, trust_env, log, log_level, name)

    def extension(self, name, table):
        address = self.table.get_extension(name.encode())
        return ctypes.cast(address, ctypes.POINTER(table)).contents if address else None


class Cancel:
    """A cancel token. fire() works from any thread: the calls that carry it end."""

    def __init__(self, plugin):
        self.table = plugin.table
        self.pointer = plugin.table.cancel_create()
        if not self.pointer:
            raise MemoryError("cancel_create")

    def fire(self):
        self.table.cancel_fire(self.pointer)

    def __del__(self):
        if getattr(self, "pointer", None):
            self.table.cancel_destroy(self.pointer)


def _log_callback(log):
    def line(_, level, component, message):
        try:
            log(level, component.decode(), message.decode("utf-8", "replace"))
        except Exception:  # must not reach the plugin, and a log line is not worth a call
            pass
    return abi.LOG_FN(line) if log else abi.LOG_FN()


class _Output:
    """on_output for ctypes: what it raises stops the command, and is raised when the call is over."""

    def __init__(self, on_output):
        self.raised = None
        self.callback = abi.OUTPUT_FN(self.take) if on_output else abi.OUTPUT_FN()
        self.on_output = on_output

    def take(self, _, stream, data, size):
        try:
            return 1 if self.on_output(stream, ctypes.string_at(data, size)) else 0
        except BaseException as raised:
            self.raised = raised
            return 1


class Env:
    """An open environment. Every call takes timeout_ms, grace_ms, trace_id and cancel (a Cancel)."""

    def __init__(self, plugin, config, trust_env, log, log_level, name):
        self.plugin = plugin
        self.log = _log_callback(log)
        host = fill(abi.Host(), log_level=log_level, log=self.log, name=name)
        request = fill(abi.OpenRequest(), flags=abi.OPEN_TRUST_ENV if trust_env else 0, config=json.dumps(config),
                       host=ctypes.addressof(host))
        self.pointer = ctypes.c_void_p()
        plugin.call(plugin.table.open, None, ctypes.byref(request), ctypes.byref(self.pointer))

    def close(self):
        """Ends what is under way with SHUTDOWN. Leases are not touched."""
        pointer, self.pointer = self.pointer, None
        self.plugin.table.close(pointer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- the calls

    def probe(self, max_depth=0, **head):
        return self._call("probe", abi.ProbeRequest, abi.Probe, head, max_depth=max_depth)

    def acquire(self, idempotency_key=None, name_hint=None, labels=None, env=None, **head):
        return self._call("acquire_lease", abi.AcquireRequest, abi.Lease, head, idempotency_key=idempotency_key,
                          name_hint=name_hint, labels=labels, env=env)

    def resume(self, lease, **head):
        return self._call("resume_lease", abi.ResumeRequest, abi.Lease, head, lease=lease)

    def realize(self, lease, files=None, folders=(), root=None, **head):
        """files: {path: bytes or (bytes, mode)}"""
        sources = [{"kind": abi.SOURCE_DIR, "path": path} for path in folders]
        for path, content in (files or {}).items():
            data, mode = content if isinstance(content, tuple) else (content, 0)
            sources.append({"kind": abi.SOURCE_FILE, "path": path, "data": data, "mode": mode})
        return self._call("realize_workspace", abi.RealizeRequest, abi.Workspace, head, lease=lease, root=root,
                          sources=sources)

    def execute(self, lease, command, on_output=None, detach=False, **fields):
        """command: a list (program and arguments), or a str (shell text). on_output(stream, bytes) gets the output while it
        comes, on the thread that makes the call; true stops the command. Other fields as in eep_execute_request: env,
        cwd, stdin_data, time_limit_ms, execution_id, ..."""
        head = _split_head(fields)
        head["flags"] = head.get("flags", 0) | (abi.EXECUTE_DETACH if detach else 0)
        what = {"script": command} if isinstance(command, (str, bytes)) else {"argv": command}
        return self._output_call("execute", abi.ExecuteRequest, head, on_output, lease=lease, **what, **fields)

    def release(self, lease, mode=BY_CONFIG, **head):
        return self._call("release", abi.ReleaseRequest, abi.Released, head, lease=lease, mode=mode)

    # -- eep.execution/1

    def attach(self, lease, execution_id, on_output=None, wait=True, **fields):
        """The end of a command and its output from any byte (stdout_from, stderr_from) on."""
        head = _split_head(fields)
        head["flags"] = 0 if wait else abi.ATTACH_NO_WAIT
        return self._output_call("attach", abi.AttachRequest, head, on_output, lease=lease, execution_id=execution_id,
                                 **fields)

    def kill(self, lease, execution_id, **head):
        return self._call("kill", abi.KillRequest, abi.Execution, head, lease=lease, execution_id=execution_id)

    def list(self, lease, max=0, **head):
        return self._call("list", abi.ListRequest, abi.ExecutionList, head, lease=lease, max=max).executions

    def drop(self, lease, execution_id, **head):
        return self._call("drop", abi.DropRequest, abi.Execution, head, lease=lease, execution_id=execution_id)

    # -- how a call is made

    def _function(self, name):
        if hasattr(abi.Table, name):
            return getattr(self.plugin.table, name)
        table = self.plugin.extension("eep.execution/1", abi.ExecutionTable)
        if not table:
            raise NotImplementedError("plugin %s lacks eep.execution/1" % self.plugin.id)
        return getattr(table, name)

    def _output_call(self, name, request, head, on_output, **fields):
        output = _Output(on_output)
        try:
            return self._call(name, request, abi.Execution, head, on_output=output.callback, **fields)
        except Error:
            if output.raised:
                raise output.raised
            raise

    def _call(self, name, request, result, head, **fields):
        if self.pointer is None:
            raise ValueError("the environment is closed")
        cancel = head.pop("cancel", None) or Cancel(self.plugin)
        filled = fill(request(), dict(head, cancel=cancel.pointer), **fields)
        function = self._function(name)
        return _interruptible(cancel, lambda: self.plugin.call(function, result(), self.pointer, ctypes.byref(filled)))


def _split_head(fields):
    names = ("flags", "timeout_ms", "grace_ms", "trace_id", "cancel")
    return {name: fields.pop(name) for name in names if name in fields}


def _interruptible(cancel, work):
    """Python runs signal handlers only between its own steps, so the main thread has another one make the call."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome = []
    over = threading.Event()  # an interrupted Thread.join() forgets that the thread runs

    def run():
        try:
            outcome.append((work(), None))
        except BaseException as raised:
            outcome.append((None, raised))
        over.set()

    threading.Thread(target=run, name="eep-call").start()
    interrupted = None
    while not over.is_set():
        try:
            over.wait()
        except KeyboardInterrupt as raised:
            interrupted = raised
            cancel.fire()
    value, raised = outcome[0]
    if interrupted:
        raise interrupted from raised
    if raised:
        raise raised
    return value
