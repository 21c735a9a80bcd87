#!/usr/bin/env python3
"""terminal_test.py: what eep shows on terminals of common widths: no line is broken in the middle or filled up with blanks."""
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))

import standin  # noqa: E402
import unittest_lines  # noqa: E402

EEP = os.path.join(os.path.dirname(os.environ.get("STANDIN", "build/daytona-standin")), "eep")
COLOUR = re.compile(rb"\033\[[0-9;]*m")


def read_all(terminal):
    text = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: everybody who wrote has gone
            return text
        if not piece:
            return text
        text += piece


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = standin.running()
        cls.standin = cls.running.__enter__()
        cls.addClassCleanup(cls.running.__exit__, None, None, None)
        cls.lease = cls.eep("acquire", "--name", "a rather long name of a sandbox").stdout.decode().strip()
        cls.eep("exec", cls.lease, "--id", "short", "--", "true")
        cls.eep("exec", cls.lease, "-c", "head -c 3000000 /dev/zero; kill -9 $$", status=137)

    @classmethod
    def environment(cls):
        return dict(os.environ, DAYTONA_API_URL=cls.standin.api_url, DAYTONA_API_KEY=cls.standin.key)

    @classmethod
    def eep(cls, *argv, status=0):
        done = subprocess.run([EEP, *argv], env=cls.environment(), capture_output=True, timeout=60)
        assert done.returncode == status, (argv, done)
        return done

    def shown(self, width, *argv, typed=None):
        """What eep writes to a terminal of that width, line by line, with its colours. Its errors, too, if somebody types there."""
        ours, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        with subprocess.Popen([EEP, *argv], env=self.environment(), stdin=its, stdout=its, stderr=its if typed else subprocess.DEVNULL):
            os.close(its)
            if typed:
                os.write(ours, typed)
            text = read_all(ours)
        os.close(ours)
        return text.decode().replace("\r\n", "\n").splitlines()

    def test_tables_fit(self):
        for width in (80, 120):
            for argv in (["list"], ["list", "--all"], ["ps", self.lease], ["reap", "--older-than", "1d", "-n"]):
                for line in self.shown(width, *argv):
                    plain = COLOUR.sub(b"", line.encode()).decode()
                    self.assertLessEqual(len(plain), width, (argv, plain))
                    self.assertEqual(plain, plain.rstrip(), argv)

    def test_a_narrow_ps_is_short_and_a_piped_one_exact(self):
        narrow = "\n".join(self.shown(80, "ps", self.lease))
        self.assertIn("STDOUT STDERR  AGE", narrow)
        self.assertRegex(narrow, r"signal 9\s+2929K      0  ")
        self.assertRegex("\n".join(self.shown(120, "ps", self.lease)), r"signal 9\s+3000000 ")
        piped = self.eep("ps", self.lease).stdout.decode()
        self.assertRegex(piped, r"signal 9\s+3000000\s+0  20\d\d-")

    def test_colours_are_for_terminals_that_want_them(self):
        self.assertIn("\033[32mSTARTED", "\n".join(self.shown(120, "list")))
        self.assertNotIn(b"\033", self.eep("list").stdout)
        os.environ["NO_COLOR"] = "1"
        self.addCleanup(os.environ.pop, "NO_COLOR")
        self.assertNotIn("\033", "\n".join(self.shown(120, "list")))

    def test_whoever_is_waited_for_is_told(self):
        lines = self.shown(80, "exec", self.lease, "-i", "--", "tr", "a-z", "A-Z", typed=b"from a keyboard\n\4")
        self.assertIn("eep: reading standard input first, to its end: Ctrl-D", lines)
        self.assertIn("FROM A KEYBOARD", lines)


if __name__ == "__main__":
    unittest_lines.main()
