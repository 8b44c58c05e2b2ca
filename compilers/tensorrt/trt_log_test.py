# SPDX-License-Identifier: Apache-2.0
"""Tests of trt_log.py on logs written by hand in the documented forms (testdata/)."""

import io
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "common")]
import trt_log  # noqa: E402


def parse(lines):
    """(parser, [candidate as tuple]) of lines of text."""
    found = []
    parser = trt_log.LogParser(lambda c: found.append(tuple(c)))
    for line in lines:
        parser.feed(line)
    return parser, found


def parse_file(name):
    with open(os.path.join(HERE, "testdata", name), encoding="utf-8") as handle:
        return parse(handle.read().split("\n"))


class LogTest(unittest.TestCase):
    maxDiff = None

    def test_family_a(self):
        parser, found = parse_file("family_a.log")
        conv = "CaskConvolution%s (Float(784,28,1) -> Float(4704,28,1))"
        dense = "CaskFullyConnected%s (Float(1,5,25,400) -> Float(1,1,1,120))"
        layer = "fc (one) [Fully Connected]"
        self.assertEqual(
            found,
            [
                ("conv1 + relu1", conv % " made_gemm_small_nn_v1 0x00c5a0b1d2e3f405", 23100, ""),
                ("conv1 + relu1", conv % " made_gemm_large_nn_v1 0xf000000000000001", 19877, ""),
                (
                    "conv1 + relu1",
                    conv % " 0x0000000000000007",
                    None,
                    "skipped: insufficient memory on requested size of "
                    "42 detected for tactic 0x0000000000000007.",
                ),
                (
                    layer,
                    dense
                    % " made_sgemm_128x32 0x71aa3b8b3f1b8b2d".replace(
                        "0x71aa3b8b3f1b8b2d", "0x%016x" % 8190451076631534509
                    ),
                    28288,
                    "",
                ),
                (layer, dense % " 0xffffffffffffffff", 50000, ""),
            ],
        )
        self.assertEqual((parser.emitted, parser.failed), (5, 1))

    def test_family_b(self):
        parser, found = parse_file("family_b.log")
        conv = "CaskConvolution %s (Float(784,28,1) -> Float(4704,28,1))"
        self.assertEqual(
            found,
            [
                ("conv1", conv % "made_fprop_tile32 0x00000000000000aa", 5578, ""),
                ("conv1", conv % "made_fprop_tile64 0x00000000000000ab", None, "time inf"),
                (
                    "{ForeignNode[dense...soft]}",
                    "Myelin 0x0000000000000000 (Float(10,1) -> Float(10,1))",
                    12300,
                    "",
                ),
            ],
        )
        self.assertEqual(parser.without_key, ["dense_myl_1"])

    def test_family_c(self):
        parser, found = parse_file("family_c.log")
        self.assertEqual(
            found,
            [
                ("dense_1_2", "made_gemm_f32_tn_n_tilesize32x32x64 0x0002c80ce2f5c4a6", 12678, ""),
                ("dense_1_2", "made_gemm_f32_tn_n_tilesize64x32x64 0x000650de5b566787", 13078, ""),
                ("dense_1_2", "made_gemm_f32_broken 0x000650de5b566788", None, "time nan"),
            ],
        )
        self.assertEqual(parser.keys, {"0xe5c222cd6b9e29cbe66c8bec07cb6a07": "dense_1_2 + twin"})
        self.assertEqual(parser.selected, {"dense_1_2": "0x0002c80ce2f5c4a6"})
        self.assertEqual(parser.without_key, ["other"])

    def test_any_line_of_a_log_may_be_cut_or_gone(self):
        """No cut makes an exception, a candidate that was not there, or another time."""
        for name in ("family_a.log", "family_b.log", "family_c.log"):
            with open(os.path.join(HERE, "testdata", name), encoding="utf-8") as handle:
                lines = handle.read().split("\n")
            # Family A has a line after its layer's end; where the end is cut it counts.
            times = {c[2] for c in parse(lines)[1]} | (
                {1000000} if name == "family_a.log" else set()
            )
            for index, line in enumerate(lines):
                for kept in ([], [line[: len(line) // 2]], [line + " and more"], [line, line]):
                    found = parse(lines[:index] + kept + lines[index + 1 :])[1]
                    self.assertLessEqual({c[2] for c in found} - {None}, times, (name, index, kept))

    def test_spliced_lines_break_nothing(self):
        """Every line the parser reads, cut into others at random places (fixed seed)."""
        draw, pieces = random.Random(7), []
        for name in ("family_a.log", "family_b.log", "family_c.log"):
            with open(os.path.join(HERE, "testdata", name), encoding="utf-8") as handle:
                pieces += handle.read().split("\n")
        for _ in range(300):
            lines = []
            for _ in range(30):
                a, b = draw.choice(pieces), draw.choice(pieces)
                middle = draw.choice(("", "007", "0x", "\0", "\u2028", "9" * 30))
                lines.append(
                    a[: draw.randrange(len(a) + 1)] + middle + b[draw.randrange(len(b) + 1) :]
                )
            for layer, _, time_ns, error in parse(lines)[1]:
                self.assertTrue(layer and (time_ns is None) == bool(error), (layer, time_ns, error))

    def test_lines_are_bounded(self):
        data = b"a\r\n" + b"x" * (1 << 20) + b"\nb\n\xff\n" + b"y" * (1 << 17)
        copy = io.BytesIO()
        with tempfile.TemporaryFile() as handle:
            handle.write(data)
            handle.seek(0)
            lines = list(trt_log.lines_of(handle.fileno(), copy))
        limit = trt_log.MAX_LINE
        self.assertEqual(lines, ["a", "x" * limit, "b", "\ufffd", "y" * limit])
        self.assertEqual(copy.getvalue(), data)

    def test_times(self):
        for text, ns in (
            ("0.0231", 23100),
            ("0.0000005", 1),
            ("1e-3", 1000),
            ("0.0000004", None),
            ("0", None),
            ("-1", None),
            ("inf", None),
            ("nan", None),
            ("", None),
            ("0x1", None),
            ("1e99", None),
            ("1e999999999999", None),
            ("0.00557795", 5578),
        ):
            self.assertEqual(trt_log.to_ns(text), ns, text)

    def test_hostile_lines(self):
        runner = "--------------- Timing Runner: %s (K)"
        name = "a\x1b[2J\u202eb" + "\t" * 3 + "c" * 5000
        _, found = parse([runner % name, "Tactic: 0x1 Time: 0.5"])
        self.assertEqual(
            (found[0][0][:10], len(found[0][0])), ("a\ufffd[2J\ufffdb cc", trt_log.MAX_TEXT)
        )
        self.assertEqual(len(parse([runner % "a", "Tactic: 007 time 1"])[1]), 1)
        for line in (
            "Tactic: 0x12345678901234567 Time: 1",
            "Tactic: 0x1 Time: 1 2",
            "Tactic: 123456789012345678901 Time: 1",
            "x Tactic: 0x1 Time: 1",
            "Tactic: Time: 1",
            "Tactic: 0x Time: 1",
        ):
            self.assertEqual(parse([runner % "a", line])[1], [], line)
        start = time.process_time()
        for line in (
            "--------------- Timing Runner: " + "(" * 60000,
            "Autotuning op " + "(key: 0x" * 7000,
            "*" * 60000,
            "(" * 60000,
            "[TRT] " * 10000,
            "Autotuning op " + ":" * 60000 + "x",
        ):
            parse([line, line + ")"])
        parse(
            ["Autotuning op a(key: 0x%032x):" % 1, trt_log._HEADER + ", tunable_parameter"]
            + ["1, 1, 1, 1, " + ", 0xg" * 15000] * 3
        )
        parse([" Set Tactic Name: " * 3000, runner % "a", " Set Tactic Name: " * 3000])
        self.assertLess(
            time.process_time() - start,
            5,
            "a line takes time that grows with the square of its length",
        )

    def test_candidates_are_bounded(self):
        saved, trt_log.MAX_CANDIDATES = trt_log.MAX_CANDIDATES, 3
        try:
            parser, found = parse(
                ["--------------- Timing Runner: a (K)"] + ["Tactic: 0x1 Time: 1"] * 5
            )
        finally:
            trt_log.MAX_CANDIDATES = saved
        self.assertEqual((len(found), parser.emitted, parser.dropped), (3, 3, 2))

    def test_counters(self):
        self.assertEqual(
            [
                trt_log.strip_counter(n)
                for n in ("a_myl3_2", "a_myl12", "_myl1_b_myl2_3", "a_myl3x", "myl")
            ],
            ["a_myl_2", "a_myl", "_myl_b_myl_3", "a_myl3x", "myl"],
        )


if __name__ == "__main__":
    unittest.main()
