"""aio.py: the same environment for asyncio: each call is awaited, none needs a thread.

    import eep, eep.aio

    async with eep.aio.open(plugin, {"image": "debian:12"}, trust_env=True) as env:
        lease = (await env.acquire()).lease
        done = await asyncio.gather(*[env.execute(lease, ["echo", str(i)]) for i in range(1000)])
        await env.release(lease, eep.DESTROY)

Calls are submitted to "eep.async/1", whose descriptor the event loop watches. A task that is cancelled waits until the plugin
has undone what it did (the grace), then ends; a lease that it acquired all the same is destroyed, unless its key or its labels
find it again. on_output is called by the event loop. An environment belongs to the loop that was running when it was opened.
"""
import asyncio
import ctypes

from . import Error, abi
from .calls import Calls, lost_lease
from .values import copied, copied_value, fill

BATCH = 64


def open(plugin, config=None, trust_env=False, **options):
    """As Plugin.open, for `async with`. log is called by the event loop."""
    return AsyncEnv(plugin.open(config, trust_env, **options))


class _Operation:
    """A submitted call whose DONE has not come."""

    def __init__(self, name, result, on_output):
        self.component = name.rpartition(".")[2]  # as the plugin calls it in its log
        self.result = result
        self.on_output = on_output
        self.raised = None
        self.done = asyncio.get_running_loop().create_future()


class AsyncEnv(Calls):
    """An open environment whose calls (calls.py) are coroutines."""

    def __init__(self, env):
        self.env = env
        self.plugin = env.plugin
        self.table = self.plugin.extension("eep.async/1")
        self.operations = {}
        self.events = (abi.Event * BATCH)()

    async def __aenter__(self):
        self.loop = asyncio.get_running_loop()
        fd = ctypes.c_int32()
        self.plugin.call(self.table.fd, None, self.env.pointer, ctypes.byref(fd))
        self.fd = fd.value
        self.loop.add_reader(self.fd, self._read)
        return self

    async def __aexit__(self, *_):
        """Ends what is under way with SHUTDOWN, and waits for that. Leases are not touched."""
        if self.env.pointer is None:
            return  # the number of the descriptor may be another's by now
        self.table.shutdown(self.env.pointer)
        try:
            await self._await_operations()
        finally:
            self.loop.remove_reader(self.fd)
            self.env.close()

    async def _await_operations(self):
        """When this is cancelled, they end at once."""
        while self.operations:
            try:
                await asyncio.wait([operation.done for operation in self.operations.values()])
            except asyncio.CancelledError:
                for op in list(self.operations):
                    self._cancel(op)
                    self._cancel(op)
                await self._await_operations()
                raise

    async def _call(self, name, request, result, head, fields, on_output=None):
        if self.env.pointer is None:
            raise ValueError("the environment is closed")
        cancel = head.pop("cancel", None)
        filled = fill(request(), dict(head, cancel=cancel.pointer if cancel else None), **fields)
        operation = _Operation(name, result, on_output)
        op = self._submit(name, filled, result, on_output)
        self.operations[op] = operation
        try:
            done = await asyncio.shield(operation.done)
        except asyncio.CancelledError:
            await self._undo(op, operation)
            if not operation.done.exception():
                await self._give_back(lost_lease(name, head, fields, operation.done.result()))
            raise
        except Error:
            if not operation.raised:
                raise
        if operation.raised:  # also when the command ended well before it could be stopped
            raise operation.raised
        return done

    def _submit(self, name, filled, result, on_output):
        op = ctypes.c_uint64()
        flags = (abi.ASYNC_OUTPUT if on_output else 0) | (abi.ASYNC_LOG if self.env.log else 0)
        submission = abi.AsyncRequest(
            struct_size=ctypes.sizeof(abi.AsyncRequest), flags=flags, call=name.encode(),
            request=ctypes.addressof(filled), result_size=ctypes.sizeof(result))
        self.plugin.call(self.table.submit, None, self.env.pointer, ctypes.byref(submission), ctypes.byref(op))
        return op.value

    def _cancel(self, op):
        if op in self.operations:
            self.table.cancel(self.env.pointer, op, None)

    async def _undo(self, op, operation):
        """The task was cancelled: so is the call. A second cancel of the task ends it at once."""
        self._cancel(op)
        while not operation.done.done():
            try:
                await asyncio.wait([operation.done])
            except asyncio.CancelledError:
                self._cancel(op)

    async def _give_back(self, lease):
        """What was acquired before the cancel came to it, and nobody will hear of."""
        if not lease:
            return
        try:
            await asyncio.shield(asyncio.ensure_future(self.release(lease, abi.RELEASE_DESTROY)))
        except (Error, ValueError) as error:
            self.loop.call_exception_handler({"message": "eep: left behind: " + lease, "exception": error})

    # -- events

    def _read(self):
        """Takes what is there, but one batch only: the loop has other things to do."""
        for event in self.events:
            ctypes.memset(ctypes.byref(event), 0, ctypes.sizeof(event))
            event.head.struct_size = ctypes.sizeof(event)
        count = ctypes.c_uint32()
        self.table.next(self.env.pointer, self.events, BATCH, ctypes.sizeof(abi.Event), 0, ctypes.byref(count), None)
        self._take_all(self.events[:count.value])

    def _take_all(self, events):
        """What comes out of one of them (an interrupt, say) takes no other with it: somebody waits for its end."""
        for i, event in enumerate(events):
            try:
                self._take(event)
            except BaseException:
                self._take_all(events[i + 1:])
                raise
            finally:
                self.plugin.table.clear(ctypes.cast(ctypes.byref(event), ctypes.POINTER(abi.Out)))

    def _take(self, event):
        if event.type == abi.EVENT_OUTPUT:
            self._output(event)
        elif event.type == abi.EVENT_LOG:
            message = copied_value(event.data, abi.Bytes)
            self.env.tell_log(event.level, self.operations[event.op].component, message)
        elif event.type == abi.EVENT_DONE:
            self._done(event, self.operations.pop(event.op))

    def _output(self, event):
        operation = self.operations[event.op]
        try:
            stop = not operation.raised and operation.on_output(event.stream, copied_value(event.data, abi.Bytes))
        except BaseException as raised:
            operation.raised, stop = raised, True
        if stop:
            self._cancel(event.op)

    def _done(self, event, operation):
        result = copied(ctypes.cast(event.result, ctypes.POINTER(operation.result)).contents) if event.result else None
        if event.code == 0:
            operation.done.set_result(result)
        else:
            error = ctypes.cast(event.error, ctypes.POINTER(abi.Error)).contents if event.error else None
            operation.done.set_exception(Error(event.code, copied(error) if error else None, result))
