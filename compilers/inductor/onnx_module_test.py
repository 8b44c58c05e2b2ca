# SPDX-License-Identifier: Apache-2.0
"""Does the importer compute what the model says? Against onnxruntime or onnx.reference."""

import os
import tempfile
import unittest



try:
    import numpy as np
    import onnx
    import torch

    import onnx_cases
    import onnx_module

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

import assay_builder as ab


def expected(model, feeds):
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(model).run(None, feeds)
    providers = ["CPUExecutionProvider"]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return session.run(None, feeds)


@unittest.skipIf(MISSING, "the importer needs torch and onnx: " + MISSING)
class ImporterTest(unittest.TestCase):
    def load(self, model, dtype=None):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            onnx.save(model, path)
            return onnx_module.Model(path, {}, dtype or torch.float32).eval()

    def run_both(self, model):
        module = self.load(model)
        example = module.example(3)
        with torch.no_grad():
            seen = module(*example)
        feeds = {n: e.numpy() for (n, _, _), e in zip(module.inputs, example)}
        return [s.numpy() for s in seen], expected(model, feeds)

    def test_every_operator(self):
        tested = set()
        for name, model in onnx_cases.cases():
            with self.subTest(name):
                tested.add(model.graph.node[0].op_type)
                for seen, wanted in zip(*self.run_both(model)):
                    self.assertEqual(seen.shape, wanted.shape)
                    self.assertTrue(np.isfinite(wanted).all())
                    np.testing.assert_allclose(seen, wanted, rtol=1e-5, atol=1e-5)
        self.assertEqual(set(onnx_module.OPERATORS) - tested, {"Constant"})

    def test_softmax_before_13_takes_all_axes_from_its_own(self):
        # By hand: onnx.reference takes the one axis for every opset.
        module = self.load(onnx_cases.one("Softmax", [2, 3, 4, 5], opset=11, axis=2))
        (x,) = module.example(3)
        rows = np.exp(x.numpy().astype(np.float64).reshape(6, 20))
        wanted = (rows / rows.sum(1, keepdims=True)).reshape(2, 3, 4, 5)
        np.testing.assert_allclose(module(x)[0].numpy(), wanted, rtol=1e-5)

    def test_the_comparison_can_fail(self):
        model = onnx_cases.one("LeakyRelu", [1, 4, 5, 5], alpha=0.2)
        seen, _ = self.run_both(model)
        _, wanted = self.run_both(onnx_cases.one("LeakyRelu", [1, 4, 5, 5], alpha=0.3))
        self.assertGreater(np.abs(seen[0] - wanted[0]).max(), 1e-3)

    def refused(self, model, kind, *words):
        with self.assertRaises(ab.BuildError) as caught:
            self.load(model)
        self.assertEqual(caught.exception.kind, kind)
        for word in words:
            self.assertIn(word, caught.exception.message)

    def test_names_what_it_does_not_know(self):
        self.refused(onnx_cases.one("Erf", [2]), "unsupported", "node", "Erf")
        self.refused(onnx_cases.one("Frob", [2], domain="x.y"), "unsupported", "node", "x.y.Frob")
        self.refused(onnx_cases.one("Relu", [2], opset=10), "unsupported", "opset 10")
        self.refused(onnx_cases.one("Relu", [2], alpha=1.0), "unsupported", "alpha")

    def test_a_computed_shape_is_unsupported(self):
        model = onnx_cases.one("Reshape", [2], inputs=["x", "x"])
        self.refused(model, "unsupported", "shape", "node")

    def test_a_cut_file_is_invalid(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.onnx")
            data = onnx_cases.one("Relu", [2]).SerializeToString()
            with open(path, "wb") as handle:
                handle.write(data[: len(data) // 2])
            with self.assertRaises(ab.BuildError) as caught:
                onnx_module.Model(path, {})
        self.assertEqual(caught.exception.kind, "invalid")

    def test_half_keeps_the_types_outside(self):
        module = self.load(dict(onnx_cases.cases())["gemm"], torch.float16)
        self.assertTrue(all(b.dtype == torch.float16 for b in module.buffers()))
        with torch.no_grad():
            self.assertEqual(module(*module.example(3))[0].dtype, torch.float32)

    def test_export_knows_the_nodes(self):
        import inductor_kernels

        module = self.load(onnx_cases.one("LeakyRelu", [2, 3]))
        graph = torch.export.export(module, module.example(1)).graph
        self.assertEqual(inductor_kernels.origins(graph, module.node_names), {"leaky_relu": "node"})


if __name__ == "__main__":
    unittest.main()
