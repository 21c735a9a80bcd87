"""eep: loads an execution-environment plugin and calls it. Python 3.8 or newer, nothing but the standard library.

    import eep

    with eep.load("build/eep-daytona.so").open({"image": "debian:12"}, trust_env=True) as env:
        lease = env.acquire(idempotency_key="build-42").lease      # a string: keep it where you like
        done = env.execute(lease, ["uname", "-a"])
        print(done.exit_code, done.stdout_data)
        env.release(lease, eep.DESTROY)

(eep.aio has the same for asyncio.) Results are plain objects with the fields of abi/eep.h, whose numbers are in eep.abi
(abi.LEASE_REUSED). What fails raises eep.Error, with its fields. Any thread may call, any number at once; the interpreter's lock is released meanwhile. Ctrl-C in the main thread,
or whatever else a signal handler raises, cancels the call, which then undoes what it did; a second one makes it return at
once.
"""
import contextlib
import ctypes
import json
import os
import threading

from . import abi
from .calls import Calls, lost_lease
from .interrupt import interruptible
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
    entry = getattr(ctypes.CDLL(os.path.abspath(path)), abi.ENTRY_SYMBOL, None)
    if entry is None:
        raise OSError("%s is no eep plugin: it has no function %s" % (path, abi.ENTRY_SYMBOL))
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

    def extension(self, name):
        """The table of an extension."""
        address = self.table.get_extension(name.encode())
        if not address:
            raise NotImplementedError("plugin %s lacks the extension %s" % (self.id, name))
        return ctypes.cast(address, ctypes.POINTER(abi.EXTENSIONS[name])).contents


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


def _log_callback(tell):
    def line(_, level, component, message):
        tell(level, component.decode(), message)
    return abi.LOG_FN(line)


class _Output:
    """on_output for ctypes: what it raises stops the command, and is raised when the call is over."""

    def __init__(self, on_output):
        self.raised = None
        self.callback = abi.OUTPUT_FN(self.take)
        self.on_output = on_output

    def take(self, _, stream, data, size):
        try:
            return 1 if self.on_output(stream, ctypes.string_at(data, size)) else 0
        except BaseException as raised:
            self.raised = raised
            return 1


class Env(Calls):
    """An open environment, and its calls (calls.py)."""

    def __init__(self, plugin, config, trust_env, log, log_level, name):
        self.plugin = plugin
        self.log = log
        self.log_callback = _log_callback(self.tell_log) if log else abi.LOG_FN()
        host = fill(abi.Host(), log_level=log_level, log=self.log_callback, name=name)
        request = fill(abi.OpenRequest(), flags=abi.OPEN_TRUST_ENV if trust_env else 0, config=json.dumps(config),
                       host=ctypes.addressof(host))
        self.pointer = ctypes.c_void_p()
        self.pid = os.getpid()
        self.under_way = []  # threads, by their identifiers: once for each call
        self.changed = threading.Condition()  # guards the two
        plugin.call(plugin.table.open, None, ctypes.byref(request), ctypes.byref(self.pointer))

    def tell_log(self, level, component, message):
        try:
            self.log(level, component, message.decode("utf-8", "replace"))
        except Exception:  # must not reach the plugin, and a log line is not worth a call
            pass

    def close(self):
        """Ends what is under way with SHUTDOWN, and waits for that. Leases are not touched. An on_output may close, too: its
        own call ends behind it."""
        if os.getpid() != self.pid:  # a child has none of the threads that were within
            self.under_way, self.changed = [], threading.Condition()
        with self.changed:
            pointer, self.pointer = self.pointer, None
        if pointer:
            self._await_calls(pointer)
            self.plugin.table.close(pointer)

    def _await_calls(self, pointer):
        """No call may begin within the plugin once its close has begun, and another thread may be just about to."""
        try:
            self.plugin.extension("eep.async/1").shutdown(pointer)
        except NotImplementedError:
            return
        own = threading.get_ident()
        with self.changed:
            self.changed.wait_for(lambda: all(thread == own for thread in self.under_way))

    @contextlib.contextmanager
    def entered(self):
        """The environment's pointer, which stays good meanwhile."""
        with self.changed:
            if self.pointer is None:
                raise ValueError("the environment is closed")
            pointer = self.pointer
            within = self.under_way
            within.append(threading.get_ident())
        try:
            yield pointer
        finally:
            with self.changed:
                within.remove(threading.get_ident())
                self.changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _function(self, name):
        extension, _, slot = name.rpartition(".")
        if not extension:
            return getattr(self.plugin.table, slot)
        return getattr(self.plugin.extension(extension), slot)

    def _call(self, name, request, result, head, fields, on_output=None):
        output = _Output(on_output)
        if on_output:
            fields = dict(fields, on_output=output.callback)
        cancel = head.pop("cancel", None) or Cancel(self.plugin)
        filled = fill(request(), dict(head, cancel=cancel.pointer), **fields)
        function = self._function(name)

        def work():
            with self.entered() as pointer:
                return self.plugin.call(function, result(), pointer, ctypes.byref(filled))

        def unwanted(value):
            lease = lost_lease(name, head, fields, value)
            if lease:
                self.release(lease, DESTROY)

        try:
            done = interruptible(cancel, work, unwanted)
        except Error:
            if not output.raised:
                raise
        if output.raised:  # also when the command ended well before it could be stopped
            raise output.raised
        return done
