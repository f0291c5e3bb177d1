/* SPDX-License-Identifier: MIT */
/* Jobs for tests of the device model: operands in device memory, and what C must become. */
#ifndef XQ_TESTS_DEVICE_JOB_H
#define XQ_TESTS_DEVICE_JOB_H

#include "driver/xq_geometry.h"
#include "fake_host.h"

struct device_job {
	struct xq_dims dims;
	int32_t a_zp, b_zp;
	bool a_zps, b_zps, a_scale, b_scale;	/* operands that are there */
	uint64_t gap;				/* extra bytes from row to row */

	/* Filled in by job_build(). */
	uint32_t context;
	struct xq_hw_descriptor desc;
	struct xq_extent extent[XQ_GEMM_OPERANDS];
	int32_t *expected;			/* [batch][planes][m][n] */
};

/* The words of a descriptor's work; tests run on little-endian hosts. */
static inline struct xqaccel_work *desc_work(struct xq_hw_descriptor *desc)
{
	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words in memory order");
	return (struct xqaccel_work *)desc->work;
}

/* s8 x s8 of these sizes. */
struct device_job job_s8(uint32_t m, uint32_t n, uint32_t k);

/* Map operands with random content in a context, make the descriptor, and compute C naively. */
void job_build(struct fake_host *h, struct device_job *job, uint32_t context);

/* Whether C is what it must be now; prints the first difference. */
bool job_right(struct fake_host *h, const struct device_job *job);

/* Fill C with what no job leaves there. */
void job_spoil(struct fake_host *h, const struct device_job *job);

void job_free(struct device_job *job);

#define LONG_ROWS	1024U	/* at most */

/*
 * Makes a descriptor of s8 x s8 one of rows x rows x k whose A and B repeat one row, so that it is long and its memory small.
 * That is mapped from va on, unless it is already.
 */
void job_make_long(struct fake_host *h, struct xq_hw_descriptor *desc, uint32_t context, uint64_t va, uint32_t rows,
		   uint32_t k);

/* One of 512 rows, which nobody can tell whether it is right. */
void job_long(struct fake_host *h, struct device_job *job, uint32_t context, uint32_t k);

/* The k of one that takes about so many milliseconds here, whatever the kernels, the compiler and the sanitizer. */
uint32_t job_long_k(unsigned int ms);

#endif
