# SPDX-License-Identifier: Apache-2.0
"""A made-up TensorRT in the shape of 8.6: algorithm selector, no editable cache, weak typing."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fake_module  # noqa: E402

globals().update(fake_module.module("8.6.1", selector=True, editable=False, strong=False))
