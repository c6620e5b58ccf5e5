#!/bin/sh
# FANN: `fann_copy` does not copy the training algorithm; the copy trains by RPROP.
#
# Expected: its documents say that fann_copy creates a copy of a fann structure; what is set of a
# network's training comes with it: rate, momentum and error function do.
# Seen: the algorithm does not. The copy of a network that is set to incremental, batch or quickprop
# training has the default, RPROP, and moves every weight by 0.12 in its first epoch.
# Versions: libfann 2.2.0+ds-8 of Debian 12, double precision.
# Cost: who trains many copies of one network (restarts from the same start, folds, threads, an
# ensemble) compares RPROP with RPROP, whatever was chosen, without a word.
# Needs: apt-get, dpkg, a C compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root libfann-dev=2.2.0+ds-8 libfann2=2.2.0+ds-8 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > copy.c <<'C'
#include <doublefann.h>
#include <math.h>
#include <stdio.h>

/* The largest change of a weight in one epoch. */
static double moved(struct fann *net, struct fann_train_data *data)
{
    struct fann_connection before[9], after[9];
    double largest = 0;
    fann_get_connection_array(net, before);
    fann_train_epoch(net, data);
    fann_get_connection_array(net, after);
    for (int i = 0; i < 9; i++)
        if (fabs(after[i].weight - before[i].weight) > largest)
            largest = fabs(after[i].weight - before[i].weight);
    return largest;
}

int main(void)
{
    struct fann *net = fann_create_standard(3, 2, 2, 1);
    struct fann_train_data *data = fann_create_train(1, 2, 1);
    data->input[0][0] = data->input[0][1] = 1;
    data->output[0][0] = 1;
    fann_set_training_algorithm(net, FANN_TRAIN_BATCH);
    fann_set_learning_rate(net, 0.25);
    struct fann *copy = fann_copy(net);
    int algorithm = fann_get_training_algorithm(net), of_copy = fann_get_training_algorithm(copy);
    double own = moved(net, data), copied = moved(copy, data);
    printf("algorithm: %d (batch), of the copy %d (RPROP is %d)\n", algorithm, of_copy, FANN_TRAIN_RPROP);
    printf("rate: %g, of the copy %g\n", (double)fann_get_learning_rate(net), (double)fann_get_learning_rate(copy));
    printf("largest change of a weight in an epoch: %.4f, of the copy %.4f\n", own, copied);
    return !(of_copy == FANN_TRAIN_RPROP && fabs(copied - own) > 1e-3);
}
C
headers=$(dirname "$(find root -name doublefann.h)")
library=$(find root -name 'libdoublefann.so.2*' -type f)
cc -I"$headers" copy.c "$library" -lm -Wl,-rpath,"$(dirname "$(realpath "$library")")" -o copy
ln -sf "$(basename "$library")" "$(dirname "$library")/libdoublefann.so.2"
./copy
