# SPDX-License-Identifier: Apache-2.0
"""Times of single kernels on a GPU, from torch's profiler (CUPTI), told by the kernel map."""

import time

import assay_builder as ab


def assign(kernels, events):
    """[(ordinal, ns)]: `events` [(name, ns)] in their order, given to the lines of the kernel map.

    A Triton kernel has the name of its line; whatever else runs belongs to the operator of ATen
    that stands there.
    """
    totals, at = {}, 0
    own = {line["kernel"] for line in kernels if not line["kernel"].startswith("aten::")}
    for name, ns in events:
        if name in own:
            later = range(at, len(kernels))
            at = next((i for i in later if kernels[i]["kernel"] == name), at)
            totals[at] = totals.get(at, 0) + ns
            at += 1
            continue
        here = [i for i in range(at, len(kernels)) if kernels[i]["kernel"] not in own]
        if at > 0 and kernels[at - 1]["kernel"] not in own and (not here or here[0] != at):
            here = [at - 1]  # one more kernel of the operator before
        if here:
            totals[here[0]] = totals.get(here[0], 0) + ns
            at = here[0] + 1
    return sorted(totals.items())


def layer_times(kernels, runs, once):
    import torch
    from torch.profiler import ProfilerActivity, profile

    told = []
    for _ in range(runs):
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            begin = time.perf_counter_ns()
            once()
            whole = time.perf_counter_ns() - begin
        events = sorted(
            (e.time_range.start, e.name, int(round(e.time_range.elapsed_us() * 1000)))
            for e in profiler.events()
            if e.device_type == torch.autograd.DeviceType.CUDA and not e.name.startswith("Mem")
        )
        if not events:
            raise ab.BuildError("unsupported", "torch's profiler reports no kernel here (CUPTI)")
        lines = [
            (ordinal, kernels[ordinal]["layer"], kernels[ordinal]["kernel"], ns)
            for ordinal, ns in assign(kernels, [(name, ns) for _, name, ns in events])
        ]
        told.append(lines + [(-1, "", "", whole)])
    return told
