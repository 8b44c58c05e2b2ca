#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All tests of the inductor builder that need no GPU. Without torch those of the importer are
skipped, and say so.

    compilers/inductor/test.py [-v] [NAME ...]       NAME: ImporterTest, KernelsTest.test_..., ...
"""

import os
import sys
import unittest

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, "..", "common")]
from host_test import HostTest  # noqa: E402,F401
from inductor_kernels_test import KernelsTest, ProfileTest, RequestTest  # noqa: E402,F401
from onnx_module_test import MISSING, ImporterTest  # noqa: E402,F401

if __name__ == "__main__":
    if MISSING:
        print("ImporterTest is skipped: " + MISSING)
    unittest.main()
