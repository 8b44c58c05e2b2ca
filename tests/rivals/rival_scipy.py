#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The SciPy side of rivals_test.py: requests on stdin, answers on stdout, as rival.R has them. Every function of CALLS
answers the call of its name; what SciPy does not have is left to R."""
import math
import sys

import numpy as np
from scipy import optimize, special, stats


def ranks(n, q, confidence):
    n = int(n[0])

    def upper(a):
        s = int(stats.binom.ppf(1 - a, n, q[0])) + 1
        return s if s <= n else None

    def lower(a):
        r = np.arange(1, n + 1)
        held = r[stats.binom.cdf(r - 1, n, q[0]) <= a]
        return int(held[-1]) if len(held) else None
    a = 1 - confidence[0]
    return {"upper": upper(a), "lower": lower(a), "two_upper": upper(a / 2), "two_lower": lower(a / 2)}


def effective_ranks(n, q, confidence, effective):
    a, q, e = 1 - confidence[0], q[0], effective[0]
    return {"upper": math.ceil(n[0] * (1 - stats.beta.ppf(a, e * (1 - q), e * q + 1))),
            "lower": 1 + math.floor(n[0] * stats.beta.ppf(a, e * q, e * (1 - q) + 1))}


def quantile_point(x, q):
    return {"value": np.quantile(x, q[0], method="inverted_cdf")}


def clopper_pearson(hits, n, confidence):
    hits, n = int(hits[0]), int(n[0])
    both = stats.binomtest(hits, n).proportion_ci(confidence[0], "exact")
    one = stats.binomtest(hits, n, alternative="less").proportion_ci(confidence[0], "exact")
    return {"lower": both.low, "upper": both.high, "one_sided": one.high}


def mcnemar(b, c):
    return {"p": stats.binomtest(int(b[0]), int(b[0] + c[0])).pvalue if b[0] + c[0] else 1.0}


def log_ratio(a, b, margin, alpha):
    return {"p": stats.ttest_ind(np.log(b), np.log(a), equal_var=False).pvalue}


def log_ratio_paired(a, b, margin, alpha):
    return {"p": stats.ttest_rel(np.log(b), np.log(a)).pvalue}


def mann_whitney(a, b):
    exact = len(set(a) | set(b)) == len(a) + len(b) and max(len(a), len(b)) <= 20
    test = stats.mannwhitneyu(a, b, method="exact" if exact else "asymptotic")
    return {"statistic": test.statistic, "p": test.pvalue}


def ks(x, split):
    s = int(split[0])
    d = stats.ks_2samp(x[:s], x[s:], method="asymp").statistic
    root = math.sqrt(s * (len(x) - s) / len(x))
    return {"d": d, "p": stats.kstwobign.sf((root + .12 + .11 / root) * d)}


def mann_kendall(x):
    return {"tau": stats.kendalltau(x, np.arange(len(x))).correlation}  # its p has no continuity correction


def kpss(x):
    """By the formula (SciPy has no KPSS): cumulative sums about the mean over the Bartlett variance."""
    n, e = len(x), x - x.mean()
    lags = int(4 * (n / 100) ** .25)
    s2 = (e @ e + 2 * sum((1 - j / (lags + 1)) * (e[j:] @ e[:-j]) for j in range(1, lags + 1))) / n
    return {"statistic": (np.cumsum(e) ** 2).sum() / n ** 2 / s2}


def pettitt(x):
    n = len(x)
    u = np.abs(2 * np.cumsum(stats.rankdata(x)) - np.arange(1, n + 1) * (n + 1))
    return {"k": u.max(), "at": int(u.argmax()) + 1}


def acf(x, lags):
    e = x - x.mean()
    return {f"r{k}": (e[k:] @ e[:-k]) / (e @ e) for k in range(1, int(lags[0]) + 1)}


def ljung_box(x, lags):
    n, m, out = len(x), int(lags[0]), {}
    for name, series in (("", x), ("rank_", stats.rankdata(x))):
        r = list(acf(series, lags).values())
        q = n * (n + 2) * sum(v * v / (n - k) for k, v in enumerate(r, 1))
        out |= {name + "q": q, name + "p": stats.chi2.sf(q, m)}
    return out


def exceedance_slices(x, slices):
    above = x > np.quantile(x, .99, method="inverted_cdf")
    if not above.any():
        return {"statistic": None, "p": None}
    part = np.arange(len(x)) * int(slices[0]) // len(x)
    table = np.array([np.bincount(part[above == side], minlength=int(slices[0])) for side in (False, True)])
    test = stats.chi2_contingency(table, correction=False)
    return {"statistic": test[0], "p": test[1]}


def tight(function, x0, args=(), disp=0):
    for _ in range(3):
        x0 = optimize.fmin(function, x0, args, disp=disp, xtol=1e-10, ftol=1e-13, maxiter=20000, maxfun=20000)
    return x0


def gpd_mle(x):
    xi, _, sigma = stats.genpareto.fit(x, .1, floc=0, scale=x.mean(), optimizer=tight)
    return {"sigma": sigma, "xi": xi, "nll": -stats.genpareto.logpdf(x, xi, 0, sigma).sum()}


def gev_mle(x):
    c, mu, sigma = stats.genextreme.fit(x, .05, loc=x.mean(), scale=x.std(), optimizer=tight)
    out = {"mu": mu, "sigma": sigma, "xi": -c, "nll": -stats.genextreme.logpdf(x, c, mu, sigma).sum()}
    mu, sigma = stats.gumbel_r.fit(x)
    return out | {"gumbel_mu": mu, "gumbel_sigma": sigma, "gumbel_nll": -stats.gumbel_r.logpdf(x, mu, sigma).sum()}


def gpd_law(y, p, sigma, xi):
    law = stats.genpareto(xi[0], 0, sigma[0])
    return {"exceedance": law.sf(y[0]), "quantile": law.isf(p[0]), "nll": -law.logpdf(y[0])}


def gev_law(p, mu, sigma, xi):
    return {"quantile": stats.genextreme.ppf(p[0], -xi[0], mu[0], sigma[0])}


def goodness(x):
    return {"w2": stats.cramervonmises(x, "uniform").statistic}


def martingale(s, t, p0):
    a, b, q = .5, 1 / p0[0] - .5, p0[0]

    def mixture(part):
        top, bottom = part(a + s[0], b + t[0] - s[0], q), part(a, b, q)
        return (math.log(top / bottom) + special.betaln(a + s[0], b + t[0] - s[0]) - special.betaln(a, b)
                - s[0] * math.log(q) - (t[0] - s[0]) * math.log1p(-q))
    # Where the incomplete beta function underflows SciPy has no logarithm of it to offer.
    out = {}
    for name, part in (("pass", special.betainc), ("fail", lambda *v: stats.beta.sf(v[2], v[0], v[1]))):
        try:
            out[name] = mixture(part)
        except ValueError:
            pass
    return out


def mlperf_n(t, p, confidence):
    n = np.arange(t[0], math.ceil((20 + 4 * t[0]) / (1 - p[0])))
    return {"n": int(n[stats.binom.cdf(t[0], n, 1 - p[0]) <= 1 - confidence[0]][0])}


def sd_upper_factor(k, confidence):
    return {"factor": math.sqrt((k[0] - 1) / stats.chi2.ppf(1 - confidence[0], k[0] - 1))}


CALLS = {f.__name__: f for f in (
    ranks, effective_ranks, quantile_point, clopper_pearson, mcnemar, log_ratio, log_ratio_paired, mann_whitney, ks,
    mann_kendall, kpss, pettitt, acf, ljung_box, exceedance_slices, gpd_mle, gev_mle, gpd_law, gev_law, goodness,
    martingale, mlperf_n, sd_upper_factor)}


def main():
    np.seterr(all="ignore")
    for line in sys.stdin:
        number, call, *words = line.split()
        if call not in CALLS:
            continue
        arguments = {k: np.array([float(v) for v in values.split(",")])
                     for k, values in (w.split("=") for w in words)}
        try:
            answer = CALLS[call](**arguments)
        except Exception as problem:  # the harness counts it as a miss, with its text
            answer = {"error": "_".join(f"{type(problem).__name__} {problem}".split())}
        print(number, *(f"{k}={'none' if v is None else v if k == 'error' else repr(float(v))}"
                        for k, v in answer.items()))


if __name__ == "__main__":
    main()
