#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Does the runner of CLI tests notice what it must?"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402


class Matching(unittest.TestCase):
    def fits(self, expected, actual):
        return run.matches(expected.split("\n") if expected else [], actual.split("\n") if actual else []) is None

    def test_lines(self):
        self.assertTrue(self.fits("a\nb", "a\nb"))
        self.assertFalse(self.fits("a\nb", "a"))
        self.assertFalse(self.fits("a", "a\nb"))
        self.assertFalse(self.fits("a.c", "abc"))
        self.assertFalse(self.fits("", "a"))

    def test_any_lines(self):
        self.assertTrue(self.fits("a\n...\nz", "a\nz"))
        self.assertTrue(self.fits("a\n...\nz", "a\nb\nz\nz"))
        self.assertFalse(self.fits("a\n...\nz", "a\nb"))
        self.assertTrue(self.fits("...", ""))

    def test_patterns_stay_in_their_line(self):
        self.assertTrue(self.fits("took <[0-9]+> ms", "took 12 ms"))
        self.assertFalse(self.fits("took <[0-9]+> ms", "took  ms"))
        self.assertFalse(self.fits("<.*>", "a\nb"))
        self.assertTrue(self.fits(r"\<b>", "<b>"))
        self.assertTrue(self.fits("<a|b>c", "bc"))
        self.assertFalse(self.fits("<a|b>c", "b"))

    def test_where_it_went_wrong(self):
        self.assertEqual(run.matches(["a", "b"], ["a", "c"]), (1, 1))


class Files(unittest.TestCase):
    def test_parse(self):
        steps, directives = run.parse("@mount\n# c\n$ one\n> two\nout\n\\$ 3\n[exit 2]\n\n$ last")
        self.assertEqual(directives, {"mount"})
        self.assertEqual([s.command for s in steps], ["one\ntwo", "last"])
        self.assertEqual(steps[0].expected, ["out", "$ 3"])
        self.assertEqual([s.code for s in steps], [2, 0])
        for bad in ("", "out\n$ a"):
            with self.assertRaises(ValueError):
                run.parse(bad)

    def test_exit_code_and_output_both_count(self):
        def wrong(text):
            return run.run_step(run.parse(text)[0][0], "/", {"PATH": "/usr/bin:/bin"})
        self.assertIsNone(wrong("$ echo a; exit 3\na\n[exit 3]"))
        self.assertIn("exit code 3", wrong("$ echo a; exit 3\na"))
        self.assertIn("output line 1", wrong("$ echo a\nb"))
        self.assertIsNone(wrong("$ echo e >&2\ne"))


if __name__ == "__main__":
    unittest.main()
