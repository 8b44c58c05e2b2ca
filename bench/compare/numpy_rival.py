#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All pairs of float32 outputs, chunked NumPy: the rival of bench_compare. numpy_rival.py N ITEM FILE...

Chunks are small enough that the temporaries of a chunk stay in the second-level cache; what belongs to one file
(top-5, soft-max, norms, ordered integers) is computed once a file and chunk, not once a pair; every temporary is
reused through `out=`. Single precision element-wise, double sums.
"""
import json
import sys
import time

import numpy as np

CHUNK = 16  # inputs; 64 KB a temporary at 1000 classes. Not tuned: other sizes were not timed


def top5(x):
    part = np.argpartition(x, x.shape[1] - 5, axis=1)[:, -5:]
    values = np.take_along_axis(x, part, axis=1)
    order = np.lexsort((part, -values), axis=1)
    return np.take_along_axis(part, order, axis=1)


def ordered(x):
    i = x.view(np.int32)
    return np.where(i < 0, np.int32(-2147483648) - i, i)


class Pair:
    def __init__(self):
        self.bitwise = self.top1 = self.a_not = self.b_not = self.set_differs = self.order = 0
        self.max_abs = self.sum_abs = self.max_rel = self.sum_rel = self.sum_cosine = self.probability = 0.0
        self.min_cosine = 1.0
        self.ulp = np.zeros(34, np.int64)


def main():
    n, item = int(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter()
    files = [np.memmap(f, np.float32, "r", shape=(n, item)) for f in sys.argv[3:]]
    k = len(files)
    pairs = {(a, b): Pair() for a in range(k) for b in range(a + 1, k)}
    shape = (CHUNK, item)
    d, m, rel = (np.empty(shape, np.float32) for _ in range(3))
    steps, wide = np.empty(shape, np.int64), np.empty(shape, np.float64)
    for begin in range(0, n, CHUNK):
        x = [np.asarray(f[begin:begin + CHUNK]) for f in files]
        rows = len(x[0])
        rank = [ordered(v).astype(np.int64) for v in x]
        magnitude = [np.abs(v) for v in x]
        norm = [np.sqrt(np.einsum("ij,ij->i", v, v, dtype=np.float64)) for v in x]
        tops = [top5(v) for v in x]
        sorted_tops = [np.sort(t, axis=1) for t in tops]
        largest = [np.take_along_axis(v, t[:, :1], axis=1) for v, t in zip(x, tops)]
        total = [np.exp(v - top).sum(axis=1, dtype=np.float64) for v, top in zip(x, largest)]
        everyone = np.arange(rows)
        for (a, b), p in pairs.items():
            dd, mm, rr, ss, ww = d[:rows], m[:rows], rel[:rows], steps[:rows], wide[:rows]
            np.subtract(x[a], x[b], out=dd)
            np.abs(dd, out=dd)
            np.maximum(magnitude[a], magnitude[b], out=mm)
            rr.fill(0)
            np.divide(dd, mm, out=rr, where=mm > 0)
            p.max_abs = max(p.max_abs, float(dd.max()))
            p.sum_abs += float(dd.sum(dtype=np.float64))
            p.max_rel = max(p.max_rel, float(rr.max()))
            p.sum_rel += float(rr.sum(dtype=np.float64))
            p.bitwise += int((x[a].view(np.int32) != x[b].view(np.int32)).any(axis=1).sum())
            np.subtract(rank[a], rank[b], out=ss)
            np.abs(ss, out=ss)
            np.copyto(ww, ss)  # below 2^33: exact, so the exponent of the double is the bucket
            bucket = (ww.view(np.int64) >> 52).ravel()
            np.maximum(bucket, 1022, out=bucket)
            bucket -= 1022
            p.ulp += np.bincount(bucket, minlength=34)
            dot = np.einsum("ij,ij->i", x[a], x[b], dtype=np.float64)
            cosine = dot / (norm[a] * norm[b])
            p.min_cosine = min(p.min_cosine, float(cosine.min()))
            p.sum_cosine += float(cosine.sum())
            ta, tb = tops[a], tops[b]
            p.top1 += int((ta[:, 0] != tb[:, 0]).sum())
            p.a_not += int((~(tb == ta[:, :1]).any(axis=1)).sum())
            p.b_not += int((~(ta == tb[:, :1]).any(axis=1)).sum())
            p.set_differs += int((sorted_tops[a] != sorted_tops[b]).any(axis=1).sum())
            p.order += int((ta != tb).any(axis=1).sum())
            for t in (ta[:, 0], tb[:, 0]):
                pa = np.exp(x[a][everyone, t].astype(np.float64) - largest[a][:, 0]) / total[a]
                pb = np.exp(x[b][everyone, t].astype(np.float64) - largest[b][:, 0]) / total[b]
                p.probability = max(p.probability, float(np.abs(pa - pb).max()))
    count = n * item
    out = {"seconds": time.perf_counter() - start, "numpy": np.__version__, "pairs": [
        {"bitwise_different": p.bitwise, "max_abs": p.max_abs, "mean_abs": p.sum_abs / count, "max_rel": p.max_rel,
         "mean_rel": p.sum_rel / count, "min_cosine": p.min_cosine, "mean_cosine": p.sum_cosine / n,
         "ulp": p.ulp[:33].tolist(), "top1": p.top1, "a_not_in_top5_b": p.a_not, "b_not_in_top5_a": p.b_not,
         "top5_set": p.set_differs, "top5_order": p.order, "probability_all": p.probability}
        for p in pairs.values()]}
    print(json.dumps(out))


if __name__ == "__main__":
    main()
