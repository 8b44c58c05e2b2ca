# SPDX-License-Identifier: Apache-2.0
# rival.R FILE B K,K,...: the pipeline of bench_stats in R with evd, tseries and goftest; JSON on stdout.
# Steps as in rival.py, which says what is left out. Fits without standard errors (their Hessian costs
# time that the bootstrap does not need); tests by R's own functions where those are vectorised or C,
# else by the formula. See run.py.
suppressPackageStartupMessages({
  library(evd); library(tseries)
})
arguments <- commandArgs(TRUE)
bytes <- file.info(arguments[1])$size
# R has no 64-bit integers: latencies below 2^53 ns are exact as doubles.
words <- readBin(arguments[1], "integer", bytes / 4, size = 4, endian = "little")
x <- words[c(FALSE, TRUE)] * 2^32 + ifelse(words[c(TRUE, FALSE)] < 0, 2^32, 0) + words[c(TRUE, FALSE)]
rm(words)
replicates <- as.integer(arguments[2])
sizes <- as.integer(strsplit(arguments[3], ",")[[1]])
n <- length(x)
ordered <- NULL
confidence <- .95
set.seed(1)
cpu_seconds <- function() sum(proc.time()[1:2])

tau_of <- function(indicator, most) {
  e <- indicator - mean(indicator)
  variance <- sum(e * e)
  tau <- 1
  for (k in seq(1, most - 1, 2)) {
    pair <- (sum(e[(k + 1):n] * e[1:(n - k)]) + sum(e[(k + 2):n] * e[1:(n - k - 1)])) / variance
    if (pair <= 0) break
    tau <- tau + 2 * pair
  }
  max(1, tau)
}
quantiles <- function() {
  ordered <<- sort(x)
  lower <- upper <- c()
  for (q in c(.5, .9, .95, .99, .999)) {
    tau <- tau_of(as.numeric(x > ordered[ceiling(n * q)]), 10000)
    a <- (1 - confidence) / 2
    if (tau <= 1.2) {
      ranks <- c(qbinom(1 - a, n, q) + 1, n - qbinom(1 - a, n, 1 - q))
    } else {
      e <- n / tau
      ranks <- c(ceiling(n * (1 - qbeta(a, e * (1 - q), e * q + 1))), 1 + floor(n * qbeta(a, e * q, e * (1 - q) + 1)))
    }
    upper <- c(upper, ordered[ranks[1]])
    lower <- c(lower, ordered[ranks[2]])
  }
  list(quantile_lower = lower, quantile_upper = upper)
}
fisher_g <- function(e) {
  step <- n %/% ceiling(n / 65536)
  length <- max(Filter(function(v) v <= step, as.vector(outer(outer(2^(0:16), 3^(0:10)), 5^(0:7)))))
  power <- vapply(seq(0, by = step, length.out = ceiling(n / 65536)), function(start) {
    part <- e[start + seq_len(length)]
    p <- Mod(fft(part - mean(part)))[11:((length - 1) %/% 2 + 1)]^2
    max(p) / sum(p)
  }, 0)
  max(power)
}
mid_ranks <- function(x, order) {  # rank() takes five times as long
  first <- c(TRUE, diff(x[order]) != 0)
  starts <- which(first)
  ends <- c(starts[-1] - 1, n)
  ranks <- numeric(n)
  ranks[order] <- ((starts + ends) / 2)[cumsum(first)]
  ranks
}
gate <- function() {
  half <- n %/% 2
  order <- order(x, method = "radix")
  top <- tail(x[order], n %/% 20 + 1) - x[order][half]
  spacings <- (n %/% 20):1 * diff(log(top))
  ranks <- mid_ranks(x, order)
  m <- n %/% 5
  y <- colMeans(matrix(ranks[1:(5 * m)], 5))
  left <- m - 0:(m - 10)
  back <- function(v) rev(cumsum(rev(v)))[seq_along(left)]
  cut <- 5 * (which.min((back(y^2) - back(y)^2 / left) / left^2) - 1)
  quantile(x[1:half], c(.5, .99), type = 1)
  quantile(x[(half + 1):n], c(.5, .99), type = 1)
  above <- ranks > quantile(ranks, .99, type = 1)
  slice <- ((seq_len(n) - 1) * 10) %/% n
  counts <- tabulate(slice[above] + 1, 10)
  centred <- ranks - mean(ranks)
  tail <- as.numeric(ranks > quantile(ranks, .95, type = 1))
  over <- ranks > median(ranks)
  n1 <- sum(over)
  runs <- 1 + sum(over[-1] != over[-n])
  mean_runs <- 1 + 2 * n1 * (n - n1) / n
  fisher_g(tail)
  tau_of(centred, 400)
  tau_of(tail, 400)
  list(kpss = unname(suppressWarnings(kpss.test(x))$statistic),
       pettitt = max(abs(2 * cumsum(ranks) - seq_len(n) * (n + 1))),
       ks_halves = unname(suppressWarnings(ks.test(x[1:half], x[(half + 1):n], exact = FALSE))$statistic),
       exceedance_slices = unname(chisq.test(rbind(counts, tabulate(slice + 1, 10) - counts))$statistic),
       ljung_box_ranks = unname(Box.test(ranks, 20, "Ljung")$statistic),
       ljung_box_tail = unname(Box.test(tail, 20, "Ljung")$statistic),
       runs = (runs - mean_runs) / sqrt((mean_runs - 1) * (mean_runs - 2) / (n - 1)),
       fisher_ranks = fisher_g(centred), warm_up = cut)
}
# Scaled by the mean: in nanoseconds evd's search ends early, with an error in the second digit of the shape.
fit <- function(y) {
  k <- length(y)
  l1 <- mean(y)
  y <- y / l1
  l2 <- 2 * sum((seq_len(k) - 1) * y) / (k * (k - 1)) - 1
  start <- list(scale = 1 / l2 - 1, shape = 2 - 1 / l2)
  unname(fpot(y, 0, start = start, std.err = FALSE)$estimate) * c(l1, 1)
}
anderson_darling <- function(y, par) {
  k <- length(y)
  z <- pmin(pmax(pgpd(y, 0, par[1], par[2]), 1e-300), 1 - 1e-16)
  -k - mean((2 * seq_len(k) - 1) * (log(z) + log1p(-rev(z))))
}
bootstrap_seconds <- 0
thresholds <- function() {
  out <- list(k = c(), xi = c(), sigma = c(), a2 = c())
  for (k in sizes) {
    u <- ordered[n - k]
    y <- ordered[ordered > u] - u
    par <- fit(y)
    out$k <- c(out$k, length(y))
    out$sigma <- c(out$sigma, par[1])
    out$xi <- c(out$xi, par[2])
    out$a2 <- c(out$a2, anderson_darling(y, par))
    start <- cpu_seconds()
    for (b in seq_len(replicates)) {
      z <- sort(par[1] * expm1(-par[2] * log(runif(length(y)))) / par[2])
      anderson_darling(z, fit(z))
    }
    bootstrap_seconds <<- bootstrap_seconds + cpu_seconds() - start
  }
  out
}

# Everything of the pWCET that follows the choice of the threshold, at the most exceedances.
profile_upper <- function(y, par, a) {
  k <- length(y)
  nll <- function(sigma, xi) {
    t <- 1 + xi * y / sigma
    if (sigma <= 0 || min(t) <= 0) 1e10 else k * log(sigma) + (1 + 1 / xi) * sum(log(t))
  }
  at <- function(xi, level) nll(level * xi / expm1(-xi * log(a)), xi)
  best <- function(level) optimize(at, c(-.95, 1.5), level, tol = 1e-7)$objective
  # The limit of chi-square with ours' correction for small samples (pwcet.h).
  allowed <- (qnorm(confidence) + 2 / sqrt(k))^2
  distance <- function(level) 2 * (best(level) - nll(par[1], par[2])) - allowed
  level <- par[1] * expm1(-par[2] * log(a)) / par[2]
  high <- 1.5 * level
  while (distance(high) < 0) high <- 1.5 * high
  uniroot(distance, c(level, high), tol = 1e-6 * level)$root
}
theta_of <- function(gaps) {
  s <- gaps - 1
  min(1, 2 * sum(s)^2 / (length(gaps) * sum(s * (gaps - 2))))
}
rest <- function() {
  k <- sizes[1]
  u <- ordered[n - k]
  y <- ordered[(n - k + 1):n] - u
  par <- fit(y)
  for (part in c(2, 4)) fit(ordered[(n - k %/% part + 1):n] - ordered[n - k %/% part])
  gaps <- diff(which(x > u))
  block <- ceiling(k^(1 / 3))
  theta <- replicate(499, theta_of(gaps[as.vector(outer(
    0:(block - 1), sample(length(gaps) - block + 1, ceiling(length(gaps) / block), TRUE), `+`))[seq_along(gaps)]]))
  quantile(theta, c(.025, .975))
  half <- x[1:(n %/% 2)]
  held <- sort(half[half > u]) - u
  half_par <- fit(held)
  sum(x[(n %/% 2 + 1):n] > u + qgpd(10 / length(held), 0, half_par[1], half_par[2], lower.tail = FALSE))
  for (b in 1:499) {  # multiple-threshold test of the residual CV
    e <- sort(rexp(k))
    for (part in k %/% 2^(0:5)) {
      z <- e[(k - part + 1):k] - if (part < k) e[k - part] else 0
      sd(z) / mean(z)
    }
  }
  tau_of(as.numeric(x > ordered[n %/% 2]), 2000)
  size <- n %/% 200
  maxima <- apply(matrix(x[1:(n %/% size * size)], size), 2, max)
  z <- (maxima - mean(maxima)) / sd(maxima)
  gev <- fgev(z, std.err = FALSE)
  fgev(z, shape = 0, std.err = FALSE)
  a <- c(1e-3, 1e-4, 1e-5, 1e-6, 1e-9) * n / k
  mean_upper <- 2 * k * mean(y) / qchisq(1 - confidence, 2 * k)
  list(profile_upper = vapply(a, function(v) if (v < 1) u + profile_upper(y, par, v) else 0, 0),
       exponential_upper = vapply(a, function(v) if (v < 1) u + mean_upper * log(1 / v) else 0, 0),
       block_maxima_xi = unname(gev$estimate["shape"]), extremal_index = theta_of(gaps))
}

seconds <- list()
result <- list()
lap <- function(step, work) {
  start <- cpu_seconds()
  out <- work()
  seconds[[step]] <<- cpu_seconds() - start
  result <<- c(result, out)
}
lap("gate", gate)
lap("quantiles", quantiles)
lap("thresholds", thresholds)
seconds$thresholds <- seconds$thresholds - bootstrap_seconds
seconds$bootstrap <- bootstrap_seconds
lap("rest", rest)
json <- function(v) if (is.list(v)) paste0("{", paste0('"', names(v), '":', vapply(v, json, ""), collapse = ","), "}") else
  if (length(v) > 1) paste0("[", paste(sprintf("%.15g", v), collapse = ","), "]") else sprintf("%.15g", v)
cat('{"name":"', R.version.string, ", evd ", as.character(packageVersion("evd")), '","seconds":', json(seconds),
    ',"replicates":', replicates, ',"result":', json(result), "}\n", sep = "")
