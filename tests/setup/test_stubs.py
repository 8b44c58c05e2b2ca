# SPDX-License-Identifier: Apache-2.0
"""tools/setup/stubs.py: what stands in for a large library lets its user load, and ends it when called."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/setup"))
import stubs  # noqa: E402
from common import SetupError  # noqa: E402

NM = """
                 U bigCreate@libbig.so.2
                 U bigRun@libbig.so.2
                 U otherCall@libother.so.1
                 U cuInit
                 U cudaMalloc@libcudart.so.12
                 U clRun@OPENCL_1.0
                 U clNew@OPENCL_1.2
                 w __gmon_start__
                 U odd name@libbig.so.2
"""


def gcc(*words):
    subprocess.run(["gcc", *map(str, words)], check=True)


class Stubs(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="assay-stubs-")
        self.addCleanup(temporary.cleanup)
        self.site = pathlib.Path(temporary.name)

    def list_of(self, text):
        path = self.site / "stubs.toml"
        path.write_text(text)
        return stubs.read_list(path)

    def test_symbols_belong_by_version_or_by_pattern(self):
        self.assertEqual(stubs.wanted_symbols(NM, "libbig.so.2", ""),
                         {"bigCreate": "libbig.so.2", "bigRun": "libbig.so.2"})
        self.assertEqual(stubs.wanted_symbols(NM, "libcuda.so.1", "cu[A-Z].*"), {"cuInit": ""})
        both = stubs.wanted_symbols(NM, "libOpenCL.so.1", "cl[A-Z].*")
        self.assertEqual(both, {"clRun": "OPENCL_1.0", "clNew": "OPENCL_1.2"})
        self.assertEqual(stubs.version_script(both),
                         "OPENCL_1.0 { global: clRun; };\nOPENCL_1.2 { global: clNew; };\n")

    def test_a_stub_loads_and_aborts_with_the_name(self):
        real, users = self.site / "real", self.site / "pack"
        real.mkdir(), users.mkdir()
        (real / "big.c").write_text("int bigRun(void) { return 7; }")
        (real / "big.map").write_text("libbig.so.2 { global: *; };")
        gcc("-shared", "-o", real / "libbig.so.2", real / "big.c", "-Wl,-soname,libbig.so.2",
            f"-Wl,--version-script={real / 'big.map'}")
        (users / "user.c").write_text("int bigRun(void); int use(void) { return bigRun(); }")
        gcc("-shared", "-fPIC", "-o", users / "user.so", users / "user.c", real / "libbig.so.2",
            "-Wl,-rpath,$ORIGIN")
        call = [sys.executable, "-c",
                "import ctypes, sys; u = ctypes.CDLL(sys.argv[1]); print('loaded', flush=True); u.use()",
                str(users / "user.so")]
        without = subprocess.run(call, capture_output=True, text=True, check=False)
        self.assertNotIn("loaded", without.stdout, "it needs the library")
        told = self.list_of('[[link]]\nfrom = "real/big.c"\nto = "pack/linked"\n'
                            '[[stub]]\nlibrary = "libbig.so.2"\nusers = ["pack/user.so"]\n'
                            'to = "pack/libbig.so.2"\n')
        stubs.make(told, self.site)
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.returncode), ("loaded\n", -6), done.stderr)
        self.assertIn("bigRun: only a stub of this library is installed", done.stderr)
        self.assertNotIn("no version information", done.stderr)
        self.assertEqual((users / "linked").readlink(), pathlib.Path("../real/big.c"))

    def test_what_is_wrong_is_refused(self):
        self.assertEqual(stubs.read_list(self.site / "absent"), {"link": [], "stub": []})
        stub = '[[stub]]\nlibrary = "%s"\nusers = [%s]\nto = "%s"\n'
        for text in ("[[stub", '[[link]]\nfrom = "a"\n', '[[link]]\nfrom = "../a"\nto = "b"\n',
                     stub % ("big", '"u.so"', "b"), stub % ("libbig.so.2", "", "b"),
                     stub % ("libbig.so.2", '"u.so"', "/b"), stub % ("libbig.so.2", '"../u.so"', "b"),
                     stub % ("libbig.so.2", '"u.so"', "b") + 'symbols = "("\n'):
            with self.assertRaises(SetupError, msg=text):
                self.list_of(text)
        with self.assertRaises(SetupError):  # nothing of that library is needed
            (self.site / "c.c").write_text("int f(void) { return 1; }")
            gcc("-shared", "-o", self.site / "u.so", self.site / "c.c")
            stubs.make(self.list_of(stub % ("libbig.so.2", '"u.so"', "b.so")), self.site)
        with self.assertRaises(SetupError):
            stubs.make(self.list_of('[[link]]\nfrom = "absent"\nto = "b"\n'), self.site)


if __name__ == "__main__":
    unittest.main()
