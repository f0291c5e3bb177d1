/* SPDX-License-Identifier: GPL-2.0 */
/* What a file that may be wrong is put through, for the fuzzers of readers and for tests with mutated files. */
#ifndef XQ_TESTS_FUZZ_MODEL_CASE_H
#define XQ_TESTS_FUZZ_MODEL_CASE_H

#include <xqaccel/model.h>

/* A model with more elements in its tensors is not run: a few bytes can ask for hours. */
#define MODEL_CASE_ELEMENTS	20000

/**
 * model_case() - load a model, ask everything of it, make it ready and run it, if it is small
 * @dev: for its sessions
 * @runs: set to how often it was run; NULL is allowed
 *
 * Return: NULL, or what should not be: an error without a sentence, a success without a result.
 */
const char *model_case(struct xq_device *dev, const void *data, size_t bytes, unsigned int *runs);

/**
 * fuzz_case() - what the fuzzer of a reader does with any bytes; each has its own
 *
 * Return: NULL, or what should not be.
 */
const char *fuzz_case(struct xq_device *dev, const uint8_t *data, size_t size);

#endif
