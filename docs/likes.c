/* Train 2-2-1 networks on XOR with FANN from given starts; docs/likes.py calls it.

   cc -DHEADER='<doublefann.h>' likes.c -ldoublefann -lm   (or floatfann)
   ./a.out ALGORITHM RATE MOMENTUM EPOCHS < STARTS     as in FANN_TRAIN_NAMES, 0 incremental
   A start is W1 row by row, b1, W2, b2; what comes out are the weights in the same order. */
#include HEADER
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    const unsigned int from[9] = {0, 1, 0, 1, 2, 2, 3, 4, 5}, to[9] = {3, 3, 4, 4, 3, 4, 6, 6, 6};
    enum fann_train_enum algorithm = (enum fann_train_enum)atoi(arguments[1]);
    struct fann_train_data *data = fann_create_train(4, 2, 1);
    struct fann_connection found[9];
    double weight;
    for (int p = 0; p < 4; p++) {
        data->input[p][0] = p / 2;
        data->input[p][1] = p % 2;
        data->output[p][0] = p / 2 != p % 2;
    }
    while (count == 5) {
        struct fann *net = fann_create_standard(3, 2, 2, 1); /* fann_copy forgets the algorithm */
        fann_set_activation_function_hidden(net, FANN_SIGMOID);
        fann_set_activation_function_output(net, FANN_SIGMOID);
        fann_set_training_algorithm(net, algorithm);
        if (algorithm != FANN_TRAIN_RPROP) fann_set_learning_rate(net, atof(arguments[2]));
        fann_set_learning_momentum(net, atof(arguments[3]));
        for (int i = 0; i < 9; i++) {
            if (scanf("%lf", &weight) != 1) return 0;
            fann_set_weight(net, from[i], to[i], weight);
        }
        for (int epoch = 0; epoch < atoi(arguments[4]); epoch++) fann_train_epoch(net, data);
        fann_get_connection_array(net, found);
        for (int i = 0; i < 9; i++)
            for (int j = 0; j < 9; j++)
                if (found[j].from_neuron == from[i] && found[j].to_neuron == to[i])
                    printf("%.17g%c", (double)found[j].weight, i < 8 ? ' ' : '\n');
        fann_destroy(net);
    }
    return 1;
}
