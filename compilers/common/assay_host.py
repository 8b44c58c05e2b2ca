# SPDX-License-Identifier: Apache-2.0
"""The Python side of a runner whose engine only Python can load (compilers/common/host).

The native side starts this interpreter and asks questions, one JSON text each, outside of anything
that is timed; the answer goes back through a C function. A compiler's folder holds `host.py` with

    load()           imports the compiler; returns the version of its runtime
    Engine(request)  `request`: engine_dir, device ("cuda:0"), precision, threads, options {name: text}
      .inputs, .outputs        [{"name", "dtype", "shape"}], in the order of the buffers
      .context()               a number: something that can run the engine
      .enqueue(context, stream, inputs, outputs)
                               puts one inference on a CUDA stream; `inputs`, `outputs`: device addresses;
                               also called while the stream is captured, so that it must not wait
      .kernel_map()            [{"layer", "kernel", "precision", "origin"}]
      .layer_times(stream, inputs, outputs, runs, wait)
                               [[(ordinal, layer, kernel, ns)]], a list for each run, the run as a whole
                               as ordinal -1; `wait()` returns when the stream is empty
      .close()

Each of them may raise BuildError, whose kind the runner reports.
"""

import ctypes
import gc
import importlib
import json
import sys
import traceback

import assay_builder as ab


class _Call(ctypes.Structure):
    _fields_ = [
        ("question", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
        ("reply", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
        ("wait", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)),
    ]


_ENGINES = {}


def _tensors(engine):
    return {"inputs": engine.inputs, "outputs": engine.outputs}


def _answer(question, wait):
    todo = question["do"]
    host = importlib.import_module("host")
    if todo == "load":
        return {"version": host.load()}
    if todo == "open":
        number = question["engine"]
        _ENGINES[number] = host.Engine(question)
        # What is made from here on are answers; the collector would only walk what never goes.
        gc.collect()
        gc.freeze()
        gc.disable()
        return _tensors(_ENGINES[number])
    if todo == "close":
        engine = _ENGINES.pop(question["engine"], None)
        if engine is not None:
            engine.close()
        return {}
    engine = _ENGINES[question["engine"]]
    if todo == "context":
        return {"context": engine.context()}
    places = [question.get(name) for name in ("stream", "inputs", "outputs")]
    if todo == "enqueue":
        engine.enqueue(question["context"], *places)
        return {}
    if todo == "kernel_map":
        return {"kernels": engine.kernel_map()}
    if todo == "layer_times":
        return {"runs": engine.layer_times(*places, question["runs"], wait)}
    raise ab.BuildError("failed", "no such question: %r" % (todo,))


def serve(address):
    """Answers the question of the call record at `address`."""
    call = _Call.from_address(address)

    def wait():
        if call.wait(call.user) != 0:
            raise ab.BuildError("failed", "the stream ended with an error")

    try:
        answer = _answer(json.loads(call.question.decode("utf-8")), wait)
    except ab.BuildError as error:
        answer = {"error": {"kind": error.kind, "message": ab.one_line(error.message)}}
    except BaseException as error:  # pylint: disable=broad-except
        traceback.print_exc()
        text = "%s: %s" % (type(error).__name__, error)
        answer = {"error": {"kind": "failed", "message": ab.one_line(text)}}
    data = json.dumps(answer).encode("utf-8")
    call.reply(call.user, data, len(data))
    sys.stderr.flush()
