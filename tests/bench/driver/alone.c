// SPDX-License-Identifier: GPL-2.0
/*
 * The kernels alone, on the host: bench-product M N K RUNS prints the best time of a product
 * s8 x s8 in milliseconds, with as many threads as the device has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/clock.h"
#include "xq_kernels.h"

static uint8_t *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static uint8_t *random_operand(size_t bytes)
{
	uint8_t *p = memory(bytes);
	uint64_t random = bytes;
	size_t i;

	for (i = 0; i < bytes; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (uint8_t)(random >> 56);
	}
	return p;
}

static void check(const struct xqk_gemm *g)
{
	const struct xq_dims *d = &g->dims;
	unsigned int i, k;

	for (i = 0; i < 64; i++) {
		const size_t m = i * 83 % d->m, n = i * 641 % d->n;
		const int8_t *a = (const int8_t *)g->view[XQACCEL_A].flat + m * d->k;
		const int8_t *b = (const int8_t *)g->view[XQACCEL_B].flat + n * d->k;
		int32_t sum = 0, value;

		for (k = 0; k < d->k; k++)
			sum += a[k] * b[k];
		memcpy(&value, g->view[XQACCEL_C].flat + 4 * (m * d->n + n), sizeof(value));
		if (value != sum) {
			fprintf(stderr, "wrong result\n");
			exit(1);
		}
	}
}

static double once_ms(struct xqk_pool *pool, const struct xqk_gemm *gemm)
{
	const double start = seconds_of(CLOCK_MONOTONIC);
	static struct xqk_task task;

	memset(&task, 0, sizeof(task));
	xqk_plan(&task.plan, xqk_isa_select(NULL), gemm, xqk_pool_threads(pool));
	xqk_pool_run(pool, &task);
	return 1e3 * (seconds_of(CLOCK_MONOTONIC) - start);
}

int main(int argc, char **argv)
{
	struct xqk_pool *pool = xqk_pool_create((unsigned int)sysconf(_SC_NPROCESSORS_ONLN), false);
	struct xqk_gemm gemm = { 0 };
	struct xq_dims *d = &gemm.dims;
	double best = 1e9;
	int i;

	if (argc != 5 || !pool)
		return 1;
	d->m = (uint32_t)strtoul(argv[1], NULL, 0);
	d->n = (uint32_t)strtoul(argv[2], NULL, 0);
	d->k = (uint32_t)strtoul(argv[3], NULL, 0);
	d->batch = 1;
	d->a_format = d->b_format = XQACCEL_FMT_S8;
	gemm.view[XQACCEL_A] = (struct xqk_view){ .flat = random_operand((size_t)d->m * d->k), .stride = d->k };
	gemm.view[XQACCEL_B] = (struct xqk_view){ .flat = random_operand((size_t)d->n * d->k), .stride = d->k };
	gemm.view[XQACCEL_C] = (struct xqk_view){ .flat = memory(4ULL * d->m * d->n), .stride = 4ULL * d->n };
	once_ms(pool, &gemm);
	for (i = atoi(argv[4]); i > 0; i--) {
		const double ms = once_ms(pool, &gemm);

		best = ms < best ? ms : best;
	}
	check(&gemm);
	printf("%.4f\n", best);
	xqk_pool_destroy(pool);
	return 0;
}
