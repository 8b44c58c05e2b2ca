# SPDX-License-Identifier: Apache-2.0
"""A made-up TensorRT in the shape of 10.15: editable cache, selector, strong and weak typing."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fake_module  # noqa: E402

globals().update(fake_module.module("10.15.1.29", selector=True, editable=True, strong=True))
