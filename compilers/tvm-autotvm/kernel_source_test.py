#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of kernel_source on made modules; needs no TVM.  Run alone or from test.py."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel_source  # noqa: E402


def module(
    name="kernel", string="@.str.7", helper="@__tvm_parallel_lambda.3", group=4, step=8, order=0
):
    """A small LLVM module in which only names, numbers of names and the order of parts vary."""
    main = """define dllexport i32 @{n}(ptr %args, i32 %num) local_unnamed_addr #{g} !dbg !5 {{
entry:
  %{v} = getelementptr inbounds %closure.{g}, ptr %args, i64 0, i32 1
  %{w} = load ptr, ptr @__TVMBackendParallelLaunch, align 8, !tbaa !{g}
  call void @llvm.dbg.value(metadata ptr %args, metadata !{g}, metadata !DIExpression()), !dbg !9
  %r = call i32 %{w}(ptr nonnull {h}, ptr %{v}, i32 0), !prof !11 ; a note
  br label %done

done:                                             ; preds = %entry
  tail call void %{w}(ptr nonnull {s})
  ret i32 %r
}}
""".format(n=name, g=group, s=string, h=helper, v=group + 10, w=group + 20)
    inner = """define private i32 {h}(i32 %id, ptr %0) #{g} {{
entry:
  %1 = mul nsw i32 %id, {step}
  ret i32 %1
}}
""".format(h=helper, g=group, step=step)
    head = (
        "%closure.{g} = type {{ ptr, ptr }}\n"
        "@__TVMBackendParallelLaunch = linkonce dllexport global ptr null\n"
        '{s} = private constant [9 x i8] c"in {n};\\00", align 1\n'
    ).format(g=group, s=string, n=name)
    tail = 'attributes #%d = { nofree "target-cpu"="x" }\n!%d = !{!"tbaa"}\n' % (group, group)
    return head + "\n".join([main, inner] if order == 0 else [inner, main]) + tail


class Normalise(unittest.TestCase):
    def text(self, name="kernel", **named):
        return kernel_source.Module(module(name, **named)).kernel_text(name)

    def test_names_and_order_do_not_count(self):
        base = self.text()
        self.assertIn("mul nsw i32 %v0, 8", base)
        self.assertIn("getelementptr inbounds { ptr, ptr }", base)
        for other in (
            self.text(order=1),
            self.text(string="@.str.99"),
            self.text(group=6),
            self.text(helper="@__tvm_parallel_lambda"),
            self.text(name="kernel_with_hash_5f2a"),
        ):
            self.assertEqual(base, other)

    def test_code_counts(self):
        self.assertNotEqual(self.text(), self.text(step=16))  # in a helper function
        attribute = module().replace("nofree", "noinline")
        self.assertNotEqual(self.text(), kernel_source.Module(attribute).kernel_text("kernel"))
        content = module().replace("in kernel;", "no kernel;")
        self.assertNotEqual(self.text(), kernel_source.Module(content).kernel_text("kernel"))
        struct = module().replace("{ ptr, ptr }", "{ ptr, i32 }")
        self.assertNotEqual(self.text(), kernel_source.Module(struct).kernel_text("kernel"))

    def test_swapped_operands_count(self):
        one = "define i32 @f(i32 %a, i32 %b) {\n  %c = sub i32 %a, %b\n  ret i32 %c\n}\n"
        two = one.replace("%a, %b\n", "%b, %a\n")
        self.assertNotEqual(
            kernel_source.Module(one).kernel_text("f"), kernel_source.Module(two).kernel_text("f")
        )

    def test_numbered_types_and_values(self):
        one = (
            "%0 = type { double }\n%1 = type { ptr, %0 }\ndefine i32 @f(ptr %0, ptr %1) {\n"
            "  %2 = getelementptr inbounds %1, ptr %1, i64 0\n  ret i32 0\n}\n"
        )
        text = kernel_source.Module(one).kernel_text("f")
        self.assertIn("getelementptr inbounds { ptr, { double } }, ptr %v1, i64 0", text)

    def test_unknown_function(self):
        self.assertEqual(kernel_source.Module(module()).kernel_text("absent"), "")


if __name__ == "__main__":
    unittest.main()
