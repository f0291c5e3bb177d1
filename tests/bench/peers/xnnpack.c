// SPDX-License-Identifier: MIT
/* XNNPACK's fully connected operators, 8-bit and 4-bit weights with a scale per channel, without a thread pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

#include <xnnpack.h>

#include "peer.h"
#include "symbols.h"

static struct {
	__typeof__(&xnn_initialize) xnn_initialize;
	__typeof__(&xnn_delete_operator) xnn_delete_operator;
	__typeof__(&xnn_run_operator) xnn_run_operator;
	__typeof__(&xnn_create_fully_connected_nc_qs8_qc8w) xnn_create_fully_connected_nc_qs8_qc8w;
	__typeof__(&xnn_reshape_fully_connected_nc_qs8_qc8w) xnn_reshape_fully_connected_nc_qs8_qc8w;
	__typeof__(&xnn_setup_fully_connected_nc_qs8_qc8w) xnn_setup_fully_connected_nc_qs8_qc8w;
	__typeof__(&xnn_create_fully_connected_nc_qd8_f32_qc4w)
		xnn_create_fully_connected_nc_qd8_f32_qc4w;
	__typeof__(&xnn_reshape_fully_connected_nc_qd8_f32_qc4w)
		xnn_reshape_fully_connected_nc_qd8_f32_qc4w;
	__typeof__(&xnn_setup_fully_connected_nc_qd8_f32_qc4w)
		xnn_setup_fully_connected_nc_qd8_f32_qc4w;
} call;

/* One 8-bit and one 4-bit job may be open at once. */
static struct job {
	size_t m, n, k;
	xnn_operator_t operator;
	int8_t *a;
	float *scale;
	void *b, *c;
	struct xnn_quantization_params *rows;
	float unit;
} job8, job4;

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(xnn_initialize), PEER_SYMBOL(xnn_delete_operator),
		PEER_SYMBOL(xnn_run_operator),
		PEER_SYMBOL(xnn_create_fully_connected_nc_qs8_qc8w),
		PEER_SYMBOL(xnn_reshape_fully_connected_nc_qs8_qc8w),
		PEER_SYMBOL(xnn_setup_fully_connected_nc_qs8_qc8w),
		PEER_SYMBOL(xnn_create_fully_connected_nc_qd8_f32_qc4w),
		PEER_SYMBOL(xnn_reshape_fully_connected_nc_qd8_f32_qc4w),
		PEER_SYMBOL(xnn_setup_fully_connected_nc_qd8_f32_qc4w),
		{ NULL, NULL }
	};
	const char *error = peer_load(XNNPACK_SONAME, symbols);

	if (!error && call.xnn_initialize(NULL) != xnn_status_success)
		error = "xnn_initialize refuses this machine";
	if (!error)
		snprintf(version, size, "%s", XNNPACK_SONAME);
	return error;
}

static void close_job(struct job *j)
{
	if (j->operator)
		call.xnn_delete_operator(j->operator);
	free(j->a);
	free(j->b);
	free(j->c);
	free(j->scale);
	free(j->rows);
	*j = (struct job){ 0 };
}

/* Operands common to both: a copy of A with the slack that XNNPACK may read, and scales of 1. */
static const char *open_operands(struct job *j, const struct peer_request *r, const void *a)
{
	*j = (struct job){ .m = r->m, .n = r->n, .k = r->k, .unit = 1 };
	j->a = malloc(j->m * j->k + XNN_EXTRA_BYTES);
	j->scale = malloc(j->n * sizeof(float));
	j->b = malloc(j->n * (j->k + 1));
	j->c = calloc(j->m * j->n + XNN_EXTRA_BYTES, sizeof(float));
	j->rows = calloc(j->m + XNN_EXTRA_QUANTIZATION_PARAMS, sizeof(*j->rows));
	if (!j->a || !j->scale || !j->b || !j->c || !j->rows)
		return "no memory";
	memcpy(j->a, a, j->m * j->k);
	for (size_t i = 0; i < j->n; i++)
		j->scale[i] = 1;
	for (size_t i = 0; i < j->m + XNN_EXTRA_QUANTIZATION_PARAMS; i++)
		j->rows[i].scale = 1;
	return NULL;
}

static const char *open8(const struct peer_request *r, const void *a, const int8_t *b)
{
	struct job *const j = &job8;
	const char *error = open_operands(j, r, a);

	if (error)
		goto fail;
	/* So that most results are within the 8 bits of an output. */
	j->unit = 64 * sqrtf((float)j->k);
	memcpy(j->b, b, j->n * j->k);
	error = "xnn_create_fully_connected_nc_qs8_qc8w failed";
	if (call.xnn_create_fully_connected_nc_qs8_qc8w(
		    j->k, j->n, j->k, j->n, 0, 1, j->scale, j->b, NULL, 0, j->unit, -128, 127, 0,
		    NULL, NULL, &j->operator) != xnn_status_success)
		goto fail;
	error = "xnn_setup_fully_connected_nc_qs8_qc8w failed";
	if (call.xnn_reshape_fully_connected_nc_qs8_qc8w(j->operator, j->m, NULL) !=
	    xnn_status_success ||
	    call.xnn_setup_fully_connected_nc_qs8_qc8w(j->operator, j->a, j->c) !=
	    xnn_status_success)
		goto fail;
	return NULL;
fail:
	close_job(j);
	return error;
}

static const char *open4(const struct peer_request *r, const void *a, const int8_t *b)
{
	struct job *const j = &job4;
	const char *error = open_operands(j, r, a);
	const size_t row = (r->k + 1) / 2;
	uint8_t *packed = j->b;

	if (error)
		goto fail;
	memset(packed, 0x88, j->n * row);
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->k; k++)
			packed[i * row + k / 2] ^= (b[i * j->k + k] & 15) << 4 * (k % 2);
	error = "xnn_create_fully_connected_nc_qd8_f32_qc4w failed";
	if (call.xnn_create_fully_connected_nc_qd8_f32_qc4w(
		    j->k, j->n, j->k, j->n, 8, j->scale, packed, NULL, -INFINITY, INFINITY, 0, NULL,
		    NULL, &j->operator) != xnn_status_success)
		goto fail;
	error = "xnn_setup_fully_connected_nc_qd8_f32_qc4w failed";
	if (call.xnn_reshape_fully_connected_nc_qd8_f32_qc4w(j->operator, j->m, NULL) !=
	    xnn_status_success ||
	    call.xnn_setup_fully_connected_nc_qd8_f32_qc4w(j->operator, j->a, j->c, j->rows) !=
	    xnn_status_success)
		goto fail;
	return NULL;
fail:
	close_job(j);
	return error;
}

static const char *run_job(struct job *j)
{
	if (call.xnn_run_operator(j->operator, NULL) != xnn_status_success)
		return "xnn_run_operator failed";
	return NULL;
}

static const char *run8(void)
{
	return run_job(&job8);
}

static const char *run4(void)
{
	return run_job(&job4);
}

static float result8(int32_t *c)
{
	for (size_t i = 0; i < job8.m * job8.n; i++)
		c[i] = ((const int8_t *)job8.c)[i];
	return job8.unit;
}

static float result4(int32_t *c)
{
	for (size_t i = 0; i < job4.m * job4.n; i++)
		c[i] = (int32_t)lrintf(((const float *)job4.c)[i]);
	return job4.unit;
}

static void close8(void)
{
	close_job(&job8);
}

static void close4(void)
{
	close_job(&job4);
}

const struct peer peer_xnnpack_qc8w = {
	.name = "XNNPACK qs8-qc8w", .query = query, .open = open8, .run = run8, .result = result8,
	.close = close8,
};

const struct peer peer_xnnpack_qc4w = {
	.name = "XNNPACK qd8-f32-qc4w", .query = query, .open = open4, .run = run4,
	.result = result4, .close = close4,
};
