#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of ./assay-up on a copy of it with a made-up compiler, without a network.

pip is the real one and installs a wheel made here; mvn, apt-get and dpkg-query are shims on PATH
that write down each call. Run by /usr/bin/python3, without any package.
"""

import base64
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
JAR = "org.example:toy:1.0:jar:linux-x86_64"
JAR_PLACE = "maven/org/example/toy/1.0/toy-1.0-linux-x86_64.jar"

MVN = """#!/bin/sh
echo "mvn $*" >>"$CALLS"
[ -z "$MVN_FAILS" ] || { echo "no network"; exit 1; }
for word; do case $word in -Dmaven.repo.local=*) repository=${word#*=};; esac; done
mkdir -p "$repository/org/example/toy/1.0"
head -c "${MVN_BYTES:-999999}" "$SERVED/toy.jar" \
  >"$repository/org/example/toy/1.0/toy-1.0-linux-x86_64.jar"
"""
APT = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
"""
# Knows every package as installed, but for the one that MISSING names.
DPKG_QUERY = """#!/bin/sh
shift 2
for name; do [ "$name" = "$MISSING" ] || echo "installed $name"; done
"""
CMAKE = """#!/bin/sh
echo "cmake $*" >>"$CALLS"
[ -z "$CMAKE_FAILS" ] || { echo "error: no such header"; exit 1; }
"""
CTEST = """#!/bin/sh
echo "ctest $*" >>"$CALLS"
echo "100% tests passed, 0 tests failed out of 3"
exit "${CTEST_CODE:-0}"
"""
ASSAY = """#!/bin/sh
echo "assay $*" >>"$CALLS"
[ -z "$ASSAY_CODE" ] || exit "$ASSAY_CODE"
mkdir -p "$4" && touch "$4/report.html"
"""
ID = "#!/bin/sh\necho 1000\n"
SUDO = "#!/bin/sh\nexit 1\n"


def make_wheel(folder, version):
    """A wheel with one module; returns its SHA-256."""
    name, info = f"toypin-{version}-py3-none-any.whl", f"toypin-{version}.dist-info"
    files = {
        "toypin.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: toypin\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
                         "Tag: py3-none-any\n"}
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record += f"{path},sha256={digest.rstrip(b'=').decode()},{len(text)}\n"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


class AssayUpTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        base = pathlib.Path(folder.name)
        self.tree, self.cache, self.served = base / "tree", base / "cache", base / "served"
        self.compiler, shims = self.tree / "compilers/toy", base / "shims"
        for path in (self.served, self.compiler, shims):
            path.mkdir(parents=True)
        shutil.copy(ROOT / "assay-up", self.tree)
        shutil.copytree(ROOT / "tools/setup", self.tree / "tools/setup")
        for name, text in (("mvn", MVN), ("apt-get", APT), ("dpkg-query", DPKG_QUERY), ("id", ID),
                           ("sudo", SUDO), ("cmake", CMAKE), ("ctest", CTEST)):
            (shims / name).write_text(text)
            (shims / name).chmod(0o755)
        self.calls = base / "calls"
        self.environment = dict(
            os.environ, PATH=f"{shims}:/usr/bin:/bin", ASSAY_CACHE=str(self.cache),
            CALLS=str(self.calls), SERVED=str(self.served), PIP_NO_INDEX="1",
            PIP_FIND_LINKS=str(self.served))
        self.write_pins("1.0")
        with zipfile.ZipFile(self.served / "toy.jar", "w") as jar:
            jar.writestr("inner/lib.so", "library")
            jar.writestr("inner/python/toyjar/__init__.py", "HERE = True\n")
            jar.writestr("inner/python/toyjar/_cy3/core.py", "unwanted")
        self.write_jar_list("toyjar/")
        (self.compiler / "compiler.toml").write_text('name = "toy"\nfamily = "toyfamily"\n')

    def write_pins(self, version):
        digest = make_wheel(self.served, version)
        (self.compiler / "requirements.txt").write_text(
            f"toypin=={version} --hash=sha256:{digest}\n")

    def write_jar_list(self, to):
        digest = hashlib.sha256((self.served / "toy.jar").read_bytes()).hexdigest()
        (self.compiler / "maven.toml").write_text(
            f'[[jar]]\nartifact = "{JAR}"\nsha256 = "{digest}"\n'
            f'[[jar.unpack]]\nfrom = "inner/python/toyjar/"\nto = "{to}"\nskip = ["_cy3/"]\n'
            '[[jar.unpack]]\nfrom = "inner/lib.so"\nto = "toyjar/lib.so"\n')

    def up(self, *words, code=0, **environment):
        done = subprocess.run(
            [self.tree / "assay-up", *words], env=self.environment | environment, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.output = done.stdout
        return done.stderr

    def call_lines(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def link(self):
        return self.cache / "venvs/toyfamily"

    def import_it(self):
        """What the environment's own interpreter finds in it."""
        text = "import toypin, toyjar, os; d = os.path.dirname(toyjar.__file__); " \
               "print(toypin.VERSION, toyjar.HERE, sorted(n for n in os.listdir(d) if n[0] != '_'))"
        return subprocess.run([self.link() / "bin/python", "-B", "-c", text], text=True, check=True,
                              env={}, capture_output=True).stdout.strip()

    def test_makes_once_then_works_offline_and_repairs_itself(self):
        # Two calls at once: one makes it, the other waits and finds it.
        threads = [threading.Thread(target=self.up, args=("compilers", "toy")) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.import_it(), "1.0 True ['lib.so']")
        self.assertEqual(len(self.call_lines()), 1, "one fetch, and no apt-get")

        # Second call: no pip (its wheels are gone), no mvn (it fails), no apt-get.
        shutil.move(self.served, str(self.served) + ".away")
        self.assertIn("is there", self.up("compilers", "toy", MVN_FAILS="1"))
        self.assertEqual(len(self.call_lines()), 1)
        shutil.move(str(self.served) + ".away", self.served)

        # Without its marker a folder is not trusted: it goes away whole, and comes back.
        folder = self.link().resolve()
        (folder / ".complete").unlink()
        (folder / "junk").touch()
        self.assertIn("left unfinished", self.up("compilers", "toy", MVN_FAILS="1"))
        self.assertFalse((folder / "junk").exists())
        self.assertEqual(self.import_it(), "1.0 True ['lib.so']")

        # A changed pin makes another folder; the old one stays as it was.
        self.write_pins("1.1")
        self.up("compilers", "toy")
        self.assertEqual(self.import_it(), "1.1 True ['lib.so']")
        self.assertNotEqual(self.link().resolve(), folder)
        self.assertTrue((folder / ".complete").exists())
        self.up("clean-cache")
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_a_manual_compiler_is_left_out_of_all_and_refused_by_name(self):
        other = self.tree / "compilers/rare"
        other.mkdir()
        (other / "compiler.toml").write_text(
            'name = "rare"\nfamily = "rarefamily"\nmanual = "needs a rare machine"\n')
        self.assertIn("rarefamily is left out: needs a rare machine", self.up("compilers", "--all"))
        self.assertEqual(self.import_it(), "1.0 True ['lib.so']", "the others are made")
        for name in ("rare", "rarefamily"):
            self.assertIn("needs a rare machine", self.up("compilers", name, code=3))
        self.assertFalse((self.cache / "venvs/rarefamily").exists())

    def test_a_large_environment_is_made_by_its_name_alone(self):
        folder = self.tree / "compilers/large"
        folder.mkdir()
        (folder / "compiler.toml").write_text(
            'name = "large"\nfamily = "largefamily"\non_request = "it takes a lot"\n')
        shutil.copy(self.compiler / "requirements.txt", folder)
        self.assertIn("largefamily is left out: it takes a lot", self.up("compilers", "--all"))
        self.assertFalse((self.cache / "venvs/largefamily").exists())
        self.up("compilers", "large")
        self.assertTrue((self.cache / "venvs/largefamily/.complete").exists())

    def test_the_environment_of_a_device_is_made_by_its_name_alone(self):
        (self.compiler / "compiler.toml").write_text(
            'name = "toy"\nfamily = "toyfamily"\n[device.gpu]\nfamily = "toyfamily-gpu"\n')
        self.assertIn("DEVICE/requirements.txt", self.up("compilers", "toy", code=2))
        folder = self.compiler / "gpu"
        folder.mkdir()
        shutil.copy(self.compiler / "requirements.txt", folder)
        (folder / "stubs.toml").write_text(
            '[[link]]\nfrom = "toypin.py"\nto = "linked.py"\n')
        self.up("compilers", "--all")
        self.assertFalse((self.cache / "venvs/toyfamily-gpu").exists())
        self.up("compilers", "toy-gpu")
        made = self.cache / "venvs/toyfamily-gpu"
        self.assertTrue(list(made.glob("lib/*/site-packages/linked.py")))
        self.assertIn("is there", self.up("compilers", "toyfamily-gpu"))
        self.assertIn("toy-gpu", self.up("compilers", "nothing", code=2))

    def test_a_truncated_jar_is_refused_and_fetched_again(self):
        text = self.up("compilers", "toy", code=3, MVN_BYTES="100")
        self.assertIn("not used", text)
        self.assertFalse((self.cache / JAR_PLACE).exists())
        self.assertFalse(self.link().exists())
        # One that was cut short later, on the disk, is noticed too.
        (self.cache / JAR_PLACE).parent.mkdir(parents=True)
        (self.cache / JAR_PLACE).write_bytes((self.served / "toy.jar").read_bytes()[:-1])
        self.assertIn("is damaged", self.up("compilers", "toy"))
        self.assertEqual(self.import_it(), "1.0 True ['lib.so']")
        self.assertEqual(len(self.call_lines()), 2)

    def test_a_wheel_of_another_hash_is_refused(self):
        wheel = next(self.served.glob("*.whl"))
        wheel.write_bytes(wheel.read_bytes() + b"\0")
        self.assertIn("installing", self.up("compilers", "toy", code=3))
        self.assertFalse(self.link().exists())

    def test_a_jar_list_cannot_leave_site_packages(self):
        self.write_jar_list("../../escape/")
        self.assertIn("would leave", self.up("compilers", "toy", code=2))
        self.assertEqual(self.call_lines(), [])

    def test_missing_packages_without_rights_print_the_command(self):
        text = self.up("compilers", "toy", code=3, MISSING="maven")
        self.assertIn("apt-get install -y --no-install-recommends maven", text)
        self.assertEqual(self.call_lines(), [], "nothing was tried")

    def test_demo_and_test_set_up_first_and_pass_results_on(self):
        shutil.rmtree(self.compiler)
        (self.tree / "tools/requirements.txt").touch()
        (self.tree / "tools/models").mkdir()
        (self.tree / "tools/models/catalog.toml").write_text("model = []\n")
        program = self.tree / "build/release/bin/assay"
        program.parent.mkdir(parents=True)
        program.write_text(ASSAY)
        program.chmod(0o755)
        built = ["cmake --preset release", "cmake --build --preset release -j 3"]

        self.up("demo", ASSAY_JOBS="3")
        self.assertEqual(self.output, f"{self.tree.resolve()}/runs/demo/report.html\n")
        product = [built[0], "cmake --build --preset release --target product -j 3"]
        self.assertEqual(self.call_lines(),
                         product + ["assay audit examples/demo.toml --out runs/demo"])
        self.assertTrue((self.cache / "venvs/tools/bin/python").exists())

        self.calls.unlink()
        self.assertIn("the same command goes on", self.up("demo", "x", code=130, ASSAY_CODE="130"))
        self.assertEqual(self.output, "")
        self.assertIn("no such header", self.up("build", code=1, CMAKE_FAILS="1"))

        self.calls.unlink()
        self.up("test", code=8, CTEST_CODE="8", ASSAY_JOBS="3")
        self.assertEqual(self.output, "100% tests passed, 0 tests failed out of 3\n")
        self.assertEqual(self.call_lines(), built + ["ctest --preset release"])

        self.up("test", "--all", code=8, CTEST_CODE="8")
        self.assertEqual(self.call_lines()[-1], "ctest --preset release-all")
        row = (self.tree / "docs/results/slow.md").read_text().splitlines()[-1]
        self.assertRegex(row, r"^\| \d{4}-\d\d-\d\d \d\d:\d\d \| .+ \| .+ CPUs.+ \| \d+ \| 100% t")

    def test_packages_of_slow_tests_are_wanted_by_test_all_alone(self):
        shutil.rmtree(self.compiler)
        (self.tree / "tools/requirements.txt").touch()
        (self.tree / "tools/models").mkdir()
        (self.tree / "tools/models/catalog.toml").write_text("model = []\n")
        self.assertNotIn("r-cran-evd", self.up("test", MISSING="r-cran-evd"))
        before = self.call_lines()
        text = self.up("test", "--all", code=3, MISSING="r-cran-evd")
        self.assertIn("apt-get install -y --no-install-recommends r-cran-evd", text)
        self.assertEqual(self.call_lines(), before, "neither installed nor built")

    def test_bad_usage(self):
        for words in (["frobnicate"], ["compilers"], ["compilers", "nobody"], ["test", "--al"],
                      ["demo", "a", "b"], ["build", "x"]):
            self.up(*words, code=2)
        self.assertEqual(self.call_lines(), [])


if __name__ == "__main__":
    unittest.main()
