// SPDX-License-Identifier: MIT
/* W element by element, for the kernels that have an order of their own. */
#include <string.h>

#include "convolution/conv.h"
#include "product/gemm.h"

/* Words of 32 bits of a row of W. */
static void read_tiled(const struct xqk_conv *conv, uint32_t o, uint8_t *dst, uint64_t words)
{
	const struct xq_conv_dims *d = &conv->dims;
	const struct xqk_view *v = &conv->view[XQK_CONV_W];
	const uint32_t outputs = d->out_c / d->groups, n = o % outputs;
	const uint64_t tiles = xq_tiles_k(d->w_format, xq_conv_k(d));
	uint64_t word;

	for (word = 0; word < words; word++)
		xqk_read(v, o / outputs, o / outputs * v->batch_stride,
			 (n / XQK_LANES * tiles + word / XQACCEL_TILE_WORDS) * XQACCEL_TILE_BYTES +
			 4 * (XQK_LANES * (word % XQACCEL_TILE_WORDS) + n % XQK_LANES), dst + 4 * word, 4);
}

static void look_up(const struct xqk_conv *conv, const uint8_t *codes, int8_t *dst, uint32_t k)
{
	uint8_t table[256];
	uint32_t i;

	xqk_read(&conv->view[XQK_CONV_CODEBOOK], 0, 0, 0, table,
		 conv->dims.w_format == XQACCEL_FMT_C8 ? 256 : 16);
	for (i = 0; i < k; i++)
		dst[i] = (int8_t)table[conv->dims.w_format == XQACCEL_FMT_C8 ? codes[i] :
				       codes[i / 2] >> 4 * (i % 2) & 15];
}

void xqk_weight_row(const struct xqk_plan *plan, uint32_t o, int8_t *dst)
{
	const struct xqk_conv *conv = &plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const struct xqk_view *v = &conv->view[XQK_CONV_W];
	const uint32_t k = (uint32_t)xq_conv_k(d);
	uint8_t row[4 * (XQK_DEPTHWISE_TAPS / 4)];

	if (d->flags & XQACCEL_JOB_B_TILED) {
		read_tiled(conv, o, row, (xq_row_bytes(d->w_format, k) + 3) / 4);
	} else if (v->flat && d->w_format == XQACCEL_FMT_S8) {
		memcpy(dst, v->flat + o * v->stride, k);
		return;
	} else {
		xqk_read(v, o, o * v->stride, 0, row, (size_t)xq_row_bytes(d->w_format, k));
	}
	if (xq_format_codebook(d->w_format))
		look_up(conv, row, dst, k);
	else
		plan->isa->product->widen_a(dst, row, k, d->w_format);
}

int32_t xqk_weight_zero(const struct xqk_conv *conv, uint32_t o)
{
	int32_t zero = conv->w_zp;

	if (xqk_present(&conv->view[XQK_CONV_W_ZP]))
		xqk_read(&conv->view[XQK_CONV_W_ZP], 0, 0, 4 * (uint64_t)o, &zero, 4);
	return zero;
}
