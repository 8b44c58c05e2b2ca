# SPDX-License-Identifier: Apache-2.0
"""Tests of trt_layers.py: inspector JSON in the shapes of 8.x, 10.x and 11.x, and broken ones."""

import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "common")]
import assay_builder as ab  # noqa: E402
import trt_layers  # noqa: E402


def read(*layers):
    return [tuple(row) for row in trt_layers.read(json.dumps({"Layers": layers, "Bindings": []}))]


class LayersTest(unittest.TestCase):
    def test_classic_myelin_and_eleven(self):
        classic = {
            "Name": "Conv_0 + Relu_1",
            "LayerType": "CaskConvolution",
            "TacticName": "sm80_xmma_fprop",
            "TacticValue": "0x5b8bf1b8028629d9",
            "Metadata": "[ONNX Layer: Conv_0]\x1e[ONNX Layer: a,b]",
            "Outputs": [{"Name": "y", "Format/Datatype": "Row major linear FP16 format"}],
        }
        plain = {
            "Name": "Reformat 1",
            "LayerType": "Reformat",
            "TacticValue": "0x0000000000000000",
            "Outputs": [],
        }
        myelin = {
            "Name": "dense_myl12_3",
            "LayerType": "gemm",
            "TacticName": "sm90_xmma_gemm",
            "Outputs": [{"Name": "y", "Format/Datatype": "BFloat16"}],
        }
        eleven = {
            "Name": "g_myl0_0",
            "LayerType": "kgen",
            "TacticName": "__myl_Add_0x12",
            "Outputs": [{"Name": "y", "Format": "Linear", "DataType": "FP32"}],
        }
        self.assertEqual(
            read(classic, plain, myelin, eleven),
            [
                ("Conv_0 + Relu_1", "sm80_xmma_fprop 0x5b8bf1b8028629d9", "fp16", "Conv_0,a;b"),
                ("Reformat 1", "Reformat", "", ""),
                ("dense_myl_3", "sm90_xmma_gemm", "bf16", ""),
                ("g_myl_0", "__myl_Add_0x12", "fp32", ""),
            ],
        )

    def test_hostile_members(self):
        rows = read(
            {"Name": "a\n\x1b[31mb" + "c" * 5000, "LayerType": "t", "Metadata": 5, "Outputs": [7]}
        )
        self.assertTrue(
            rows[0][0].startswith("a \ufffd[31mbc") and len(rows[0][0]) == 1000, rows[0][0][:20]
        )

    def test_broken(self):
        for text in (
            "",
            "[]",
            "{",
            "[" * 100000,
            "null",
            '{"Layers": {}}',
            '{"Layers": ["conv"]}',
            '{"Layers": [{"Name": 5}]}',
            '{"Layers": [{"Name": "a"}]}',
            '{"Layers": [null]}',
        ):
            with self.subTest(text[:20]), self.assertRaises(ab.BuildError) as caught:
                trt_layers.read(text)
            self.assertEqual(caught.exception.kind, "failed")


if __name__ == "__main__":
    unittest.main()
