"""unittest_lines.py: runs the unittest cases of a module and prints them the way tools/run-tests counts.

    if __name__ == "__main__":
        unittest_lines.main()
"""
import sys
import traceback
import unittest


class _Lines(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        print("[ RUN      ] %s" % test.id(), flush=True)

    def addSuccess(self, test):
        print("[       OK ] %s" % test.id(), flush=True)

    def addSkip(self, test, reason):
        print("SKIP: %s: %s" % (test.id(), reason), flush=True)

    def _bad(self, test, error):
        traceback.print_exception(*error, file=sys.stdout)
        # Twice, as cmocka does: in its place and in the summary. Names begin with a letter.
        print("[  FAILED  ] %s\n[  FAILED  ] %s" % (test.id(), test.id()), flush=True)

    def addError(self, test, error):
        super().addError(test, error)
        self._bad(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._bad(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._bad(test, error)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = _Lines()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
