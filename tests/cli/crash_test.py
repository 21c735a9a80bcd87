#!/usr/bin/env python3
"""crash_test.py: hosts that are killed, and what `eep list` and `eep reap` know of their sandboxes afterwards.

Processes of build/eep that acquire, execute and release are struck by SIGKILL at random moments. Then, from the server's own
state: whatever lives is in the list, no key has two sandboxes, a key adopts what was left, and reap leaves nothing.

EEP_CRASH_SEED repeats a run (processes race, so it may take several); EEP_CRASH_ROUNDS makes it longer.
"""
import json
import os
import random
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))

import standin  # noqa: E402
import unittest_lines  # noqa: E402

EEP = os.path.join(os.path.dirname(os.environ.get("STANDIN", "build/daytona-standin")), "eep")
SEED = int(os.environ.get("EEP_CRASH_SEED") or time.time())
ROUNDS = int(os.environ.get("EEP_CRASH_ROUNDS") or 40)
KEYS = ["one", "two", "three"]
AT_ONCE = 4
IDLE_MS = 600000  # less than the service stops them for


def living(standin):
    """Sandboxes that are there and not about to go."""
    there = standin.call("GET", "/_standin/sandboxes")["sandboxes"]
    return {one["id"] for one in there if not one["state"].startswith("destroy")}


def settled(standin):
    """As living, once nothing is on its way any more."""
    for _ in range(600):
        there = standin.call("GET", "/_standin/sandboxes")["sandboxes"]
        if all(one["state"] in ("started", "stopped", "error") for one in there):
            return living(standin)
        time.sleep(0.05)
    raise AssertionError("sandboxes on their way for 30 s: %r" % there)


class Crash(unittest.TestCase):
    def setUp(self):
        print("seed %d" % SEED)
        self.chance = random.Random(SEED)
        # Slow enough to be struck in the middle of everything.
        running = standin.running("--control", "--create-ms", "60", "--transition-ms", "40")
        self.standin = running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)

    # -- eep as a process

    def start(self, *argv):
        environment = dict(os.environ, DAYTONA_API_URL=self.standin.api_url, DAYTONA_API_KEY=self.standin.key)
        return subprocess.Popen([EEP, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    def eep(self, *argv):
        process = self.start(*argv)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, (argv, out, err))
        return out.decode()

    def listed(self):
        leases, cursor = [], None
        while True:
            page = json.loads(self.eep("list", "--json", *(["--cursor", cursor] if cursor else [])))
            leases += page["leases"]
            cursor = page["next"]
            if not cursor:
                return {lease["lease"]: lease for lease in leases}

    # -- what is struck

    def victim(self):
        """The arguments of a host that does something."""
        leases = sorted(living(self.standin))
        key = self.chance.choice(KEYS)
        choices = [["acquire"], ["acquire", "--key", key], ["run", "-c", "echo ran; sleep 0.1"]]
        if leases:
            lease = self.chance.choice(leases)
            choices += [["exec", lease, "-c", "echo ran; sleep 0.1"], ["release", lease, "--destroy"],
                        ["release", lease, "--stop"], ["resume", lease]]
        return self.chance.choice(choices)

    def strike(self):
        """Some hosts at once; each is killed when its time has come, or has ended before."""
        hosts = [(self.start(*self.victim()), self.chance.uniform(0, 0.3)) for _ in range(AT_ONCE)]
        began, killed = time.monotonic(), 0
        for process, after in sorted(hosts, key=lambda host: host[1]):
            try:
                process.wait(max(0, began + after - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
            process.communicate()
        return killed

    # -- the tests

    def test_what_killed_hosts_leave_is_accounted_for(self):
        killed = sum(self.strike() for _ in range(ROUNDS // AT_ONCE))
        self.assertGreater(killed, ROUNDS // 8)

        left = settled(self.standin)
        self.assertTrue(left)
        listed = self.listed()
        self.assertEqual(set(listed), left, "the list and what there is")
        keyed = [lease["name"] for lease in listed.values() if "KEYED" in lease["flags"]]
        self.assertEqual(len(keyed), len(set(keyed)))

        for key in KEYS:
            self.eep("acquire", "--key", key)
        self.assertLessEqual(len(living(self.standin)), len(left) + len(KEYS) - len(keyed))

        for lease in settled(self.standin):
            self.standin.call("PUT", "/_standin/sandboxes/" + lease, {"idle_ms": IDLE_MS})
        report = json.loads(self.eep("reap", "--older-than", "5m", "--running", "--json"))
        print("%d hosts killed, %d sandboxes left, %d reaped" % (killed, len(left), report["deleted"]))
        self.assertEqual((report["spared"], report["failed"]), (0, 0), report)
        self.assertEqual(settled(self.standin), set())
        self.assertEqual(self.listed(), {})


if __name__ == "__main__":
    unittest_lines.main()
