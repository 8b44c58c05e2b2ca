# SPDX-License-Identifier: Apache-2.0
"""Tests of the weight reader: right files give the right arrays, hostile ones give an error."""

import collections
import os
import pathlib
import pickle
import struct
import sys
import tempfile
import types
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
import torch_file
from torch_file import TorchFileError, read_state_dict


class _Evil:
    def __reduce__(self):
        return os.mkdir, (_Evil.path,)


def _fake_torch():
    """Modules with the names that a real file refers to, so that pickle can write them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        pass
    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in torch_file.STORAGE_TYPES:
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    return {"torch": torch, "torch._utils": utils}


class _Tensor:
    """Pickles as PyTorch pickles a tensor: rebuild(storage, offset, shape, strides, ...)."""

    def __init__(self, key, array, offset=0, shape=None, strides=None):
        self.key, self.array, self.offset = key, array, offset
        self.shape = array.shape if shape is None else shape
        self.strides = [s // array.itemsize for s in array.strides] if strides is None else strides

    def __reduce__(self):
        kind = "LongStorage" if self.array.dtype == np.int64 else "FloatStorage"
        storage = _Reference(("storage", getattr(sys.modules["torch"], kind), self.key, "cpu",
                              self.array.size, None))
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (
            storage, self.offset, tuple(self.shape), tuple(self.strides), False,
            collections.OrderedDict())


class _Reference:
    def __init__(self, value):
        self.value = value


class _Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.value if isinstance(value, _Reference) else None


class TorchFileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "weights.pth"
        modules = _fake_torch()
        sys.modules.update(modules)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in modules])

    def write(self, tensors, storages, keys=None, magic=torch_file.MAGIC):
        with open(self.path, "wb") as file:
            pickle.dump(magic, file, protocol=2)
            pickle.dump(torch_file.FORM_VERSION, file, protocol=2)
            pickle.dump({"little_endian": True}, file, protocol=2)
            _Pickler(file, protocol=2).dump(tensors)
            pickle.dump(list(storages) if keys is None else keys, file, protocol=2)
            for array in storages.values():
                file.write(struct.pack("<q", array.size) + array.tobytes())
        return self.path

    def test_reads_arrays_and_strided_views(self):
        a = np.arange(12, dtype=np.float32).reshape(3, 4)
        b = np.array([7], dtype=np.int64)
        tensors = collections.OrderedDict(
            a=_Tensor("0", a), turned=_Tensor("0", a, 1, (4, 2), (1, 4)), b=_Tensor("1", b))
        found = read_state_dict(self.write(tensors, {"0": a, "1": b}))
        self.assertEqual(list(found), ["a", "turned", "b"])
        np.testing.assert_array_equal(found["a"], a)
        np.testing.assert_array_equal(
            found["turned"], [[1, 5], [2, 6], [3, 7], [4, 8]])
        np.testing.assert_array_equal(found["b"], b)

    def test_refuses_any_other_function(self):
        _Evil.path = str(self.folder / "made-by-a-pickle")
        for place in ("dictionary", "keys"):
            evil = _Evil()
            tensors = {"x": evil} if place == "dictionary" else {}
            with self.assertRaisesRegex(TorchFileError, "posix.mkdir, which is refused"):
                read_state_dict(self.write(tensors, {}, [evil] if place == "keys" else None))
            self.assertFalse(os.path.exists(_Evil.path))

    def test_refuses_views_beyond_their_storage(self):
        a = np.arange(4, dtype=np.float32)
        for offset, shape, strides in ((1, (4,), (1,)), (0, (2, 3), (2, 1)), (0, (4,), (1 << 29,)),
                                       (-1, (2,), (1,)), (0, (2,), (-1,))):
            with self.assertRaises(TorchFileError, msg=(offset, shape, strides)):
                read_state_dict(self.write({"a": _Tensor("0", a, offset, shape, strides)},
                                           {"0": a}))

    def test_refuses_every_cut(self):
        a = np.arange(4, dtype=np.float32)
        whole = self.write({"a": _Tensor("0", a)}, {"0": a}).read_bytes()
        for length in range(len(whole)):
            self.path.write_bytes(whole[:length])
            with self.assertRaises(TorchFileError, msg=length):
                read_state_dict(self.path)

    def test_refuses_another_magic_number_and_unknown_storages(self):
        a = np.arange(4, dtype=np.float32)
        with self.assertRaisesRegex(TorchFileError, "not a PyTorch file"):
            read_state_dict(self.write({}, {}, magic=5))
        with self.assertRaisesRegex(TorchFileError, "does not match"):
            read_state_dict(self.write({"a": _Tensor("0", a)}, {"0": a}, keys=["1"]))


if __name__ == "__main__":
    unittest.main()
