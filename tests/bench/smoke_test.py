#!/usr/bin/env python3
"""make bench-smoke: what `make bench` measures as far as it does not depend on the clock: requests, connections, instructions,
memory, descriptors. Runs with the other tests, as any user, on loopback."""

import os
import re
import resource
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../support")]

import measure  # noqa: E402
import report  # noqa: E402
import unittest_lines  # noqa: E402
from lab import VARIANTS, DelayServer, Driver, Lab, Side, Standin, Variant  # noqa: E402

BUILD = os.environ.get("BUILD", os.path.join(HERE, "../../build"))
FLOOR, EEP = VARIANTS[:2]
IN_FLIGHT = 64

# What an execute may cost the host, by callgrind, with 64 in flight: about 233 000 with the native runner and 471 000 with
# sh, whose text travels with each request. A third on top, for other versions of the C library and of libcurl. Lower them
# when the cost falls.
INSTRUCTIONS = {"native": 270_000, "sh": 625_000}

# What a transfer of any size may add to the memory of the host, and what 10 000 executes may (the allocator's doing).
TRANSFER_KB = 16 << 10
MANY_KB = 2 << 10


class Counts(unittest.TestCase):
    """Design's figures: requests of each operation, all on one connection."""

    REQUESTS = {
        "acquire (it starts at once)": 2,
        "execute": 1,
        "execute with 64 kB of input": 1,
        "resume, known and running": 1,
        "realize, empty": 1,
        "resume, new process": 2,
        "execute by id, new process": 2,
        "release": 1,
    }

    def test_requests_and_connections(self):
        with Lab(BUILD) as lab:
            rows = measure.counts(lab, [EEP], Standin(lab, Side()))
        self.assertEqual({row["operation"]: row["requests"] for row in rows}, self.REQUESTS)
        for row in rows:
            self.assertEqual(row["connections"], 1, row)


class Instructions(unittest.TestCase):
    def count(self, lab, server, runner, executes):
        log = os.path.join(lab.folder, f"callgrind.{runner}.{executes}")
        counting = Variant("eep", "under callgrind", "load", lambda lab: [
            "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}", *EEP.command(lab)])
        driver = Driver(lab, counting, server.api, env={"BENCH_RUNNER": runner})
        driver.ask("load", "bench", executes, IN_FLIGHT)
        driver.end()
        with open(log) as file:
            return int(re.search(r"Collected : (\d+)", file.read()).group(1))

    def test_an_execute_keeps_its_budget(self):
        with Lab(BUILD) as lab:
            server = DelayServer(lab, 5)
            for runner, budget in INSTRUCTIONS.items():
                few, many = (self.count(lab, server, runner, count) for count in (IN_FLIGHT, 7 * IN_FLIGHT))
                each = (many - few) / (6 * IN_FLIGHT)
                print(f"{runner} runner: {each:.0f} instructions for an execute")
                self.assertLess(each, budget, runner)
                self.assertGreater(each, 10_000, "this cannot be: is the driver counted at all?")


class Growth(unittest.TestCase):
    def test_ten_thousand_executes_leave_nothing(self):
        with Lab(BUILD) as lab:
            server = DelayServer(lab, 2)
            fleet = measure.Fleet(lab, [EEP], server)
            fleet.drivers["eep"].ask("load", "bench", 1000, IN_FLIGHT)
            row = measure.load(fleet, EEP, server, 10_000, IN_FLIGHT)
            fleet.end()
        before, after = row["before"], row["after"]
        self.assertEqual(row["failed"], 0)
        self.assertGreater(row["server"]["openMax"], IN_FLIGHT // 2)  # on a busy machine some threads may be late
        self.assertLessEqual(after["threads"], before["threads"])
        self.assertLessEqual(after["sockets"], IN_FLIGHT + 8)
        self.assertLessEqual(after["descriptors"] - after["sockets"], before["descriptors"] - before["sockets"])
        self.assertLess(after["rssKb"] - before["rssKb"], MANY_KB, (before, after))
        # connections are used again: a handful may be closed while others are opened
        self.assertLess(row["server"]["connections"], 2 * IN_FLIGHT)

    def test_large_transfers_do_not_stay_in_memory(self):
        with Lab(BUILD) as lab:
            sizes = (("output", 200_000_000), ("upload", 100_000_000))
            for row in measure.growth(lab, EEP, Standin(lab, Side()), sizes):
                self.assertLess(row["growthKb"], TRANSFER_KB, row)


class Open(unittest.TestCase):
    @unittest.skipIf(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4200, "this machine allows too few descriptors")
    def test_four_thousand_at_once_from_one_thread(self):
        with Lab(BUILD) as lab:
            server = DelayServer(lab, 100, hold=4000)
            fleet = measure.Fleet(lab, [EEP], server)
            driver = fleet.drivers["eep"]
            answer = driver.ask("async", "bench", 4000, 4000)
            threads = driver.ask("state")["threads"]
            fleet.end()
            self.assertEqual(answer["failed"], 0)
            self.assertEqual(server.stats()["commands"], 4000)
            self.assertEqual(server.stats()["openMax"], 4000)
            self.assertLess(threads, 8)


class Ratios(unittest.TestCase):
    """The report compares only what did the same work."""

    RESULT = {"exit": 0, "output": "68690a", "outputLen": 3}

    def row(self, results=None, ran=9, row="execute", **work):
        return {"row": row, "variant": "eep", "p50": 2.0,
                "work": work or {"results": results or [self.RESULT], "ran": ran, "asked": 9}}

    def test_equal_work_has_a_ratio(self):
        notes = []
        self.assertEqual(report.ratio(self.row(), dict(self.row(), p50=1.0), notes), "2.00x")
        self.assertEqual(notes, [])

    def test_other_work_has_none(self):
        other_output = self.row(results=[dict(self.RESULT, output="6869")])
        other_exit = self.row(results=[dict(self.RESULT, exit=1)])
        unsteady = self.row(results=[self.RESULT, dict(self.RESULT, output="")])
        ran_twice = self.row(ran=10)
        for other in (other_output, other_exit, unsteady, ran_twice):
            notes = []
            self.assertIn("not comparable", report.ratio(self.row(), other, notes))
            self.assertIn("not comparable", report.ratio(other, self.row(), notes))

    def test_sandboxes_count(self):
        made = self.row(row="acquire", made=3, gone=3)
        self.assertIsNone(report.difference(made, made))
        self.assertIn("made", report.difference(made, self.row(row="acquire", made=4, gone=3)))
        self.assertIn("destroyed", report.difference(made, self.row(row="release", made=3, gone=2)))


if __name__ == "__main__":
    unittest_lines.main()
