"""The official Python SDK, driven as two adapters drive it: driver_sdk.py hermes | pydantic. The protocol is driver.h's.

hermes    persistent sandboxes found by a label; each execute looks at the state first, wraps the command in `timeout`,
          and waits for a thread; standard input is a here-document (it adds a newline).
pydantic  one client, the default snapshot, `process.exec` with a working folder; no resume, no standard input.
"""

import json
import os
import resource
import shlex
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor


def make_input(size):
    """As driver_input in driver.c."""
    return "".join("\n" if i % 64 == 63 else chr(97 + (i + i // 64) % 26) for i in range(size))


def shell_command(script):
    return "sh -c " + shlex.quote(script)


class Hermes:
    TIMEOUT = 60

    def __init__(self):
        from daytona import CreateSandboxFromImageParams, Daytona, ListSandboxesQuery, Resources, SandboxState

        self.params = CreateSandboxFromImageParams
        self.query = ListSandboxesQuery
        self.resources = Resources(cpu=1, memory=5, disk=10)
        self.resting = (SandboxState.STOPPED, SandboxState.ARCHIVED)
        self.client = Daytona()
        self.labels = {"hermes_task_id": os.environ.get("BENCH_TASK", "default")}
        self.sandbox = None
        self.lock = threading.Lock()
        self.cwd = "/home/daytona"

    def find(self):
        # The adapter's find_one has gone from the SDK; its successor lists with a limit of one.
        for sandbox in self.client.list(self.query(labels=self.labels, limit=1)):
            sandbox.start()
            return sandbox
        return None

    def take_home(self):
        self.cwd = self.sandbox.process.exec("echo $HOME").result.strip() or self.cwd

    def acquire(self):
        self.sandbox = self.find() or self.client.create(
            self.params(image="debian:12", labels=self.labels, auto_stop_interval=0, resources=self.resources)
        )
        self.take_home()
        return self.sandbox.id

    def resume(self, lease):
        self.sandbox = self.find()
        self.take_home()

    def attach(self, lease):
        self.sandbox = self.client.get(lease)

    def in_thread(self, command):
        held = {}
        timed = f"timeout {self.TIMEOUT} sh -c {shlex.quote(command)}"

        def run():
            held["response"] = self.sandbox.process.exec(timed, cwd=self.cwd)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(timeout=0.2)
        return held["response"].exit_code, held["response"].result or ""

    def execute(self, command, stdin=None):
        with self.lock:
            self.sandbox.refresh_data()
            if self.sandbox.state in self.resting:
                self.sandbox.start()
        if stdin is not None:
            marker = f"HERMES_EOF_{uuid.uuid4().hex[:8]}"
            command = f"{command} << '{marker}'\n{stdin}\n{marker}"
        return self.in_thread(command)

    def release(self):
        self.client.delete(self.sandbox)


class Pydantic:
    def __init__(self):
        from daytona import Daytona, DaytonaConfig

        self.client = Daytona(DaytonaConfig(api_key=os.environ["DAYTONA_API_KEY"]))
        self.sandbox = None

    def acquire(self):
        self.sandbox = self.client.create()
        while self.sandbox.process.exec("echo ready", timeout=5).exit_code != 0:
            time.sleep(2)
        return self.sandbox.id

    def attach(self, lease):
        self.sandbox = self.client.get(lease)

    def execute(self, command):
        result = self.sandbox.process.exec(command, cwd="/home/daytona", timeout=1800)
        return result.exit_code, result.result

    def release(self):
        self.client.delete(self.sandbox)


class Driver:
    def __init__(self, adapter):
        self.adapter = adapter

    def need(self, lease):
        if self.adapter.sandbox is None or self.adapter.sandbox.id != lease:
            self.adapter.attach(lease)

    def timed(self, call, *arguments):
        begin = time.perf_counter()
        result = call(*arguments)
        return (time.perf_counter() - begin) * 1e3, result

    def executed(self, *arguments):
        ms, (code, output) = self.timed(self.adapter.execute, *arguments)
        data = output.encode()
        return {"ms": ms, "exit": code, "output": data[:1024].hex(), "outputLen": len(data)}

    def acquire(self):
        ms, lease = self.timed(self.adapter.acquire)
        return {"ms": ms, "exit": 0, "lease": lease}

    def resume(self, lease):
        return {"ms": self.timed(self.adapter.resume, lease)[0], "exit": 0}

    def execute(self, lease, script):
        self.need(lease)
        return self.executed(shell_command(script))

    def stdin(self, lease, rest):
        size, script = rest.split(" ", 1)
        self.need(lease)
        return self.executed(shell_command(script), make_input(int(size)))

    def release(self, lease):
        self.need(lease)
        return {"ms": self.timed(self.adapter.release)[0], "exit": 0}

    def load(self, lease, rest):
        count, inflight = map(int, rest.split())
        self.need(lease)
        times, failed = [], []

        def one(_):
            ms, result = self.timed(self.adapter.execute, "echo hi")
            times.append(ms)
            if result != (0, "hi\n"):
                failed.append(result)

        with ThreadPoolExecutor(inflight) as pool:
            cpu, begin = cpu_us(), time.perf_counter()
            list(pool.map(one, range(count)))
        wall, cpu = (time.perf_counter() - begin) * 1e3, cpu_us() - cpu
        times.sort()
        return {"ms": 0, "exit": 0, "count": count, "failed": len(failed), "wallMs": wall, "cpuUs": cpu / count,
                "p50Ms": times[count // 2], "p99Ms": times[count * 99 // 100]}

    def state(self):
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        names = []
        for entry in os.listdir("/proc/self/fd"):
            try:
                names.append(os.readlink(f"/proc/self/fd/{entry}"))
            except OSError:
                pass
        return {"ms": 0, "exit": 0, "rssKb": int(lines["VmRSS"].split()[0]), "peakKb": int(lines["VmHWM"].split()[0]),
                "threads": int(lines["Threads"]), "descriptors": len(names),
                "sockets": sum(name.startswith("socket:") for name in names)}


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def main():
    os.environ["DAYTONA_API_URL"] = os.environ["BENCH_API"]
    os.environ["DAYTONA_API_KEY"] = os.environ["BENCH_KEY"]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the SDK prints is no answer
    driver = Driver({"hermes": Hermes, "pydantic": Pydantic}[sys.argv[1]]())
    for line in sys.stdin:
        verb, *rest = line.rstrip("\n").split(" ", 2)
        try:
            if verb not in ("acquire", "resume", "execute", "stdin", "release", "load", "state"):
                raise ValueError("unknown verb")
            answer = getattr(driver, verb)(*rest)
        except Exception as error:  # whatever the SDK throws is this command's outcome
            answer = {"ms": 0, "exit": 0, "error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=answers, flush=True)
    answers.flush()
    os._exit(0)  # the SDK's threads are not waited for


main()
