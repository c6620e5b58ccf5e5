#!/bin/sh
# copia: ACE, the estimate of how many minima there are, says 169 after 100 draws from 100 equally likely ones.
#
# Expected: Chao and Lee's estimate (1992), as scikit-bio has it: rare classes over their coverage, plus a term for how unequal they are,
# (S / C) sum i (i - 1) f_i / (n (n - 1)) - 1, which is near 0 where all are equally likely, and 0 where that is negative.
# Seen: the sum has i f_i in place of i (i - 1) f_i, and 1 is not taken off, as the greater of "minus 1" and "minus 0" is taken in place of the
# greater of the term and 0. Of 100 equally likely classes the mean estimate is 169 after 100 draws and 132 after 150, and of 500 after 300 draws 1,130; scikit-bio
# has 106, 103 and 515. Classes that were never seen, zeros in the counts, are counted as seen ones.
# Versions: copia 0.1.4, scikit-bio 0.7.4, numpy 2.4.6, Python 3.11. (copia 0.1.6, for Python 3.13, has the same formula.)
# Cost: of minima, or species, that were not seen there are three times as many as there are, and a search goes on that has found most. Other estimates of copia
# (Chao1 by hand here) are right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check copia==0.1.4 scikit-bio==0.7.4 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from copia.richness import diversity
from skbio.diversity.alpha import ace

RARE = 10


def by_hand(counts):
    rare = counts[counts <= RARE]
    n, once = rare.sum(), (rare == 1).sum()
    coverage = 1 - once / n
    unequal = max(len(rare) / coverage * sum(i * (i - 1) * (rare == i).sum() for i in range(1, RARE + 1)) / (n * (n - 1)) - 1, 0)
    return (counts > RARE).sum() + len(rare) / coverage + once / coverage * unequal


print(" ".join(f"{name} {version(name)}" for name in ("copia", "scikit-bio", "numpy")))
generator = np.random.default_rng(0)
seen = []
for classes, draws in ((100, 100), (100, 150), (500, 300)):
    estimates = []
    for _ in range(200):
        counts = generator.multinomial(draws, np.full(classes, 1 / classes))
        counts = counts[counts > 0]
        estimates.append((diversity(counts, method="ace"), ace(counts), by_hand(counts), len(counts)))
    copia, skbio, hand, found = np.mean(estimates, axis=0)
    print(f"  {classes} classes, {draws} draws: {found:.0f} seen, copia {copia:.0f}, scikit-bio {skbio:.0f}, by hand {hand:.0f}")
    seen.append(copia > 1.25 * classes and abs(skbio - hand) < 1e-6 and abs(hand - classes) < 0.1 * classes)
few = np.array([10, 5, 3, 2, 2, 1, 1, 1, 1, 1])
padded = diversity(np.append(few, [0, 0, 0]), method="ace")
once, twice, n = (few == 1).sum(), (few == 2).sum(), few.sum()
chao1 = len(few) + (n - 1) / n * once**2 / (2 * twice)
print(f"  counts {few.tolist()}: copia {diversity(few, method='ace'):.2f}, with three zeros {padded:.2f}, by hand {by_hand(few):.2f}; "
      f"Chao1 {diversity(few, method='chao1'):.2f}, by hand {chao1:.2f}")
raise SystemExit(0 if all(seen) and padded > diversity(few, method="ace") + 1 else 1)
PYTHON
