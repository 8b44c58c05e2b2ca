#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of cuda_source on made modules; needs neither TVM nor CUDA."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cuda_source  # noqa: E402

HEAD = "#ifdef _WIN32\n  using uint = unsigned int;\n#endif\n"


def kernel(name, out="T_relu", local="compute_shared", step=8, bounds="__launch_bounds__(64) "):
    return (
        'extern "C" __global__ void {b}{n}(float* __restrict__ {o}, float* __restrict__ p0) {{\n'
        "  __shared__ float {l}[64];\n"
        "  // a note\n"
        "  for (int i_inner = 0; i_inner < {s}; ++i_inner) {{\n"
        "    {l}[i_inner] = p0[((int)threadIdx.x) * 4];\n"
        "  }}\n"
        "  float2 pair_{s};\n"
        "  {o}[0] = {l}[0] + make_float2(p0[1], 0.0f).x;\n"
        "}}\n\n"
    ).format(b=bounds, n=name, o=out, l=local, s=step)


def declared(name):
    return 'extern "C" __global__ void __launch_bounds__(64) %s(float* __restrict__ a);\n' % name


def text(source, host="f"):
    return cuda_source.Module(source).kernel_text(host)


class Normalise(unittest.TestCase):
    def test_names_order_and_head_do_not_count(self):
        base = text(HEAD + declared("f_kernel") + kernel("f_kernel"))
        self.assertIn("kernel0(float* __restrict__ a1, float* __restrict__ a2) {", base)
        self.assertIn("__shared__ float v3[64];", base)
        self.assertIn("v3[v4] = a2[((int)threadIdx.x) * 4];", base)
        self.assertNotIn("note", base)
        for other in (
            kernel("f_kernel"),
            HEAD + kernel("g_kernel", step=4) + kernel("f_kernel", out="compute"),
            kernel("f_kernel", local="pad_temp_shared") + kernel("g_kernel"),
        ):
            self.assertEqual(base, text(other))
        self.assertEqual(base, text(kernel("f_5f2a_kernel"), "f_5f2a"))

    def test_code_counts(self):
        base = text(kernel("f_kernel"))
        self.assertNotEqual(base, text(kernel("f_kernel", step=16)))
        self.assertNotEqual(base, text(kernel("f_kernel", bounds="__launch_bounds__(128) ")))
        self.assertNotEqual(base, text(kernel("f_kernel", bounds="")))
        swapped = kernel("f_kernel").replace("p0[1], 0.0f", "0.0f, p0[1]")
        self.assertNotEqual(base, text(swapped))

    def test_a_function_of_the_host_has_its_own_kernels_in_their_order(self):
        names = ["f_kernel_%d" % n for n in range(11, 0, -1)] + ["f_kernel"]
        source = "".join(kernel(n, step=i + 2) for i, n in enumerate(names))
        source += kernel("f_1_kernel", step=99) + kernel("f_kernel_fast", step=98)
        found = text(source)
        self.assertEqual([found.count("kernel%d(" % n) for n in range(13)], [1] * 12 + [0])
        steps = [line.split("< ")[1][:2] for line in found.splitlines() if line[:4] == "for "]
        self.assertEqual(steps, ["13"] + ["%d;" % n if n < 10 else str(n) for n in range(12, 1, -1)])
        self.assertIn("< 99;", text(source, "f_1"))
        self.assertEqual(text(source, "absent"), "")

    def test_in_order(self):
        parts = [declared("b"), declared("a"), kernel("b"), kernel("a", bounds="")]
        one = cuda_source.in_order(HEAD + "".join(parts))
        self.assertEqual(one, cuda_source.in_order(HEAD + "".join(parts[::-1])))
        self.assertTrue(one.startswith(HEAD))
        starts = [one.index(p.strip()) for p in (parts[1], parts[0], parts[3], parts[2])]
        self.assertEqual(starts, sorted(starts))
        self.assertEqual(cuda_source.in_order(HEAD), HEAD)


if __name__ == "__main__":
    unittest.main()
