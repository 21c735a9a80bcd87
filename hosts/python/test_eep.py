#!/usr/bin/env python3
"""test_eep.py: the ctypes declarations against the header, and the calls against the plugin and the stand-in.

Tests build/eep-daytona.so against build/daytona-standin, or $EEP_TEST_PLUGIN against $STANDIN; from the source tree.
"""
import _ctypes
import asyncio
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../tests/support")]

import eep  # noqa: E402
import eep.aio  # noqa: E402
import standin  # noqa: E402
import unittest_lines  # noqa: E402
from eep import abi, interrupt  # noqa: E402

PLUGIN = os.environ.get("EEP_TEST_PLUGIN") or "build/eep-daytona.so"
GOLDEN = ["layout.golden", "layout.execution.golden", "layout.lease.golden", "layout.async.golden"]
TABLES = {"plugin": abi.Table, "execution_table": abi.ExecutionTable, "lease_table": abi.LeaseTable,
          "async_table": abi.AsyncTable}


def setUpModule():
    global server, plugin, config
    running = standin.running("--control")
    server = running.__enter__()
    unittest.addModuleCleanup(running.__exit__, None, None, None)
    plugin = eep.load(PLUGIN)
    config = {"apiUrl": server.api_url, "apiKey": server.key}


def declared(struct_name):
    """The class that declares a struct of the header."""
    short = struct_name[len("eep_"):]
    return TABLES.get(short) or abi.TYPES[short]


class Layout(unittest.TestCase):
    """The golden files are compared with the headers by tests/abi/layout.sh."""

    def lines(self, golden, pattern):
        with open(os.path.join("tests/abi", golden)) as lines:
            found = [match.groups() for match in map(re.compile(pattern).match, lines) if match]
        self.assertTrue(found)
        return found

    def test_structs(self):
        for golden in GOLDEN:
            for struct, size in self.lines(golden, r"struct (\w+) size (\d+)"):
                self.assertEqual(ctypes.sizeof(declared(struct)), int(size), struct)
            for struct, field, *place in self.lines(golden, r"field (\w+)\.(\w+) offset (\d+) size (\d+)"):
                there = getattr(declared(struct), field)
                self.assertEqual([there.offset, there.size], [int(number) for number in place], struct + "." + field)

    def test_numbers(self):
        numbers = {name: int(value) for golden in GOLDEN
                   for name, value in self.lines(golden, r"constant EEP_(\w+) (\d+)")}
        codes = {value: name[2:] for name, value in numbers.items() if name.startswith("E_")}
        self.assertEqual(abi.CODES, codes)
        mine = {name: value for name, value in vars(abi).items() if name.isupper() and isinstance(value, int)}
        self.assertEqual(mine, {name: value for name, value in numbers.items() if not re.match("E_|OK$", name)})
        for name in ("BY_CONFIG", "STOP", "DESTROY", "ARCHIVE", "DETACH"):
            self.assertEqual(getattr(eep, name), numbers["RELEASE_" + name])


class Local(unittest.TestCase):
    def test_validate_tells_all_findings(self):
        result = plugin.validate({"apiKey": "k", "image": "a b", "cpu": "many"})
        self.assertEqual(result.valid, 0)
        self.assertEqual({finding.pointer for finding in result.findings}, {"/image", "/cpu"})

    def test_open_of_a_wrong_configuration_raises(self):
        with self.assertRaises(eep.Error) as caught:
            plugin.open({})
        self.assertEqual(caught.exception.name, "INVALID_CONFIG")
        self.assertIn("apiKey", caught.exception.message)

    def test_a_closed_environment_says_so(self):
        env = plugin.open(config)
        env.close()
        with self.assertRaises(ValueError):
            env.probe()

    def test_no_plugin(self):
        self.assertRaises(OSError, eep.load, "/nonexistent.so")
        with self.assertRaisesRegex(OSError, "is no eep plugin"):
            eep.load(_ctypes.__file__)  # a shared object like any other

    def test_mistakes_are_told_before_anything_is_asked(self):
        with plugin.open(config) as env:
            with self.assertRaisesRegex(TypeError, "did you mean timeout_ms?"):
                env.execute("lease", "true", timeout=5)
            with self.assertRaisesRegex(TypeError, "did you mean stdin_data?"):
                env.execute("lease", "true", stdin=b"x")
            for wrong in (-1, 1 << 32):
                with self.assertRaisesRegex(OverflowError, "time_limit_ms is out of range"):
                    env.execute("lease", "true", time_limit_ms=wrong)
            self.assertRaises(TypeError, env.execute, "lease", "true", time_limit_ms=1.5)


class Interrupts(unittest.TestCase):
    """Whatever a signal handler raises ends the call; what the call gave all the same is not lost."""

    def interrupted(self, exception, give):
        class Token:
            fired = threading.Event()

            def fire(self):
                self.fired.set()

        def handler(*_):
            raise exception("mine")

        def work():
            os.kill(os.getpid(), signal.SIGUSR1)
            self.assertTrue(token.fired.wait(30))
            return give()

        token, unwanted = Token(), []
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, handler))
        with self.assertRaises(exception):
            interrupt.interruptible(token, work, unwanted.append)
        return unwanted

    def test_a_value_is_handed_on(self):
        self.assertEqual(self.interrupted(KeyboardInterrupt, lambda: "value"), ["value"])
        self.assertEqual(self.interrupted(SystemExit, lambda: "value"), ["value"])

    def test_without_a_thread_the_call_is_made_all_the_same(self):
        with unittest.mock.patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")):
            self.assertEqual(interrupt.interruptible(None, lambda: "value", None), "value")

    def test_an_error_is_none(self):
        def fail():
            raise KeyError("work's")
        self.assertEqual(self.interrupted(TimeoutError, fail), [])


class Closing(unittest.TestCase):
    def test_other_threads_may_be_about_to_call(self):
        """Every call ends by itself: well, with SHUTDOWN, or because the environment is closed."""
        for _ in range(20):
            env = plugin.open(config)
            ends = []

            def call():
                try:
                    while True:
                        env.lease_info("no-such-lease")
                except eep.Error as error:
                    ends.append(error.name)
                except ValueError:
                    ends.append("closed")

            threads = [threading.Thread(target=call) for _ in range(4)]
            for thread in threads:
                thread.start()
            env.close()
            for thread in threads:
                thread.join(30)
            self.assertEqual(len(ends), 4)
            self.assertLessEqual(set(ends), {"LEASE_LOST", "SHUTDOWN", "closed"})

    def test_a_child_may_close_what_its_parent_uses(self):
        with plugin.open(config) as env, env.entered():
            pid = os.fork()
            if pid == 0:
                env.close()
                os._exit(7)
            self.assertEqual(os.WEXITSTATUS(os.waitpid(pid, 0)[1]), 7)


class Lease(unittest.TestCase):
    """One lease for all of these."""

    @classmethod
    def setUpClass(cls):
        cls.env = plugin.open(config)
        cls.lease = cls.env.acquire(idempotency_key="python", labels={"a": "b"}, env={"FROM": "acquire"}).lease

    @classmethod
    def tearDownClass(cls):
        cls.env.release(cls.lease, eep.DESTROY)
        cls.env.close()

    def test_same_key_same_lease(self):
        again = self.env.acquire(idempotency_key="python", labels={"a": "b"}, env={"FROM": "acquire"})
        self.assertEqual(again.lease, self.lease)
        self.assertEqual(again.workspace, self.env.resume(self.lease).workspace)

    def test_argv_and_bytes(self):
        done = self.env.execute(self.lease, ["printf", "%s|", "a b", "", "\u20ac", b"\xff"])
        self.assertEqual(done.stdout_data, b"a b||\xe2\x82\xac|\xff|")
        every = bytes(range(256)) * 3
        self.assertEqual(self.env.execute(self.lease, "cat; cat /nope", stdin_data=every).stdout_data, every)

    def test_streams_status_and_environment(self):
        done = self.env.execute(self.lease, "echo $A$FROM; pwd >&2; exit 3", env={"A": "x"}, cwd="/tmp")
        self.assertEqual((done.exit_code, done.stdout_data, done.stderr_data), (3, b"xacquire\n", b"/tmp\n"))

    def test_output_while_it_runs(self):
        seen = []
        done = self.env.execute(self.lease, "echo one; echo two >&2", on_output=lambda *piece: seen.append(piece))
        self.assertEqual(sorted(seen), [(eep.STDOUT, b"one\n"), (eep.STDERR, b"two\n")])
        self.assertIsNone(done.stdout_data)

    def test_what_on_output_raises_comes_out(self):
        def boom(stream, data):
            raise KeyError("mine")
        self.assertRaises(KeyError, self.env.execute, self.lease, "echo; sleep 60", on_output=boom)

    def close_from_within(self, ended):
        env = plugin.open(config)
        try:
            env.execute(self.lease, "echo; sleep 60", on_output=lambda *_: env.close())
        except eep.Error as error:
            ended.append(error.name)

    def test_on_output_may_close(self):
        ended = []
        self.close_from_within(ended)  # on the main thread, which Ctrl-C may interrupt
        other = threading.Thread(target=self.close_from_within, args=[ended])
        other.start()
        other.join(60)
        self.assertEqual(ended, ["SHUTDOWN", "SHUTDOWN"])

    def test_files(self):
        result = self.env.realize(self.lease, {"p/data": b"\0\1", "go": (b"#!/bin/sh\necho went\n", 0o755)}, ["empty"])
        self.assertEqual([source.code for source in result.sources], [0, 0, 0])
        self.assertEqual(self.env.execute(self.lease, "./go; ls -d empty; wc -c <p/data").stdout_data, b"went\nempty\n2\n")

    def test_an_error_tells_all(self):
        with self.assertRaises(eep.Error) as caught:
            self.env.execute(self.lease, "true", cwd="nowhere")
        self.assertEqual((caught.exception.code, caught.exception.name), (8, "NOT_FOUND"))
        self.assertIn("working directory", caught.exception.message)
        self.assertFalse(caught.exception.retryable)

    def test_cancel_from_another_thread(self):
        token = eep.Cancel(plugin)
        started = threading.Event()
        threading.Thread(target=lambda: (started.wait(30), token.fire())).start()
        with self.assertRaises(eep.Error) as caught:
            self.env.execute(self.lease, "echo started; sleep 60", on_output=lambda *_: started.set(), cancel=token)
        self.assertEqual(caught.exception.name, "CANCELLED")
        self.assertTrue(caught.exception.partial.flags & abi.EXECUTION_KILLED)

    def test_detached_then_found_then_killed(self):
        self.env.execute(self.lease, "echo up; sleep 60", detach=True, time_limit_ms=90000, execution_id="job")
        self.assertIn("job", [execution.execution_id for execution in self.env.list(self.lease).executions])
        ended = self.env.kill(self.lease, "job")
        self.assertTrue(ended.flags & abi.EXECUTION_KILLED)
        self.assertEqual(self.env.attach(self.lease, "job").stdout_data, b"up\n")
        self.env.drop(self.lease, "job")
        with self.assertRaises(eep.Error) as caught:
            self.env.attach(self.lease, "job")
        self.assertEqual(caught.exception.name, "EXPIRED")

    def test_leases_are_told_kept_and_spared(self):
        told = self.env.leases().leases
        self.assertEqual([(line.lease, line.labels[0].name) for line in told], [(self.lease, "a")])
        self.assertEqual(self.env.lease_info(self.lease).leases[0].owner, told[0].owner)
        until = int(time.time() * 1000) + 60000
        self.assertGreaterEqual(self.env.keepalive(self.lease, until).kept_until_ms, until)
        reaped = self.env.reap(3600000, dry_run=True)
        self.assertEqual((reaped.spared, reaped.deleted), (1, 0))

    def test_many_threads(self):
        outputs = {}

        def run(i):
            outputs[i] = self.env.execute(self.lease, ["echo", str(i)]).stdout_data

        threads = [threading.Thread(target=run, args=[i]) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(outputs, {i: b"%d\n" % i for i in range(16)})


class Awaited(unittest.IsolatedAsyncioTestCase):
    """The same through asyncio and eep.async/1; the calls themselves are tested above."""

    async def asyncSetUp(self):
        self.env = await eep.aio.open(plugin, config).__aenter__()
        self.lease = (await self.env.acquire()).lease

    async def asyncTearDown(self):
        if self.lease:
            await self.env.release(self.lease, eep.DESTROY)
        await self.env.__aexit__(None, None, None)

    async def test_two_hundred_at_once_without_a_thread_each(self):
        threads = len(os.listdir("/proc/self/task"))
        runs = [asyncio.create_task(self.env.execute(self.lease, ["echo", str(i)])) for i in range(200)]
        await asyncio.sleep(0)
        self.assertLessEqual(len(os.listdir("/proc/self/task")), threads + 1)
        self.assertEqual([int(done.stdout_data) for done in await asyncio.gather(*runs)], list(range(200)))

    async def test_output_while_it_runs(self):
        pieces = {eep.STDOUT: b"", eep.STDERR: b""}

        def take(stream, data):
            pieces[stream] += data

        await self.env.execute(self.lease, "head -c 3000000 /dev/zero; echo two >&2", on_output=take)
        self.assertEqual(pieces, {eep.STDOUT: bytes(3000000), eep.STDERR: b"two\n"})

    async def test_a_cancelled_task_ends_the_command(self):
        on = asyncio.Event()
        task = asyncio.create_task(self.env.execute(self.lease, "echo on; sleep 60", execution_id="cancelled",
                                                    on_output=lambda *_: on.set()))
        await asyncio.wait_for(on.wait(), 30)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        [line] = (await self.env.list(self.lease)).executions
        self.assertEqual((line.execution_id, line.state), ("cancelled", 2))

    async def test_a_lease_that_came_with_the_cancel_is_given_back(self):
        before = server.call("GET", "/_standin/sandboxes")["live"]
        task = asyncio.create_task(self.env.acquire())
        await asyncio.sleep(0)  # it is submitted, and ends while the loop looks elsewhere
        self.assertTrue(select.select([self.env.fd], [], [], 30)[0])
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(server.call("GET", "/_standin/sandboxes")["live"], before)

    async def test_a_lease_with_a_key_stays(self):
        task = asyncio.create_task(self.env.acquire(idempotency_key="stays"))
        await asyncio.sleep(0)
        self.assertTrue(select.select([self.env.fd], [], [], 30)[0])
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        again = await self.env.acquire(idempotency_key="stays")
        self.assertTrue(again.flags & abi.LEASE_REUSED)
        await self.env.release(again.lease, eep.DESTROY)

    async def test_a_token_cancels(self):
        token = eep.Cancel(plugin)
        with self.assertRaises(eep.Error) as caught:
            await self.env.execute(self.lease, "echo; sleep 60", on_output=lambda *_: token.fire(), cancel=token)
        self.assertEqual(caught.exception.name, "CANCELLED")

    async def test_closing_may_be_cancelled(self):
        env = await eep.aio.open(plugin, config).__aenter__()
        on = asyncio.Event()
        running = asyncio.create_task(env.execute(self.lease, "trap '' TERM; echo on; sleep 60", grace_ms=30000,
                                                  on_output=lambda *_: on.set()))
        await asyncio.wait_for(on.wait(), 30)
        closing = asyncio.create_task(env.__aexit__(None, None, None))
        await asyncio.sleep(0)
        closing.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await closing
        self.assertTrue((await asyncio.gather(running, return_exceptions=True))[0].code)
        with self.assertRaises(ValueError):
            await env.probe()

    async def test_an_event_that_fails_takes_no_other_with_it(self):
        raised = []
        self.env.loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
        with unittest.mock.patch.object(self.env, "_output", side_effect=RuntimeError("mine")):
            task = asyncio.create_task(self.env.execute(self.lease, "echo", on_output=print))
            await asyncio.sleep(0)
            time.sleep(1.5)  # its output and its end come in one turn of the loop
            done = await asyncio.wait_for(task, 30)
        self.assertEqual((done.exit_code, str(raised[0])), (0, "mine"))

    async def test_what_on_output_raises_last_comes_out(self):
        def boom(stream, data):
            raise KeyError("mine")
        task = asyncio.create_task(self.env.execute(self.lease, "echo", on_output=boom))
        await asyncio.sleep(0)
        while not task.done():
            time.sleep(0.3)  # its output and its end come in one turn of the loop
            await asyncio.sleep(0)
        self.assertIsInstance(task.exception(), KeyError)

    async def test_what_on_output_raises_comes_out(self):
        def boom(stream, data):
            raise KeyError("mine")
        with self.assertRaises(KeyError):
            await self.env.execute(self.lease, "echo; sleep 60", on_output=boom)

    async def test_the_log_is_told(self):
        lines = []
        async with eep.aio.open(plugin, config, log=lambda *line: lines.append(line), log_level=4) as env:
            with self.assertRaises(eep.Error):
                await env.execute("no-such-lease", "true")
            with self.assertRaises(eep.Error):
                await env.lease_info("no-such-lease")
        told = [(level, component) for level, component, message in lines if message.startswith("failed: LEASE_LOST")]
        self.assertEqual(told, [(3, "execute"), (3, "get")])

    async def test_what_log_raises_is_not_worth_a_call(self):
        def boom(*_):
            raise KeyError("mine")
        async with eep.aio.open(plugin, config, log=boom, log_level=4) as env:
            done = await env.execute(self.lease, "echo x")
        self.assertEqual(done.stdout_data, b"x\n")

    async def test_misspelt_names_are_told(self):
        with self.assertRaisesRegex(TypeError, "log_levle"):
            eep.aio.open(plugin, config, log_levle=4)
        with self.assertRaisesRegex(TypeError, "time_limt_ms"):
            await self.env.execute(self.lease, "true", time_limt_ms=1)

    async def test_errors(self):
        with self.assertRaises(eep.Error) as caught:
            await self.env.execute(self.lease, "true", cwd="nowhere")
        self.assertEqual(caught.exception.name, "NOT_FOUND")

    async def test_closing_ends_what_is_under_way(self):
        on = asyncio.Event()
        running = asyncio.create_task(self.env.execute(self.lease, "echo on; sleep 60", on_output=lambda *_: on.set()))
        await asyncio.wait_for(on.wait(), 30)
        with plugin.open(config) as other:
            await self.env.__aexit__(None, None, None)
            with self.assertRaises(eep.Error) as caught:
                await running
            self.assertEqual(caught.exception.name, "SHUTDOWN")
            await self.env.__aexit__(None, None, None)  # once more is nothing
            other.release(self.lease, eep.DESTROY)
        self.env, self.lease = await eep.aio.open(plugin, config).__aenter__(), None


class Programs(unittest.TestCase):
    """As processes of their own."""

    def start(self, *argv):
        environment = dict(os.environ, DAYTONA_API_URL=server.api_url, DAYTONA_API_KEY=server.key)
        return subprocess.Popen([sys.executable, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment)

    def test_the_example(self):
        process = self.start(os.path.join(HERE, "example.py"), PLUGIN)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(out.startswith(b"import platform\n") and out.endswith(b"exit code 3\n"), out)
        self.assertIn(b"Linux", err)

    def test_the_readme(self):
        with open("README.md", encoding="utf-8") as readme:
            text = re.search(r"```python\n(.*?)```", readme.read(), re.S).group(1)
        process = self.start("-c", "import sys; sys.path.insert(0, %r)\n%s" % (HERE, text.replace("build/eep-daytona.so", PLUGIN)))
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b"b'built\\n'\n42\n"), err)

    def test_the_example_for_asyncio(self):
        process = self.start(os.path.join(HERE, "example_async.py"), PLUGIN)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b"0 + 1 + ... + 99 = 4950\n"), err)

    def test_interrupt_ends_the_command(self):
        before = server.call("GET", "/_standin/sandboxes")["live"]
        text = ("import sys; sys.path.insert(0, %r); import eep\n"
                "with eep.load(sys.argv[1]).open(trust_env=True) as env:\n"
                "    lease = env.acquire().lease\n"
                "    try:\n"
                "        env.execute(lease, 'echo on; sleep 60', on_output=lambda s, d: print(d, flush=True))\n"
                "    finally:\n"
                "        env.release(lease, eep.DESTROY)\n" % HERE)
        began = time.monotonic()
        process = self.start("-c", text, PLUGIN)
        self.assertEqual(process.stdout.readline(), b"b'on\\n'\n")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=50)
        self.assertIn(b"KeyboardInterrupt", err)
        self.assertEqual(server.call("GET", "/_standin/sandboxes")["live"], before)
        self.assertLess(time.monotonic() - began, 50)


if __name__ == "__main__":
    unittest_lines.main()
