// SPDX-License-Identifier: MIT
/* XNNPACK's convolution of s8 by s8 with a scale per channel, requantized to s8, without a thread pool. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xnnpack.h>

#include "peer.h"
#include "symbols.h"

static struct {
	__typeof__(&xnn_initialize) xnn_initialize;
	__typeof__(&xnn_delete_operator) xnn_delete_operator;
	__typeof__(&xnn_run_operator) xnn_run_operator;
	__typeof__(&xnn_create_convolution2d_nhwc_qs8_qc8w) xnn_create_convolution2d_nhwc_qs8_qc8w;
	__typeof__(&xnn_reshape_convolution2d_nhwc_qs8_qc8w) xnn_reshape_convolution2d_nhwc_qs8_qc8w;
	__typeof__(&xnn_setup_convolution2d_nhwc_qs8_qc8w) xnn_setup_convolution2d_nhwc_qs8_qc8w;
} call;

static struct {
	xnn_operator_t operator;
	int8_t *x, *y;
	float *scale;
	void *workspace;
	size_t outputs;
	float unit;
} job;

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(xnn_initialize), PEER_SYMBOL(xnn_delete_operator), PEER_SYMBOL(xnn_run_operator),
		PEER_SYMBOL(xnn_create_convolution2d_nhwc_qs8_qc8w),
		PEER_SYMBOL(xnn_reshape_convolution2d_nhwc_qs8_qc8w),
		PEER_SYMBOL(xnn_setup_convolution2d_nhwc_qs8_qc8w),
		{ NULL, NULL }
	};
	const char *error = peer_load(XNNPACK_SONAME, symbols);

	if (!error && call.xnn_initialize(NULL) != xnn_status_success)
		error = "xnn_initialize refuses this machine";
	if (!error)
		snprintf(version, size, "%s", XNNPACK_SONAME);
	return error;
}

static void close_job(void)
{
	if (job.operator)
		call.xnn_delete_operator(job.operator);
	free(job.x);
	free(job.y);
	free(job.scale);
	free(job.workspace);
	memset(&job, 0, sizeof(job));
}

/* X is u8: less 128 it is s8 with a zero point of -128. */
static const char *open_job(const struct peer_request *r, const void *x, const int8_t *w)
{
	const struct peer_layer *l = &r->layer;
	const uint32_t pad = l->kernel / 2, out = (l->size + 2 * pad - l->kernel) / l->stride + 1;
	const uint32_t seen = (out - 1) * l->stride + l->kernel;
	const uint32_t after = seen > l->size + pad ? seen - l->size - pad : 0;
	const size_t inputs = (size_t)l->size * l->size * l->in_c;
	size_t bytes = 0, align = 0, height, width;

	memset(&job, 0, sizeof(job));
	job.outputs = (size_t)out * out * l->out_c;
	job.unit = peer_layer_unit(l);
	job.x = malloc(inputs + XNN_EXTRA_BYTES);
	job.y = malloc(job.outputs + XNN_EXTRA_BYTES);
	job.scale = malloc(l->out_c * sizeof(float));
	if (!job.x || !job.y || !job.scale) {
		close_job();
		return "no memory";
	}
	for (size_t i = 0; i < inputs; i++)
		job.x[i] = (int8_t)(((const uint8_t *)x)[i] ^ 0x80);
	for (size_t i = 0; i < l->out_c; i++)
		job.scale[i] = 1;
	if (call.xnn_create_convolution2d_nhwc_qs8_qc8w(
		    pad, after, after, pad, l->kernel, l->kernel, l->stride, l->stride, 1, 1, l->groups,
		    l->in_c / l->groups, l->out_c / l->groups, l->in_c, l->out_c, -128, 1, job.scale, w, NULL, 0,
		    job.unit, -128, 127, 0, NULL, NULL, &job.operator) != xnn_status_success ||
	    call.xnn_reshape_convolution2d_nhwc_qs8_qc8w(job.operator, 1, l->size, l->size, &bytes, &align,
							 &height, &width, NULL) != xnn_status_success) {
		close_job();
		return "the convolution can't be made";
	}
	job.workspace = aligned_alloc(4096, (bytes + 4096) & ~(size_t)4095);
	if (call.xnn_setup_convolution2d_nhwc_qs8_qc8w(job.operator, job.workspace, job.x, job.y) !=
	    xnn_status_success) {
		close_job();
		return "xnn_setup_convolution2d_nhwc_qs8_qc8w failed";
	}
	return NULL;
}

static const char *run(void)
{
	return call.xnn_run_operator(job.operator, NULL) == xnn_status_success ? NULL : "xnn_run_operator failed";
}

static float result(int32_t *y)
{
	for (size_t i = 0; i < job.outputs; i++)
		y[i] = job.y[i];
	return job.unit;
}

const struct peer peer_xnnpack_conv = {
	.name = "XNNPACK qs8-qc8w convolution", .query = query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
