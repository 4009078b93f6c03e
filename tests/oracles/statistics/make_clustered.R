# Known answers for patients who bring several units, made once with R and kept as clustered.json.
# Run inside this folder:  Rscript make_clustered.R        Debian 12 packages: r-base-core r-cran-{survey,jsonlite}
# Tango (1998), Statistics in Medicine 17:891-908: where the score test of a difference stops rejecting, the likeliest
# share of "only the first" found as the root of its score equation.
score <- function(down, up, n, d) {
  slope <- function(q) up / (q + d) + down / q - 2 * (n - down - up) / (1 - 2 * q - d)
  ends <- c(max(0, -d), (1 - d) / 2); w <- diff(ends) * 1e-10
  q <- uniroot(slope, ends + c(w, -w), tol = 1e-16)$root
  (up - down - n * d) / sqrt(n * (2 * q + d * (1 - d))) }
tango <- function(down, up, n) { seen <- (up - down) / n; z <- qnorm(.975)
  c(uniroot(function(d) score(down, up, n, d) - z, c(-.9, seen), tol = 1e-14)$root,
    uniroot(function(d) score(down, up, n, d) + z, c(seen, .9), tol = 1e-14)$root) }

# survey's errors carry K / (K - 1) of K patients (a sampled population); osteon's of Cohen's kappa do not.
suppressMessages({library(survey); library(jsonlite)})

# The two examples of the literature, as counts per patient: both right, only the first, only the second, neither.
# thyroids: Obuchowski (1998), Statistics in Medicine 17:1495-1507, PET and SPECT of 21 patients.
# psychiatry: Donner & Petryshen (1989), Psychiatry Research 28:41-46, patient and psychiatrist, 29 psychiatrists.
thyroids <- data.frame(
  both   = c(0, 2, 3, 1, 2, 4, 3, 2, 1, 1, 2, 2, 3, 2, 0, 2, 2, 2, 2, 1, 2), first = c(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  second = c(2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0), neither = c(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0))
psychiatry <- data.frame(
  both   = c(1, 1, 3, 2, 2, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 1, 2, 1, 0, 2, 1, 0, 1, 0, 0, 0, 0, 1, 0), first = c(0, 1, 1, 1, 0, 3, 3, 3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0),
  second = c(4, 2, 3, 2, 1, 3, 0, 2, 2, 4, 2, 4, 3, 2, 1, 3, 1, 2, 0, 0, 0, 2, 1, 2, 2, 0, 0, 1, 1), neither = c(2, 2, 0, 1, 1, 0, 2, 3, 1, 3, 0, 0, 3, 2, 2, 0, 3, 2, 1, 0, 3, 0, 2, 0, 1, 2, 2, 1, 0))
units <- function(counts) { k <- rep(seq_len(nrow(counts)), 4); n <- unlist(counts)
  kind <- rep(names(counts), each = nrow(counts))
  data.frame(patient = rep(k, n), first = rep(as.integer(kind %in% c("both", "first")), n), second = rep(as.integer(kind %in% c("both", "second")), n)) }

answers <- function(counts, obuchowski) { u <- units(counts); u$d <- u$second - u$first; K <- nrow(counts); shrink <- sqrt((K - 1) / K)
  plan <- svydesign(ids = ~patient, weights = ~1, data = u); u$a <- factor(u$first); u$b <- factor(u$second)
  share <- function(x) { m <- svymean(as.formula(paste0("~", x)), plan, deff = "replace"); p <- unname(coef(m)); effect <- unname(deff(m))
    k <- nrow(u) / max(effect, 1) * (qt(.975, nrow(u) - 1) / qt(.975, degf(plan)))^2 # Korn & Graubard (1998)
    w <- suppressWarnings(prop.test(p * k, k, correct = FALSE)$conf.int)
    list(value = p, design_effect = effect, ci = as.numeric(w)) }
  d <- tapply(u$d, u$patient, sum); effect <- max(1, sum(d^2) / sum(u$d^2)); n <- nrow(u) / effect; kappa <- svykappa(~a + b, svydesign(ids = ~patient, weights = ~1, data = u))
  list(counts = lapply(counts, identity), share_first = share("first"), share_second = share("second"),
    difference = list(value = mean(u$d), ci = tango(sum(u$d < 0) / effect, sum(u$d > 0) / effect, n)), p_exact = exchanged(d),
    kappa = list(value = unname(coef(kappa)[1]), se = unname(sqrt(vcov(kappa)[1, 1])) * shrink), obuchowski_published = obuchowski) }

# The exchange test of whole patients by every pattern of signs of their differences.
exchanged <- function(d) { d <- d[d != 0]; sums <- Reduce(function(sums, x) c(sums - x, sums + x), abs(d), 0); mean(abs(sums) >= abs(sum(d))) }

# Kappa of three readers who grade the vertebrae of 24 patients 0 to 3: a function of means that survey estimates, its
# error by the delta method with derivatives from a complex step.
grades <- function() { u <- read.csv("data/vertebrae24.csv"); K <- length(unique(u$patient)); levels <- 0:3; at <- expand.grid(b = levels, a = levels)
  error <- function(means, f) { plan <- svydesign(ids = ~patient, weights = ~1, data = cbind(u["patient"], means))
    m <- svymean(as.formula(paste("~", paste(names(means), collapse = "+"))), plan); p <- coef(m)[names(means)]; V <- vcov(m)[names(means), names(means)]
    g <- sapply(seq_along(p), function(i) { q <- as.complex(p); q[i] <- q[i] + 1e-20i; Im(f(q)) / 1e-20 })
    list(value = Re(f(as.complex(p))), se = sqrt(drop(t(g) %*% V %*% g))) }
  cells <- as.data.frame(lapply(seq_len(nrow(at)), function(i) as.numeric(u$a == at$a[i] & u$b == at$b[i]))); names(cells) <- paste0("x", seq_along(cells))
  cohen <- function(credit) { k <- error(cells, function(p) { P <- matrix(p, 4, byrow = TRUE); E <- outer(rowSums(P), colSums(P))
    (sum(credit * P) - sum(credit * E)) / (1 - sum(credit * E)) }); k$se <- k$se * sqrt((K - 1) / K); k }
  gap <- abs(outer(levels, levels, "-")) / 3; calls <- as.matrix(u[c("a", "b", "c")])
  many <- data.frame(alike = (calls[, 1] == calls[, 2]) / 3 + (calls[, 1] == calls[, 3]) / 3 + (calls[, 2] == calls[, 3]) / 3)
  for (k in levels) many[[paste0("share", k)]] <- rowMeans(calls == k)
  list(none = cohen(diag(4)), linear = cohen(1 - gap), quadratic = cohen(1 - gap^2),
    fleiss = error(many, function(p) (p[1] - sum(p[-1]^2)) / (1 - sum(p[-1]^2)))) }

# Obuchowski's statistic as reported for both by Durkalski et al. (2003), Statistics in Medicine 22:2417-2428.
write(toJSON(list(made_with = list(R = R.version.string, survey = as.character(packageVersion("survey"))),
  thyroids = answers(thyroids, 2.86), psychiatry = answers(psychiatry, 7.19), vertebrae = grades()), auto_unbox = TRUE, digits = NA, pretty = TRUE), "clustered.json")
