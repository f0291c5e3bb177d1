// SPDX-License-Identifier: MIT
/* OpenBLAS sgemm on the same numbers as floats, for scale. */
#include <stdio.h>
#include <stdlib.h>
#include <math.h>

#include "peer.h"
#include "symbols.h"

/* From the CBLAS interface: row-major order, second operand transposed. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };

static struct {
	char *(*openblas_get_config)(void);
	void (*cblas_sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k,
			    float alpha, const float *a, int lda, const float *b, int ldb,
			    float beta, float *c, int ldc);
} call;

static struct {
	int m, n, k;
	float *a, *b, *c;
} job;

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(openblas_get_config), PEER_SYMBOL(cblas_sgemm), { NULL, NULL }
	};
	const char *error = peer_load("libopenblas.so.0", symbols);

	if (!error)
		snprintf(version, size, "%.40s", call.openblas_get_config());
	return error;
}

static void close_job(void)
{
	free(job.a);
	free(job.b);
	free(job.c);
	job.a = job.b = job.c = NULL;
}

static const char *open_job(const struct peer_request *r, const void *a, const int8_t *b)
{
	const size_t ma = (size_t)r->m * r->k, nb = (size_t)r->n * r->k;

	job.m = r->m;
	job.n = r->n;
	job.k = r->k;
	job.a = aligned_alloc(64, (ma * sizeof(float) + 63) & ~63UL);
	job.b = aligned_alloc(64, (nb * sizeof(float) + 63) & ~63UL);
	job.c = calloc((size_t)r->m * r->n, sizeof(float));
	if (!job.a || !job.b || !job.c) {
		close_job();
		return "no memory";
	}
	for (size_t i = 0; i < ma; i++)
		job.a[i] = ((const int8_t *)a)[i];
	for (size_t i = 0; i < nb; i++)
		job.b[i] = b[i];
	return NULL;
}

static const char *run(void)
{
	call.cblas_sgemm(ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE, job.m, job.n, job.k, 1.0f, job.a, job.k,
			 job.b, job.k, 0.0f, job.c, job.n);
	return NULL;
}

static float result(int32_t *c)
{
	for (size_t i = 0; i < (size_t)job.m * job.n; i++)
		c[i] = (int32_t)lrintf(job.c[i]);
	return 1;
}

const struct peer peer_openblas_f32 = {
	.name = "OpenBLAS f32", .query = query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
