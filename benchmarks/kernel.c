/* XOR on a 2-2-1 logistic network, full batch, one restart per SIMD lane: the limit to measure by.
 *
 * theta is (9, n) in the order W1[0,0] W1[0,1] W1[1,0] W1[1,1] b1[0] b1[1] W2[0,0] W2[0,1] b2[0].
 * Mean cross-entropy, plain gradient descent. tanh is the rational approximation that XLA uses, so
 * that the arithmetic compared is the same; the loop over lanes is left to the compiler.
 *
 *   cc -O3 -march=native -ffast-math -fopenmp-simd -shared -fPIC -DREAL=float kernel.c -o kernel.so
 */
#include <stddef.h>

#ifndef REAL
#define REAL float
#endif
#define BLOCK 64

static inline __attribute__((always_inline)) REAL tanh_(REAL x)
{
    const REAL bound = sizeof(REAL) == 4 ? (REAL)7.90531110763549805 : (REAL)17.9;
    x = x > bound ? bound : x;
    x = x < -bound ? -bound : x;
    if (sizeof(REAL) == 4) {
        REAL y = x * x;
        REAL p = (REAL)-2.76076847742355e-16;
        p = p * y + (REAL)2.00018790482477e-13;
        p = p * y + (REAL)-8.60467152213735e-11;
        p = p * y + (REAL)5.12229709037114e-08;
        p = p * y + (REAL)1.48572235717979e-05;
        p = p * y + (REAL)6.37261928875436e-04;
        p = p * y + (REAL)4.89352455891786e-03;
        REAL q = (REAL)1.19825839466702e-06;
        q = q * y + (REAL)1.18534705686654e-04;
        q = q * y + (REAL)2.26843463243900e-03;
        q = q * y + (REAL)4.89352518554385e-03;
        return x * p / q;
    }
    /* float64: the continued fraction of tanh to depth 9 after two halvings of the argument */
    REAL h = x * (REAL)0.25, y = h * h;
    REAL t = h * ((REAL)34459425 + y * ((REAL)4729725 + y * ((REAL)135135 + y * ((REAL)990 + y)))) /
             ((REAL)34459425 + y * ((REAL)16216200 + y * ((REAL)945945 + y * ((REAL)13860 + y * 45))));
    t = 2 * t / (1 + t * t);
    return 2 * t / (1 + t * t);
}

static inline __attribute__((always_inline)) REAL logistic(REAL z)
{
    return (REAL)0.5 + (REAL)0.5 * tanh_((REAL)0.5 * z);
}

void train(REAL *restrict theta, const REAL *restrict rate, size_t n, size_t steps)
{
    for (size_t start = 0; start < n; start += BLOCK)
        for (size_t k = 0; k < steps; k++) {
#pragma omp simd
            for (size_t l = start; l < start + BLOCK; l++) {
                REAL w00 = theta[l], w01 = theta[n + l], w10 = theta[2 * n + l], w11 = theta[3 * n + l];
                REAL b0 = theta[4 * n + l], b1 = theta[5 * n + l];
                REAL v0 = theta[6 * n + l], v1 = theta[7 * n + l], c = theta[8 * n + l];
                REAL g = (REAL)0.25 * rate[l];
#define PATTERN(p, z0, z1, target)                                                              \
    REAL h0##p = logistic(z0), h1##p = logistic(z1);                                            \
    REAL d##p = logistic(c + v0 * h0##p + v1 * h1##p) - (REAL)target;                           \
    REAL e0##p = d##p * v0 * h0##p * (1 - h0##p), e1##p = d##p * v1 * h1##p * (1 - h1##p);
                PATTERN(a, b0, b1, 0)
                PATTERN(b, b0 + w01, b1 + w11, 1)
                PATTERN(c, b0 + w00, b1 + w10, 1)
                PATTERN(d, b0 + w00 + w01, b1 + w10 + w11, 0)
                theta[l] = w00 - g * (e0c + e0d);
                theta[n + l] = w01 - g * (e0b + e0d);
                theta[2 * n + l] = w10 - g * (e1c + e1d);
                theta[3 * n + l] = w11 - g * (e1b + e1d);
                theta[4 * n + l] = b0 - g * (e0a + e0b + e0c + e0d);
                theta[5 * n + l] = b1 - g * (e1a + e1b + e1c + e1d);
                theta[6 * n + l] = v0 - g * (da * h0a + db * h0b + dc * h0c + dd * h0d);
                theta[7 * n + l] = v1 - g * (da * h1a + db * h1b + dc * h1c + dd * h1d);
                theta[8 * n + l] = c - g * (da + db + dc + dd);
            }
        }
}
