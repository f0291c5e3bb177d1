// SPDX-License-Identifier: MIT
/* XNOR-Net: scales of activations and the dot product of signs. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/binary.h>

#include "rows.h"

int xq_xnor_output(const struct xq_xnor_window *window, size_t out[2])
{
	const size_t size[2] = { window->height, window->width };

	for (int d = 0; d < 2; d++) {
		size_t padded;

		if (__builtin_add_overflow(size[d], window->pads[d], &padded) ||
		    __builtin_add_overflow(padded, window->pads[d + 2], &padded))
			return -EOVERFLOW;
		if (!window->kernel[d] || !window->stride[d] || padded < window->kernel[d])
			return -EINVAL;
		out[d] = (padded - window->kernel[d]) / window->stride[d] + 1;
	}
	return 0;
}

static double window_sum(const double *plane, const struct xq_xnor_window *w, size_t top, size_t left)
{
	double sum = 0;

	for (size_t i = 0; i < w->kernel[0]; i++) {
		size_t y = top + i;

		if (y < w->pads[0] || y - w->pads[0] >= w->height)
			continue;
		for (size_t j = 0; j < w->kernel[1]; j++) {
			size_t x = left + j;

			if (x >= w->pads[1] && x - w->pads[1] < w->width)
				sum += plane[(y - w->pads[0]) * w->width + x - w->pads[1]];
		}
	}
	return sum;
}

int xq_xnor_activation_scales(const float *x, const struct xq_xnor_window *window, float *scales,
			      struct xq_fault *fault)
{
	size_t out[2], area, n;
	double *plane;
	int err;

	if (!window || !window->channels || !scales)
		return -EINVAL;
	err = xq_xnor_output(window, out);
	if (err)
		return err;
	if (__builtin_mul_overflow(window->height, window->width, &area))
		return -EOVERFLOW;
	err = xq_check_rows(x, window->channels, area, &n, fault);
	if (err)
		return err;
	plane = calloc(area ? area : 1, sizeof(*plane));
	if (!plane)
		return -ENOMEM;
	for (size_t c = 0; c < window->channels; c++)
		for (size_t i = 0; i < area; i++)
			plane[i] += fabs((double)x[c * area + i]) / (double)window->channels;
	for (size_t i = 0; i < out[0]; i++)
		for (size_t j = 0; j < out[1]; j++)
			scales[i * out[1] + j] = (float)(
				window_sum(plane, window, i * window->stride[0], j * window->stride[1]) /
				(double)(window->kernel[0] * window->kernel[1]));
	free(plane);
	return 0;
}

int64_t xq_xnor_dot(const uint32_t *w, const uint32_t *x, size_t n)
{
	size_t words = n / 32, rest = n % 32;
	int64_t same = 0;

	for (size_t i = 0; i < words; i++)
		same += __builtin_popcount(~(w[i] ^ x[i]));
	if (rest)
		same += __builtin_popcount(~(w[words] ^ x[words]) & ((1u << rest) - 1));
	return 2 * same - (int64_t)n;
}
