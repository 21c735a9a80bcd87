"""standin.py: a stand-in of one's own for the length of a with block.

    with standin.running("--control") as server:
        server.api_url, server.key, server.make_sandbox()["id"]

The binary is $STANDIN, or build/daytona-standin. It listens on a free port and is ended by SIGTERM.
"""
import contextlib
import json
import os
import re
import select
import subprocess
import urllib.request

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
START_S = 20


class Server:
    key = "local-key"

    def __init__(self, process, api_url):
        self.process = process
        self.api_url = api_url  # .../api
        self.origin = api_url[: -len("/api")]

    def call(self, method, path, body=None):
        """path from the origin on. The decoded answer, or None if it has no body."""
        request = urllib.request.Request(self.origin + path, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", "Bearer " + self.key)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=START_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def make_sandbox(self, **body):
        sandbox = self.call("POST", "/api/sandbox", body)
        return {**sandbox, "toolbox": sandbox["toolboxProxyUrl"] + "/" + sandbox["id"]}

    def log(self):
        """"METHOD /path" of every request since the last forget_log, ids of sandboxes as {id}."""
        entries = self.call("GET", "/_standin/log")
        return [entry["method"] + " " + _ID.sub("{id}", entry["path"]) for entry in entries]

    def forget_log(self):
        self.call("DELETE", "/_standin/log")


def _read_line(descriptor):
    text = b""
    while not text.endswith(b"\n"):
        if not select.select([descriptor], [], [], START_S)[0]:
            raise AssertionError("the stand-in did not start within %d s" % START_S)
        piece = os.read(descriptor, 4096)
        if not piece:
            raise AssertionError("the stand-in ended before it was ready")
        text += piece
    return text.decode().strip()


@contextlib.contextmanager
def running(*arguments):
    binary = os.environ.get("STANDIN") or os.path.join(os.environ.get("BUILD") or "build", "daytona-standin")
    ours, its = os.pipe()
    process = subprocess.Popen([binary, "--port", "0", "--ready-fd", str(its), "--quiet", *arguments], pass_fds=[its],
                               stdin=subprocess.DEVNULL)
    os.close(its)
    try:
        yield Server(process, _read_line(ours))
    finally:
        os.close(ours)
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        raise AssertionError("the stand-in ended with %d" % process.returncode)
