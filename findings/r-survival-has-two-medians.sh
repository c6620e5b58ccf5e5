#!/bin/sh
# R's survival: the median that a printed curve shows and the one that median() returns are not the same.
#
# Expected: of eight restarts four are solved, after 10, 20, 30 and 40 steps, and four are not within 100
# steps. `print(fit)`, `summary(fit)$table`, `median(fit)` and `quantile(fit, 0.5)` say one median.
# Seen: where the curve is flat at one half until the last restart is given up, the first two say 40. The
# others say 70, the middle of 40 and 100: the budget comes into the median, so that with a budget of
# 1,000 steps the same restarts have a median of 520. If one more is solved later, all four take the middle.
# Versions: survival 3.5-3 of Debian 12, R 4.2.2.
# Cost: where half of the restarts are solved, the median time to solution in a text (printed) and in a table
# (computed) differ, and the computed one grows with the budget, in which nothing more was solved.
# Needs: R 4, apt-get, dpkg.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root r-cran-survival=3.5-3-1 \
    r-cran-matrix=1.5-3-1 r-cran-lattice=0.20-45-3 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > medians.R <<'R'
library(survival)
medians <- function(time, solved) {
    fit <- survfit(Surv(time, solved) ~ 1)
    printed <- grep("^\\[1,\\]", capture.output(print(fit)), value = TRUE)
    c(printed = as.numeric(strsplit(trimws(printed), " +")[[1]][4]),
      table = unname(summary(fit)$table["median"]),
      median = unname(median(fit)),
      quantile = unname(quantile(fit, 0.5, conf.int = FALSE)))
}
cat("survival", as.character(packageVersion("survival")), "on", R.version.string, "\n")
half <- c(1, 1, 1, 1, 0, 0, 0, 0)
found <- rbind("budget 100" = medians(c(10, 20, 30, 40, rep(100, 4)), half),
               "budget 1000" = medians(c(10, 20, 30, 40, rep(1000, 4)), half),
               "a fifth at 60" = medians(c(10, 20, 30, 40, 60, rep(100, 3)), c(1, 1, 1, 1, 1, 0, 0, 0)))
print(found)
expected <- rbind(c(40, 40, 70, 70), c(40, 40, 520, 520), c(50, 50, 50, 50))
quit(status = as.integer(!all(found == expected)))
R
R_LIBS="$folder/root/usr/lib/R/library" Rscript --vanilla medians.R
