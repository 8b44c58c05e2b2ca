# SPDX-License-Identifier: Apache-2.0
"""Reads the tensors of a PyTorch state dictionary without PyTorch, and without running its pickles.

Only the older file form (PyTorch before 1.6) is read: five pickles one after another (magic number,
form version, sizes of the writer's types, the dictionary itself with references to storages, list
of storage keys), then for each key a little-endian int64 element count and the raw elements. A
pickle may name any function of any module; this reader knows the four names below, refuses all
others, and calls nothing but the two functions defined here.
"""

import collections
import pickle
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
FORM_VERSION = 1001
STORAGE_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
MAX_ELEMENTS = 1 << 30


class TorchFileError(Exception):
    """The file is not what this reader accepts; the text says where and what."""


class _StorageType:
    """Stands for a storage class; never called by a well-formed file."""

    def __init__(self, name):
        self.name, self.dtype = name, np.dtype(STORAGE_TYPES[name])


class _View:
    """A tensor before its storage is known: offset, shape and strides in elements."""

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides


def _rebuild_tensor(storage, offset, shape, strides, *_unused):
    numbers = [offset, *shape, *strides]
    if len(shape) != len(strides) or not all(type(n) is int and 0 <= n < MAX_ELEMENTS
                                             for n in numbers):
        raise TorchFileError("a tensor has an impossible offset, shape or stride")
    return _View(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in STORAGE_TYPES:
            return _StorageType(name)
        raise TorchFileError(f"the file asks for {module}.{name}, which is refused: a state "
                             "dictionary needs only tensors and dictionaries")

    def persistent_load(self, reference):
        if not (isinstance(reference, tuple) and len(reference) == 6 and reference[0] == "storage"
                and isinstance(reference[1], _StorageType) and isinstance(reference[2], str)
                and type(reference[4]) is int and 0 <= reference[4] < MAX_ELEMENTS
                and reference[5] is None):
            raise TorchFileError("a reference to a storage is malformed")
        wanted = (reference[1].dtype, reference[4])
        if self.storages.setdefault(reference[2], wanted) != wanted:
            raise TorchFileError(f"storage {reference[2]} is described in two ways")
        return reference[2]


def _load(file, what):
    unpickler = _Unpickler(file)
    try:
        return unpickler.load(), unpickler.storages
    except TorchFileError:
        raise
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise TorchFileError(f"{what} cannot be read: {type(error).__name__}: {error}") from None


def _materialise(view, data):
    count = int(np.prod(view.shape, dtype=np.int64))
    last = view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.strides))
    if count and last >= data.size:
        raise TorchFileError("a tensor reaches beyond the end of its storage")
    if count == 0:
        return np.zeros(view.shape, data.dtype)
    strides = [s * data.itemsize for s in view.strides]
    window = np.lib.stride_tricks.as_strided(data[view.offset:], view.shape, strides,
                                             writeable=False)
    return np.array(window)


def read_state_dict(path):
    """{tensor name: numpy array (C order, owned)} in file order; raises TorchFileError, OSError."""
    with open(path, "rb") as file:
        if _load(file, "the magic number")[0] != MAGIC:
            raise TorchFileError(f"{path}: not a PyTorch file of the older form")
        if _load(file, "the form version")[0] != FORM_VERSION:
            raise TorchFileError(f"{path}: unknown form version, expected {FORM_VERSION}")
        system = _load(file, "the system record")[0]
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise TorchFileError(f"{path}: not written by a little-endian machine")
        tensors, storages = _load(file, "the dictionary")
        keys = _load(file, "the list of storages")[0]
        if not isinstance(tensors, dict) or not isinstance(keys, list):
            raise TorchFileError(f"{path}: no dictionary of tensors")
        if len(keys) != len(set(keys)) or set(keys) != set(storages):
            raise TorchFileError(f"{path}: the list of storages does not match the tensors")
        data = {}
        for key in keys:
            dtype, count = storages[key]
            head = file.read(8)
            if len(head) != 8 or struct.unpack("<q", head)[0] != count:
                raise TorchFileError(f"{path}: storage {key} is cut short or of another size")
            raw = file.read(count * dtype.itemsize)
            if len(raw) != count * dtype.itemsize:
                raise TorchFileError(f"{path}: storage {key} is cut short")
            data[key] = np.frombuffer(raw, dtype)
    result = {}
    for name, view in tensors.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            raise TorchFileError(f"{path}: entry {name!r} is not a tensor")
        result[name] = _materialise(view, data[view.storage])
    return result
