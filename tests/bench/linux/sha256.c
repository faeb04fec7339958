/* SPDX-License-Identifier: MIT */
/*
 * SHA-256's compression function as FIPS 180-4 gives it: a computation that asks nothing of the kernel.
 * The round constants are the first 32 bits of the fractional parts of the cube roots of the first 64 primes,
 * so they are computed here, exactly, by integer cube roots.
 */
#include "bench.h"

#define ROUNDS 64

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

/* floor(cbrt(prime) * 2^32) modulo 2^32. */
static uint32_t constant_of(unsigned prime)
{
    unsigned __int128 target = (unsigned __int128)prime << 96;
    uint64_t root = 0;

    for (int bit = 35; bit >= 0; bit--) {
        uint64_t with = root | 1ull << bit;

        if ((unsigned __int128)with * with <= target / with)
            root = with;
    }
    return (uint32_t)root;
}

static const uint32_t *constants(void)
{
    static uint32_t k[ROUNDS];
    unsigned found = 0;

    for (unsigned n = 2; k[ROUNDS - 1] == 0; n++) {
        unsigned d = 2;

        while (d * d <= n && n % d)
            d++;
        if (d * d > n)
            k[found++] = constant_of(n);
    }
    return k;
}

void sha256_block(uint32_t state[8], const uint8_t block[64])
{
    const uint32_t *k = constants();
    uint32_t w[ROUNDS], a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < ROUNDS; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}
