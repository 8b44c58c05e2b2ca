# SPDX-License-Identifier: Apache-2.0
# The R side of rivals_test.py. `rival.R data` prints R's own data sets, "name v,v,v" a line. Else
# requests come on stdin, one a line: "id call key=v,v,v key=v"; an answer is "id key=v key=v".
# Numbers come from R's packages where they have the method, else from the textbook formula written
# out here without a look at ours. A call that is not in `calls` is answered by nothing.
suppressPackageStartupMessages({
  library(evd); library(tseries); library(goftest)
})
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "rival_tails.R"))
source(file.path(here, "rival_series.R"))

calls <- c(tails, series)

calls$ranks <- function(n, q, confidence, ...) {
  a <- 1 - confidence
  two <- a / 2
  upper <- function(a) { s <- qbinom(1 - a, n, q) + 1; if (s <= n) s else NA }
  lower <- function(a) {
    r <- qbinom(a, n, q) + 2
    while (r >= 1 && pbinom(r - 1, n, q) > a) r <- r - 1
    if (r >= 1) r else NA
  }
  list(upper = upper(a), lower = lower(a), two_upper = upper(two), two_lower = lower(two),
       n_needed = ceiling(log(a) / log(q)))
}
calls$effective_ranks <- function(n, q, confidence, effective, ...) {
  a <- 1 - confidence
  q_upper <- 1 - qbeta(a, effective * (1 - q), effective * q + 1)
  q_lower <- qbeta(a, effective * q, effective * (1 - q) + 1)
  list(upper = ceiling(n * q_upper), lower = 1 + floor(n * q_lower))  # the mirror image of upper
}
calls$quantile_point <- function(x, q, ...) list(value = unname(quantile(x, q, type = 1)))
calls$clopper_pearson <- function(hits, n, confidence, ...) {
  ci <- binom.test(hits, n, conf.level = confidence)$conf.int
  list(lower = ci[1], upper = ci[2],
       one_sided = binom.test(hits, n, alternative = "less", conf.level = confidence)$conf.int[2])
}
calls$mcnemar <- function(b, c, ...) list(p = if (b + c == 0) 1 else binom.test(b, b + c)$p.value)
calls$holm <- function(p, ...) {
  adjusted <- p.adjust(p, "holm")
  setNames(as.list(adjusted), paste0("p", seq_along(adjusted)))
}
calls$dkw <- function(n, confidence, ...) list(half = min(1, sqrt(log(2 / (1 - confidence)) / (2 * n))))

calls$log_ratio <- function(a, b, margin, alpha, ...) {
  d <- log(1 + margin)
  test <- function(...) t.test(log(b), log(a), ...)
  wide <- test(conf.level = 1 - alpha)
  narrow <- test(conf.level = 1 - 2 * alpha)
  list(ratio = exp(mean(log(b)) - mean(log(a))),
       lower = exp(wide$conf.int[1]), upper = exp(wide$conf.int[2]),
       tost_lower = exp(narrow$conf.int[1]), tost_upper = exp(narrow$conf.int[2]),
       p = wide$p.value,
       p_equivalence = max(test(mu = -d, alternative = "greater")$p.value,
                           test(mu = d, alternative = "less")$p.value))
}
calls$log_ratio_paired <- function(a, b, margin, alpha, ...) {
  d <- log(1 + margin)
  test <- function(...) t.test(log(b) - log(a), ...)
  wide <- test(conf.level = 1 - alpha)
  list(ratio = exp(mean(log(b) - log(a))),
       lower = exp(wide$conf.int[1]), upper = exp(wide$conf.int[2]), p = wide$p.value,
       p_equivalence = max(test(mu = -d, alternative = "greater")$p.value,
                           test(mu = d, alternative = "less")$p.value))
}
calls$aa <- function(x, alpha, ...) {
  odd <- x[seq(1, length(x) - 1, 2)]
  even <- x[seq(2, length(x), 2)]
  ci <- t.test(log(even / odd), conf.level = 1 - 2 * alpha)$conf.int
  list(half_width = exp((ci[2] - ci[1]) / 2) - 1, ratio = exp((ci[1] + ci[2]) / 2))
}
calls$tost_n <- function(cv, margin, alpha, power, ...) {
  list(n = max(2, ceiling(2 * ((qnorm(1 - alpha) + qnorm(1 - (1 - power) / 2)) * cv / log(1 + margin))^2)))
}
calls$mann_whitney <- function(a, b, ...) {
  exact <- !anyDuplicated(c(a, b)) && max(length(a), length(b)) <= 20
  test <- suppressWarnings(wilcox.test(a, b, exact = exact, correct = TRUE))
  list(statistic = unname(test$statistic), p = test$p.value)
}
# Tango's score interval: the constrained likelihood is maximised numerically, the limits by root finding.
calls$accuracy_loss <- function(b, c, n, alpha, ...) {
  score <- function(delta) {
    likelihood <- function(q21) b * log(q21 + delta) + c * log(q21) + (n - b - c) * log(1 - 2 * q21 - delta)
    q21 <- optimize(likelihood, c(max(0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12), maximum = TRUE, tol = 1e-13)$maximum
    (b - c - n * delta) / sqrt(n * (2 * q21 + delta - delta^2))
  }
  z <- qnorm(1 - alpha)
  d <- (b - c) / n
  list(loss = d, lower = uniroot(function(x) score(x) - z, c(-0.9, d), tol = 1e-12)$root,
       upper = uniroot(function(x) score(x) + z, c(d, 0.9), tol = 1e-12)$root)
}

# Sequential tests: the beta mixture through R's incomplete beta function.
log_mixture <- function(s, t, p0, lower) {
  a <- 0.5
  b <- 1 / p0 - 0.5
  part <- function(a, b) pbeta(p0, a, b, lower.tail = lower, log.p = TRUE) + lbeta(a, b)
  part(a + s, b + t - s) - part(a, b) - s * log(p0) - (t - s) * log1p(-p0)
}
calls$martingale <- function(s, t, p0, ...) {
  list(pass = log_mixture(s, t, p0, TRUE), fail = log_mixture(s, t, p0, FALSE))
}
calls$requirement_n <- function(s, p0, alpha, ...) {
  t <- s:ceiling((40 + 4 * s) / p0)
  list(n = t[which(log_mixture(s, t, p0, TRUE) >= -log(alpha))[1]])
}
calls$mlperf_n <- function(t, p, confidence, ...) {
  n <- t:ceiling((20 + 4 * t) / (1 - p))
  list(n = n[which(pbinom(t, n, 1 - p) <= 1 - confidence)[1]])
}

# The balanced nested analysis of variance: mean squares of aov, expected mean squares by hand.
calls$variance_split <- function(x, repetitions, confidence, ...) {
  builds <- repetitions[1]; launches <- repetitions[2]; samples <- repetitions[3]
  build <- gl(builds, launches * samples)
  launch <- gl(builds * launches, samples)
  ms <- summary(aov(x ~ build + launch %in% build))[[1]][["Mean Sq"]]
  t2 <- c(ms[3], (ms[2] - ms[3]) / samples, (ms[1] - ms[2]) / (samples * launches))
  s2 <- c(ms[3], ms[2] / samples, ms[1] / (samples * launches))
  ci <- t.test(tapply(x, build, mean), conf.level = confidence)$conf.int
  share <- pmax(0, t2) / sum(pmax(0, t2))
  list(s2_1 = s2[1], s2_2 = s2[2], s2_3 = s2[3], t2_1 = t2[1], t2_2 = t2[2], t2_3 = t2[3],
       share_1 = share[1], share_2 = share[2], share_3 = share[3], mean = mean(x),
       mean_lower = ci[1], mean_upper = ci[2])
}
calls$sd_upper_factor <- function(k, confidence, ...) list(factor = sqrt((k - 1) / qchisq(1 - confidence, k - 1)))
calls$tolerance_builds <- function(coverage, confidence, ...) {
  n <- 1:5000
  list(n = n[which(1 - dbinom(n, n, coverage) >= confidence - 1e-12)[1]])
}

if ("data" %in% commandArgs(TRUE)) {
  sets <- list(nile = Nile, lh = lh)
  for (name in c("portpirie", "venice", "oxford", "lisbon", "sask", "lossalae", "uccle")) {
    e <- new.env()
    data(list = name, package = "evd", envir = e)
    values <- e[[name]]
    if (name == "venice") values <- values[, 1]  # the largest of each year
    if (name == "uccle") values <- values[, 1]
    if (name == "lossalae") values <- values[, 1]
    sets[[name]] <- as.numeric(values[!is.na(values)])
  }
  e <- new.env()
  data("danishClaims", package = "fExtremes", envir = e)
  sets$danish <- as.numeric(e$danishClaims[, 2])
  sets$sleep1 <- sleep$extra[1:10]
  sets$sleep2 <- sleep$extra[11:20]
  for (name in names(sets)) cat(name, paste(sprintf("%.17g", sets[[name]]), collapse = ","), "\n")
  quit()
}

show_number <- function(v) if (is.na(v)) "none" else sprintf("%.17g", v)
input <- file("stdin")
for (line in readLines(input)) {
  words <- strsplit(line, " ")[[1]]
  if (is.null(calls[[words[2]]])) next
  pairs <- strsplit(words[-(1:2)], "=")
  args <- setNames(lapply(pairs, function(p) as.numeric(strsplit(p[2], ",")[[1]])), vapply(pairs, `[`, "", 1))
  answer <- tryCatch(do.call(calls[[words[2]]], args), error = function(e) {
    list(error = gsub("[ =\n]+", "_", conditionMessage(e)))
  })
  shown <- vapply(answer, function(v) if (is.character(v)) v else show_number(unname(v)), "")
  cat(words[1], paste0(names(answer), "=", shown), "\n")
}
