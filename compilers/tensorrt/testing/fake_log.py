# SPDX-License-Identifier: Apache-2.0
"""The fake's verbose log: the three families in their documented form (trt_log.py), no prefix."""

FORMATS = (
    "*************** Autotuning format combination: Float(16,4,1) -> Float(16,4,1) ***************"
)


def family_a(layer, best):
    yield "=============== Computing costs for "
    yield FORMATS
    yield "--------------- Timing Runner: %s (CaskConvolution)" % layer.name
    for tactic in layer.tactics:
        yield "%s Set Tactic Name: %s Tactic: 0x%016x" % (layer.name, tactic.kernel, tactic.hash)
        yield "Tactic: 0x%016x Time: %s" % (tactic.hash, tactic.ms)
    yield "Fastest Tactic: 0x%016x Time: %s" % (best.hash, best.ms)
    yield ">>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x%016x" % best.hash


def family_b(layer, best):
    yield "=============== Computing costs for %s" % layer.name
    yield FORMATS
    yield "--------------- Timing Runner: %s (CaskConvolution[0x80000009])" % layer.name
    for tactic in layer.tactics:
        yield "Tactic Name: %s Tactic: 0x%016x Time: %s" % (tactic.kernel, tactic.hash, tactic.ms)
    yield (
        "%s (CaskConvolution[0x80000009]) profiling completed in 0.0141256 seconds. "
        "Fastest Tactic: 0x%016x Time: %s"
    ) % (
        layer.name,
        best.hash,
        best.ms,
    )
    yield ">>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x%016x" % best.hash


def family_c(layer, best):
    yield "(foreignNode) Autotuning op %s(key: %s): [ONNX Layer: %s]" % (
        layer.name,
        layer.key,
        layer.name,
    )
    yield "Sorted table of all evaluated tactics:"
    yield (
        "tactic_id, cost(in ms), cost/fastest_cost, prediction_correlation, kernel_name, "
        "tactic_hash, tunable_parameter"
    )
    for number, tactic in enumerate(sorted(layer.tactics, key=lambda t: float(t.ms))):
        yield "  %2d, %s, %.5f, 0.84378, %s, 0x%x, " % (
            number,
            tactic.ms,
            float(tactic.ms) / float(best.ms),
            tactic.kernel,
            tactic.hash,
        )
    yield "The selected tactic is (tactic hash, cost(in ms)):0x%x,  %s" % (best.hash, best.ms)
    yield "Writing the best tactic (0x%x) to cache" % best.hash
