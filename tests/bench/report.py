"""Puts results into words: Markdown tables. A ratio stands only between sides that did the same work."""

import json
import sys

from lab import VARIANTS

TITLES = {variant.name: variant.title for variant in VARIANTS}
ORDER = [variant.name for variant in VARIANTS]
VERBS = {"acquire": "acquire", "resume": "resume (running)", "realize": "realize (empty)", "execute": "execute",
         "stdin": "execute, 64 kB of input", "release": "release"}
TRANSFERS = {"output": "output through on_output", "upload": "a file into the workspace"}


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
                      f"{row['p50Ms']:.1f} / {row['p99Ms']:.1f}", row["failed"], after["threads"],
                      f"{row['perOperationKb']:.0f}", change])
    return ("### Many in flight\n\nAgainst the delay server; CPU is the client's, user and system, in microseconds for each "
            "execute; kB each: peak memory beyond that of a process with one, by operation in flight; growth: from a warm "
            "process to the end.\n\n" +
            table(["client", "executes", "in flight", "open at once, seen by the server", "CPU µs", "p50 / p99 ms",
                   "failed", "threads", "kB each", "growth"], lines))


def growth(results):
    rows = results.get("growth")
    if not rows:
        return ""
    lines = [[TRANSFERS[row["verb"]], f"{row['bytes'] // 1000000} MB", f"{row['ms']:.0f} ms", f"{row['growthKb'] / 1024:.1f} MiB"]
             for row in rows]
    return ("### Memory\n\nGrowth of the peak resident size, the host's own buffer left out.\n\n" +
            table(["what", "size", "took", "growth"], lines))


# -- Targets -------------------------------------------------------------------------------------------------------------

def find(rows, **wanted):
    return next((row for row in rows or [] if all(row.get(key) == value for key, value in wanted.items())), None)


def request_targets(results):
    targets = {"acquire (it starts at once)": 2, "resume, new process": 2, "resume, known and running": 1, "execute": 1,
               "execute by id, new process": 2, "execute with 64 kB of input": 1, "realize, empty": 1, "release": 1}
    rows = [(name, find(results.get("counts"), variant="eep", operation=name), most) for name, most in targets.items()]
    if not all(row for _, row, _ in rows):
        return []
    return [("requests: " + " / ".join(name for name, _, _ in rows), " / ".join(f"≤ {most}" for _, _, most in rows),
             " / ".join(str(row["requests"]) for _, row, _ in rows), all(row["requests"] <= most for _, row, most in rows))]


def time_targets(results):
    lines = []

    def line(what, row, over, target, least):
        if row and over and difference(row, over) is None:
            value = row["p50"] / over["p50"]
            lines.append((what, f"{'≥' if least else '≤'} {target:g}x", f"{value:.2f}x",
                          value >= target if least else value <= target))

    def row(verb, variant, rtt):
        return find(results.get("times"), row=verb, variant=variant, rtt=rtt, scheme="http")

    for rtt, target in ((80, 1.05), (20, 1.15)):
        line(f"execute over libcurl alone, {rtt} ms RTT", row("execute", "eep", rtt), row("execute", "floor", rtt), target,
             False)
    for verb, target in (("acquire", 2), ("execute", 2), ("stdin", 4), ("resume", 2), ("release", 3)):
        line(f"the TypeScript SDK as paperclip over ours, 80 ms RTT: {VERBS[verb]}", row(verb, "paperclip", 80),
             row(verb, "eep", 80), target, True)
    return lines


def runner_targets(results):
    lines = []
    for kind, target in (("native", 3), ("sh", 7)):
        mine, bare = (find(results.get("runner"), runner=kind, variant=name) for name in ("eep", "floor"))
        if mine and bare and difference(mine, bare) is None:
            cost = mine["p50"] - bare["p50"]
            lines.append((f"the {kind} runner's cost over a bare execute, loopback", f"≤ {target} ms", f"{cost:.1f} ms",
                          cost <= target))
    return lines


def other_targets(results):
    lines = []
    for rtt in sorted({row["rtt"] for row in results.get("notice", [])}):
        late = max(row["late"] for row in results["notice"] if row["variant"] == "eep" and row["rtt"] == rtt)
        lines.append((f"a change of state is noticed late by at most, {rtt:g} ms RTT", f"≤ {rtt + 50:g} ms",
                      f"{late:.0f} ms", late <= rtt + 50))
    for row in results.get("load", []):
        if row["variant"] != "eep":
            continue
        if row["inflight"] <= 64:
            lines.append((f"CPU of the host for an execute, {row['inflight']} in flight, {row['verb']}", "≤ 30 µs",
                          f"{row['cpuUs']:.0f} µs", row["cpuUs"] <= 30))
            change = {key: row["after"][key] - row["before"][key] for key in ("sockets", "threads", "rssKb")}
            lines.append((f"growth over {row['count']} executes, {row['verb']}: sockets / threads / memory", "0 / 0 / 0",
                          f"{change['sockets']} / {change['threads']} / {change['rssKb'] / 1024:.1f} MiB",
                          change["sockets"] <= 8 and change["threads"] <= 0 and change["rssKb"] < 2048))
        elif row["verb"] == "async":  # with a thread for each it depends on how fast threads start
            spread_of = row["p99Ms"] / row["p50Ms"]
            lines.append((f"open at once, {row['verb']}: seen by the server / failed / p99 over p50", "4000 / 0 / ≤ 3x",
                          f"{row['server']['openMax']} / {row['failed']} / {spread_of:.2f}x",
                          row["server"]["openMax"] >= 4000 and row["failed"] == 0 and spread_of <= 3))
    for row in results.get("growth", []):
        grown = row["growthKb"] / 1024
        lines.append((f"growth of memory: {row['bytes'] // 1000000} MB, {TRANSFERS[row['verb']]}", "≤ 16 MiB",
                      f"{grown:.1f} MiB", grown <= 16))
    first = results.get("first")
    if first:
        lines.append(("dlopen to first result, loopback", "≤ 15 ms", f"{first['p50']:.1f} ms", first["p50"] <= 15))
    return lines


def targets(results):
    lines = [*request_targets(results), *time_targets(results), *runner_targets(results), *other_targets(results)]
    if not lines:
        return ""
    return "### Targets\n\n" + table(["what", "target", "measured", ""], [[*line[:3], "yes" if line[3] else "**no**"]
                                                                       for line in lines])


def method(results):
    facts = results["method"]
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items() if value)
    return (f"One run of {facts['seconds']} s on {facts['date']}, commit {facts['commit']}{', --quick' if facts['quick'] else ''}: "
            f"{facts['cpus']} CPUs ({facts['cpu']}), Linux {facts['kernel']}, load {facts['load']:.1f} at the end; {versions}.\n")


def markdown(results):
    notes = []
    parts = [method(results), targets(results), counts(results), times(results, "times", "Times", notes),
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
