#!/bin/sh
# NumPy: a seed that is a list draws the same numbers with zeros at its end as without.
#
# Expected: a list of integers is a seed, by NumPy's documents, and different lists are different streams: [study] for a study's
# data, say, and [study, restart] for each of its restarts.
# Seen: a list of less than four integers is filled up with zeros. `default_rng(7)`, `[7]`, `[7, 0]` and `[7, 0, 0]` are
# one stream, so are `[7, 3]` and `[7, 3, 0]`: the first child has its parent's numbers. (2^32 + 5 is [5, 1], as
# integers are cut into words of 32 bits.) From the fifth on zeros count. The children of `SeedSequence.spawn`
# are right, and so are lists of one length, or with the number before the seed, as in NumPy's own example.
# Versions: numpy 2.4.6, Python 3.11.
# Cost: number 0, with which every loop begins, shares its randomness with what drew one level above: the first restart starts
# at the very noise of the targets, the first fold is split by the numbers that made the data.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np


def draw(*seed):
    return tuple(np.random.default_rng(list(seed)).random(4))


print("numpy", np.__version__)
for seed in ([7], [7, 0], [7, 0, 0], [7, 0, 0, 0], [7, 0, 0, 0, 0], [7, 1]):
    print(f"  {str(seed):16}", np.round(draw(*seed), 5))
names = [(study,) for study in range(1, 4)]
names += [(study, restart) for study in range(1, 4) for restart in range(5)]
names += [(study, restart, fold) for study in range(1, 4) for restart in range(5) for fold in range(5)]
streams = len({draw(*name) for name in names})
print(f"  {len(names)} lists of one, two and three integers, {streams} different streams")
noise = np.random.default_rng(3).normal(size=1000)
starts = [np.random.default_rng([3, restart]).normal(size=1000) for restart in range(5)]
correlations = [np.corrcoef(noise, start)[0, 1] for start in starts]
print("  correlation of study 3's noise with the starts of its restarts 0 to 4:", np.round(correlations, 2))
parent = np.random.SeedSequence(7)
children = [np.random.default_rng(child).random() for child in parent.spawn(3)]
print("  spawned children:", np.round(children, 5))
words = draw(2**32 + 5) == draw(5, 1)
same = draw(7) == draw(7, 0) == draw(7, 0, 0) == draw(7, 0, 0, 0) != draw(7, 0, 0, 0, 0)
right = len(names) == 93 and streams == 75 and draw(7)[0] not in children
raise SystemExit(0 if same and words and right and np.isclose(correlations[0], 1) else 1)
PYTHON
