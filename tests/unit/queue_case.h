/* SPDX-License-Identifier: MIT */
/*
 * Random jobs through the library's queues, and what they should give by three naive loops
 * over the packed memory. Safe to use from several threads, each with its own seed.
 */
#ifndef XQ_TESTS_QUEUE_CASE_H
#define XQ_TESTS_QUEUE_CASE_H

#include <xqaccel/device.h>

/**
 * struct queue_case - a job and its buffers
 * @c_bytes: of the buffer of C that are compared: all of it, so that stray writes show
 */
struct queue_case {
	struct xq_gemm job;
	struct xq_buffer *buffer[8];
	uint8_t *want;
	size_t c_bytes;
};

uint64_t case_random(uint64_t *seed);

/* 0 or the error of a buffer. */
int case_make(struct queue_case *c, struct xq_device *dev, uint64_t *seed);

/* Whether C is as it should be. */
bool case_right(const struct queue_case *c);

void case_free(struct queue_case *c);

/* A plain s8 x s8 job of this shape, with operands that are all ones: C is k everywhere. */
int case_plain(struct queue_case *c, struct xq_device *dev, uint32_t m, uint32_t n, uint32_t k);

#endif
