/* SPDX-License-Identifier: MIT */
/*
 * The packed kernels that tests/samples.py makes.
 */
#ifndef TOOLSTACK_TESTS_SAMPLES_H
#define TOOLSTACK_TESTS_SAMPLES_H

/* The folder that they are in. */
extern const char *test_samples;

/* The path of one; overwritten by the next call. */
const char *sample(const char *name);

#endif
