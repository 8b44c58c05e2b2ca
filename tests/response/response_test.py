#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Response runs that are killed, children that die, cameras that stop, folders that are none.

    response_test.py
"""

import json
import os
import pathlib
import random
import signal
import sqlite3
import struct
import sys
import time
import unittest
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from assay import ROOT, AssayTest  # noqa: E402
import onnx_files  # noqa: E402

SEED = int(os.environ.get("ASSAY_TEST_SEED", "20240607"))
WORDS = 24  # of a frame record
FRAME, FATE, FAULT = 0, 16, 17
DONE, FAILED, STOPPED = 1, 4, 8


def png(path, side=16):
    """A grey PNG of side x side pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((i * 7) % 256 for i in range(side)) for _ in range(side))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Response(AssayTest):
    def setUp(self):
        super().setUp()
        onnx_files.write("image", self.model)

    def command(self, run, frames=20):
        return ["response", self.model, "--compiler", "null", "--fps", 100, "--frames", frames, "--repetitions", 2,
                "--streams", "1,2", "--out", run]

    def rows(self, run, sql):
        with sqlite3.connect("file:%s?mode=ro" % (self.folder / run / "run.db"), uri=True) as db:
            return db.execute(sql).fetchall()

    def records(self, run, where="1"):
        """Of each stream: (planned, [words of each frame])."""
        out = []
        for sha, planned in self.rows(run, "SELECT records_blob, planned FROM frame_log WHERE " + where):
            data = (self.folder / run / "blobs" / sha[:2] / sha[2:]).read_bytes()
            self.assertEqual(len(data) % (8 * WORDS), 0)
            words = struct.unpack("<%dq" % (len(data) // 8), data)
            out.append((planned, [words[i:i + WORDS] for i in range(0, len(words), WORDS)]))
        return out

    def check_whole(self, run, blocks=4):
        """Every condition once in every repetition, nothing done twice, every frame accounted for."""
        done = self.rows(run, "SELECT cell_id, repetition, count(*) FROM response_block WHERE outcome<>'interrupted' "
                              "GROUP BY cell_id, repetition")
        self.assertEqual(len(done), blocks)
        self.assertEqual({n for _, _, n in done}, {1})
        for planned, frames in self.records(run):
            if frames:
                self.assertEqual(sorted(f[FRAME] for f in frames), list(range(planned)))
        self.assertEqual(os.listdir(self.folder / run / "scratch"), [])
        self.assertIn("verified", self.verify(run))

    def test_killed_after_every_line(self):
        self.assay(*self.command("whole"))
        self.check_whole("whole")
        cut = 0
        for k in range(1, 8):
            with self.subTest(line=k):
                run = "k%d" % k
                process = self.start(*self.command(run))
                seen = 0
                for line in process.stderr:
                    seen += line.startswith("[")
                    if seen >= k:
                        break
                if k % 2:
                    time.sleep(0.3)  # into the block, not between two of them
                process.send_signal(signal.SIGKILL)
                process.communicate(timeout=60)
                self.assert_none_left()
                self.assay(*self.command(run))
                self.check_whole(run)
                cut += self.rows(run, "SELECT count(*) FROM response_block WHERE outcome='interrupted'")[0][0]
        self.assertGreater(cut, 0)  # else no kill hit a block

    def test_killed_at_random_moments(self):
        print("seed %d (ASSAY_TEST_SEED)" % SEED)
        moments = random.Random(SEED)
        for _ in range(4):
            process = self.start(*self.command("run"))
            time.sleep(moments.uniform(0.1, 2.0))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            self.assert_none_left()
        self.assay(*self.command("run"))
        self.check_whole("run")

    def test_interrupted_by_a_person(self):
        process = self.start(*self.command("run", frames=500))
        for line in process.stderr:
            if line.startswith("[") and "camera" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("the same command goes on", err)
        self.assert_none_left()
        self.assertEqual(self.rows("run", "SELECT outcome FROM response_block"), [("interrupted",)])

    def test_child_that_dies(self):
        _, err = self.assay("response", self.model, "--compiler", "null,faulty", "--option", "faulty.mode=crash_run",
                            "--option", "faulty.at_run=25", "--fps", 100, "--frames", 40, "--repetitions", 1,
                            "--streams", "2", "--warm-up", 4, "--out", "run")
        self.assertIn("crashed", err)
        blocks = dict(self.rows("run", "SELECT json_extract(c.cell_json, '$.compiler'), b.outcome FROM response_block b "
                                       "JOIN response_cell c USING(cell_id)"))
        self.assertEqual(blocks, {"null fp32": "ok", "faulty fp32": "crashed"})
        kept = [len(frames) for _, frames in self.records(
            "run", "block_id IN (SELECT block_id FROM response_block WHERE outcome='crashed')")]
        self.assertEqual(len(kept), 2)
        for n in kept:
            self.assertTrue(0 < n < 40, kept)  # what was measured before the end is kept
        self.assert_none_left()
        self.assertIn("verified", self.verify("run"))

    def test_child_that_hangs_in_loading(self):
        _, err = self.assay("response", self.model, "--compiler", "faulty", "--option", "faulty.mode=crash_load",
                            "--frames", 5, "--repetitions", 1, "--out", "run", code=1)
        self.assertIn("nothing was measured: 1 of 1 block failed; crashed", err)
        # What had failed is found done, and said again.
        _, err = self.assay("response", self.model, "--compiler", "faulty", "--option", "faulty.mode=crash_load",
                            "--frames", 5, "--repetitions", 1, "--out", "run", code=1)
        self.assertIn("nothing was measured", err)
        self.assertEqual(self.rows("run", "SELECT outcome, t0_ns FROM response_block"), [("crashed", 0)])

    def test_camera_that_stops(self):
        (self.folder / "plan.toml").write_text(
            '[response]\nfps = 100\nframes = 12\nrepetitions = 1\n[source]\nkind = "raw"\npath = "three.rgb"\n'
            'width = 8\nheight = 8\nformat = "rgb8"\nloop = false\n[[task]]\nname = "a"\nmodel = "model.onnx"\n'
            '[recipes]\ncompilers = ["null"]\n')
        (self.folder / "three.rgb").write_bytes(bytes(8 * 8 * 3 * 3))
        self.assay("response", "plan.toml", "--out", "run")
        ((planned, frames),) = self.records("run")
        self.assertEqual(planned, 12)
        self.assertEqual([f[FATE] for f in frames[:3]], [DONE] * 3)
        self.assertEqual({f[FAULT] for f in frames[3:]} | {STOPPED}, {STOPPED})
        self.assertNotIn(DONE, [f[FATE] for f in frames[3:]])

    def test_broken_pictures_are_counted(self):
        pictures = self.folder / "pictures"
        pictures.mkdir()
        png(pictures / "a.png")
        (pictures / "b.png").write_bytes(b"")
        (pictures / "c.jpg").write_bytes(b"no picture at all")
        self.assay("response", self.model, "--compiler", "null", "--images", "pictures", "--frames", 12,
                   "--repetitions", 1, "--out", "run")
        ((planned, frames),) = self.records("run")
        self.assertEqual(len(frames), planned)
        fates = [f[FATE] for f in frames]
        self.assertEqual((fates.count(DONE), fates.count(FAILED)), (4, 8))
        self.assertEqual(self.rows("run", "SELECT outcome FROM response_block"), [("ok",)])

    def test_folder_that_is_none(self):
        _, err = self.assay("response", self.model, "--compiler", "null", "--images", "nowhere", code=2)
        self.assertIn("neither a folder nor a name", err)
        (self.folder / "empty").mkdir()
        _, err = self.assay("response", self.model, "--compiler", "null", "--images", "empty", "--frames", 3,
                            "--repetitions", 1, "--out", "run", code=2)
        self.assertIn("no JPEG or PNG file in it", err)
        self.assertFalse((self.folder / "run").exists())

    def test_video_that_is_none(self):
        _, err = self.assay("response", self.model, "--compiler", "null", "--video", self.model, "--frames", 3,
                            "--repetitions", 2, "--out", "run", code=1)
        self.assertIn("nothing was measured: 2 of 2 blocks failed", err)
        self.assertEqual(self.rows("run", "SELECT outcome FROM response_block"), [("failed",)] * 2)
        self.assertIn("verified", self.verify("run"))

    def test_co_runner_works_while_frames_are_measured(self):
        self.assay("response", self.model, "--compiler", "null", "--fps", 50, "--frames", 25, "--repetitions", 1,
                   "--co-runner", "none,memory,cache", "--out", "run")
        found = {}
        for kind, outcome, detail in self.rows("run", "SELECT json_extract(c.cell_json, '$.co_runner'), b.outcome, "
                                                      "b.detail_json FROM response_block b JOIN response_cell c "
                                                      "USING(cell_id)"):
            self.assertEqual(outcome, "ok")
            found[kind] = json.loads(detail).get("co_runner")
        self.assertIsNone(found["none"])
        for kind in ("memory", "cache"):
            for moved in found[kind]["moved"]:
                self.assertEqual(moved["kind"], kind)
                self.assertGreater(moved["bytes"], 0)
                self.assertGreater(moved["wall_ns"], 400_000_000)  # longer than the frames took
        self.assert_none_left()

    def test_use_cases_are_read(self):
        """Those of the source tree, with models in the place of theirs."""
        detector = {"kind": "yolo-anchors", "classes": 10,
                    "levels": [{"output": "y", "stride": 8, "anchors": [[14.0, 14.0]]}]}
        for name in ("scenes", "digits"):
            folder = self.folder / "cache" / "models" / name
            (folder / "images").mkdir(parents=True)
            onnx_files.write("image", folder / "model.onnx")
            png(folder / "images" / "a.png")
        (self.folder / "cache/models/scenes/model.detector.json").write_text(json.dumps(detector))
        for name, says in (("intersection", "at most 3 crops to classify"), ("adas", "deadline 30.0 ms")):
            text = (ROOT / "usecases" / (name + ".toml")).read_text()
            text = text.replace('"onnxruntime", "openvino"', '"null"').replace('"onnxruntime"', '"null"')
            text = text.replace("mean = [0]", "mean = [0, 0, 0]").replace("std = [1]", "std = [1, 1, 1]")
            (self.folder / (name + ".toml")).write_text(text)
            _, err = self.assay("response", name + ".toml", "--dry-run")
            self.assertIn(says, err)
            self.assertIn("5 repetitions", err)

    def test_accounting_of_an_overload(self):
        """More frames than one server can take: every one of them has a fate, for each policy."""
        self.assay("response", self.model, "--compiler", "null", "--option", "null.clock=real", "--camera",
                   "synthetic:1280x720", "--fps", 3000, "--frames", 400, "--repetitions", 1, "--streams", 2, "--mode",
                   "one-server", "--policy", "queue,drop-oldest,skip-if-busy", "--out", "run")
        self.check_whole("run", blocks=3)
        report = self.report("run")
        self.assertEqual(len(report["cells"]), 3)
        text = json.dumps(report)
        self.assertIn("planned", text)


if __name__ == "__main__":
    unittest.main()
