#!/usr/bin/env python3
"""make bench: what a client costs, side by side on the same server in one run.

Variants: libcurl alone (the floor), the plugin, and the official TypeScript and Python SDKs driven as three adapters drive
them. Writes results.json, results.md and plot.svg; see tests/bench/README.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import measure  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
from lab import VARIANTS, DelayServer, Failed, Lab, Line, Side, Standin, Unable, say  # noqa: E402

IDLE_S = 1  # the idle servers close connections after so long
PARTS = ("counts", "times", "idle", "notice", "runner", "load", "growth")


def parse():
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS='…' or tests/bench/bench.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, http only, 0 and 80 ms: about a minute")
    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help=f"one of {', '.join(PARTS)}; again for more")
    parser.add_argument("--rtt", metavar="MS", type=float, action="append", help="round-trip times (default 0, 20, 80)")
    parser.add_argument("--rounds", metavar="N", type=int, help="executes of each variant in each row (default 20)")
    parser.add_argument("--no-sdk", action="store_true", help="only the floor and the plugin")
    parser.add_argument("--without", metavar="NAME", action="append", default=[],
                        choices=[variant.name for variant in VARIANTS if variant.name not in ("floor", "eep")],
                        help="leave one out: paperclip, hermes or pydantic")
    parser.add_argument("--no-line", action="store_true", help="no delayed line (no root): loopback only")
    parser.add_argument("--build", default="build", help="the build folder (default build)")
    parser.add_argument("--out", metavar="DIR", help="where the results go (default BUILD/bench)")
    options = parser.parse_args()
    options.only = options.only or list(PARTS)
    options.rtt = options.rtt or ([0, 80] if options.quick else [0, 20, 80])
    options.rounds = options.rounds or (8 if options.quick else 20)
    options.out = options.out or os.path.join(options.build, "bench")
    if options.no_line:
        options.rtt = [0]
    return options


def version(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return None


def usable(options):
    """The variants that can run here, and what is missing for the others."""
    chosen = [variant for variant in VARIANTS if variant.name in ("floor", "eep")]
    versions = {"libcurl": version(["curl-config", "--version"])}
    if options.no_sdk:
        return chosen, versions
    python = os.path.join(options.build, "sdk/venv/bin/python")
    package = os.path.abspath(os.path.join(options.build, "sdk/node/node_modules/@daytona/sdk/package.json"))
    versions["daytona (Python)"] = version([python, "-c", "import importlib.metadata as m; print(m.version('daytona'))"])
    versions["@daytona/sdk"] = version(["node", "-p", f"require('{package}').version"])
    versions["node"] = version(["node", "--version"])
    versions["python"] = version([python, "--version"])
    for name, key, what in (("paperclip", "@daytona/sdk", "TypeScript"), ("hermes", "daytona (Python)", "Python"),
                            ("pydantic", "daytona (Python)", "Python")):
        if name in options.without:
            continue
        if not versions[key]:
            raise Unable(f"the {what} SDK is not installed below {options.build}/sdk: run `make bench`, which installs it "
                         "(needs a network and node or python3-venv), or use --no-sdk")
        chosen.append(next(variant for variant in VARIANTS if variant.name == name))
    return chosen, versions


class Bench:
    def __init__(self, lab, options, variants):
        self.lab, self.options, self.variants = lab, options, variants
        self.line = None if options.no_line else Line(lab)
        self.near = self.line.client if self.line else Side()
        self.far = self.line.server if self.line else Side()
        self.certificate = lab.certificate(self.far.address)
        self.results = {}

    def set_rtt(self, rtt):
        if self.line:
            self.line.set_rtt(rtt)

    def schemes(self):
        return ["http"] if self.options.quick else ["http", "https"]

    def server(self, scheme="http", *options):
        return Standin(self.lab, self.far, self.certificate if scheme == "https" else None, options)

    def plugin(self):
        return next(variant for variant in self.variants if variant.name == "eep")

    def run(self, part):
        """A part that fails does not take the others with it."""
        try:
            getattr(self, part)()
            return True
        except Failed as reason:
            say(f"{part} failed: {reason}")
            return False

    # -- parts

    def counts(self):
        self.set_rtt(0)
        server = self.server()
        say("requests of each operation")
        self.results["counts"] = measure.counts(self.lab, self.variants, server, self.near)
        self.lab.end(server.process)

    def times(self):
        rows = self.results["times"] = []
        for scheme in self.schemes():
            server = self.server(scheme)
            fleet = measure.Fleet(self.lab, self.variants, server, self.near)
            for rtt in self.options.rtt:
                say(f"{scheme}, {rtt:g} ms: acquire, resume, realize, release")
                self.set_rtt(rtt)
                where = {"scheme": scheme, "rtt": rtt, "state": "warm"}
                few = max(3, self.options.rounds // 4)
                rows += measure.lifecycle(fleet, few, where)
                say(f"{scheme}, {rtt:g} ms: execute")
                self.set_rtt(0)
                fleet.acquire_all()
                self.set_rtt(rtt)
                rows += measure.executes(fleet, self.options.rounds, where)
                rows += measure.executes(fleet, few, where, "stdin")
                self.set_rtt(0)
                fleet.release_all()
            fleet.end()
            self.lab.end(server.process)

    def idle(self):
        rows = self.results["idle"] = []
        for scheme in self.schemes():
            server = self.server(scheme, "--idle-seconds", str(IDLE_S))
            fleet = measure.Fleet(self.lab, self.variants, server, self.near)
            self.set_rtt(0)
            fleet.acquire_all()
            for rtt in [rtt for rtt in self.options.rtt if rtt > 0] or [0]:
                say(f"{scheme}, {rtt:g} ms: execute after idle")
                self.set_rtt(rtt)
                rounds = 2 if self.options.quick else 3
                rows += measure.after_idle(fleet, rounds, IDLE_S + 2.5,
                                           {"scheme": scheme, "rtt": rtt, "state": "idle"})
            self.set_rtt(0)
            fleet.release_all()
            fleet.end()
            self.lab.end(server.process)

    def notice(self):
        rows = self.results["notice"] = []
        shown = ("eep",) if self.options.quick else ("eep", "paperclip")
        variants = [variant for variant in self.variants if variant.name in shown]
        servers = []

        def fleet_of(delay):
            server = self.server("http", "--create-ms", str(delay))
            servers.append(server)
            return measure.Fleet(self.lab, variants, server, self.near)

        for rtt in {self.options.rtt[0], self.options.rtt[-1]}:
            say(f"http, {rtt:g} ms: how late a change of state is noticed")
            self.set_rtt(rtt)
            rows += measure.noticing(fleet_of, variants, (60, 430), 2 if self.options.quick else 3, {"rtt": rtt})
            for server in servers:
                self.lab.end(server.process)
            servers.clear()

    def runner(self):
        rows = self.results["runner"] = []
        variants = [variant for variant in self.variants if variant.name in ("floor", "eep")]
        server = Standin(self.lab, Side())
        for kind in ("native", "sh"):
            say(f"loopback: the {kind} runner's cost")
            fleet = measure.Fleet(self.lab, variants, server, env={"BENCH_RUNNER": kind})
            fleet.acquire_all()
            rows += measure.executes(fleet, 3 * self.options.rounds, {"runner": kind})
            fleet.release_all()
            fleet.end()
        say("loopback: from dlopen to the first result")
        self.results["first"] = measure.first_results(self.lab, self.plugin(), server, self.options.rounds)
        self.lab.end(server.process)

    def load(self):
        rows = self.results["load"] = []
        counts = {"floor": 10000, "eep": 10000}
        server = DelayServer(self.lab, 5)
        fleet = measure.Fleet(self.lab, self.variants, server)
        for variant in self.variants:
            count = counts.get(variant.name, 300 if self.options.quick else 1000)
            say(f"{count} executes, 64 in flight: {variant.title}")
            rows.append(measure.load(fleet, variant, server, count, 64))
        plugin = self.plugin()
        say("10000 executes, 64 in flight: eep.async/1")
        rows.append(measure.load(fleet, plugin, server, counts["eep"], 64, "async"))
        fleet.end()
        self.lab.end(server.process)
        say("4000 open at once, a second each: eep.async/1, then a thread for each")
        server = DelayServer(self.lab, 1000)
        for verb in ("async", "load"):
            fleet = measure.Fleet(self.lab, [plugin], server)
            rows.append(measure.load(fleet, plugin, server, 8000, 4000, verb))
            fleet.end()
        self.lab.end(server.process)

    def growth(self):
        server = Standin(self.lab, Side())
        scale = 10 if self.options.quick else 1
        self.results["growth"] = measure.growth(
            self.lab, self.plugin(), server,
            (("output", 1_000_000_000 // scale), ("output", 100_000_000 // scale), ("upload", 100_000_000 // scale)))
        self.lab.end(server.process)


def method(options, versions, seconds):
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return {"quick": options.quick, "rounds": options.rounds, "rtt": options.rtt, "parts": options.only,
            "versions": versions, "kernel": platform.release(), "cpus": os.cpu_count(), "cpu": model,
            "load": os.getloadavg()[0], "seconds": round(seconds),
            "commit": version(["git", "rev-parse", "--short", "HEAD"]), "date": time.strftime("%Y-%m-%d", time.gmtime())}


def write(options, results):
    os.makedirs(options.out, exist_ok=True)
    texts = {"results.json": json.dumps(results, indent=1), "results.md": report.markdown(results),
             "plot.svg": plot.svg(results)}
    for name, text in texts.items():
        if text:
            with open(os.path.join(options.out, name), "w") as file:
                file.write(text)
    print(texts["results.md"])
    say(f"written: {options.out}/results.json, results.md, plot.svg")


def main():
    options = parse()
    begin = time.monotonic()
    try:
        variants, versions = usable(options)
        with Lab(options.build) as lab:
            bench = Bench(lab, options, variants)
            failed = [part for part in options.only if not bench.run(part)]
        bench.results["method"] = method(options, versions, time.monotonic() - begin)
        write(options, bench.results)
        if failed:
            sys.exit(f"bench: failed: {', '.join(failed)}; see above")
    except Unable as reason:
        sys.exit(f"bench: {reason}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted; everything that it had started is gone")


if __name__ == "__main__":
    main()
