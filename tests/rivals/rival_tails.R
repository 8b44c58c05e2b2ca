# SPDX-License-Identifier: Apache-2.0
# Extreme values: evd's fits, tightened by a second search from their end; the profile bound and
# L-moments by formula. Part of rival.R.
tails <- list()

# optim's own tolerance is about 1e-4 of a parameter: search again, by a simplex, from where it ended.
tighten <- function(nll, start) {
  best <- optim(start, nll, control = list(reltol = 1e-15, maxit = 20000))
  for (i in 1:4) best <- optim(best$par, nll, control = list(reltol = 1e-15, maxit = 20000))
  best
}
gev_nll <- function(par, x) {
  value <- suppressWarnings(-sum(dgev(x, par[1], par[2], par[3], log = TRUE)))
  if (is.finite(value)) value else 1e10
}
tails$gev_mle <- function(x, ...) {
  fit <- fgev(x, std.err = FALSE)
  best <- tighten(function(par) if (par[2] <= 0) 1e10 else gev_nll(par, x), unname(fit$estimate))
  information <- optimHess(best$par, gev_nll, x = x, control = list(ndeps = rep(1e-4, 3) * best$par[2]))
  se <- sqrt(diag(solve(information)))
  gumbel <- fgev(x, shape = 0, std.err = FALSE)
  g <- tighten(function(par) if (par[2] <= 0) 1e10 else gev_nll(c(par, 0), x), unname(gumbel$estimate))
  list(mu = best$par[1], sigma = best$par[2], xi = best$par[3], nll = best$value,
       se_mu = se[1], se_sigma = se[2], se_xi = se[3],
       gumbel_mu = g$par[1], gumbel_sigma = g$par[2], gumbel_nll = g$value,
       lr = 2 * (g$value - best$value), lr_p = pchisq(2 * (g$value - best$value), 1, lower.tail = FALSE))
}
gpd_nll <- function(par, y) {
  value <- suppressWarnings(-sum(dgpd(y, 0, par[1], par[2], log = TRUE)))
  if (is.finite(value)) value else 1e10
}
gpd_best <- function(y) {
  fit <- fpot(y, 0, std.err = FALSE)
  tighten(function(par) if (par[1] <= 0) 1e10 else gpd_nll(par, y), unname(fit$estimate))
}
tails$gpd_mle <- function(x, ...) {
  best <- gpd_best(x)
  s <- best$par[1]
  information <- optimHess(c(1, best$par[2]), function(p) gpd_nll(c(p[1] * s, p[2]), x),
                           control = list(ndeps = c(1e-4, 1e-4)))
  v <- solve(information)
  list(sigma = s, xi = best$par[2], nll = best$value, var_sigma = v[1, 1] * s^2, cov = v[1, 2] * s,
       var_xi = v[2, 2])
}
l_moments <- function(x) {
  x <- sort(x)
  n <- length(x)
  b <- vapply(0:3, function(r) mean(x * choose(seq_len(n) - 1, r) / choose(n - 1, r)), 0)
  l <- c(b[1], 2 * b[2] - b[1], 6 * b[3] - 6 * b[2] + b[1], 20 * b[4] - 30 * b[3] + 12 * b[2] - b[1])
  c(l[1], l[2], l[3] / l[2], l[4] / l[2])
}
tails$l_moments <- function(x, ...) {
  l <- l_moments(x)
  list(l1 = l[1], l2 = l[2], t3 = l[3], t4 = l[4])
}
tails$gpd_lmoments <- function(x, ...) {
  l <- l_moments(x)
  k <- l[1] / l[2] - 2
  list(sigma = (1 + k) * l[1], xi = -k)
}
# Exact: t3 of the law solved for the shape (Hosking's polynomial is an approximation of it).
tails$gev_lmoments <- function(x, ...) {
  l <- l_moments(x)
  k <- uniroot(function(k) if (abs(k) < 1e-9) 2 * log(3) / log(2) - 3 - l[3] else
    2 * (1 - 3^(-k)) / (1 - 2^(-k)) - 3 - l[3], c(-.95, 5), tol = 1e-13)$root
  sigma <- l[2] * k / ((1 - 2^(-k)) * gamma(1 + k))
  list(mu = l[1] - sigma * (1 - gamma(1 + k)) / k, sigma = sigma, xi = -k)
}
tails$gpd_law <- function(y, p, sigma, xi, ...) {
  list(exceedance = pgpd(y, 0, sigma, xi, lower.tail = FALSE),
       quantile = unname(qgpd(p, 0, sigma, xi, lower.tail = FALSE)), nll = -dgpd(y, 0, sigma, xi, log = TRUE))
}
tails$gev_law <- function(p, mu, sigma, xi, ...) list(quantile = qgev(p, mu, sigma, xi))

# U_P of the excess exceeded with probability a: by the definition, the largest x whose profile
# likelihood stays within the chi-square distance of the maximum.
tails$gpd_upper <- function(x, a, confidence, weight, correction, ...) {
  best <- gpd_best(x)
  nll_at <- function(level) {
    at <- function(xi) {
      sigma <- if (abs(xi) < 1e-8) level / -log(a) else level * xi / expm1(-xi * log(a))
      gpd_nll(c(sigma, xi), x)
    }
    grid <- seq(-.95, 3, length.out = 400)
    value <- vapply(grid, at, 0)
    i <- which.min(value)
    optimize(at, c(grid[max(1, i - 1)], grid[min(400, i + 1)]), tol = 1e-11)$objective
  }
  estimate <- qgpd(a, 0, best$par[1], best$par[2], lower.tail = FALSE)
  k <- length(x)
  limit <- (sqrt(qchisq(1 - 2 * (1 - confidence), 1)) + correction / sqrt(k * weight))^2
  distance <- function(level) 2 * weight * (nll_at(level) - best$value) - limit
  high <- estimate * 1.5
  while (distance(high) < 0) high <- high * 1.5
  list(profile = uniroot(distance, c(estimate, high), tol = 1e-9 * estimate)$root,
       exponential = 2 * k * mean(x) / qchisq(1 - confidence, 2 * k) * log(1 / a))
}
# Two-sided intervals of the level exceeded with a given probability: delta by the numeric gradient of the
# quantile, profile by the likelihood with that level as a parameter.
interval_of <- function(estimate, quantile_at, par, covariance, distance, confidence) {
  step <- 1e-5 * c(rep(par[length(par) - 1], length(par) - 1), 1)
  gradient <- vapply(seq_along(par), function(i) {
    e <- replace(numeric(length(par)), i, step[i])
    (quantile_at(par + e) - quantile_at(par - e)) / (2 * step[i])
  }, 0)
  half <- qnorm((1 + confidence) / 2) * sqrt(drop(gradient %*% covariance %*% gradient))
  limit <- function(end) {
    far <- end(1)
    i <- 1
    while (distance(far) < 0) far <- end(i <- i * 1.5)
    uniroot(distance, sort(c(estimate, far)), tol = 1e-9 * abs(estimate))$root
  }
  list(estimate = estimate, delta_lower = estimate - half, delta_upper = estimate + half,
       profile_lower = limit(function(i) estimate - i * half / 3), profile_upper = limit(function(i) estimate + i * half))
}
tails$gpd_return <- function(x, a, confidence, ...) {
  best <- gpd_best(x)
  s <- best$par[1]
  v <- solve(optimHess(c(1, best$par[2]), function(p) gpd_nll(c(p[1] * s, p[2]), x), control = list(ndeps = c(1e-4, 1e-4))))
  at <- function(par) unname(qgpd(a, 0, par[1], par[2], lower.tail = FALSE))
  distance <- function(level) {
    profile <- function(xi) gpd_nll(c(if (abs(xi) < 1e-8) level / -log(a) else level * xi / expm1(-xi * log(a)), xi), x)
    grid <- seq(-.95, 2, length.out = 300)
    i <- which.min(vapply(grid, profile, 0))
    least <- optimize(profile, c(grid[max(1, i - 1)], grid[min(300, i + 1)]), tol = 1e-11)$objective
    2 * (least - best$value) - qchisq(confidence, 1)
  }
  interval_of(at(best$par), at, best$par, diag(c(s, 1)) %*% v %*% diag(c(s, 1)), distance, confidence)
}
tails$gev_return <- function(x, block_p, confidence, ...) {
  fit <- fgev(x, std.err = FALSE)
  best <- tighten(function(par) if (par[2] <= 0) 1e10 else gev_nll(par, x), unname(fit$estimate))
  v <- solve(optimHess(best$par, gev_nll, x = x, control = list(ndeps = rep(1e-4, 3) * best$par[2])))
  at <- function(par) qgev(1 - block_p, par[1], par[2], par[3])
  estimate <- at(best$par)
  distance <- function(level) {
    nll <- function(par) {  # sigma and xi; mu follows from the level
      if (par[1] <= 0) return(1e10)
      gev_nll(c(level - qgev(1 - block_p, 0, par[1], par[2]), par), x)
    }
    2 * (tighten(nll, best$par[2:3])$value - best$value) - qchisq(confidence, 1)
  }
  interval_of(estimate, at, best$par, v, distance, confidence)
}
tails$extremal <- function(x, u, run, ...) {
  list(intervals = unname(exi(x, u, 0)), runs = unname(exi(x, u, run)))
}
tails$goodness <- function(x, ...) {
  ad <- ad.test(x, "punif")
  list(a2 = unname(ad$statistic), w2 = unname(cvm.test(x, "punif")$statistic),
       a2_p = pAD(unname(ad$statistic), n = Inf, lower.tail = FALSE, fast = FALSE))
}
tails$residual_cv <- function(x, ...) {
  cv <- sqrt(mean((x - mean(x))^2)) / mean(x)
  list(cv = cv, cv_unbiased = sd(x) / mean(x), xi = (cv^2 - 1) / (2 * cv^2), z = sqrt(length(x)) * (cv - 1))
}
tails$horizon <- function(p, inferences, theta, ...) list(p = -expm1(inferences * theta * log1p(-p)))
