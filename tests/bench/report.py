"""Puts results into words: Markdown tables. A ratio stands only between sides that did the same work."""

import json
import sys

from lab import VARIANTS

TITLES = {variant.name: variant.title for variant in VARIANTS}
ORDER = [variant.name for variant in VARIANTS]
VERBS = {"acquire": "acquire", "resume": "resume (running)", "realize": "realize (empty)", "execute": "execute",
         "stdin": "execute, 64 kB of input", "release": "release"}


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def ms(value):
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def timed(row):
    return f"{ms(row['p50'])} ({ms(row['p25'])}–{ms(row['p75'])})" if row else ""


# -- Same work -----------------------------------------------------------------------------------------------------------

def difference(a, b):
    """Why two rows cannot be compared; None = they can."""
    mine, other = a["work"], b["work"]
    if "made" in mine:
        for key, what in (("made", "made"), ("gone", "destroyed")):
            if a["row"] in ("acquire", "release") and mine[key] != other[key]:
                return f"{mine[key]} and {other[key]} sandboxes {what}"
        return None
    if len(mine["results"]) != 1 or mine["results"] != other["results"]:
        ends = {result["exit"] for result in mine["results"] + other["results"]}
        return "other exit code" if len(ends) > 1 else "other output"
    for work in (mine, other):
        if work["ran"] != work["asked"]:
            return f"{work['ran']} commands ran, {work['asked']} were asked for"
    return None


def ratio(row, over, notes):
    """row's median over another's; a note's number when they did different work."""
    if not row or not over:
        return ""
    reason = difference(row, over)
    if reason is None:
        return f"{row['p50'] / over['p50']:.2f}x"
    note = f"{TITLES[row['variant']]} and {TITLES[over['variant']]}, {VERBS[row['row']]}: {reason}"
    if note not in notes:
        notes.append(note)
    return f"not comparable [{notes.index(note) + 1}]"


# -- Tables --------------------------------------------------------------------------------------------------------------

def request_cell(row):
    return f"{row['requests']}{' + ' + str(row['events']) if row['events'] else ''} / {row['connections']}"


def counts(results):
    rows = results.get("counts")
    if not rows:
        return ""
    names = [name for name in ORDER if any(row["variant"] == name for row in rows)]
    operations = list(dict.fromkeys(row["operation"] for row in rows if row["variant"] == "eep"))
    cells = {(row["operation"], row["variant"]): request_cell(row) for row in rows}
    return ("### Requests / connections\n\nAs the server counts them; `+ 1` is an event socket that an SDK opens beside.\n\n" +
            table(["operation", *(TITLES[name] for name in names)],
                  [[operation, *(cells.get((operation, name), "") for name in names)] for operation in operations]))


def times(results, part, title, notes):
    rows = results.get(part)
    if not rows:
        return ""
    text = f"### {title}\n\nMilliseconds: median (quartiles).\n"
    names = [name for name in ORDER if any(row["variant"] == name for row in rows)]
    for scheme in dict.fromkeys(row["scheme"] for row in rows):
        for rtt in dict.fromkeys(row["rtt"] for row in rows):
            of = {(row["row"], row["variant"]): row for row in rows if row["scheme"] == scheme and row["rtt"] == rtt}
            lines = []
            for verb in [verb for verb in VERBS if any(key[0] == verb for key in of)]:
                mine = of.get((verb, "eep"))
                floor = ratio(mine, of.get((verb, "floor")), notes) if verb == "execute" else ""
                gains = [ratio(of.get((verb, name)), mine, notes) for name in names if name not in ("floor", "eep")]
                lines.append([VERBS[verb], *(timed(of.get((verb, name))) for name in names), floor, *gains])
            heads = [f"{scheme}, {rtt:g} ms", *(TITLES[name] for name in names), "ours / libcurl",
                     *(f"{name} / ours" for name in names if name not in ("floor", "eep"))]
            text += "\n" + table(heads, lines)
    return text


def notice(results):
    rows = results.get("notice")
    if not rows:
        return ""
    lines = [[TITLES[row["variant"]], f"{row['rtt']:g} ms", f"{row['delay']} ms", f"{row['late']:.0f} ms"] for row in rows]
    return ("### Noticing that a sandbox has started\n\nHow much later than the change an acquire returns, beyond what it "
            "takes when there is nothing to wait for. Medians.\n\n" +
            table(["client", "RTT", "the start takes", "noticed late by"], lines))


def runner(results, notes):
    rows = results.get("runner")
    text = ""
    if rows:
        lines = []
        for kind in dict.fromkeys(row["runner"] for row in rows):
            of = {row["variant"]: row for row in rows if row["runner"] == kind}
            reason = difference(of["eep"], of["floor"])
            cost = f"{of['eep']['p50'] - of['floor']['p50']:.2f}" if reason is None else f"not comparable: {reason}"
            lines.append([kind, f"{of['floor']['p50']:.2f}", f"{of['eep']['p50']:.2f}", cost])
        text += ("### The runner's cost\n\nThe same command at loopback, milliseconds (median): a bare `process/execute` and "
                 "an execution that runs once, with two exact streams.\n\n" +
                 table(["runner", "bare", "durable", "cost"], lines))
    first = results.get("first")
    if first:
        text += f"\nFrom before `dlopen` to the first result at loopback: {timed(first)} ms, {first['n']} processes.\n"
    return text


def load(results):
    rows = results.get("load")
    if not rows:
        return ""
    lines = []
    for row in rows:
        before, after = row["before"], row["after"]
        change = ", ".join(f"{after[key] - before[key]:+d} {what}" for key, what in
                           (("descriptors", "fds"), ("sockets", "sockets"), ("threads", "threads"), ("rssKb", "kB")))
        lines.append([TITLES[row["variant"]] + (f", {row['verb']}" if row["verb"] != "load" else ""), row["count"],
                      row["inflight"], row["server"]["openMax"], f"{row['cpuUs']:.0f}",
                      f"{row['p50Ms']:.1f} / {row['p99Ms']:.1f}", row["server"]["connections"], row["failed"], change])
    return ("### Many in flight\n\nAgainst the delay server; CPU is the client's, user and system, in microseconds for each "
            "execute.\n\n" +
            table(["client", "executes", "in flight", "open at once, seen by the server", "CPU µs", "p50 / p99 ms",
                   "new connections", "failed", "growth"], lines))


def growth(results):
    rows = results.get("growth")
    if not rows:
        return ""
    what = {"output": "output through on_output", "upload": "a file into the workspace"}
    lines = [[what[row["verb"]], f"{row['bytes'] // 1000000} MB", f"{row['ms']:.0f} ms", f"{row['growthKb'] / 1024:.1f} MiB"]
             for row in rows]
    return ("### Memory\n\nGrowth of the peak resident size, the host's own buffer left out.\n\n" +
            table(["what", "size", "took", "growth"], lines))


def method(results):
    facts = results["method"]
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items() if value)
    return (f"One run of {facts['seconds']} s on {facts['date']}, commit {facts['commit']}{', --quick' if facts['quick'] else ''}: "
            f"{facts['cpus']} CPUs ({facts['cpu']}), Linux {facts['kernel']}, load {facts['load']:.1f} at the end; {versions}.\n")


def markdown(results):
    notes = []
    parts = [method(results), counts(results), times(results, "times", "Times", notes),
             times(results, "idle", "After idle: every connection has been closed", notes), notice(results),
             runner(results, notes), load(results), growth(results)]
    text = "\n".join(part for part in parts if part)
    if notes:
        text += "\nNot comparable, because the two sides did different work:\n\n"
        text += "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1))
    return text


def put_into(page, results):
    """Replaces what stands between the marks of a page."""
    begin, end = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
    with open(page) as file:
        text = file.read()
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    with open(page, "w") as file:
        file.write(head + begin + markdown(results) + end + tail)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        put_into(sys.argv[2], json.load(source))
