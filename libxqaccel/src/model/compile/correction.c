// SPDX-License-Identifier: MIT
/*
 * What a zero point that is found with each run contributes to a convolution: sums of weights less
 * their own zero points, for each way in which the window is cut off by the image's borders.
 */
#include <string.h>

#include "correction.h"

int xqm_correct(void *arg, const struct xq_network_value *input,
		const struct xq_network_value *output)
{
	const struct xqm_corrector *r = arg;
	const uint32_t zero = *(const uint32_t *)input[1].data, *acc = input[0].data;
	const size_t images = input[0].dim[0];
	uint32_t *y = output[0].data;

	for (size_t line = 0; line < images * r->height; line++) {
		const uint32_t *sums = r->sum + r->rows[line % r->height] * r->kinds * r->channels;

		for (size_t x = 0; x < r->width; x++, acc += r->channels, y += r->channels) {
			const uint32_t *sum = sums + r->columns[x] * r->channels;

			for (size_t i = 0; i < r->channels; i++)
				y[i] = acc[i] - zero * sum[i];
		}
	}
	return 0;
}

/* Taps first to last - 1 of a window lie in the image. */
struct cut {
	int64_t first, last;
};

/*
 * Kinds of all positions along a dimension: the cut of each kind in list, of which there are as
 * many as the result says. Those of neighbours are often the same.
 */
static size_t find_cuts(const struct xqm_window *w, unsigned int d, const struct xqm_image *image,
			int64_t size, uint32_t *kind, struct cut *list)
{
	const int64_t stride = (int64_t)w->stride[d], dilation = (int64_t)w->dilation[d],
		      kernel = image->kernel[d];
	size_t count = 0, k;

	for (int64_t o = 0; o < image->out[d]; o++) {
		const int64_t at = o * stride - image->begin[d], end = size - at;
		struct cut cut = { at < 0 ? (-at + dilation - 1) / dilation : 0,
				   end > 0 ? (end + dilation - 1) / dilation : 0 };

		if (cut.last > kernel)
			cut.last = kernel;
		if (cut.first >= cut.last)
			cut = (struct cut){ 0, 0 };
		for (k = count;
		     k > 0 && (list[k - 1].first != cut.first || list[k - 1].last != cut.last); k--)
			;
		if (!k) {
			list[count++] = cut;
			k = count;
		}
		kind[o] = (uint32_t)(k - 1);
	}
	return count;
}

static uint32_t weight(const struct xqm_tensor *w, size_t at)
{
	if (w->type == XQ_S8)
		return (uint32_t)((const int8_t *)w->data)[at];
	return ((const uint8_t *)w->data)[at];
}

/* sum[(h + 1) * (width + 1) + v + 1]: weights of a channel up to tap h, v, less the zero point */
static void sum_taps(const struct xqm_tensor *w, size_t channel, uint32_t zero,
		     const struct xqm_image *image, uint32_t *sum)
{
	const size_t in = (size_t)w->shape.dim[1], height = (size_t)image->kernel[0],
		     width = (size_t)image->kernel[1];
	const size_t line = width + 1;

	memset(sum, 0, line * sizeof(*sum));
	for (size_t h = 0; h < height; h++) {
		uint32_t *to = sum + (h + 1) * line, along = 0;

		to[0] = 0;
		for (size_t v = 0; v < width; v++) {
			for (size_t i = 0; i < in; i++)
				along += weight(w, ((channel * in + i) * height + h) * width + v) -
					 zero;
			to[v + 1] = to[v + 1 - line] + along;
		}
	}
}

static void sum_kinds(const struct xqm_corrector *r, const struct xqm_image *image,
		      const struct cut *rows, size_t row_kinds, const struct cut *columns,
		      const uint32_t *tap, size_t channel)
{
	const size_t line = (size_t)image->kernel[1] + 1;

	for (size_t h = 0; h < row_kinds; h++) {
		const uint32_t *low = tap + (size_t)rows[h].first * line,
			       *high = tap + (size_t)rows[h].last * line;

		for (size_t v = 0; v < r->kinds; v++) {
			const struct cut *c = &columns[v];

			r->sum[(h * r->kinds + v) * r->channels + channel] =
				high[c->last] - high[c->first] - low[c->last] + low[c->first];
		}
	}
}

struct xqm_corrector *xqm_new_corrector(struct xqm_graph *graph, const struct xqm_operator *op,
					const struct xqm_quantization *zero,
					const struct xqm_image *image)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *w = xqm_input(graph, op, 1);
	struct xqm_corrector *r = xqm_alloc(graph, sizeof(*r));
	struct cut *rows = xqm_alloc(graph, (size_t)image->out[0] * sizeof(*rows));
	struct cut *columns = xqm_alloc(graph, (size_t)image->out[1] * sizeof(*columns));
	uint32_t *tap = xqm_alloc(graph, (size_t)(image->kernel[0] + 1) *
						    (size_t)(image->kernel[1] + 1) * sizeof(*tap));
	size_t row_kinds;

	if (!r || !rows || !columns || !tap)
		return NULL;
	r->height = (size_t)image->out[0];
	r->width = (size_t)image->out[1];
	r->channels = (size_t)image->channels;
	r->rows = xqm_alloc(graph, r->height * sizeof(*r->rows));
	r->columns = xqm_alloc(graph, r->width * sizeof(*r->columns));
	if (!r->rows || !r->columns)
		return NULL;
	row_kinds = find_cuts(&op->params.window, 0, image, x->shape.dim[1], r->rows, rows);
	r->kinds = find_cuts(&op->params.window, 1, image, x->shape.dim[2], r->columns, columns);
	r->sum = xqm_alloc(graph, row_kinds * r->kinds * r->channels * sizeof(*r->sum));
	if (!r->sum)
		return NULL;
	for (size_t i = 0; i < r->channels; i++) {
		const int32_t v = zero->count ? zero->zero_point[zero->count > 1 ? i : 0] : 0;

		sum_taps(w, i, (uint32_t)v, image, tap);
		sum_kinds(r, image, rows, row_kinds, columns, tap, i);
	}
	return r;
}
