# SPDX-License-Identifier: Apache-2.0
"""Latencies by the class behind OpenVINO's own benchmark_app, which exports no single latency itself.

Usage: openvino_rival.py MODEL.onnx SHAPE THREADS RUNS      SHAPE as 1x3x224x224, of the single input
Prints one line a run: ns, by the C++ clock that the tool reports (InferRequest.latency). Needs a scratch HOME.
"""
import sys

sys.modules["openvino_telemetry"] = None  # no network, no files in HOME

import numpy as np  # noqa: E402
from openvino.tools.benchmark.benchmark import Benchmark  # noqa: E402


class OneByOne:
    """What sync_inference asks of its queue: the number of inputs in the next batch."""

    def get_next_batch_size(self):
        return 1


def main(model_path, shape, threads, runs):
    bench = Benchmark("CPU", 1, runs, 0, "sync", True)  # device, requests, iterations, seconds, api, inputs outside
    model = bench.core.read_model(model_path)
    model.reshape(shape)
    compiled = bench.core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": "1", "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False})
    request = bench.create_infer_requests(compiled)[0]
    rng = np.random.default_rng(1)
    request.set_input_tensor(type(request.get_input_tensor())(rng.standard_normal(shape).astype(np.float32)))
    for _ in range(20):
        request.infer()
    bench.first_infer([request])
    latencies_ms, _, _ = bench.sync_inference(request, OneByOne())
    for ms in latencies_ms:
        print(int(ms * 1e6))


if __name__ == "__main__":
    main(sys.argv[1], [int(e) for e in sys.argv[2].split("x")], int(sys.argv[3]), int(sys.argv[4]))
