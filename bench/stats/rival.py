#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rival.py FILE B: the pipeline of bench_stats in NumPy and SciPy, on one thread; CPU seconds a step and results as
JSON on stdout. See run.py.

Vectorised NumPy where a loop over samples would be the alternative, one argsort for order and ranks, sums of lags that
end as early as ours do, fits that start at the L-moments. The thresholds' bootstrap uses B replicates; run.py scales.
Left out, in this program's favour: exact repeats, level shape, and the texts of the verdicts.
"""
import json
import math
import sys
import time

import numpy as np
import scipy
from scipy import fft, optimize, stats

QUANTILES = (.5, .9, .95, .99, .999)
LEVELS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-9)
CONFIDENCE = .95


def tau_of(indicator, most):
    e = indicator - indicator.mean()
    variance, tau = e @ e, 1.0
    for k in range(1, most, 2):
        pair = (e[k:] @ e[:-k] + e[k + 1:] @ e[:-k - 1]) / variance
        if pair <= 0:
            break
        tau += 2 * pair
    return max(1.0, tau)


def quantiles(x, ordered):
    n, lower, upper = len(x), [], []
    for q in QUANTILES:
        estimate = ordered[math.ceil(n * q) - 1]
        tau, a = tau_of((x > estimate).astype(float), 10000), (1 - CONFIDENCE) / 2
        if tau <= 1.2:
            ranks = stats.binom.ppf(1 - a, n, q) + 1, n + 1 - (stats.binom.ppf(1 - a, n, 1 - q) + 1)
            stats.binom.ppf(CONFIDENCE, n, q)  # and the one-sided bound
        else:
            e = n / tau
            ranks = (math.ceil(n * (1 - stats.beta.ppf(a, e * (1 - q), e * q + 1))),
                     1 + math.floor(n * stats.beta.ppf(a, e * q, e * (1 - q) + 1)))
        upper.append(int(ordered[int(ranks[0]) - 1]))
        lower.append(int(ordered[int(ranks[1]) - 1]))
    return {"quantile_lower": lower, "quantile_upper": upper}


def mid_ranks(ordered, order):
    n = len(ordered)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], n]
    ranks = np.empty(n)
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def mser5(series):
    m = len(series) // 5
    y = series[:5 * m].reshape(m, 5).mean(1)
    left = m - np.arange(m - 9)
    s1, s2 = np.cumsum(y[::-1])[::-1][:m - 9], np.cumsum(y[::-1] ** 2)[::-1][:m - 9]
    return 5 * int(np.argmin((s2 - s1 ** 2 / left) / left ** 2))


def ljung_box(e, lags=20):
    n, variance = len(e), e @ e
    q = n * (n + 2) * sum((e[k:] @ e[:-k] / variance) ** 2 / (n - k) for k in range(1, lags + 1))
    return q, stats.chi2.sf(q, lags)


def fisher_g(e):
    parts = -(-len(e) // 65536)
    step = len(e) // parts
    length = max(2 ** a * 3 ** b * 5 ** c for a in range(17) for b in range(11) for c in range(8)
                 if 2 ** a * 3 ** b * 5 ** c <= step)
    block = e[:parts * step].reshape(parts, step)[:, :length]
    power = np.abs(fft.rfft(block - block.mean(1, keepdims=True)))[:, 10:(length - 1) // 2 + 1] ** 2
    g = (power.max(1) / power.sum(1)).max()
    return g, min(1.0, parts * power.shape[1] * math.exp((power.shape[1] - 1) * math.log1p(-g)))


def gate(x):
    order = np.argsort(x, kind="stable")
    ordered = x[order]
    n, half = len(x), len(x) // 2
    np.count_nonzero(np.diff(ordered))
    top = ordered[-(n // 20) - 1:] - ordered[half]
    spacings = np.arange(n // 20, 0, -1) * np.log(top[1:] / top[:-1])  # a second mode in the tail
    spacings.max() / spacings.mean()
    ranks = mid_ranks(ordered, order)
    cut = mser5(ranks)
    x, ranks = x.astype(float), ranks  # the data of this benchmark have no warm-up: cut is checked by run.py
    for part in (x[:half], x[half:]):
        np.partition(part, (len(part) // 2, len(part) - len(part) // 100))
    e = x - x.mean()
    lags = int(4 * (n / 100) ** .25)
    s2 = (e @ e + 2 * sum((1 - j / (lags + 1)) * (e[j:] @ e[:-j]) for j in range(1, lags + 1))) / n
    kpss = np.square(np.cumsum(e)).sum() / n ** 2 / s2
    pettitt = np.abs(2 * np.cumsum(ranks) - np.arange(1, n + 1) * (n + 1)).max()
    ks = stats.ks_2samp(x[:half], x[half:], method="asymp").statistic
    above = ranks > np.partition(ranks, math.ceil(.99 * n) - 1)[math.ceil(.99 * n) - 1]
    counts = np.bincount(np.flatnonzero(above) * 10 // n, minlength=10)
    sizes = np.bincount(np.arange(n) * 10 // n, minlength=10)
    slices = stats.chi2_contingency([counts, sizes - counts], correction=False)[0]
    centred = ranks - ranks.mean()
    p95 = np.partition(ranks, n - n // 20 - 1)[n - n // 20 - 1]
    tail = (ranks > p95).astype(float)
    tail -= tail.mean()
    over = ranks > np.median(ranks)
    runs, n1 = 1 + np.count_nonzero(over[1:] != over[:-1]), int(over.sum())
    mean = 1 + 2 * n1 * (n - n1) / n
    z = (runs - mean) / math.sqrt((mean - 1) * (mean - 2) / (n - 1))
    g = fisher_g(centred)[0]
    fisher_g(tail)
    tau_of(centred, 400), tau_of(tail, 400)
    return {"kpss": kpss, "pettitt": pettitt, "ks_halves": ks, "exceedance_slices": slices,
            "ljung_box_ranks": ljung_box(centred)[0], "ljung_box_tail": ljung_box(tail)[0], "runs": z,
            "fisher_ranks": g, "warm_up": cut}


def fit(y):
    """Generalised Pareto by maximum likelihood, from the L-moments; y ascending."""
    n = len(y)
    l1 = y.mean()
    l2 = 2 * (np.arange(n) @ y) / (n * (n - 1)) - l1
    xi, _, sigma = stats.genpareto.fit(y, 2 - l1 / l2, floc=0, scale=(l1 / l2 - 1) * l1)
    return xi, sigma


def anderson_darling(y, xi, sigma):
    n = len(y)
    z = np.clip(stats.genpareto.cdf(y, xi, 0, sigma), 1e-300, 1 - 1e-16)
    return -n - np.mean((2 * np.arange(1, n + 1) - 1) * (np.log(z) + np.log1p(-z[::-1])))


def thresholds(tail, sizes, replicates, rng):
    out = {"k": [], "xi": [], "sigma": [], "a2": []}
    bootstrap = 0.0
    for k in sizes:
        y = tail[tail > tail[-k - 1]] - tail[-k - 1]
        xi, sigma = fit(y)
        a2 = anderson_darling(y, xi, sigma)
        start = time.process_time()
        for _ in range(replicates):
            z = np.sort(stats.genpareto.ppf(rng.random(len(y)), xi, 0, sigma))
            anderson_darling(z, *fit(z))
        bootstrap += time.process_time() - start
        for key, value in (("k", len(y)), ("xi", xi), ("sigma", sigma), ("a2", a2)):
            out[key].append(value)
    return out, bootstrap


def by_hand(sizes, rng):
    """The bootstrap's cost when its author also writes the fit: Grimshaw's profile for all 499 replicates at once, by
    golden section. No library offers it; shown beside the budget, so that its reader knows what a library costs."""
    golden = (5 ** .5 - 1) / 2
    for k in sizes:
        y = np.sort(-np.log(rng.random((499, k))), 1)
        y /= y.mean(1, keepdims=True)
        edge = 1 / y[:, -1]

        def shape(t):
            theta = np.exp(t) - edge
            theta = np.where(np.abs(theta) < 1e-9, 1e-9, theta)
            return theta, np.log1p(theta[:, None] * y).mean(1)

        def profile(t):
            theta, xi = shape(t)
            return np.log(xi / theta) + xi
        low, high = np.log(edge * 1e-3), np.log(edge + 3)
        c, d = high - golden * (high - low), low + golden * (high - low)
        at_c, at_d = profile(c), profile(d)
        for _ in range(30):
            left = at_c < at_d
            low, high = np.where(left, low, c), np.where(left, d, high)
            c, d = high - golden * (high - low), low + golden * (high - low)
            new = profile(np.where(left, c, d))
            at_c, at_d = np.where(left, new, at_d), np.where(left, at_c, new)
        theta, xi = shape((low + high) / 2)
        z = np.clip(-np.expm1(-np.log1p(theta[:, None] * y) / xi[:, None]), 1e-300, 1 - 1e-16)
        ((2 * np.arange(1, k + 1) - 1) * (np.log(z) + np.log1p(-z[:, ::-1]))).mean(1)


def profile_upper(y, xi, sigma, a):
    n = len(y)

    def nll(s, x):
        t = 1 + x * y / s
        return n * math.log(s) + (1 + 1 / x) * np.log(t).sum() if s > 0 and t.min() > 0 else math.inf

    def best(level):
        return optimize.minimize_scalar(lambda x: nll(level * x / math.expm1(-x * math.log(a)), x),
                                        bounds=(-.95, 1.5), method="bounded").fun
    # The limit of chi-square with ours' correction for small samples (pwcet.h).
    least, allowed = nll(sigma, xi), (stats.norm.ppf(CONFIDENCE) + 2 / math.sqrt(n)) ** 2
    level = stats.genpareto.isf(a, xi, 0, sigma)
    high = 1.5 * level
    while 2 * (best(high) - least) < allowed:
        high *= 1.5
    return optimize.brentq(lambda v: 2 * (best(v) - least) - allowed, level, high, rtol=1e-6)


def theta_of(gaps):
    s = gaps - 1
    return np.minimum(1, 2 * s.sum(-1) ** 2 / (gaps.shape[-1] * (s * (gaps - 2)).sum(-1)))


def rest(x, tail, k, rng):
    """Everything of the pWCET that follows the choice of the threshold, at k exceedances."""
    n, u = len(x), tail[-k - 1]
    y = tail[-k:] - u
    xi, sigma = fit(y)
    for part in (2, 4):  # stability
        fit(tail[-k // part:] - tail[-k // part - 1])
    gaps = np.diff(np.flatnonzero(x > u)).astype(float)
    block = math.ceil(k ** (1 / 3))
    starts = rng.integers(0, len(gaps) - block + 1, (499, -(-len(gaps) // block)))
    np.percentile(theta_of(gaps[(starts[:, :, None] + np.arange(block)).reshape(499, -1)[:, :len(gaps)]]), (2.5, 97.5))
    first = np.sort(x[:n // 2])
    held = first[first > u] - u
    half_xi, half_sigma = fit(held)
    level = u + stats.genpareto.isf(10 / len(held), half_xi, 0, half_sigma)
    np.count_nonzero(x[n // 2:] > level), stats.binom.ppf(.95, n // 2, 10 / (n // 2))
    e = np.sort(rng.exponential(size=(499, k)))  # multiple-threshold test of the residual CV
    for part in (k // 2 ** j for j in range(6)):
        z = e[:, -part:] - (e[:, -part - 1, None] if part < k else 0)
        z.std(1) / z.mean(1)
    tau_of((x > np.median(x)).astype(float), 2000)
    size = n // 200
    maxima = x[:n // size * size].reshape(-1, size).max(1).astype(float)
    c, _, _ = stats.genextreme.fit(maxima, 0, loc=maxima.mean(), scale=maxima.std())
    stats.gumbel_r.fit(maxima)
    mean = 2 * k * y.mean() / stats.chi2.ppf(1 - CONFIDENCE, 2 * k)
    a = [p * n / k for p in LEVELS]
    return {"profile_upper": [u + profile_upper(y, xi, sigma, v) if v < 1 else 0 for v in a],
            "exponential_upper": [u + mean * math.log(1 / v) if v < 1 else 0 for v in a],
            "block_maxima_xi": -c, "extremal_index": float(theta_of(gaps))}


def main():
    x, replicates = np.fromfile(sys.argv[1], np.int64), int(sys.argv[2])
    sizes = [int(k) for k in sys.argv[3].split(",")]
    np.seterr(all="ignore")
    rng, seconds, result = np.random.default_rng(1), {}, {}

    def lap(step, work):
        start = time.process_time()
        out = work()
        seconds[step] = time.process_time() - start
        return out
    result |= lap("gate", lambda: gate(x))
    ordered = None

    def both():
        nonlocal ordered
        ordered = np.sort(x)
        return quantiles(x, ordered)
    result |= lap("quantiles", both)
    tail = ordered[-max(sizes) - 1:].astype(float)
    found, bootstrap = lap("thresholds", lambda: thresholds(tail, sizes, replicates, rng))
    seconds["thresholds"] -= bootstrap
    seconds["bootstrap"] = bootstrap
    result |= found | lap("rest", lambda: rest(x, tail, sizes[0], rng))
    lap("by_hand", lambda: by_hand(sizes, rng))
    print(json.dumps({"name": f"NumPy {np.__version__}, SciPy {scipy.__version__}", "seconds": seconds,
                      "replicates": replicates, "result": result}, default=float))


if __name__ == "__main__":
    main()
