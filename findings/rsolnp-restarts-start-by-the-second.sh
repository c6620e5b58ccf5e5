#!/bin/sh
# R's Rsolnp: random restarts draw their starts from the clock's second, and a seed given to them makes all later data alike.
#
# Expected: after `set.seed(k)` the starts of `gosolnp` follow from k, as with R's other random searches, and searches one after the
# other have starts of their own. Where its argument `rseed` is given, it rules the starts alone.
# Seen: without `rseed` ("system time will be used") the seed is the time in whole seconds: 10 searches after 10 seeds share one set
# of starts, or two if a second ends meanwhile. With it, `set.seed(rseed)` is called for the whole session: samples
# drawn between searches are the same again, of 100 data sets 2 differ.
# Versions: Rsolnp 1.16 of Debian 12, R 4.2.2.
# Cost: repeats of a search, and workers that begin in one second, are one search counted n times: the share that finds the best loss
# is 0 or 1. With `rseed`, a simulation over 100 data sets is one over two: the deviation of an estimate comes out as 0. Save
# `.Random.seed` before each call, hand over an `rseed` of its own, and restore it.
# Needs: R 4, apt-get, dpkg.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root r-cran-rsolnp=1.16+dfsg-4 r-cran-truncnorm=1.0-8-3 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > restarts.R <<'R'
suppressMessages(library(Rsolnp))
SEARCHES <- 10
SETS <- 100
search <- function(loss, ...) {
    capture.output(found <- gosolnp(fun = loss, LB = c(-2, -2), UB = c(2, 2), n.restarts = 1, n.sim = 5, ...))
    found
}
wells <- function(w) sum((w^2 - 1)^2) + w[1] / 10
starts <- function(seed) {
    set.seed(seed)
    points <- NULL
    search(function(w) { points <<- rbind(points, w); wells(w) })
    paste(format(points[1:5, ], digits = 17), collapse = " ")
}
means <- function(...) {
    set.seed(0)
    sapply(1:SETS, function(k) {
        data <- rnorm(25)
        search(function(w) sum((w[1] - data)^2) + w[2]^2, ...)$pars[1]
    })
}
cat("Rsolnp", as.character(packageVersion("Rsolnp")), "on", R.version.string, "\n")
while (as.numeric(Sys.time()) %% 1 > 0.1) Sys.sleep(0.02)  # the second has just begun
began <- as.numeric(Sys.time())
different <- length(unique(sapply(1:SEARCHES, starts)))
seconds <- floor(as.numeric(Sys.time())) - floor(began) + 1
cat("  of", SEARCHES, "searches after set.seed(1), set.seed(2), ... the starts of", different,
    "differ, seconds of the clock:", seconds, "\n")
found <- means(rseed = 1)
later <- found[-1]
cat("  of the means of", SETS, "samples", length(unique(found)), "differ; their deviation is", signif(sd(later), 2),
    "after the first, for", 1 / sqrt(25), "\n")
quit(status = as.integer(!(different <= seconds && different < SEARCHES / 2 && length(unique(found)) == 2)))
R
R_LIBS="$folder/root/usr/lib/R/site-library" Rscript --vanilla restarts.R
