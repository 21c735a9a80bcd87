"""The measurements. Each gives plain data (results.json is made of it); report.py puts it into words.

Variants take turns: in each round each one does the operation once, in an order that rotates, so that a busy moment of the
machine falls on all of them.
"""

import statistics
import time

from lab import Driver, Failed, say

RAN = "/tmp/ran"  # a line for each command that ran
SCRIPT = f"echo x >>{RAN}; echo hi"
STDIN_BYTES = 65536


def spread(samples):
    """Median and quartiles, in ms."""
    ordered = sorted(samples)
    low, _, high = statistics.quantiles(ordered, n=4) if len(ordered) > 1 else (ordered * 3)
    return {"n": len(ordered), "p50": statistics.median(ordered), "p25": low, "p75": high, "min": ordered[0],
            "max": ordered[-1]}


def turns(variants, rounds):
    for number in range(rounds):
        shift = number % len(variants)
        for variant in variants[shift:] + variants[:shift]:
            yield number, variant


class Fleet:
    """One driver of each variant, on the same server."""

    def __init__(self, lab, variants, server, side=None, env=None):
        self.lab, self.server, self.variants = lab, server, variants
        ca = server.certificate[0] if getattr(server, "certificate", None) else None
        self.options = {"api": server.api, "side": side, "ca": ca, "env": env}
        self.drivers = {variant.name: self.fresh(variant) for variant in variants}
        self.leases = {}

    def fresh(self, variant):
        return Driver(self.lab, variant, **self.options)

    def ask(self, variant, verb, *words):
        return self.drivers[variant.name].ask(verb, *words)

    def acquire(self, variant):
        answer = self.ask(variant, "acquire")
        self.leases[variant.name] = answer["lease"]
        return answer

    def release(self, variant):
        return self.ask(variant, "release", self.leases.pop(variant.name))

    def acquire_all(self):
        for variant in self.variants:
            self.acquire(variant)

    def release_all(self):
        for variant in self.variants:
            if variant.name in self.leases:
                self.release(variant)

    def ran(self, variant):
        """How many commands left their line in the variant's sandbox."""
        answer = self.drivers["floor"].ask("execute", self.leases[variant.name], f"cat {RAN} | wc -l; rm -f {RAN}")
        return int(bytes.fromhex(answer["output"]).decode().split()[0])

    def end(self):
        for driver in self.drivers.values():
            driver.end()


# -- Times ---------------------------------------------------------------------------------------------------------------

def result_of(answer):
    return {"exit": answer["exit"], "output": answer.get("output", ""), "outputLen": answer.get("outputLen", 0)}


def rows_of(name, where, samples, work):
    return [dict(row=name, variant=variant, work=work[variant], **where, **spread(times))
            for variant, times in samples.items() if times]


def executes(fleet, rounds, where, verb="execute"):
    """The same command by each variant. Its work: what it printed, how it ended, how often it ran in the sandbox."""
    able = [variant for variant in fleet.variants if variant.can(verb)]
    words = (SCRIPT,) if verb == "execute" else (STDIN_BYTES, f"echo x >>{RAN}; cksum")
    samples = {variant.name: [] for variant in able}
    results = {variant.name: [] for variant in able}
    for number, variant in turns(able, rounds + 1):
        answer = fleet.ask(variant, verb, fleet.leases[variant.name], *words)
        if result_of(answer) not in results[variant.name]:
            results[variant.name].append(result_of(answer))
        if number > 0:  # the first warms up
            samples[variant.name].append(answer["ms"])
    work = {variant.name: {"results": results[variant.name], "ran": fleet.ran(variant), "asked": rounds + 1}
            for variant in able}
    return rows_of(verb, where, samples, work)


def lifecycle(fleet, rounds, where):
    """Acquire, resume while it runs, realize, release. Their work: sandboxes made and gone, as the server counts them."""
    verbs = ("acquire", "resume", "realize", "release")
    samples = {verb: {variant.name: [] for variant in fleet.variants} for verb in verbs}
    work = {variant.name: {"made": 0, "gone": 0} for variant in fleet.variants}
    for number, variant in turns(fleet.variants, rounds + 1):
        before = fleet.server.totals()
        answers = {"acquire": fleet.acquire(variant)}
        for verb in ("resume", "realize"):
            if variant.can(verb):
                answers[verb] = fleet.ask(variant, verb, fleet.leases[variant.name])
        lease = fleet.leases[variant.name]
        answers["release"] = fleet.release(variant)
        after = fleet.server.totals()
        work[variant.name]["made"] += after["created"] - before["created"]
        work[variant.name]["gone"] += all(sandbox["id"] != lease or sandbox["state"].startswith("destroy")
                                          for sandbox in after["sandboxes"])
        for verb, answer in answers.items():
            if number > 0:
                samples[verb][variant.name].append(answer["ms"])
    return [row for verb in verbs for row in rows_of(verb, where, samples[verb], work)]


def after_idle(fleet, rounds, pause, where):
    """An execute after so long a pause that the server has closed every connection."""
    samples = {variant.name: [] for variant in fleet.variants}
    results = {variant.name: [] for variant in fleet.variants}
    for number in range(rounds):
        time.sleep(pause)
        for _, variant in list(turns(fleet.variants, number + 1))[-len(fleet.variants):]:
            answer = fleet.ask(variant, "execute", fleet.leases[variant.name], SCRIPT)
            samples[variant.name].append(answer["ms"])
            if result_of(answer) not in results[variant.name]:
                results[variant.name].append(result_of(answer))
    time.sleep(pause)  # libcurl alone fails on a connection that is being closed: let it be closed
    work = {variant.name: {"results": results[variant.name], "ran": fleet.ran(variant), "asked": rounds}
            for variant in fleet.variants}
    return rows_of("execute", where, samples, work)


# -- Counts --------------------------------------------------------------------------------------------------------------

EVENTS = "/api/socket.io/"  # the SDKs listen for events; nobody waits for it


def counted(server, call):
    """How many requests a call made, over how many connections, in the server's eyes."""
    server.forget()
    call()
    log = server.log()
    events = sum(entry["path"].startswith(EVENTS) for entry in log)
    return {"requests": len(log) - events, "events": events, "connections": len({entry["connection"] for entry in log}),
            "log": [f"{entry['method']} {entry['path']}" for entry in log]}


def counts(lab, variants, server, side=None):
    """Requests by operation. One process acquires and goes on; `new process` begins without any knowledge."""
    rows = []

    def note(variant, operation, call):
        rows.append(dict(variant=variant.name, operation=operation, **counted(server, call)))

    for variant in variants:
        fleet = Fleet(lab, [variant], server, side)
        driver = fleet.drivers[variant.name]
        note(variant, "acquire (it starts at once)", lambda: fleet.acquire(variant))
        lease = fleet.leases[variant.name]
        note(variant, "execute", lambda: driver.ask("execute", lease, "echo hi"))
        if variant.can("stdin"):
            note(variant, "execute with 64 kB of input", lambda: driver.ask("stdin", lease, STDIN_BYTES, "cksum"))
        if variant.can("resume"):
            note(variant, "resume, known and running", lambda: driver.ask("resume", lease))
        if variant.can("realize"):
            note(variant, "realize, empty", lambda: driver.ask("realize", lease))
        if variant.can("resume"):
            second = fleet.fresh(variant)
            note(variant, "resume, new process", lambda: second.ask("resume", lease))
            second.end()
        third = fleet.fresh(variant)
        words = ("again", lease, "by-id", "echo hi") if variant.can("again") else ("execute", lease, "echo hi")
        note(variant, "execute by id, new process", lambda: third.ask(*words))
        third.end()
        note(variant, "release", lambda: driver.ask("release", lease))
        fleet.end()
    return rows


# -- Noticing a change of state ------------------------------------------------------------------------------------------

def noticing(fleet_of, variants, delays_ms, rounds, where):
    """How much longer an acquire takes than one that is not waited for, beyond the wait itself. fleet_of(ms) gives a fleet
    on a server whose sandboxes take so long to start."""
    base = {}
    rows = []
    for delay in [0, *delays_ms]:
        fleet = fleet_of(delay)
        samples = {variant.name: [] for variant in variants}
        for number, variant in turns(variants, rounds + 1):
            answer = fleet.acquire(variant)
            fleet.release(variant)
            if number > 0:
                samples[variant.name].append(answer["ms"])
        fleet.end()
        for name, times in samples.items():
            median = statistics.median(times)
            if delay == 0:
                base[name] = median
            else:
                rows.append({"variant": name, "delay": delay, "late": median - base[name] - delay, "n": len(times),
                             **where})
    return rows


# -- One machine, many operations ----------------------------------------------------------------------------------------

def settled(driver, threads):
    """Its state, once there are no more threads than that: who has been joined may still be seen for a moment."""
    limit = time.monotonic() + 10
    while True:
        state = driver.ask("state")
        if state["threads"] <= threads or time.monotonic() > limit:
            return state
        time.sleep(0.01)


def load(fleet, variant, server, count, inflight, verb="load"):
    driver = fleet.drivers[variant.name]
    driver.ask(verb, "bench", 1, 1)
    fresh = driver.ask("state")
    # connections are there, code is warm, the allocator has what it needs
    driver.ask(verb, "bench", max(inflight, count // 5), inflight, seconds=300)
    before = driver.ask("state")
    server.stats(reset=True)
    answer = driver.ask(verb, "bench", count, inflight, seconds=300)
    stats = server.stats()
    after = settled(driver, before["threads"])
    if stats["commands"] != count:
        raise Failed(f"{variant.name}: {count} executes were asked for, the server saw {stats['commands']} commands")
    return {"variant": variant.name, "verb": verb, "inflight": inflight, "before": before, "after": after, "server": stats,
            "perOperationKb": (after["peakKb"] - fresh["rssKb"]) / inflight,
            **{key: answer[key] for key in ("count", "failed", "wallMs", "cpuUs", "p50Ms", "p99Ms")}}


def first_results(lab, variant, server, rounds):
    """From before dlopen to the first result, in processes of their own."""
    fleet = Fleet(lab, [variant], server)
    fleet.acquire(variant)
    lease = fleet.leases[variant.name]
    fleet.ask(variant, "execute", lease, "echo hi")  # the sandbox has been used: it has its runner
    times = []
    for _ in range(rounds):
        driver = fleet.fresh(variant)
        times.append(driver.ask("first", lease)["ms"])
        driver.end()
    fleet.release_all()
    fleet.end()
    return {"variant": variant.name, **spread(times)}


def growth(lab, variant, server, sizes):
    """What large transfers add to the memory of the process: kB of its peak beyond what the host itself holds."""
    fleet = Fleet(lab, [variant], server)
    fleet.acquire(variant)
    lease, driver = fleet.leases[variant.name], fleet.drivers[variant.name]
    driver.ask("execute", lease, "echo hi")
    rows = []
    for verb, size in sizes:
        # the peak cannot be reset in a process: each transfer has its own
        own = fleet.fresh(variant)
        own.ask("execute", lease, "echo hi")
        before = own.ask("state")
        answer = own.ask(verb, lease, size, seconds=300)
        after = own.ask("state")
        host = size // 1024 if verb == "upload" else 0
        if verb == "output" and answer["bytes"] != size:
            raise Failed(f"{answer['bytes']} of {size} bytes came")
        rows.append({"verb": verb, "bytes": size, "ms": answer["ms"], "growthKb": after["peakKb"] - before["rssKb"] - host})
        own.end()
        say(f"{verb} of {size >> 20} MiB: {answer['ms']:.0f} ms, memory +{rows[-1]['growthKb']} kB")
    fleet.release_all()
    fleet.end()
    return rows
