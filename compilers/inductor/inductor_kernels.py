# SPDX-License-Identifier: Apache-2.0
"""The kernel map of a package: the calls of its generated wrapper, in their order.

A package (.pt2, a zip) holds the wrapper and, for a CPU, the kernels as C++.  Each statement of
`run_impl` that starts a kernel makes one line: a Triton kernel (`call_NAME`), a C++ kernel, or an
operator of ATen (`aoti_torch_cuda_convolution`).  The source of a Triton kernel is its launcher in
the wrapper, which repeats the kernel and holds grid, warps and shared memory.
"""

import contextlib
import re

import assay_builder as ab

_COMMENT = re.compile(r"Source Nodes: \[([^\]]*)\]")
_CALL = re.compile(
    r"\bcall_(?P<triton>\w+)\(|\baoti_torch_(?:cpu|cuda)_(?P<aten>\w+)\("
    r"|\b(?P<other>aoti_torch_proxy_executor_call_function|aoti_torch_call_dispatcher)\("
    r"|^\s*(?P<cpp>\w+)\(\(|\bkernels\.(?P<cuda>\w+)\(",
    re.MULTILINE,
)
_LAUNCHER = re.compile(r"^static inline void call_(\w+)\(", re.MULTILINE)
_CPP = re.compile(r'^extern "C"\s+(?:__attribute__\S+\s+)?void\s+(\w+)\(', re.MULTILINE)
_PATHS = re.compile(r'"[^"\n]*\.(?:cubin|hsaco|fatbin|so|py)"|(?:/[\w.+-]+){2,}')
_NOT_KERNELS = ("guard", "stream")  # aoti_torch_cuda_guard_..., not an operator


class Metadata:
    """Which nodes of the exported graph a kernel came from, as Inductor says while it works."""

    def __init__(self):
        self.nodes = {}  # kernel name -> [fx node names]

    @contextlib.contextmanager
    def recorded(self):
        from torch._inductor.codegen import cpp, wrapper

        triton_side, cpp_side = wrapper.PythonWrapperCodegen, cpp.CppScheduling
        define_kernel, codegen_comment = triton_side.define_kernel, cpp_side.codegen_comment

        def define(this, kernel_name, kernel_body, metadata=None, *rest, **more):
            found = _COMMENT.search(metadata or "")
            if found:
                self.nodes[kernel_name] = _names(found.group(1))
            return define_kernel(this, kernel_name, kernel_body, metadata, *rest, **more)

        def comment(this, node_schedule, kernel_name=None):
            for step in node_schedule:
                for node in getattr(getattr(step, "node", None), "origins", None) or ():
                    self._add(kernel_name, node)
            return codegen_comment(this, node_schedule, kernel_name)

        triton_side.define_kernel, cpp_side.codegen_comment = define, comment
        try:
            yield
        finally:
            triton_side.define_kernel, cpp_side.codegen_comment = define_kernel, codegen_comment

    def _add(self, kernel_name, node):
        came = node.meta.get("from_node")
        name = came[0].name if came else node.name
        if name not in self.nodes.setdefault(kernel_name, []):
            self.nodes[kernel_name].append(name)


def _names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def origins(graph, node_names):
    """{fx node name: ONNX node name} of an exported graph."""
    found = {}
    for node in graph.nodes:
        for path, _ in (node.meta.get("nn_module_stack") or {}).values():
            if path in node_names:
                found[node.name] = node_names[path]
    return found


def _pieces(text, start):
    """{name: text} from each match of `start` to the next one, or to the end of the namespace."""
    places = [(m.start(), m.group(1)) for m in start.finditer(text)]
    made = {}
    for (begin, name), end in zip(places, [p for p, _ in places[1:]] + [len(text)]):
        piece = text[begin:end]
        closed = re.search(r"^\}\s*$", piece, re.MULTILINE)
        made[name] = normalised(piece[: closed.end()] if closed else piece)
    return made


def normalised(text):
    """Without what only says where it was made: file names, trailing space, blank lines."""
    text = _PATHS.sub("PATH", text)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def _body(wrapper):
    begin = wrapper.rfind("::run_impl(")
    if begin < 0:
        raise ab.BuildError("failed", "the generated wrapper has no run_impl")
    begin = wrapper.index("{", begin)
    end = re.compile(r"^\}", re.MULTILINE).search(wrapper, begin)
    return wrapper[begin : end.start() if end else len(wrapper)]


def read(archive, metadata, origin_of):
    """[{layer, kernel, origin, source_text, source_ext}] of an open package (zipfile)."""
    def texts(suffix):
        names = sorted(n for n in archive.namelist() if n.endswith(suffix))
        return [archive.read(n).decode("utf-8", "replace") for n in names]

    wrappers = texts(".wrapper.cpp")
    if len(wrappers) != 1:
        raise ab.BuildError("failed", "the package holds %d wrappers, expected 1" % len(wrappers))
    sources = {}
    for text in texts(".kernel.cpp") + wrappers:
        sources.update(_pieces(text, _CPP))
    triton = _pieces(wrappers[0], _LAUNCHER)
    return calls(_body(wrappers[0]), triton, sources, metadata.nodes, origin_of)


def calls(body, triton, cpp, nodes_of, origin_of):
    """The kernels that `body` starts; `triton`, `cpp`: {kernel name: source}."""
    # A remark counts for the kernel that follows it, once.
    events = [(m.start(), "nodes", m.group(1)) for m in _COMMENT.finditer(body)]
    for match in _CALL.finditer(body):
        events.append((match.start(), match.lastgroup, match.group(match.lastgroup)))
    order = {node: place for place, node in enumerate(origin_of)}
    made, pending, count = [], [], {}
    for _, kind, text in sorted(events):
        if kind == "nodes":
            pending = _names(text)
            continue
        if kind == "cpp" and text not in cpp:
            continue
        if kind == "aten" and text.split("_")[0] in _NOT_KERNELS:
            continue
        nodes = nodes_of.get(text) or pending
        pending = []
        origin = []
        for node in sorted(nodes, key=lambda n: (order.get(n, len(order)), n)):
            name = origin_of.get(node)
            if name and name not in origin:
                origin.append(name)
        layer = "+".join(origin or sorted(nodes)) or "call"
        count[layer] = count.get(layer, 0) + 1
        source = {"triton": triton, "cpp": cpp}.get(kind, {}).get(text, "")
        made.append(
            {
                "layer": layer if count[layer] == 1 else "%s #%d" % (layer, count[layer]),
                "kernel": "aten::" + text if kind == "aten" else text,
                "origin": ",".join(origin),
                "source_text": source,
                "source_ext": "triton.cpp" if kind == "triton" else "cpp",
            }
        )
    if not made:
        raise ab.BuildError("failed", "the generated wrapper starts no kernel that is known here")
    return made
