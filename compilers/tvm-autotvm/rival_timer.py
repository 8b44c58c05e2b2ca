#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TVM's own timer on an engine, for the agreement test: prints N latencies in ns, one a line.

    <python of the tvm-0.14 family> rival_timer.py ENGINE_DIR N [--input FILE] [--warmup 50]

TVM's `benchmark` with number=1 and repeat=N: every line is one run of the graph executor between
two clock reads of TVM, with the inputs already in its buffers.  Threads are those of the manifest;
the CPU set is the caller's (taskset).  FILE holds one item, all inputs one after another; without
it inputs are seeded random.
"""

import argparse
import json
import os
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine_dir")
    parser.add_argument("n", type=int)
    parser.add_argument("--input", default="")
    parser.add_argument("--warmup", type=int, default=50)
    arguments = parser.parse_args()
    arguments.engine_dir = os.path.abspath(arguments.engine_dir)
    arguments.input = arguments.input and os.path.abspath(arguments.input)
    with open(os.path.join(arguments.engine_dir, "manifest.json"), encoding="utf-8") as handle:
        manifest = json.load(handle)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # TVM makes a folder in the current one when it is imported
        measure(arguments, manifest)
        os.chdir("/")


def measure(arguments, manifest):
    os.environ.update(
        {
            "TVM_NUM_THREADS": str(manifest["threads"]),
            "TVM_BIND_THREADS": "0",
            "TOPHUB_LOCATION": "NONE",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": str(manifest["threads"]),
        }
    )
    import numpy
    import tvm
    from tvm.contrib import graph_executor

    def path(name):
        return os.path.join(arguments.engine_dir, name)

    library = tvm.runtime.load_module(path("model.so"))
    with open(path("graph.json"), encoding="utf-8") as handle:
        executor = graph_executor.create(handle.read(), library, tvm.cpu())
    with open(path("params.bin"), "rb") as handle:
        executor.load_params(handle.read())
    source = open(arguments.input, "rb") if arguments.input else None
    random = numpy.random.RandomState(0)
    for tensor in manifest["inputs"]:
        count = int(numpy.prod(tensor["shape"], dtype=numpy.int64))
        if source:
            value = numpy.fromfile(source, dtype=tensor["dtype"], count=count)
            if value.size != count:
                sys.exit("%s: too short for input %s" % (arguments.input, tensor["name"]))
        else:
            value = random.rand(count).astype(tensor["dtype"])
        executor.set_input(tensor["name"], value.reshape(tensor["shape"]))
    for _ in range(arguments.warmup):
        executor.run()
    result = executor.benchmark(tvm.cpu(), number=1, repeat=arguments.n)
    for seconds in result.results:
        print(round(seconds * 1e9))


if __name__ == "__main__":
    main()
