#!/bin/sh
# FANN: fann_init_weights, "Widrow + Nguyen's algorithm", draws positive weights only, of other lengths.
#
# Expected: Nguyen and Widrow (1990): the weights to each of H hidden units have a random direction and the
# length 0.7 H^(1/N), for N inputs on [-1, 1].
# Seen: all weights are positive, drawn from 0 to (0.7 H)^(1/N) (divided by the range of the inputs) each by
# itself, and only biases have both signs; weights to the output units are drawn likewise. So all
# hidden units of a start lean the same way, and none has weights of opposite signs, as XOR wants. With two
# hidden units it solves XOR from fewer starts than weights on [-1, 1] do.
# Versions: libfann 2.2.0+ds-8 of Debian 12, double precision.
# Cost: who compares initialisations, or takes FANN's for what the paper and other programs call Nguyen
# and Widrow's, compares something else.
# Needs: apt-get, dpkg, a C compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root libfann-dev=2.2.0+ds-8 libfann2=2.2.0+ds-8 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > starts.c <<'C'
#include <doublefann.h>
#include <math.h>
#include <stdio.h>

enum { HIDDEN = 4, STARTS = 1000, BIAS = 2, HIDDEN_BIAS = 3 + HIDDEN };

static double inputs[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, targets[4] = {0, 1, 1, 0};

/* How many of 1,000 starts of two hidden units are right on XOR after 1,000 epochs of RPROP. */
static int solved(struct fann_train_data *data, int widrow_nguyen)
{
    int count = 0;
    for (int start = 0; start < STARTS; start++) {
        struct fann *net = fann_create_standard(3, 2, 2, 1);
        int right = 0;
        fann_set_activation_function_hidden(net, FANN_SIGMOID);
        fann_set_activation_function_output(net, FANN_SIGMOID);
        if (widrow_nguyen) fann_init_weights(net, data);
        else fann_randomize_weights(net, -1, 1);
        for (int epoch = 0; epoch < 1000; epoch++) fann_train_epoch(net, data);
        for (int i = 0; i < 4; i++) right += (fann_run(net, inputs[i])[0] > 0.5) == (targets[i] > 0.5);
        count += right == 4;
        fann_destroy(net);
    }
    return count;
}

int main(void)
{
    struct fann_train_data *data = fann_create_train(4, 2, 1);
    struct fann_connection list[64];
    int negative = 0, positive = 0, biases = 0, negative_biases = 0;
    double largest = 0, paper = 0.7 * sqrt(HIDDEN), here = sqrt(0.7 * HIDDEN);
    for (int i = 0; i < 4; i++) {
        data->input[i][0] = inputs[i][0];
        data->input[i][1] = inputs[i][1];
        data->output[i][0] = targets[i];
    }
    for (int start = 0; start < STARTS; start++) {
        struct fann *net = fann_create_standard(3, 2, HIDDEN, 1);
        fann_init_weights(net, data);
        int count = (int)fann_get_total_connections(net);
        fann_get_connection_array(net, list);
        for (int i = 0; i < count; i++) {
            double weight = list[i].weight;
            if (list[i].from_neuron == BIAS || list[i].from_neuron == HIDDEN_BIAS) {
                biases++;
                negative_biases += weight < 0;
                continue;
            }
            if (weight < 0) negative++;
            else positive++;
            if (fabs(weight) > largest) largest = fabs(weight);
        }
        fann_destroy(net);
    }
    printf("%d starts of 2-%d-1: %d weights negative, %d positive; %d of %d biases negative\n", STARTS, HIDDEN,
           negative, positive, negative_biases, biases);
    printf("largest weight %.3f; (0.7 H)^(1/N) = %.3f, the paper's 0.7 H^(1/N) = %.3f\n", largest, here, paper);
    printf("XOR, 2-2-1, RPROP: %d of %d solved from fann_init_weights, ", solved(data, 1), STARTS);
    printf("%d from [-1, 1]\n", solved(data, 0));
    return !(negative == 0 && negative_biases > biases / 3 && fabs(largest - here) < 0.05);
}
C
headers=$(dirname "$(find root -name doublefann.h)")
library=$(find root -name 'libdoublefann.so.2*' -type f)
cc -I"$headers" starts.c "$library" -lm -Wl,-rpath,"$(dirname "$(realpath "$library")")" -o starts
ln -sf "$(basename "$library")" "$(dirname "$library")/libdoublefann.so.2"
./starts
