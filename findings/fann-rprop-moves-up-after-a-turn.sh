#!/bin/sh
# FANN: after a derivative has changed its sign, RPROP adds the halved step to the weight, always.
#
# Expected: FANN's documents call its RPROP the iRPROP- of Igel and Hüsken (2000): where a derivative
# has changed its sign the step is halved and the derivative counts as zero, so that the weight stays
# for one epoch. The first step is `rprop_delta_zero`.
# Seen: the weight goes up by the halved step, whichever way it came from. A weight that went up over
# its minimum goes farther away; one that came down is moved back up, which resembles the step taken
# back in Rprop+. The first step is 1.2 times `rprop_delta_zero`, since a product of zero counts as a
# kept sign. (A linear unit without hidden units: weight and bias are equal, so all is seen in one.)
# Versions: libfann 2.2.0+ds-8 of Debian 12, double precision.
# Cost: who compares RPROP across libraries, or reproduces a FANN result by the paper's rule, gets other
# paths, from the first epoch on; and the two directions of a weight are not treated alike.
# Needs: apt-get, dpkg, a C compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root libfann-dev=2.2.0+ds-8 libfann2=2.2.0+ds-8 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > rprop.c <<'C'
#include <doublefann.h>
#include <stdio.h>

/* The output for input 1 and target 0.25, epoch by epoch, from weights of `start` each. */
static void train(double start, double *seen, int epochs)
{
    struct fann *net = fann_create_standard(2, 1, 1);
    struct fann_train_data *data = fann_create_train(1, 1, 1);
    fann_type input[1] = {1.0};
    fann_set_activation_function_output(net, FANN_LINEAR);
    fann_set_activation_steepness_output(net, 1.0);
    fann_set_train_error_function(net, FANN_ERRORFUNC_LINEAR);
    fann_set_training_algorithm(net, FANN_TRAIN_RPROP);
    data->input[0][0] = 1.0;
    data->output[0][0] = 0.25;
    fann_set_weight(net, 0, 2, start);
    fann_set_weight(net, 1, 2, start);
    for (int epoch = 0; epoch <= epochs; epoch++) {
        seen[epoch] = fann_run(net, input)[0];
        fann_train_epoch(net, data);
    }
    printf("  from %5.2f:", 2 * start);
    for (int epoch = 0; epoch <= epochs; epoch++) printf(" %.4f", seen[epoch]);
    printf("\n");
}

static int near(double a, double b) { return a - b < 1e-6 && b - a < 1e-6; }

int main(void)
{
    double below[4], above[4];
    printf("outputs after each epoch, target 0.25\n");
    train(0.0, below, 3);
    train(0.25, above, 3);
    /* two weights: the output moves by twice a step */
    int first = near(below[1] - below[0], 2 * 1.2 * 0.1);
    int away = below[2] > 0.25 && near(below[3] - below[2], 2 * 0.5 * 1.2 * 1.2 * 0.1);
    int back = above[2] < 0.25 && near(above[3] - above[2], 2 * 0.5 * 1.2 * 1.2 * 0.1);
    printf("first step 1.2 times delta_zero: %d; up and away: %d; up and back: %d\n", first, away, back);
    return !(first && away && back);
}
C
headers=$(dirname "$(find root -name doublefann.h)")
library=$(find root -name 'libdoublefann.so.2*' -type f)
cc -I"$headers" rprop.c "$library" -lm -Wl,-rpath,"$(dirname "$(realpath "$library")")" -o rprop
ln -sf "$(basename "$library")" "$(dirname "$library")/libdoublefann.so.2"
./rprop
