# SPDX-License-Identifier: Apache-2.0
"""What rivals_test.py asks all three programs, and how far apart their answers may lie."""
import math
import random

# call -> key -> relative tolerance; 0: the same number. A key that stands here and is never compared fails the test,
# and so does an answer of ours that has no entry. A trailing * covers numbered keys.
EXACT, ROUND, CLOSE, FIT = 0.0, 1e-9, 1e-6, 1e-4  # counts; rounding; series and inverses; optimisers
TOLERANCE = {
    "ranks": dict.fromkeys(("upper", "lower", "two_upper", "two_lower", "n_needed"), EXACT),
    "effective_ranks": {"upper": EXACT, "lower": EXACT},
    "quantile_point": {"value": EXACT},
    "clopper_pearson": {"lower": ROUND, "upper": ROUND, "one_sided": ROUND},
    "mcnemar": {"p": ROUND},
    "holm": {"p*": ROUND},
    "dkw": {"half": ROUND},
    "log_ratio": dict.fromkeys(("ratio", "lower", "upper", "tost_lower", "tost_upper", "p", "p_equivalence"), ROUND),
    "log_ratio_paired": dict.fromkeys(("ratio", "lower", "upper", "p", "p_equivalence"), ROUND),
    "aa": {"half_width": ROUND, "ratio": ROUND},
    "tost_n": {"n": EXACT},
    "mann_whitney": {"statistic": EXACT, "p": ROUND},
    "accuracy_loss": {"loss": ROUND, "lower": CLOSE, "upper": CLOSE},
    "martingale": {"pass": CLOSE, "fail": CLOSE},
    "requirement_n": {"n": EXACT},
    "mlperf_n": {"n": EXACT},
    "variance_split": {"s2_*": ROUND, "t2_*": ROUND, "share_*": ROUND, "mean": ROUND, "mean_lower": ROUND,
                       "mean_upper": ROUND},
    "sd_upper_factor": {"factor": ROUND},
    "tolerance_builds": {"n": EXACT},
    "acf": {"r*": CLOSE},
    "exceedance_tau": {"tau": CLOSE},
    "ljung_box": {"q": CLOSE, "p": FIT, "rank_q": CLOSE, "rank_p": FIT, "above_q": CLOSE, "above_p": FIT},
    "kpss": {"statistic": CLOSE, "p": FIT},
    "kpss_lags": {"statistic": CLOSE},
    "runs": {"z": ROUND, "p": CLOSE},
    "pettitt": {"k": EXACT, "at": EXACT, "p": CLOSE},
    "ks": {"d": CLOSE, "p": FIT},
    "mann_kendall": {"tau": ROUND, "p": CLOSE},
    "sup_f": {"f": CLOSE, "at": EXACT},
    "ols_cusum": {"statistic": CLOSE, "p": FIT},
    "mser5": {"cut": EXACT},
    "exceedance_slices": {"statistic": ROUND, "p": CLOSE},
    "bds": {"statistic": FIT, "p": FIT},
    "fisher_tail": {"p": CLOSE},
    "fisher_g": {"g": ROUND, "p": 1e-2},  # above .95 ours is the Poisson limit
    "level_shape": {"step_r2": CLOSE, "step_at": EXACT, "line_r2": CLOSE, "slope": CLOSE},
    "jonckheere": {"j": EXACT, "z": ROUND, "p_up": CLOSE, "p_down": CLOSE, "p": CLOSE},
    "page": {"l": EXACT, "p_up": CLOSE, "p_down": CLOSE},
    "gev_mle": {"mu": FIT, "sigma": FIT, "xi": 3e-4, "nll": CLOSE, "se_mu": 5e-4, "se_sigma": 5e-4, "se_xi": 5e-4,
                "gumbel_mu": FIT, "gumbel_sigma": FIT, "gumbel_nll": CLOSE, "lr": 1e-3, "lr_p": 1e-3},
    "gpd_mle": {"sigma": FIT, "xi": 3e-4, "nll": CLOSE, "var_sigma": 5e-4, "cov": 5e-4, "var_xi": 5e-4},
    "l_moments": {"l1": ROUND, "l2": ROUND, "t3": CLOSE, "t4": CLOSE},
    "gpd_lmoments": {"sigma": ROUND, "xi": CLOSE},
    "gev_lmoments": {"mu": FIT, "sigma": FIT, "xi": FIT},
    "gpd_law": {"exceedance": ROUND, "quantile": CLOSE, "nll": ROUND},
    "gev_law": {"quantile": CLOSE},
    "gpd_upper": {"profile": FIT, "exponential": ROUND},
    "gpd_return": dict.fromkeys(("estimate", "delta_lower", "delta_upper", "profile_lower", "profile_upper"), FIT),
    "gev_return": dict.fromkeys(("estimate", "delta_lower", "delta_upper", "profile_lower", "profile_upper"), FIT),
    "extremal": {"intervals": ROUND, "runs": ROUND},
    "goodness": {"a2": CLOSE, "w2": ROUND, "a2_p": CLOSE},
    "residual_cv": {"cv": ROUND, "cv_unbiased": ROUND, "xi": CLOSE, "z": CLOSE},
    "horizon": {"p": ROUND},
}
# Differences are relative to this at least: values that are near 0 because they cancel, and R's 1 - (1 - p).
FLOOR = {"xi": 1e-2, "r": 1e-3, "t2": 1e-3, "z": 1e-3, "p": 1e-12, "lr": 1e-3, "kpss.p": 1e-8}
# Where a rival itself is not that exact: SciPy's binomial limits end at an absolute 1e-12, evd loses digits near
# xi = 0.
LOOSER = {("scipy", "clopper_pearson"): 1e3, ("R", "gpd_law"): 1e2}
DATA_SETS = ("nile", "lh", "portpirie", "venice", "oxford", "lisbon", "sask", "lossalae", "uccle", "danish",
             "sleep1", "sleep2")


def tolerance_of(call, key):
    table = TOLERANCE.get(call, {})
    return table.get(key, table.get(key.rstrip("0123456789") + "*"))


def floor_of(call, key):
    return FLOOR.get(f"{call}.{key}") or FLOOR.get(key, FLOOR.get(key.rstrip("0123456789").rstrip("_"), 1e-12))


def laws(n, seed):
    """Latencies in ns of several laws, as integers: smooth, skewed, heavy, two-mode, coarse, dependent, drifting."""
    r = random.Random(seed)
    normal = [r.gauss(0, 1) for _ in range(n)]
    other = [r.gauss(0, 1) for _ in range(n)]
    uniform = [r.random() for _ in range(n)]
    ar = [normal[0]]
    for e in normal[1:]:
        ar.append(.6 * ar[-1] + e)
    made = {
        "normal": [1e6 * (1 + .02 * z) for z in normal],
        "lognormal": [1e6 * math.exp(.25 * z) for z in normal],
        "t2": [1e6 + 2e4 * z / math.sqrt(-math.log(1 - u)) for z, u in zip(normal, uniform)],
        "two-mode": [1e6 * (1 + .01 * z + (.4 if u < .1 else 0)) for z, u in zip(other, uniform)],
        "five-level": [1e6 + 500 * int(5 * u) for u in uniform],
        "ar1": [1e6 * (1 + .01 * z) for z in ar],
        "step": [1e6 * (1 + .02 * z) + (15000 if i > .6 * n else 0) for i, z in enumerate(other)],
        "drift": [1e6 * (1 + .02 * z) + 20000 * i / n for i, z in enumerate(other)]}
    return {name: [round(v) for v in values] for name, values in made.items()}


def pareto(n, xi, seed):
    r = random.Random(seed)
    return [round(1000 * ((1 - r.random()) ** -xi - 1) / xi, 6) + 1e-3 for _ in range(n)]


def whole(values, factor):
    return [round(v * factor) for v in values]


def cases(data):
    """(call, what it is about, arguments): numbers or lists of them."""
    r = random.Random(4)
    yield from counts()
    yield from launches(r)
    series = {"Nile": whole(data["nile"], 1), "lh": whole(data["lh"], 10)} | {
        f"{name}, n={n}": values for n, seed in ((1000, 1), (3001, 2)) for name, values in laws(n, seed).items()}
    for name, x in series.items():
        for q in (.5, .9, .99):
            yield "quantile_point", name, {"x": x, "q": q}
            yield "exceedance_tau", f"{name}, q={q}", {"x": x, "q": q}
        yield "acf", name, {"x": x, "lags": 6}
        for lags in (1, 5, 10, 20):
            yield "ljung_box", f"{name}, {lags} lags", {"x": x, "lags": lags}
        yield from ((call, name, {"x": x}) for call in ("kpss", "runs", "pettitt", "mann_kendall", "ols_cusum"))
        yield "kpss_lags", f"{name}, 12 lags", {"x": x, "lags": 12}
        split = 28 if name == "Nile" else len(x) // 2
        yield "ks", f"{name}, {split}", {"x": x, "split": split}
        if len(x) <= 1000:
            yield "sup_f", name, {"x": x, "trim": .15}
            yield "level_shape", name, {"x": x}
        if len(x) >= 1000:
            yield "mser5", name, {"x": x}
            yield "fisher_g", name, {"x": x}
    for name, x in laws(20000, 3).items():
        yield "exceedance_slices", f"{name}, n=20000", {"x": x, "slices": 10}
    for name, x, eps in (("lh", data["lh"], .5516), ("Nile", data["nile"], 150.5),
                       ("ar1", series["ar1, n=1000"], 9000.5)):  # no distance equals eps: < or <= is a choice
        for m in (2, 3):
            yield "bds", f"{name}, m={m}", {"x": x, "m": m, "eps": eps}
    for g, m in ((.05, 100), (.02, 500), (.2, 24), (.009, 1000)):
        yield "fisher_tail", f"g={g}, {m} ordinates", {"g": g, "m": m}
    yield from tails(data, series)


def counts():
    for n in (20, 100, 299, 473, 1000, 4603, 10_000, 100_000, 1_000_000):
        for q in (.5, .9, .99, .999):
            for confidence in (.95, .99):
                yield "ranks", f"n={n} q={q} {confidence}", {"n": n, "q": q, "confidence": confidence}
    for n, q, e in ((10_000, .99, 1234.5), (1000, .5, 217.3), (100_000, .999, 50_000.7), (5000, .9, 700)):
        yield "effective_ranks", f"n={n} q={q} n_e={e}", {"n": n, "q": q, "confidence": .95, "effective": e}
    for hits, n in ((0, 50_000), (1, 50_000), (105, 50_000), (497, 50_000), (5, 100), (50, 100), (99, 100), (7, 7)):
        for confidence in (.95, .99):
            yield "clopper_pearson", f"{hits}/{n} {confidence}", {"hits": hits, "n": n, "confidence": confidence}
    for b, c in ((10, 4), (0, 0), (0, 6), (25, 25), (130, 95), (1, 1)):
        yield "mcnemar", f"{b}, {c}", {"b": b, "c": c}
    yield "holm", "five", {"p": [.01, .04, .03, .005, .2]}
    yield "holm", "ties and one", {"p": [.5, .5, .01, 1, .012, .011, 1e-12]}
    for n in (100, 10_000):
        yield "dkw", f"n={n}", {"n": n, "confidence": .95}
    for b, c, n in ((30, 18, 1000), (105, 80, 50_000), (12, 25, 400)):
        yield "accuracy_loss", f"{b}, {c} of {n}", {"b": b, "c": c, "n": n, "alpha": .05}
    for s, t in ((0, 534), (3, 900), (10, 500), (100, 14291), (60, 2000)):
        yield "martingale", f"{s} of {t}", {"s": s, "t": t, "p0": .01}
    for s in (0, 1, 2, 5, 10, 50):
        yield "requirement_n", f"{s} exceed", {"s": s, "p0": .01, "alpha": .01}
    for t in (0, 1, 2):
        for p in (.9, .99, .999):
            yield "mlperf_n", f"t={t} p={p}", {"t": t, "p": p, "confidence": .99}
    for k in (2, 3, 10, 20):
        yield "sd_upper_factor", f"k={k}", {"k": k, "confidence": .95}
    for coverage, confidence in ((.95, .95), (.9, .95), (.99, .99)):
        yield "tolerance_builds", f"{coverage} {confidence}", {"coverage": coverage, "confidence": confidence}
    for cv, margin in ((.01, .01), (.05, .02), (.3, .01)):
        yield "tost_n", f"cv={cv} margin={margin}", {"cv": cv, "margin": margin, "alpha": .05, "power": .9}
    for p, theta in ((1e-6, 1), (1e-9, .4), (1e-3, .9)):
        yield "horizon", f"p={p} theta={theta}", {"p": p, "inferences": 108_000, "theta": theta}


def launches(r):
    """Values a launch, groups of them, and a tree of builds, launches and samples."""
    def group(n, mean, sd):
        return [round(mean * math.exp(sd * r.gauss(0, 1)), 3) for _ in range(n)]
    for n, m, mean, sd in ((20, 20, 1000, .01), (10, 14, 1004, .02), (5, 3, 1100, .05)):
        arguments = {"a": group(n, 1000, .01), "b": group(m, mean, sd), "margin": .01, "alpha": .05}
        yield "log_ratio", f"{n} and {m} launches", arguments
        yield "mann_whitney", f"{n} and {m} launches", {k: arguments[k] for k in "ab"}
        pairs = arguments | {"b": [v * math.exp(.004 * r.gauss(0, 1)) for v in arguments["a"]]}
        yield "log_ratio_paired", f"{n} pairs", pairs
    big = {"a": [round(v) for v in group(60, 1000, .02)], "b": [round(v) for v in group(45, 1010, .02)]}
    yield "mann_whitney", "60 and 45 with ties", big
    for n in (8, 20):
        yield "aa", f"{n} launches", {"x": group(n, 1000, .01), "margin": .01, "alpha": .05}
    for sizes in ([3, 3, 3], [2, 3, 4], [5, 5, 5, 5], [20, 15, 18]):
        x = [round(v + 8 * i, 2) for i, n in enumerate(sizes) for v in group(n, 1000, .01)]
        yield "jonckheere", f"groups of {sizes}", {"x": x, "sizes": sizes}
        yield "jonckheere", f"groups of {sizes}, ties", {"x": whole(x, .1), "sizes": sizes}
    for blocks, k in ((4, 3), (10, 3), (3, 4)):
        x = [v + 4 * (i % k) for i, v in enumerate(group(blocks * k, 1000, .01))]
        yield "page", f"{blocks} blocks of {k}", {"x": x, "treatments": k}
        yield "page", f"{blocks} blocks of {k}, ties", {"x": whole(x, .1), "treatments": k}
    for shape, build_sd, launch_sd in (([5, 4, 30], .02, .01), ([3, 2, 10], 0, .02), ([10, 5, 20], .01, 0)):
        x = []
        for _ in range(shape[0]):
            build = 1000 * math.exp(build_sd * r.gauss(0, 1))
            for _ in range(shape[1]):
                x += group(shape[2], build * math.exp(launch_sd * r.gauss(0, 1)), .02)
        yield "variance_split", f"{shape}", {"x": x, "repetitions": shape, "confidence": .95}


def tails(data, series):
    for name in ("portpirie", "venice", "oxford", "lisbon", "sask", "uccle"):
        for call in ("gev_mle", "gev_lmoments", "l_moments"):
            yield call, name, {"x": data[name]}
        yield "gev_return", name, {"x": data[name], "block_p": .01, "confidence": .95}
    excesses = {f"{name}, u={u}": [v - u for v in data[name] if v > u] for name, u in
                (("danish", 10), ("danish", 20), ("lossalae", 200), ("sask", 25))}
    for xi, seed in ((-.3, 5), (-.1, 6), (.01, 7), (.2, 8), (.45, 9)):
        for n in (100, 500):
            excesses[f"made xi={xi}, k={n}"] = pareto(n, xi, seed + n)
    for name in ("normal", "lognormal", "two-mode", "t2"):
        x = sorted(series[f"{name}, n=3001"])
        excesses[f"{name}, top 150"] = [v - x[-151] for v in x[-150:]]
    for name, y in excesses.items():
        yield from ((call, name, {"x": y}) for call in ("gpd_mle", "gpd_lmoments", "residual_cv", "l_moments"))
        if len(y) >= 100 and not name.startswith(("made xi=-0.3", "made xi=0.45", "t2")):
            yield "gpd_return", name, {"x": y, "a": .01, "confidence": .95}
        if not name.startswith(("danish, u=20", "t2")):  # there the bound is not finite or beyond any scale
            for a in (1e-1, 1e-3, 1e-5):
                for weight, correction in ((1, 0), (.5, 0), (.8, 2)):
                    yield "gpd_upper", f"{name}, a={a} weight {weight} + {correction}", {
                        "x": y, "a": a, "confidence": .95, "weight": weight, "correction": correction}
    for xi in (-.4, -1e-9, 1e-4, .3):
        for p in (.3, 1e-6):
            yield "gpd_law", f"xi={xi} p={p}", {"y": 1.7, "p": p, "sigma": 2.5, "xi": xi}
        for p in (.1, .5, .99999):
            yield "gev_law", f"xi={xi} P={p}", {"p": p, "mu": 3, "sigma": 2.5, "xi": xi}
    for name in ("ar1, n=3001", "normal, n=3001", "five-level, n=1000", "Nile"):
        x = series[name]
        u = sorted(x)[int(.9 * len(x))] if not name.startswith("five") else 1_001_500
        yield "extremal", name, {"x": x, "u": u, "run": 3}
    r = random.Random(11)
    yield "goodness", "five values", {"x": [.1, .2, .35, .5, .9]}
    for power in (1, .8, 1.5):
        yield "goodness", f"100 uniform ^ {power}", {"x": [r.random() ** power for _ in range(100)]}
