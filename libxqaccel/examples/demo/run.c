// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

int run_trace(struct run *run, const void *data, size_t bytes)
{
	uint8_t *more = realloc(run->trace, run->trace_bytes + bytes + 1);

	if (!more)
		return -ENOMEM;
	memcpy(more + run->trace_bytes, data, bytes);
	run->trace = more;
	run->trace_bytes += bytes;
	return 0;
}

void run_free(struct run *run)
{
	free(run->trace);
	run->trace = NULL;
}

double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int make_sign_layer(struct xq_device *dev, const int8_t *signs, size_t in, size_t out,
		    struct xq_linear **layer)
{
	const struct xq_linear_config config = {
		.inputs = in, .outputs = out, .x_type = XQ_B1, .w_type = XQ_B1, .weights = signs,
	};

	return xq_linear_create(dev, &config, layer);
}

void apply_thresholds(const int32_t *acc, const int32_t *threshold, size_t rows, size_t out,
		      int8_t *y)
{
	size_t i, j;

	for (i = 0; i < rows; i++)
		for (j = 0; j < out; j++)
			y[i * out + j] = acc[i * out + j] > threshold[j] ? 1 : -1;
}
