/* Runs a loop's program on what standard input holds, and writes what it leaves to standard output.
   Input, 64-bit integers and rows: columns, bytes of scratch, rows that are carried, rows that are
   given, other rows that are told; of each of these the bytes of a number; steps, limit; the given
   rows. Output: carried rows, steps, other rows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void run(int64_t *sources, int64_t *targets, int64_t n, int64_t steps, int64_t limit, int64_t scratch);

static void *room(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (memory == NULL) exit(3);
    return memory;
}

static void take(void *memory, size_t bytes) {
    if (fread(memory, 1, bytes, stdin) != bytes) exit(4);
}

int main(void) {
    int64_t head[5];
    take(head, sizeof head);
    int64_t n = head[0], carried = head[2], given = head[3], told = head[4], all = given + told;
    int64_t *bytes = room(8 * all), *sources = room(8 * given), *targets = room(8 * (carried + 1 + told));
    take(bytes, 8 * all);
    int32_t *steps = room(4 * n), *limit = room(4 * n);
    take(steps, 4 * n);
    take(limit, 4 * n);
    for (int64_t i = 0; i < given; i++) {
        sources[i] = (int64_t)room(n * bytes[i]);
        take((void *)sources[i], n * bytes[i]);
    }
    for (int64_t i = 0; i < carried; i++) targets[i] = sources[i];
    targets[carried] = (int64_t)room(n); /* which columns halt */
    for (int64_t i = 0; i < told; i++) targets[carried + 1 + i] = (int64_t)room(n * bytes[given + i]);
    run(sources, targets, n, (int64_t)steps, (int64_t)limit, (int64_t)room(head[1]));
    for (int64_t i = 0; i < carried; i++) fwrite((void *)sources[i], bytes[i], n, stdout);
    fwrite(steps, 4, n, stdout);
    for (int64_t i = 0; i < told; i++) fwrite((void *)targets[carried + 1 + i], bytes[given + i], n, stdout);
    return 0;
}
