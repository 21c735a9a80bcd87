#!/usr/bin/env python3
"""python_adapters_test.py: what two agent frameworks do with the official Python SDK, done to the stand-in, request by request.

The adapters of hermes and pydantic-ai are not here; their calls of the SDK are, in their order, with the outcomes they count on.
"""
import os
import shlex
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import python_sdk  # noqa: E402,F401  (from here on this is the SDK's Python)
import standin  # noqa: E402
import unittest_lines  # noqa: E402
from daytona import (  # noqa: E402
    CreateSandboxFromImageParams, Daytona, DaytonaConfig, DaytonaError, DaytonaNotFoundError, FileDownloadRequest, FileUpload,
    ListSandboxesQuery, Resources, SandboxState)

CREATE, LIST, GET, DELETE = "POST /api/sandbox", "GET /api/sandbox", "GET /api/sandbox/{id}", "DELETE /api/sandbox/{id}"
START, STOP, EXECUTE = "POST /api/sandbox/{id}/start", "POST /api/sandbox/{id}/stop", "POST /toolbox/{id}/process/execute"
UPLOAD, DOWNLOAD, INFO = ("POST /toolbox/{id}/files/bulk-upload", "POST /toolbox/{id}/files/bulk-download",
                          "GET /toolbox/{id}/files/info")
WAIT_S = 20


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in [name for name in os.environ if name.startswith("DAYTONA_")]:
            del os.environ[name]
        cls.server = cls.enterClassContext(standin.running("--control"))
        os.environ["DAYTONA_API_URL"] = cls.server.api_url
        os.environ["DAYTONA_API_KEY"] = cls.server.key
        cls.daytona = Daytona()

    def expect(self, *requests):
        """These requests since the last look. Looks at a state may be repeated: how often is a matter of time."""
        log = [entry for entry in self.server.log() if not entry.startswith("GET /api/socket.io")]
        self.server.forget_log()
        once = [entry for n, entry in enumerate(log) if n == 0 or entry != GET or log[n - 1] != GET]
        self.assertEqual(once, list(requests))


class Hermes(WithServer):
    """Found again by a label, or made from an image; `timeout` in the sandbox; stdin by here-document; stopped to be kept."""

    def setUp(self):
        self.labels = {"hermes_task_id": self.id()}
        self.server.forget_log()

    def find(self):
        return next(iter(self.daytona.list(ListSandboxesQuery(labels=self.labels, limit=1))), None)

    def make(self):
        return self.daytona.create(CreateSandboxFromImageParams(
            image="debian:12", labels=self.labels, auto_stop_interval=0, resources=Resources(cpu=1, memory=5, disk=10)))

    def execute(self, sandbox, command, cwd="/tmp", timeout=60, stdin=None):
        sandbox.refresh_data()
        if sandbox.state in (SandboxState.STOPPED, SandboxState.ARCHIVED):
            sandbox.start()
        if stdin is not None:
            command = "%s << 'HERMES_EOF_0123abcd'\n%s\nHERMES_EOF_0123abcd" % (command, stdin)
        return sandbox.process.exec("timeout %d sh -c %s" % (timeout, shlex.quote(command)), cwd=cwd)

    def test_made_found_and_kept(self):
        self.assertIsNone(self.find())
        sandbox = self.make()
        home = sandbox.process.exec("echo $HOME").result.strip()
        self.expect(LIST, CREATE, EXECUTE)
        self.assertEqual(self.execute(sandbox, "pwd; echo kept > kept; cat kept", cwd=home).result, home + "\nkept\n")
        self.expect(GET, EXECUTE)
        sandbox.stop()
        self.expect(STOP, GET)

        again = self.find()
        self.assertEqual((again.id, again.state), (sandbox.id, "stopped"))
        again.start()
        self.assertEqual(self.execute(again, "cat kept", cwd=home).result, "kept\n")
        self.expect(LIST, START, GET, EXECUTE)
        again.start()  # of one that runs: asked for all the same
        self.daytona.delete(again)
        self.expect(START, DELETE)

    def test_standard_input_gets_a_last_newline(self):
        sandbox = self.make()
        self.assertEqual(self.execute(sandbox, "cat", stdin="two\nlines $HOME 'quoted'").result, "two\nlines $HOME 'quoted'\n")
        self.assertEqual(self.execute(sandbox, "wc -c", stdin="").result.strip(), "1")
        sandbox.delete()

    def test_a_time_limit_keeps_the_partial_output(self):
        sandbox = self.make()
        answer = self.execute(sandbox, "echo before; sleep 20; echo after", timeout=1)
        self.assertEqual((answer.exit_code, answer.result), (124, "before\n"))
        self.assertEqual(self.execute(sandbox, "echo still here").result, "still here\n")
        sandbox.delete()

    def test_an_interrupt_stops_the_sandbox(self):
        sandbox, outcome = self.make(), []

        def run():
            try:
                outcome.append(self.execute(sandbox, "touch running; sleep 60"))
            except DaytonaError as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        deadline = time.monotonic() + WAIT_S
        other = self.daytona.get(sandbox.id)
        while other.process.exec("test -e /tmp/running").exit_code != 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        other.stop()
        thread.join(WAIT_S)
        self.assertIsInstance(outcome[0], DaytonaError)
        self.assertEqual(self.execute(sandbox, "echo up again").result, "up again\n")
        sandbox.delete()

    def test_made_anew_when_deleted(self):
        sandbox = self.make()
        self.daytona.delete(sandbox, wait=True)
        with self.assertRaises(DaytonaNotFoundError):
            self.execute(sandbox, "true")
        self.assertIsNone(self.find())


class Pydantic(WithServer):
    """Made without parameters, awaited by an echo, files by the bulk routes, one directory for all commands."""

    def setUp(self):
        self.server.forget_log()
        self.client = Daytona(DaytonaConfig(api_key=self.server.key, api_url=self.server.api_url))
        self.sandbox = self.client.create()
        self.assertEqual(self.sandbox.process.exec("echo ready", timeout=5).exit_code, 0)
        self.expect(CREATE, EXECUTE)
        self.home = self.sandbox.get_user_home_dir()
        self.server.forget_log()

    def tearDown(self):
        self.client.delete(self.sandbox)

    def execute(self, command, timeout=1800):
        return self.sandbox.process.exec(command, cwd=self.home, timeout=timeout)

    def read(self, path):
        return self.sandbox.fs.download_files([FileDownloadRequest(source=path)])[0].result

    def write(self, path, data):
        self.execute("mkdir -p " + shlex.quote(os.path.dirname(path)))
        self.sandbox.fs.upload_files([FileUpload(source=data, destination=path)])

    def test_write_read_edit(self):
        path = self.home + "/a folder/file.txt"
        self.write(path, "one \u00e4 one\n".encode())
        self.expect(EXECUTE, UPLOAD)
        self.assertFalse(self.sandbox.fs.get_file_info(path).is_dir)
        text = self.read(path).decode()
        self.write(path, text.replace("one", "two").encode())
        self.expect(INFO, DOWNLOAD, EXECUTE, UPLOAD)
        self.assertEqual(self.execute("cat 'a folder/file.txt'").result, "two \u00e4 two\n")

    def test_what_is_not_there(self):
        self.assertIsNone(self.read("/no/such/file"))
        with self.assertRaises(DaytonaNotFoundError):
            self.sandbox.fs.get_file_info("/no/such/file")
        self.assertTrue(self.sandbox.fs.get_file_info(self.home).is_dir)
        self.expect(DOWNLOAD, INFO, INFO)

    def test_failures_have_a_text(self):
        with self.assertRaises(DaytonaError) as caught:
            self.execute("sleep 20", timeout=1)
        self.assertIn("command execution timeout", str(caught.exception))
        self.assertEqual(self.execute("echo fine", timeout=0).result, "fine\n")

    def test_a_second_stop_is_told(self):
        sandbox = self.client.create()
        self.client.delete(sandbox, wait=True)
        with self.assertRaises(DaytonaNotFoundError):
            self.client.delete(sandbox)


if __name__ == "__main__":
    unittest_lines.main()
