/* Epochs of FANN on XOR with a 2-2-1 network, one restart after the other, timed by its CPU time.

   cc -O3 -march=native -DHEADER='<floatfann.h>' fann.c -lfloatfann   (or doublefann)
   ./a.out MODE RESTARTS EPOCHS     prints seconds; MODE as in FANN_TRAIN_NAMES, 0 incremental. */
#include HEADER
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments)
{
    int mode = atoi(arguments[1]), restarts = atoi(arguments[2]), epochs = atoi(arguments[3]);
    struct fann_train_data *data = fann_create_train(4, 2, 1);
    struct fann *net = fann_create_standard(3, 2, 2, 1);
    for (int p = 0; p < 4; p++) {
        data->input[p][0] = p / 2;
        data->input[p][1] = p % 2;
        data->output[p][0] = p / 2 != p % 2;
    }
    fann_set_activation_function_hidden(net, FANN_SIGMOID);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_training_algorithm(net, (enum fann_train_enum)mode);
    clock_t begun = clock();
    for (int restart = 0; restart < restarts; restart++) {
        fann_randomize_weights(net, -1, 1);
        for (int epoch = 0; epoch < epochs; epoch++) fann_train_epoch(net, data);
    }
    printf("%.6f %g\n", (double)(clock() - begun) / CLOCKS_PER_SEC, (double)fann_get_MSE(net));
    return count < 4;
}
