/* SPDX-License-Identifier: MIT */
/*
 * The guest of matrix.t that works beside hostile ones: a sum over numbers that go through its memory, which
 * the host knows how to compute in another way. A line for each round.
 */
#include "guest.h"

#define STEPS 2000000
#define WORDS 32768

static volatile uint64_t memory[WORDS];

TEST_MAIN("checksum")
{
    uint64_t x = 1, sum = 0;

    for (unsigned round = 1;; round++) {
        for (unsigned i = 0; i < STEPS; i++) {
            memory[x >> 49] = x * 6364136223846793005UL + 1442695040888963407UL;
            x = memory[x >> 49];
            sum += x;
        }
        print("checksum %u %lx %lx\n", round, x, sum);
    }
}
