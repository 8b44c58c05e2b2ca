# SPDX-License-Identifier: Apache-2.0
# Series in run order: stationarity, independence, trend. Part of rival.R.
series <- list()

series$acf <- function(x, lags, ...) {
  r <- acf(x, lag.max = lags, plot = FALSE)$acf[-1]
  setNames(as.list(r), paste0("r", seq_along(r)))
}
geyer_tau <- function(x, most) {
  r <- acf(x, lag.max = most, plot = FALSE)$acf[-1]
  sum_r <- 0
  for (j in seq(1, length(r) - 1, 2)) {
    pair <- r[j] + r[j + 1]
    if (pair <= 0) break
    sum_r <- sum_r + pair
  }
  max(1, 1 + 2 * sum_r)
}
series$exceedance_tau <- function(x, q, ...) {
  above <- as.numeric(x > quantile(x, q, type = 1))
  list(tau = if (sd(above) == 0) 1 else geyer_tau(above, min(length(x) %/% 4, 10000)))
}
series$ljung_box <- function(x, lags, ...) {
  value <- Box.test(x, lags, "Ljung")
  rank <- Box.test(rank(x), lags, "Ljung")
  above <- Box.test(as.numeric(x > quantile(x, .95, type = 1)), lags, "Ljung")
  list(q = unname(value$statistic), p = unname(value$p.value), rank_q = unname(rank$statistic),
       rank_p = unname(rank$p.value), above_q = unname(above$statistic), above_p = unname(above$p.value))
}
kpss_by_formula <- function(x, lags) {
  n <- length(x)
  e <- x - mean(x)
  s2 <- sum(e^2) / n
  for (j in seq_len(lags)) s2 <- s2 + 2 * (1 - j / (lags + 1)) * sum(e[(j + 1):n] * e[1:(n - j)]) / n
  sum(cumsum(e)^2) / n^2 / s2
}
# Its limit law is that of Cramer-von Mises' W^2, which goftest knows.
series$kpss <- function(x, ...) {
  eta <- unname(suppressWarnings(kpss.test(x, "Level", lshort = TRUE))$statistic)
  list(statistic = eta, p = pCvM(eta, n = Inf, lower.tail = FALSE))
}
series$kpss_lags <- function(x, lags, ...) list(statistic = kpss_by_formula(x, lags))
series$runs <- function(x, ...) {
  test <- runs.test(factor(x > median(x)))
  list(z = unname(test$statistic), p = unname(test$p.value))
}
series$pettitt <- function(x, ...) {
  n <- length(x)
  u <- 2 * cumsum(rank(x)) - (1:n) * (n + 1)
  k <- max(abs(u))
  list(k = k, at = which.max(abs(u)), p = min(1, 2 * exp(-6 * k^2 / (n^3 + n^2))))
}
kolmogorov <- function(lambda) min(1, 2 * sum((-1)^(0:199) * exp(-2 * (1:200)^2 * lambda^2)))
series$ks <- function(x, split, ...) {
  a <- x[1:split]
  b <- x[(split + 1):length(x)]
  d <- unname(suppressWarnings(ks.test(a, b))$statistic)
  root <- sqrt(length(a) * length(b) / length(x))
  list(d = d, p = kolmogorov((root + .12 + .11 / root) * d))
}
series$mann_kendall <- function(x, ...) {
  test <- suppressWarnings(cor.test(x, seq_along(x), method = "kendall", exact = FALSE, continuity = TRUE))
  list(tau = unname(test$estimate), p = test$p.value)
}
series$sup_f <- function(x, trim, ...) {
  n <- length(x)
  breaks <- max(1, floor(trim * n)):(n - max(1, floor(trim * n)))
  f <- vapply(breaks, function(t) {
    rss <- sum(residuals(lm(x ~ I(seq_len(n) <= t)))^2)
    (sum((x - mean(x))^2) - rss) / (rss / (n - 2))
  }, 0)
  list(f = max(f), at = breaks[which.max(f)])
}
series$ols_cusum <- function(x, ...) {
  statistic <- max(abs(cumsum(residuals(lm(x ~ 1))))) / (sd(x) * sqrt(length(x)))
  list(statistic = statistic, p = kolmogorov(statistic))
}
series$mser5 <- function(x, ...) {
  m <- length(x) %/% 5
  y <- colMeans(matrix(rank(x)[1:(5 * m)], 5))
  value <- vapply(0:(m - 10), function(d) sum((y[(d + 1):m] - mean(y[(d + 1):m]))^2) / (m - d)^2, 0)
  list(cut = 5 * (which.min(value) - 1))
}
series$exceedance_slices <- function(x, slices, ...) {
  n <- length(x)
  above <- x > quantile(x, .99, type = 1)
  if (!any(above)) return(list(statistic = NA, p = NA))
  slice <- floor((seq_len(n) - 1) * slices / n)
  test <- suppressWarnings(chisq.test(table(above, slice), correct = FALSE))
  list(statistic = unname(test$statistic), p = unname(test$p.value))
}
series$bds <- function(x, m, eps, ...) {
  test <- bds.test(x, m = max(m, 2), eps = eps)
  z <- test$statistic[m - 1, 1]
  list(statistic = unname(z), p = unname(test$p.value[m - 1, 1]))
}
# n <= 2^16: one segment, cut to the largest length of factors 2, 3 and 5; ten cycles at least.
series$fisher_g <- function(x, ...) {
  n <- length(x)
  lengths <- as.vector(outer(outer(2^(0:16), 3^(0:10)), 5^(0:7)))
  n <- max(lengths[lengths <= n])
  r <- rank(x)[1:n]
  power <- Mod(fft(r - mean(r)))[11:((n - 1) %/% 2 + 1)]^2
  g <- max(power) / sum(power)
  c(list(g = g), series$fisher_tail(g, length(power)))
}
series$level_shape <- function(x, ...) {
  r <- rank(x)
  n <- length(r)
  step <- vapply(seq_len(n - 1), function(t) cor(r, seq_len(n) > t)^2, 0)
  line <- summary(lm(r ~ seq_len(n)))
  list(step_r2 = max(step), step_at = which.max(step), line_r2 = line$r.squared, slope = coef(line)[2, 1])
}
series$fisher_tail <- function(g, m, ...) {
  j <- seq_len(floor(1 / g))
  list(p = sum((-1)^(j - 1) * choose(m, j) * (1 - j * g)^(m - 1)))
}

# Trend over groups in order. Exact by dealing out the values in every way, else Hollander & Wolfe's
# normal law with its variance for ties.
groups_of <- function(x, sizes) split(x, rep(seq_along(sizes), sizes))
jonckheere <- function(groups) {
  j <- 0
  for (a in seq_along(groups)) for (b in seq_along(groups)) if (a < b)
    j <- j + sum(outer(groups[[a]], groups[[b]], function(u, v) (u < v) + (u == v) / 2))
  j
}
deal <- function(x, sizes) {
  if (length(sizes) == 1) return(list(list(x)))
  out <- list()
  for (pick in combn(length(x), sizes[1], simplify = FALSE))
    for (rest in deal(x[-pick], sizes[-1])) out[[length(out) + 1]] <- c(list(x[pick]), rest)
  out
}
series$jonckheere <- function(x, sizes, ...) {
  groups <- groups_of(x, sizes)
  j <- jonckheere(groups)
  n <- length(x)
  t <- as.numeric(table(x))
  part <- function(v) sum(v * (v - 1) * (2 * v + 5))
  two <- function(v) sum(v * (v - 1))
  three <- function(v) sum(v * (v - 1) * (v - 2))
  variance <- (part(n) - part(sizes) - part(t)) / 72 + three(sizes) * three(t) / (36 * n * (n - 1) * (n - 2)) +
    two(sizes) * two(t) / (8 * n * (n - 1))
  z <- (j - (n^2 - sum(sizes^2)) / 4) / sqrt(variance)
  ways <- exp(lfactorial(n) - sum(lfactorial(sizes)))
  if (ways < 3000) {
    all <- vapply(deal(x, sizes), jonckheere, 0)
    up <- mean(all >= j - 1e-9)
    down <- mean(all <= j + 1e-9)
  } else {
    up <- pnorm(z, lower.tail = FALSE)
    down <- pnorm(z)
  }
  list(j = j, z = z, p_up = up, p_down = down, p = min(1, 2 * min(up, down)))
}
series$page <- function(x, treatments, ...) {
  blocks <- matrix(x, ncol = treatments, byrow = TRUE)
  ranks <- t(apply(blocks, 1, rank))
  l <- sum(ranks %*% seq_len(treatments))
  permutations <- function(v) if (length(v) == 1) list(v) else
    unlist(lapply(seq_along(v), function(i) lapply(permutations(v[-i]), function(p) c(v[i], p))), FALSE)
  sums <- 0
  for (b in seq_len(nrow(ranks))) {
    one <- vapply(permutations(ranks[b, ]), function(p) sum(p * seq_len(treatments)), 0)
    sums <- as.vector(outer(sums, one, `+`))
  }
  list(l = l, p_up = mean(sums >= l - 1e-9), p_down = mean(sums <= l + 1e-9))
}
