#!/bin/sh
# R's nnet: a pattern on the wrong side costs 15 up to a net input of 15, and 184 beyond it.
#
# Expected: with `entropy = TRUE`, "maximum conditional likelihood", a pattern with target 0 and net input z costs
# log(1 + e^z): 14.9 at 14.9, 15.1 at 15.1. `multinom` with two classes is the logistic regression of `glm`.
# Seen: the logistic function is exactly 0 or 1 beyond 15, and the log of 0 is taken as -184.2. The loss has a wall
# of 169 there; a pattern on the right side costs 0. Of 2,001 patterns one whose net input at the optimum is 21, on the
# wrong side, is enough: `multinom` says it converged, its slope is 3% off `glm`'s, its deviance 1025.2 where the formula
# gives 699.8 at the same weights. Started at the optimum, `nnet` does not move. (With `softmax = TRUE` and two
# outputs there is no wall.)
# Versions: nnet 7.3-18 of Debian 12, R 4.2.2.
# Cost: deviance and AIC of models with an outlier, or with a wrong label, are too large by a half, and models with
# and without it are compared by them. Restarts from wide starts begin behind the wall, on another loss than
# other programs'.
# Needs: R 4, apt-get, dpkg.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root r-cran-nnet=7.3-18-1 >/dev/null
dpkg -x r-cran-nnet_*.deb unpacked
cat > wall.R <<'R'
library(nnet)
cat("nnet", as.character(packageVersion("nnet")), "on", R.version.string, "\n")
loss <- function(z, target) {
    nnet(matrix(1), matrix(target), size = 0, skip = TRUE, entropy = TRUE,
         Wts = c(0, z), maxit = 0, trace = FALSE)$value
}
z <- c(14.9, 15.1, 20)
table <- rbind("net input" = z,
               "target 0: nnet" = sapply(z, loss, 0), "  log(1 + e^z)" = log1p(exp(z)),
               "target 1: nnet" = sapply(z, loss, 1), "  log(1 + e^-z)" = log1p(exp(-z)))
print(signif(table, 6))

set.seed(1)
x <- rnorm(2000)
y <- rbinom(2000, 1, plogis(8 * x))
x <- c(x, 3) # one pattern on the wrong side
y <- c(y, 0)
deviance_at <- function(b) -2 * sum(dbinom(y, 1, plogis(b[1] + b[2] * x), log = TRUE))
reference <- glm(y ~ x, family = binomial)
fitted <- multinom(y ~ x, trace = FALSE, maxit = 1000, reltol = 1e-12)
again <- nnet(cbind(x), matrix(y), size = 0, skip = TRUE, entropy = TRUE, Wts = coef(reference),
              maxit = 1000, reltol = 1e-12, trace = FALSE)
apart <- nnet(cbind(x), class.ind(y), size = 0, skip = TRUE, softmax = TRUE,
              maxit = 1000, reltol = 1e-12, trace = FALSE)
cat(sprintf("glm:             slope %.3f, deviance %.1f, net input of the one pattern %.1f\n",
            coef(reference)[2], deviance(reference), sum(coef(reference) * c(1, 3))))
cat(sprintf("multinom:        slope %.3f, deviance %.1f, by the formula %.1f, convergence code %d\n",
            coef(fitted)[2], deviance(fitted), deviance_at(coef(fitted)), fitted$convergence))
cat(sprintf("nnet, from glm's: moved by %g, deviance %.1f\n",
            max(abs(again$wts - coef(reference))), 2 * again$value))
cat(sprintf("nnet, softmax:   deviance %.1f\n", 2 * apart$value))
wall <- abs(table[2, 1] - 14.9) < 0.01 && abs(table[2, 2] + log(1e-80)) < 0.01 && table[4, 2] == 0
seen <- fitted$convergence == 0 && deviance(fitted) > deviance_at(coef(fitted)) + 300 &&
    coef(fitted)[2] > coef(reference)[2] * 1.02 && max(abs(again$wts - coef(reference))) < 1e-9 &&
    abs(2 * apart$value - deviance(reference)) < 0.01
quit(status = as.integer(!(wall && seen)))
R
R_LIBS="$folder/unpacked/usr/lib/R/library" Rscript --vanilla wall.R
