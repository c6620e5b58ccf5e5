#!/bin/sh
# FANN: creating a network seeds the C library's rand() anew, whatever the program had seeded.
#
# Expected: srand(42), then fann_create_standard: the same weights in every run, as they are from rand().
# Seen: every fann_create_... calls srand itself, with a seed from the system. So weights are never the
# same, and neither is anything else that the program draws with rand() afterwards. What helps is
# srand after the network was created, and then fann_randomize_weights.
# Versions: libfann 2.2.0+ds-8 of Debian 12, double precision.
# Cost: restarts that were seeded one by one cannot be repeated, and a loop that creates networks cuts
# the program's own stream of random numbers (shuffles, folds, noise) at every one.
# Needs: apt-get, dpkg, a C compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root libfann-dev=2.2.0+ds-8 libfann2=2.2.0+ds-8 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > seed.c <<'C'
#include <doublefann.h>
#include <stdio.h>
#include <stdlib.h>

static double first_weight(struct fann *net)
{
    struct fann_connection list[9];
    fann_get_connection_array(net, list);
    return list[0].weight;
}

int main(void)
{
    double seeded[3], after[3];
    int drawn[3], own;
    srand(42);
    own = rand();
    for (int i = 0; i < 3; i++) {
        srand(42);
        struct fann *net = fann_create_standard(3, 2, 2, 1);
        drawn[i] = rand();
        seeded[i] = first_weight(net);
        srand(42);
        fann_randomize_weights(net, -0.1, 0.1);
        after[i] = first_weight(net);
    }
    printf("first weight, srand(42) before fann_create_standard: %.5f %.5f %.5f\n", seeded[0], seeded[1], seeded[2]);
    printf("first weight, srand(42) before fann_randomize_weights: %.5f %.5f %.5f\n", after[0], after[1], after[2]);
    printf("rand() after srand(42): %d; with a network created in between: %d %d %d\n", own, drawn[0], drawn[1], drawn[2]);
    int repeated = seeded[0] == seeded[1] && seeded[1] == seeded[2];
    int kept = after[0] == after[1] && after[1] == after[2];
    return !(!repeated && kept && !(drawn[0] == drawn[1] && drawn[1] == drawn[2]));
}
C
headers=$(dirname "$(find root -name doublefann.h)")
library=$(find root -name 'libdoublefann.so.2*' -type f)
cc -I"$headers" seed.c "$library" -lm -Wl,-rpath,"$(dirname "$(realpath "$library")")" -o seed
ln -sf "$(basename "$library")" "$(dirname "$library")/libdoublefann.so.2"
./seed
