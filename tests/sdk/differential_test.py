#!/usr/bin/env python3
"""differential_test.py: planted differences are found by differential, and what means nothing is not."""
import email.message
import importlib.machinery
import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import unittest_lines  # noqa: E402
import wire  # noqa: E402

_loader = importlib.machinery.SourceFileLoader("differential", os.path.join(HERE, "differential"))
differential = importlib.util.module_from_spec(importlib.util.spec_from_loader("differential", _loader))
_loader.exec_module(differential)

FACTS = {"case": [{"ask": "GET /a", "status": 200, "headers": {}, "body": "x"}, {"ask": "GET /b", "status": 404, "headers": {}, "body": ""}]}


def answers(**change):
    return [{**FACTS["case"][0], **change}, FACTS["case"][1]]


class Compare(unittest.TestCase):
    def complaints(self, changes, found, readme="It is so."):
        expectations = differential.Expectations(FACTS, [{"reason": "It is so.", "changes": changes}] if changes else [], readme)
        good = differential.matches("case", found, expectations)
        return good, list(expectations.complaints(["case"]))

    def test_equal_answers(self):
        self.assertEqual(self.complaints([], answers()), (True, []))

    def test_any_part_may_differ(self):
        for change in ({"status": 201}, {"body": "y"}, {"headers": {"content-type": "a"}}, {"took": "at least 1 s"}):
            self.assertEqual(self.complaints([], answers(**change)), (False, []))

    def test_other_requests(self):
        self.assertFalse(self.complaints([], answers()[:1])[0])
        self.assertFalse(self.complaints([], answers(ask="GET /c"))[0])

    def test_a_listed_difference_is_exact(self):
        listed = [{"case": "case", "ask": "GET /a", "status": 201}]
        self.assertEqual(self.complaints(listed, answers(status=201)), (True, []))
        self.assertFalse(self.complaints(listed, answers(status=202))[0])
        self.assertFalse(self.complaints(listed, answers())[0])

    def test_a_listed_difference_must_be_one(self):
        good, complaints = self.complaints([{"case": "case", "ask": "GET /a", "status": 200}], answers())
        self.assertIn("a difference that is none", complaints[0])
        good, complaints = self.complaints([{"case": "case", "ask": "GET /none", "status": 200}], answers())
        self.assertIn("not asked for", complaints[0])

    def test_a_reason_must_be_told(self):
        listed = [{"case": "case", "ask": "GET /a", "status": 201}]
        self.assertEqual(self.complaints(listed, answers(status=201), readme="It\nis so.")[1], [])
        self.assertIn("does not say: It is so.", self.complaints(listed, answers(status=201), readme="Nothing.")[1][0])


class Normalise(unittest.TestCase):
    def normal(self, body, content_type="application/json", **options):
        headers = email.message.Message()
        headers["Content-Type"] = content_type
        headers["Date"] = "now"
        return wire.normalise(wire.Answer(200, headers, body), "/home/x", **options)

    def test_what_passes_is_replaced(self):
        found = self.normal(b'{"at":"2026-01-02T03:04:05.6Z","dir":"/home/x/y","isDir":true,"size":4096,"own":"2001-01-31T12:00:00Z"}')
        self.assertEqual(found["body"], {"at": "<time>", "dir": "{home}/y", "isDir": True, "size": "<size>", "own": "2001-01-31T12:00:00Z"})
        self.assertEqual(found["headers"], {"content-type": "application/json"})

    def test_spelling_can_be_kept(self):
        self.assertEqual(self.normal(b'"\\u003c"')["body"], "<")
        self.assertEqual(self.normal(b'"\\u003c"', spelling=True)["body"], '"\\u003c"')

    def test_bytes_are_not_lost(self):
        self.assertEqual(self.normal(b"\xff\x00a", "text/plain")["body"], "\\xff\x00a")


if __name__ == "__main__":
    unittest_lines.main()
