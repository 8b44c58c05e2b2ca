#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All tests of the TensorRT builder, against the fakes of testing/: no GPU, no TensorRT.

    compilers/tensorrt/test.py [-v] [NAME ...]       NAME: LockTest, BuildTest.test_hello, ...

$CC, else cc, compiles the fake CUDA driver library.
"""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from build_test import BuildTest  # noqa: E402,F401
from gpu_check_test import GpuCheckTest  # noqa: E402,F401
from lock_test import LockTest, SelectorTest, TimingCacheTest  # noqa: E402,F401
from trt_layers_test import LayersTest  # noqa: E402,F401
from trt_log_test import LogTest  # noqa: E402,F401

if __name__ == "__main__":
    unittest.main()
