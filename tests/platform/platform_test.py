#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole audits of the null compiler (real clock) on machines that are small trees of files: records of builds and
launches, energy, and what a planted fault does to the trust. No trust word of the real machine is asserted: what the
trees tell is made, and so are the reasons."""

import json
import os
import pathlib
import sqlite3
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import onnx_files  # noqa: E402
from assay import AssayTest  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


class Machine:
    """A tree with some CPUs, one RAPL package of `watt`, and files that a thread rewrites in place while an audit
    runs. Only the files differ from a machine; nothing is told to assay but their root."""

    def __init__(self, root, busy=(), drops=False, throttles=False, watt=20):
        self.root, self.busy, self.drops, self.throttles, self.watt = root, busy, drops, throttles, watt
        self.cpus = range(os.cpu_count() if os.cpu_count() else 1)
        self.end = threading.Event()
        self.began = time.monotonic()
        self.write()
        self.thread = threading.Thread(target=self.live)
        self.thread.start()

    def put(self, path, text):
        file = self.root / path.lstrip("/")
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            return
        with open(file, "r+b", buffering=0) as f:  # in place: assay holds its files open
            f.write(text.encode())

    def write(self):
        s = time.monotonic() - self.began
        lines = ["cpu  0 0 0 0 0 0 0 0 0 0"]
        for cpu in self.cpus:
            ticks = int(s * TICK) if cpu in self.busy else 0
            lines.append("cpu%d %012d 0 0 0 0 0 0 0 0 0" % (cpu, 1000 + ticks))
        self.put("/proc/stat", "\n".join(lines) + "\n")
        self.put("/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=%012d\n" % 7)
        # High for 130 ms and low for 130 ms: rounds of 50 ms see both.
        khz = 1800000 if self.drops and int(s / 0.13) % 2 else 2000000
        for cpu in self.cpus:
            folder = "/sys/devices/system/cpu/cpu%d" % cpu
            self.put(folder + "/cpufreq/scaling_cur_freq", "%d\n" % khz)
            self.put(folder + "/thermal_throttle/core_throttle_count",
                     "%08d\n" % (int(s * 100) if self.throttles else 3))
        rapl = "/sys/class/powercap/intel-rapl:0"
        self.put(rapl + "/name", "package-0\n")
        self.put(rapl + "/max_energy_range_uj", "262143328850\n")
        self.put(rapl + "/energy_uj", "%012d\n" % (s * self.watt * 1e6))

    def live(self):
        while not self.end.wait(0.005):
            self.write()

    def stop(self):
        self.end.set()
        self.thread.join()


class Platform(AssayTest):
    def audit(self, builds=1, launches=3, samples=4000, idle=None, **faults):
        onnx_files.write("wide", self.model)
        machine = Machine(self.folder / "machine", **faults)
        self.addCleanup(machine.stop)
        self.env["ASSAY_PLATFORM_ROOT"] = str(machine.root)
        self.env["ASSAY_NVML_LIBRARY"] = "/none/libnvidia-ml.so"
        plan = self.folder / "plan.toml"
        plan.write_text("""[audit]
builds = %d
launches = %d
samples = %d
inputs = 8
reference = false
warmup_ms = 0
%s
[[model]]
model = "%s"
compilers = ["null"]
[compiler.null]
clock = "real"
""" % (builds, launches, samples, "" if idle is None else "idle_ms = %d" % idle, self.model))
        self.out, _ = self.assay("audit", plan, "--out", "run")
        machine.stop()
        whole = self.report("run")
        (recipe,) = whole["models"][0]["recipes"]
        (latency,) = [v for v in recipe["verdicts"] if v["subject"] == "latency"]
        self.assertIn("verified", self.verify("run"))
        self.assert_none_left()
        return latency["statistic"], recipe

    def rows(self):
        with sqlite3.connect(self.folder / "run" / "run.db") as db:
            return db.execute("SELECT owner, owner_id, record_blob, begin_ns, end_ns, idle_begin_ns, idle_end_ns "
                              "FROM platform").fetchall()

    def record(self, blob):
        return json.loads((self.folder / "run" / "blobs" / blob[:2] / blob[2:]).read_text())

    def test_every_build_and_launch_has_a_record_and_energy(self):
        statistic, recipe = self.audit(builds=2, launches=2, idle=300)
        rows = self.rows()
        self.assertEqual([r[0] for r in rows].count("build"), 2)
        self.assertEqual([r[0] for r in rows].count("launch"), 4)
        for owner, _, blob, begin, end, idle_begin, idle_end in rows:
            record = self.record(blob)
            self.assertFalse(record["real"])
            self.assertGreater(end, begin)
            names = {c["name"] for c in record["channels"]}
            self.assertIn("rapl.package-0.uj", names)
            self.assertFalse([n for n in names if n.startswith("gpu")])
            if owner == "launch":
                self.assertGreaterEqual(idle_end - idle_begin, 300e6)
                self.assertLessEqual(idle_end, begin)
                self.assertGreaterEqual(sum(idle_begin <= t <= idle_end for t in record["t_ns"]), 3)
            else:
                self.assertEqual((idle_begin, idle_end), (0, 0))
        platform = recipe["platform"]
        (energy,) = platform["energy"]
        self.assertEqual(energy["source"], "rapl.package-0")
        self.assertEqual(len(platform["builds"]), 2)
        for build in platform["builds"]:
            (e,) = build["energy"]
            # 20 W for as long as it was covered; the tree is written every few ms.
            self.assertGreater(e["joule"], 0)
        if "gross_mj" in energy and "mean" in energy["gross_mj"]:
            p50 = statistic["builds"][0]["p50"]["estimate"]
            self.assertGreater(energy["gross_mj"]["mean"], 20e3 * p50 / 1e9 * 0.5)
        self.assertIn("Platform", self.out)
        self.assertIn("rapl.package-0", self.out)
        for form in ("md", "html"):
            self.assertIn("rapl.package-0", self.assay("report", "run", "--format", form)[0])

    def test_without_a_source_energy_is_unknown_and_nothing_waits(self):
        (self.folder / "empty").mkdir()
        self.env["ASSAY_PLATFORM_ROOT"] = str(self.folder / "empty")
        self.assay("audit", self.model, "--compiler", "null", "--no-reference", "--option", "null.clock=real",
                   "--builds", 1, "--launches", 3, "--samples", 50, "--inputs", 8, "--warm-up", 0, "--out", "run")
        for owner, _, blob, begin, end, idle_begin, idle_end in self.rows():
            self.assertEqual((idle_begin, idle_end), (0, 0), owner)
            self.assertTrue(self.record(blob)["missing"])
        (recipe,) = self.report("run")["models"][0]["recipes"]
        self.assertEqual(recipe["platform"]["energy"], [])
        self.assertIn("unknown [", self.assay("report", "run", "--format", "text")[0])
        kinds = {v["subject"] for v in recipe["verdicts"] if v["verdict"] != "INCONCLUSIVE"}
        self.assertIn("self", kinds)  # what does not need the machine is judged all the same

    def reasons(self, statistic):
        return statistic["trust"], " | ".join(statistic["trust_reasons"])

    def test_a_planted_clock_drop_degrades(self):
        trust, reasons = self.reasons(self.audit(drops=True)[0])
        self.assertIn("clock drop: 10.0 %", reasons)
        self.assertNotEqual(trust, "TRUSTED")

    def test_a_planted_load_degrades(self):
        others = [c for c in range(os.cpu_count()) if c != max(os.sched_getaffinity(0))]
        if not others:
            self.skipTest("one CPU: there is no other to be busy")
        trust, reasons = self.reasons(self.audit(busy=others[:1])[0])
        self.assertRegex(reasons, r"other load: CPU %d was \d+ %% busy" % others[0])
        self.assertNotEqual(trust, "TRUSTED")

    def test_planted_throttling_rejects(self):
        trust, reasons = self.reasons(self.audit(throttles=True)[0])
        self.assertIn("throttling seen", reasons)
        self.assertEqual(trust, "REJECTED")

    def test_without_a_fault_none_of_them_is_named(self):
        _, reasons = self.reasons(self.audit()[0])
        for phrase in ("clock drop", "other load:", "throttling"):
            self.assertNotIn(phrase, reasons)
        self.assertIn("read from another tree", reasons)


if __name__ == "__main__":
    unittest.main()
