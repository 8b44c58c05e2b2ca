# SPDX-License-Identifier: Apache-2.0
"""The runner's Python side against a made-up torch: what it refuses, puts on the stream."""

import contextlib
import hashlib
import importlib
import json
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

import assay_builder as ab

KERNELS = [{"ordinal": 0, "layer": "conv1", "kernel": "aten::convolution", "source_sha256": "",
            "precision": "fp32", "origin": "conv1", "source": ""}]


class FakeTensor:
    def __init__(self, place):
        self.place, self.taken = place.__cuda_array_interface__, []

    def copy_(self, other, non_blocking=False):
        self.taken.append((other, non_blocking))


class Made:
    """What a model gives."""

    def __init__(self, shape=(1, 2), dtype="torch.float32"):
        self.shape, self.dtype = shape, dtype


def fake_torch(said, results):
    """A torch that writes to `said` what is asked of it; its model gives `results`."""
    @contextlib.contextmanager
    def entered(*what):
        said.append(("enter",) + what)
        yield
        said.append(("leave",) + what)

    def load(path, run_single_threaded=False, device_index=-1):
        said.append(("load", os.path.basename(path), run_single_threaded, device_index))
        return types.SimpleNamespace(loader=types.SimpleNamespace(run=run))

    def run(tensors):
        said.append(("run", [t.place["data"][0] for t in tensors]))
        return list(results)

    torch = types.ModuleType("torch")
    torch.__version__ = "2.11.0"
    torch.device = lambda kind, index=0: types.SimpleNamespace(type=kind, index=index)
    torch.no_grad = lambda: entered("no_grad")
    torch.as_tensor = lambda place, device: FakeTensor(place)
    torch.backends = types.SimpleNamespace(
        cuda=types.SimpleNamespace(matmul=types.SimpleNamespace(allow_tf32=True)),
        cudnn=types.SimpleNamespace(allow_tf32=True),
    )
    torch.cuda = types.SimpleNamespace(
        is_available=lambda: True,
        set_device=lambda device: said.append(("set_device", device.index)),
        MemPool=lambda: "pool",
        ExternalStream=lambda pointer, device: pointer,
        device=lambda device: entered("device", device.index),
        stream=lambda stream: entered("stream", stream),
        use_mem_pool=lambda pool, device: entered("pool", pool),
    )
    inductor = types.ModuleType("torch._inductor")
    inductor.aoti_load_package = load
    torch._inductor = inductor
    return {"torch": torch, "torch._inductor": inductor}


class HostTest(unittest.TestCase):
    def setUp(self):
        self.said = []
        self.results = [Made()]
        self.modules = fake_torch(self.said, self.results)
        patch = mock.patch.dict(sys.modules, self.modules)
        patch.start()
        self.addCleanup(patch.stop)
        sys.modules.pop("host", None)
        self.host = importlib.import_module("host")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("model.pt2", "package")
        self.write("kernels.json", json.dumps({"format": 1, "kernels": KERNELS}))
        files = []
        for name in ("model.pt2", "kernels.json"):
            with open(os.path.join(self.folder, name), "rb") as handle:
                data = handle.read()
            digest = hashlib.sha256(data).hexdigest()
            files.append({"path": name, "bytes": len(data), "sha256": digest})
        self.write("manifest.json", json.dumps({
            "files": files, "precision": "fp32", "options": {"max_autotune": True, "tf32": False},
            "inputs": [{"name": "x", "dtype": "float32", "shape": [1, 3]}],
            "outputs": [{"name": "y", "dtype": "float32", "shape": [1, 2]}]}))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as handle:
            handle.write(text)

    def open(self, **changes):
        request = {"engine_dir": self.folder, "device": "cuda:1", "precision": "fp32",
                   "threads": 1, "options": {"max_autotune": "true"}}
        return self.host.Engine(dict(request, **changes))

    def refused(self, kind, **changes):
        with self.assertRaises(ab.BuildError) as caught:
            self.open(**changes)
        self.assertEqual(caught.exception.kind, kind)

    def test_an_inference_on_the_stream(self):
        engine = self.open()
        self.assertIn(("load", "model.pt2", True, 1), self.said)
        context = engine.context()
        del self.said[:]
        engine.enqueue(context, 77, [1000], [2000])
        (_, given), = engine._contexts[context]["places"].values()
        self.assertEqual(given[0].taken, [(self.results[0], True)])
        self.assertEqual(given[0].place["data"][0], 2000)
        at = self.said.index(("run", [1000]))
        for what in (("stream", 77), ("pool", "pool"), ("device", 1)):
            self.assertLess(self.said.index(("enter",) + what), at)
            self.assertGreater(self.said.index(("leave",) + what), at)
        self.assertEqual(engine.kernel_map()[0]["kernel"], "aten::convolution")

    def test_outputs_that_are_not_the_manifests_are_refused(self):
        for results in ([], [Made(), Made()], [Made((2,))], [Made((1, 1))],
                        [Made(dtype="torch.float16")]):
            engine = self.open()
            context = engine.context()
            self.results[:] = results
            for _ in range(2):  # not only the first time
                with self.assertRaises(ab.BuildError) as caught:
                    engine.enqueue(context, 77, [1000], [2000])
                self.assertEqual(caught.exception.kind, "invalid")
            (_, given), = engine._contexts[context]["places"].values()
            self.assertEqual(given[0].taken, [])

    def test_tf32_is_off_unless_it_was_asked_for(self):
        self.open()
        backends = self.modules["torch"].backends
        self.assertIs(backends.cuda.matmul.allow_tf32, False)
        self.assertIs(backends.cudnn.allow_tf32, False)

    def test_what_is_not_the_engine_is_refused(self):
        self.refused("invalid", precision="fp16")
        self.refused("invalid", options={"frob": "1"})
        self.write("kernels.json", json.dumps({"format": 1, "kernels": []}))
        self.refused("invalid")
        self.write("model.pt2", "pack")
        self.refused("invalid")
        os.unlink(os.path.join(self.folder, "manifest.json"))
        self.refused("invalid")

    def test_no_gpu_is_missing(self):
        self.modules["torch"].cuda.is_available = lambda: False
        self.refused("missing")


if __name__ == "__main__":
    unittest.main()
