# SPDX-License-Identifier: Apache-2.0
"""Order and names of the nodes of an optimised graph: all that differs from build to build.

Level `all` converts to the CPU's blocked layout, and back wherever a node reads that does not know
it.  ONNX Runtime (core/optimizer/nchwc_transformer.cc) adds the nodes that convert back by walking
a hash table whose keys are addresses, so their names, and through them the order in which the graph
runs, are drawn anew in every process.  A build writes both down; a rebuild gives the graph, made
again, that order and those names, and is then the same file byte for byte.
"""

import json

import assay_builder as ab

NODES = "nodes.json"
FORMAT = 1
MAX_BYTES = 64 << 20


def record(model):
    """Text of nodes.json: {"graphs": {path: [[outputs of a node, its name], ...]}}, in order."""
    graphs = {
        path: [[list(node.output), node.name] for node in graph.node]
        for path, graph in _graphs(model.graph)
    }
    return json.dumps({"format": FORMAT, "graphs": graphs}, sort_keys=True) + "\n"


def read(files):
    """{path: [(outputs, name)]} of the decision files; BuildError `miss` without nodes.json."""
    if NODES not in files:
        raise ab.BuildError("miss", "there is no decision file %s" % NODES)
    with open(files[NODES], "rb") as handle:
        text = handle.read(MAX_BYTES + 1)
    try:
        content = json.loads(text.decode("utf-8")) if len(text) <= MAX_BYTES else None
        good = content["format"] == FORMAT
        return _checked(content["graphs"]) if good else _invalid()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _invalid()


def _invalid():
    raise ab.BuildError("invalid", "%s: not what a build of this version wrote" % NODES)


def _checked(graphs):
    decided = {}
    for path, nodes in graphs.items():
        decided[path] = []
        for outputs, name in nodes:
            if not isinstance(name, str) or not all(isinstance(o, str) for o in outputs):
                raise ValueError("not texts")
            decided[path].append((tuple(outputs), name))
    return decided


def restore(model, decided):
    """Gives the nodes of `model` the order and names of `decided`, which `read` gave.

    BuildError `miss` when it has other nodes: what they compute was decided otherwise.
    """
    graphs = list(_graphs(model.graph))
    if {path for path, _ in graphs} != set(decided):
        raise ab.BuildError("miss", "%s decides other sub-graphs than the model has" % NODES)
    for path, graph in graphs:
        wanted = decided[path]
        nodes = {tuple(node.output): node for node in graph.node}
        other = set(nodes) ^ {outputs for outputs, _ in wanted}
        if other or len(wanted) != len(graph.node):
            raise ab.BuildError(
                "miss",
                "%s does not decide the optimised graph: node of output %s"
                % (NODES, ab.one_line(", ".join(min(other)) if other else "?", 80)),
            )
        kept = []
        for outputs, name in wanted:
            node = type(graph.node[0])()
            node.CopyFrom(nodes[outputs])
            node.name = name
            if not name:
                node.ClearField("name")
            kept.append(node)
        del graph.node[:]
        graph.node.extend(kept)


def _graphs(graph, path=""):
    """(path, graph) of `graph` and every sub-graph; innermost first, so that a copy has it all."""
    for node in graph.node:
        for attribute in node.attribute:
            inner = ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs)
            for number, sub_graph in enumerate(inner):
                own = "%s/%s/%s/%d" % (path, ",".join(node.output), attribute.name, number)
                yield from _graphs(sub_graph, own)
    yield path, graph
