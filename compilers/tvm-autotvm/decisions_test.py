# SPDX-License-Identifier: Apache-2.0
"""Tests of tvm_decisions with made-up records: no TVM is needed.  Part of test.py."""

import collections
import json
import os
import tempfile
import unittest

import tvm_decisions as decisions

ab = decisions.ab
LAYERS = collections.OrderedDict([("conv", "0 conv"), ("dense", "1 dense"), ("pool", "2 pool")])
TARGET = "llvm -mcpu=x86-64"


def parse(line):
    key, target, costs, error, text = json.loads(line)
    return decisions.Parsed(key, target, costs, error, text, None)


def line(key, cost, text, error="", target=TARGET):
    return json.dumps([key, target, [cost, cost], error, text])


GOOD = [
    line("conv", 3, "a"),
    line("conv", 2, "b"),
    line("dense", 5, "c"),
    line("conv", 2, "d"),
    line("dense", 1, "e", error="it crashed"),
    line("pool", 4, "f"),
]


class Decisions(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def files(self, lines, undecided=None):
        folder = tempfile.mkdtemp(dir=self._folder.name)
        found = {}
        for name, text in (
            (decisions.LOG, "".join(l + "\n" for l in lines)),
            (decisions.UNDECIDED, undecided),
        ):
            if text is not None:
                found[name] = os.path.join(folder, name)
                with open(found[name], "wb") as handle:
                    handle.write(text.encode("utf-8", "surrogateescape"))
        return found

    def decided(self, lines, undecided=None, choices=(), override=(), layers=LAYERS):
        asked = ab.Decisions(self.files(lines, undecided), dict(choices), dict(override))
        request = ab.Request("rebuild", "c", *[None] * 9, decisions=asked)
        return decisions.decide(request, layers, TARGET, parse)

    def texts(self, *arguments, **named):
        records = self.decided(*arguments, **named).records
        return [record.text if record else None for record in records.values()]

    def refused(self, kind, words, *arguments, **named):
        with self.assertRaises(ab.BuildError) as raised:
            self.decided(*arguments, **named)
        self.assertEqual(raised.exception.kind, kind, raised.exception.message)
        for word in words:
            self.assertIn(word, raised.exception.message)

    def test_lowest_cost_and_first_of_equals(self):
        self.assertEqual(self.texts(GOOD), ["b", "c", "f"])

    def test_choice_replaces_one_layer(self):
        self.assertEqual(self.texts(GOOD, choices={"0 conv": 3}), ["d", "c", "f"])

    def test_override_takes_the_other_log(self):
        other = self.files([line("conv", 1, "x"), line("dense", 9, "y"), line("dense", 8, "z")])
        self.assertEqual(self.texts(GOOD, override={"1 dense": other}), ["b", "z", "f"])
        # What the other engine left to the default schedule stays so.
        other = self.files([line("conv", 1, "x")], '{"format": 1, "layers": ["1 dense"]}')
        self.assertEqual(self.texts(GOOD, override={"1 dense": other}), ["b", None, "f"])
        other = self.files([line("conv", 1, "x")])
        self.refused("miss", ["1 dense"], GOOD, override={"1 dense": other})

    def test_undecided(self):
        listed = '{"format": 1, "layers": ["1 dense", "(workload that is no task)"]}'
        lines = [l for l in GOOD if "c" not in json.loads(l)]
        self.refused("miss", ["1 dense"], lines)
        decided = self.decided(lines, listed)
        self.assertEqual(list(decided.records), list(LAYERS.values()))
        self.assertIsNone(decided.records["1 dense"])
        decisions.check_lookups(decided, ["1 dense", "(workload that is no task)"])
        with self.assertRaises(ab.BuildError) as raised:
            decisions.check_lookups(decided, ["2 pool"])
        self.assertEqual(raised.exception.kind, "miss")
        self.refused("invalid", ["1 dense", "default"], GOOD, listed)
        for bad in ("[]", '{"format": 2, "layers": []}', '{"format": 1, "layers": [3]}', "["):
            self.refused("invalid", [decisions.UNDECIDED], GOOD, bad)

    def test_lines_that_are_no_records(self):
        for bad in ("", "{", "[" * 100000, '["conv"]', "\udcff"):
            self.refused("miss", ["line 3"], GOOD[:2] + [bad])
        self.refused("miss", ["line 1", "long"], ["x" * (decisions.MAX_LINE_BYTES + 1)])

    def test_another_target_or_model(self):
        self.refused("miss", ["line 7", "skylake"], GOOD + [line("conv", 9, "x", target="skylake")])
        self.refused("miss", ["line 7", "other"], GOOD + [line("other", 9, "x")])

    def test_no_log(self):
        with self.assertRaises(ab.BuildError) as raised:
            decisions.log_path({})
        self.assertEqual(raised.exception.kind, "miss")
        self.refused("miss", ["0 conv"], [])

    def test_what_does_not_exist(self):
        self.refused("invalid", ["3 relu"], GOOD, choices={"3 relu": 0})
        self.refused("invalid", ["3 relu"], GOOD, override={"3 relu": self.files(GOOD)})
        self.refused("invalid", ["0 conv", "6"], GOOD, choices={"0 conv": 6})
        self.refused("invalid", ["0 conv", "1 dense"], GOOD, choices={"0 conv": 2})
        self.refused("invalid", ["1 dense", "crashed"], GOOD, choices={"1 dense": 4})
        both = {"choices": {"0 conv": 0}, "override": {"0 conv": self.files(GOOD)}}
        self.refused("invalid", ["both"], GOOD, **both)
