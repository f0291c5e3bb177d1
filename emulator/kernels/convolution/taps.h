/* SPDX-License-Identifier: MIT */
/*
 * Depthwise kernels that go tap by tap, 16 channels at a time, included by each instruction set
 * that does so. It defines before
 *
 *	TAPS_SUMS		type of 16 sums
 *	taps_load(p)		the sums at an int32_t *
 *	taps_add(sums, x, w)	sums with 16 products of signed bytes; x and w are int8_t *
 *	taps_store(p, sums)
 *
 * and gets functions arrange() and run(). Weights are [tap][XQK_DEPTHWISE_CHANNELS].
 */
#include <string.h>

#include "convolution/micro_kernels.h"

#define VECTOR 16

static void arrange(int8_t *w, const int8_t *const *rows, uint32_t channels, uint32_t kernel_h,
		    uint32_t kernel_w)
{
	uint32_t tap, c;

	for (tap = 0; tap < kernel_h * kernel_w; tap++) {
		for (c = 0; c < channels; c++)
			w[tap * XQK_DEPTHWISE_CHANNELS + c] = rows[c][tap];
		for (; c < XQK_DEPTHWISE_CHANNELS; c++)
			w[tap * XQK_DEPTHWISE_CHANNELS + c] = 0;
	}
}

static size_t line_bytes(uint32_t kernel_h)
{
	return (size_t)kernel_h * XQK_DEPTHWISE_COLUMNS * VECTOR;
}

/* The columns that the outputs see of 16 channels, as signed bytes one after the other. */
static void stage_line(const struct xqk_depthwise *job, uint32_t channel, uint32_t columns, int8_t *line)
{
	const uint32_t channels = job->channels - channel < VECTOR ? job->channels - channel : VECTOR;
	uint32_t r, i, c;

	for (r = 0; r < job->kernel_h; r++) {
		for (i = 0; i < columns; i++, line += VECTOR) {
			const int64_t column = job->first + i;
			const uint8_t *x;

			if (!job->row[r] || column < 0 || column >= job->width) {
				memset(line, job->pad, VECTOR);
				continue;
			}
			x = job->row[r] + (size_t)column * job->column + channel;
			if (channels == VECTOR)
				for (c = 0; c < VECTOR; c++)
					line[c] = (int8_t)(x[c] ^ job->flip);
			else
				for (c = 0; c < channels; c++)
					line[c] = (int8_t)(x[c] ^ job->flip);
		}
	}
}

static void run(const struct xqk_depthwise *job)
{
	const uint32_t columns = (job->outputs - 1) * job->stride + (job->kernel_w - 1) * job->dilation + 1;
	uint32_t channel, q, r, s;
	int32_t part[VECTOR];

	for (channel = 0; channel < job->channels; channel += VECTOR) {
		const uint32_t left = job->channels - channel;

		stage_line(job, channel, columns, job->line);
		for (q = 0; q < job->outputs; q++) {
			TAPS_SUMS sums = taps_load(job->start + channel);
			const int8_t *w = job->w + channel;
			uint8_t *y = job->y + q * job->y_stride + 4 * channel;

			for (r = 0; r < job->kernel_h; r++) {
				const int8_t *x = (const int8_t *)job->line +
					((size_t)r * columns + q * job->stride) * VECTOR;

				for (s = 0; s < job->kernel_w; s++) {
					sums = taps_add(sums, x, w);
					x += job->dilation * VECTOR;
					w += XQK_DEPTHWISE_CHANNELS;
				}
			}
			if (left >= VECTOR) {
				taps_store((int32_t *)y, sums);
				continue;
			}
			taps_store(part, sums);
			memcpy(y, part, 4 * left);
		}
	}
}
