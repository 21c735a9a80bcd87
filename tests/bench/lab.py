"""What a benchmark runs in: namespaces, servers, drivers, and the end of all of them.

A Lab is used in a `with`: whatever it has started ends with it, also on Ctrl-C, and if this process is killed (children
ask the kernel to be killed with their parent; the namespaces have no names and go with their last process).
"""

import ctypes
import http.client
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "bench-key-5d1c0a77"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Unable(Exception):
    """This machine cannot do it; the text says why and what helps."""


class Failed(Exception):
    """Something that should work did not."""


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(text):
    print(f"[{time.monotonic() - say.begin:5.0f} s] {text}", file=sys.stderr, flush=True)


say.begin = time.monotonic()


class Side:
    """A network namespace that somebody else keeps; pid None = this process's own."""

    def __init__(self, pid=None, address="127.0.0.1"):
        self.pid, self.address = pid, address

    def prefix(self):
        return ["nsenter", "-t", str(self.pid), "-n"] if self.pid else []

    def connect(self, port):
        """A socket belongs to the namespace in which it was made, whoever uses it."""
        if not self.pid:
            return socket.create_connection((self.address, port), timeout=20)
        with open("/proc/self/ns/net") as own, open(f"/proc/{self.pid}/ns/net") as theirs:
            if LIBC.setns(theirs.fileno(), CLONE_NEWNET) != 0:
                raise Failed(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")
            try:
                return socket.create_connection((self.address, port), timeout=20)
            finally:
                LIBC.setns(own.fileno(), CLONE_NEWNET)


class Lab:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.processes = []
        self.folder = None

    def __enter__(self):
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: sys.exit(143))
        self.folder = tempfile.mkdtemp(prefix="eep-bench.")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Unable(f"{path} is not there: run `make bench`, which builds it")
        return path

    def start(self, command, side=None, **options):
        process = subprocess.Popen((side.prefix() if side else []) + command, preexec_fn=_die_with_parent, **options)
        self.processes.append(process)
        return process

    def end(self, process, patience=5):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)

    def log(self):
        """Where programs write what they complain about; shown when something fails."""
        return open(os.path.join(self.folder, "log"), "ab")

    def log_tail(self):
        try:
            with open(os.path.join(self.folder, "log"), errors="replace") as file:
                return "".join(file.readlines()[-20:])
        except OSError:
            return ""

    def certificate(self, address):
        """A self-signed certificate for an address, and its key: paths."""
        cert, key = (os.path.join(self.folder, name) for name in ("cert.pem", "key.pem"))
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-subj", "/CN=bench", "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", cert],
            capture_output=True, text=True)
        if made.returncode != 0:
            raise Unable(f"openssl cannot make a certificate: {made.stderr.strip()[-300:]}")
        return cert, key


def read_line(process, seconds):
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline() if ready else ""


class Line:
    """Two namespaces and a line between them that delays packets (delaylink.c)."""

    def __init__(self, lab):
        if os.geteuid() != 0:
            raise Unable("the delayed line needs root (network namespaces, /dev/net/tun): run it as root, or with --no-line")
        self.process = lab.start([lab.program("tests/bench/delaylink")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        words = read_line(self.process, 10).split()
        if len(words) != 3:
            self.process.wait(5)
            raise Unable(f"no delayed line on this machine: {self.process.stderr.read().strip()}; --no-line does without")
        self.client = Side(int(words[0]), words[2])
        self.server = Side(int(words[1]), words[2])

    def set_rtt(self, ms):
        self.process.stdin.write(f"delay {ms / 2}\n")
        self.process.stdin.flush()
        if not read_line(self.process, 10).startswith("delay"):
            raise Failed("the delayed line does not obey")


class Standin:
    """A stand-in and its control area."""

    def __init__(self, lab, side, certificate=None, options=()):
        self.lab, self.side, self.certificate = lab, side, certificate
        reader, writer = os.pipe()
        command = [lab.program("daytona-standin"), "--port", "0", "--bind", side.address, "--ready-fd", str(writer),
                   "--key", KEY, "--control", "--quiet", *options]
        if certificate:
            command += ["--tls-cert", certificate[0], "--tls-key", certificate[1]]
        self.process = lab.start(command, side, pass_fds=[writer], stderr=lab.log())
        os.close(writer)
        with os.fdopen(reader) as file:
            ready, _, _ = select.select([file], [], [], 10)
            self.api = file.readline().strip() if ready else ""
        if not self.api:
            raise Failed("the stand-in did not start:\n" + lab.log_tail())
        self.port = int(self.api.split(":")[2].split("/")[0])

    def control(self, method, path):
        connection = http.client.HTTPConnection(self.side.address, self.port)
        sock = self.side.connect(self.port)
        if self.certificate:
            context = ssl.create_default_context(cafile=self.certificate[0])
            sock = context.wrap_socket(sock, server_hostname=self.side.address)
        connection.sock = sock
        connection.request(method, path, headers={"Authorization": f"Bearer {KEY}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status // 100 != 2:
            raise Failed(f"{method} {path}: {answer.status} {body[:200]}")
        return json.loads(body) if body else None

    def forget(self):
        self.control("DELETE", "/_standin/log")

    def log(self):
        return self.control("GET", "/_standin/log")

    def totals(self):
        return self.control("GET", "/_standin/sandboxes")


class DelayServer:
    def __init__(self, lab, delay_ms, hold=0):
        command = [lab.program("tests/bench/delayserver"), "--delay-ms", str(delay_ms), "--hold", str(hold)]
        self.process = lab.start(command, stdout=subprocess.PIPE, stderr=lab.log(), text=True)
        self.api = read_line(self.process, 10).strip()
        if not self.api:
            raise Failed("the delay server did not start")
        self.port = int(self.api.split(":")[2].split("/")[0])

    def stats(self, reset=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("DELETE" if reset else "GET", "/_bench/stats")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


class Driver:
    """A client of the service: one of the drivers, as a process that answers line by line (driver.h)."""

    def __init__(self, lab, variant, api, side=None, ca=None, env=None):
        self.lab, self.variant = lab, variant
        environment = {name: value for name, value in os.environ.items()
                       if "proxy" not in name.lower() and not name.startswith(("DAYTONA_", "EEP_"))}
        environment.update(BENCH_API=api, BENCH_KEY=KEY, BENCH_TASK=f"task-{os.getpid()}",
                           BENCH_PLUGIN=lab.program("eep-daytona.so"), BENCH_NODE=os.path.join(lab.build, "sdk/node"),
                           NODE_NO_WARNINGS="1", PYTHONDONTWRITEBYTECODE="1", **(env or {}))
        if ca:
            environment.update(BENCH_CA=ca, NODE_EXTRA_CA_CERTS=ca, SSL_CERT_FILE=ca)
        self.process = lab.start(variant.command(lab), side, env=environment, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=lab.log(), text=True)

    def send(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def receive(self, seconds=120):
        line = read_line(self.process, seconds)
        if not line:
            raise Failed(f"{self.variant.name} gave no answer within {seconds} s:\n{self.lab.log_tail()}")
        return json.loads(line)

    def ask(self, *words, seconds=120):
        """One command; Failed when it did not work."""
        self.send(*words)
        answer = self.receive(seconds)
        if "error" in answer:
            raise Failed(f"{self.variant.name}, {words[0]}: {answer['error']}\n{self.lab.log_tail()}")
        return answer

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.lab.end(self.process)
        self.process.stdout.close()


class Variant:
    def __init__(self, name, title, verbs, command):
        self.name, self.title, self.verbs, self._command = name, title, verbs.split(), command

    def can(self, verb):
        return verb in self.verbs

    def command(self, lab):
        return self._command(lab)


def _python(lab):
    return os.path.join(lab.build, "sdk/venv/bin/python")


VARIANTS = [
    Variant("floor", "libcurl alone", "acquire execute stdin release load",
            lambda lab: [lab.program("tests/bench/driver_floor")]),
    Variant("eep", "eep-daytona", "acquire resume realize execute stdin release load again",
            lambda lab: [lab.program("tests/bench/driver_eep")]),
    Variant("paperclip", "TypeScript SDK, as paperclip", "acquire resume realize execute stdin release load",
            lambda lab: ["node", os.path.join(HERE, "driver_sdk.mjs")]),
    Variant("hermes", "Python SDK, as hermes", "acquire resume execute stdin release load",
            lambda lab: [_python(lab), os.path.join(HERE, "driver_sdk.py"), "hermes"]),
    Variant("pydantic", "Python SDK, as pydantic-ai", "acquire execute release load",
            lambda lab: [_python(lab), os.path.join(HERE, "driver_sdk.py"), "pydantic"]),
]
