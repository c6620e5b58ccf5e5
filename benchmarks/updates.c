/* The update rules beside kernel.c's plain one: XOR on a 2-2-1 logistic network, mean cross-entropy.
 *
 * As kernel.c, with RULE one of DESCENT, MOMENTUM, NESTEROV, RMSPROP, ADAM, RPROP; with PATTERNS the
 * weights move after each pattern (theta of kernel.c, two more arrays of its shape for the rule's
 * state, two counters per lane). One pass over the patterns is a step here.
 *
 *   cc -O3 -march=native -ffast-math -fopenmp-simd -shared -fPIC -DREAL=float -DRULE=ADAM updates.c
 */
#include <math.h>
#define train plain_train
#include "kernel.c"
#undef train

enum { DESCENT, MOMENTUM, NESTEROV, RMSPROP, ADAM, RPROP };

#define R(x) ((REAL)(x))

static inline __attribute__((always_inline)) REAL root(REAL x)
{
    return sizeof(REAL) == 4 ? R(sqrtf((float)x)) : R(sqrt((double)x));
}

static inline __attribute__((always_inline)) REAL moved(
    REAL p, REAL g, REAL *restrict a, REAL *restrict b, REAL rate, REAL momentum, REAL bias1, REAL bias2)
{
    if (RULE == DESCENT) return p - rate * g;
    if (RULE == MOMENTUM) {
        *a = momentum * *a - rate * g;
        return p + *a;
    }
    if (RULE == NESTEROV) {
        *a = momentum * *a - rate * g;
        return p + momentum * *a - rate * g;
    }
    if (RULE == RMSPROP) {
        *a = R(0.9) * *a + R(0.1) * g * g;
        return p - rate * g / (root(*a) + R(1e-8));
    }
    if (RULE == ADAM) {
        *a = R(0.9) * *a + R(0.1) * g;
        *b = R(0.999) * *b + R(0.001) * g * g;
        return p - bias1 * *a / (root(*b * bias2) + R(1e-8));
    }
    REAL agree = g * *a;
    REAL size = *b * (agree > 0 ? R(1.2) : agree < 0 ? R(0.5) : R(1));
    size = size < R(1e-6) ? R(1e-6) : size;
    size = size > R(50) ? R(50) : size;
    REAL used = agree < 0 ? R(0) : g;
    *a = used;
    *b = size;
    return p - (used > 0 ? size : used < 0 ? -size : R(0));
}

#define MOVE(i, p, g) p = moved(p, g, &a[i * n + l], &b[i * n + l], rate_l, momentum_l, bias1, bias2);
#define COUNT                                                   \
    if (RULE == ADAM) {                                         \
        t1[l] *= R(0.9);                                        \
        t2[l] *= R(0.999);                                      \
        bias1 = rate_l / (1 - t1[l]);                           \
        bias2 = 1 / (1 - t2[l]);                                \
    }
#define ONE(x0, x1, target)                                                         \
    {                                                                               \
        REAL h0 = logistic(b0 + x0 * w00 + x1 * w01), h1 = logistic(b1 + x0 * w10 + x1 * w11); \
        REAL d = logistic(c + v0 * h0 + v1 * h1) - R(target);                       \
        REAL e0 = d * v0 * h0 * (1 - h0), e1 = d * v1 * h1 * (1 - h1);              \
        COUNT                                                                       \
        MOVE(0, w00, e0 * x0) MOVE(1, w01, e0 * x1) MOVE(2, w10, e1 * x0)           \
        MOVE(3, w11, e1 * x1) MOVE(4, b0, e0) MOVE(5, b1, e1)                       \
        MOVE(6, v0, d * h0) MOVE(7, v1, d * h1) MOVE(8, c, d)                       \
    }

void train(REAL *restrict theta, REAL *restrict a, REAL *restrict b, REAL *restrict t1, REAL *restrict t2,
           const REAL *restrict rate, const REAL *restrict momentum, size_t n, size_t steps)
{
    for (size_t start = 0; start < n; start += BLOCK)
        for (size_t k = 0; k < steps; k++) {
#pragma omp simd
            for (size_t l = start; l < start + BLOCK; l++) {
                REAL w00 = theta[l], w01 = theta[n + l], w10 = theta[2 * n + l], w11 = theta[3 * n + l];
                REAL b0 = theta[4 * n + l], b1 = theta[5 * n + l];
                REAL v0 = theta[6 * n + l], v1 = theta[7 * n + l], c = theta[8 * n + l];
                REAL rate_l = rate[l], momentum_l = momentum[l], bias1 = 0, bias2 = 0;
#ifdef PATTERNS
                ONE(R(0), R(0), 0)
                ONE(R(0), R(1), 1)
                ONE(R(1), R(0), 1)
                ONE(R(1), R(1), 0)
#else
                PATTERN(a, b0, b1, 0)
                PATTERN(b, b0 + w01, b1 + w11, 1)
                PATTERN(c, b0 + w00, b1 + w10, 1)
                PATTERN(d, b0 + w00 + w01, b1 + w10 + w11, 0)
                const REAL f = R(0.25);
                COUNT
                MOVE(0, w00, f * (e0c + e0d)) MOVE(1, w01, f * (e0b + e0d))
                MOVE(2, w10, f * (e1c + e1d)) MOVE(3, w11, f * (e1b + e1d))
                MOVE(4, b0, f * (e0a + e0b + e0c + e0d)) MOVE(5, b1, f * (e1a + e1b + e1c + e1d))
                MOVE(6, v0, f * (da * h0a + db * h0b + dc * h0c + dd * h0d))
                MOVE(7, v1, f * (da * h1a + db * h1b + dc * h1c + dd * h1d))
                MOVE(8, c, f * (da + db + dc + dd))
#endif
                theta[l] = w00; theta[n + l] = w01; theta[2 * n + l] = w10; theta[3 * n + l] = w11;
                theta[4 * n + l] = b0; theta[5 * n + l] = b1;
                theta[6 * n + l] = v0; theta[7 * n + l] = v1; theta[8 * n + l] = c;
            }
        }
}
