// SPDX-License-Identifier: MIT
/* Conversion: a part of a row becomes int32 or f32, then what it shall be. */
#include <math.h>

#include "copy/copy.h"
#include "epilogue/epilogue.h"

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

void xqk_convert_start(struct xqk_convert *w, const struct xqk_isa *isa, const struct xqk_copy *copy)
{
	const struct xq_requant_one *y = &copy->dims.y;
	const int64_t add = y->add;
	const float scale = as_float(y->scale);
	struct xqk_requant rq = { .profile = y->profile, .zero_point = y->zero_point, .params = 1,
				  .multiplier = &y->multiplier, .shift = &y->shift, .add = &add, .scale = &scale };

	w->isa = isa;
	w->copy = copy;
	xq_clamp_range(copy->dims.y_format, y->act_min, y->act_max, &rq.least, &rq.greatest);
	w->quantize = (struct xqk_quantize){ scale, y->zero_point, rq.least, rq.greatest };
	if (copy->dims.kind == XQ_COPY_REQUANT)
		xqk_lanes_fill(&rq, NULL, 0, 1, w->lanes_memory, &w->lanes);
}

static bool is_signed(uint32_t format)
{
	int32_t least, greatest;

	return format == XQACCEL_FMT_S32 || (xq_format_range(format, &least, &greatest) && least < 0);
}

/* Elements of a packed row, one a byte. */
static const uint8_t *unpack(const uint8_t *x, uint32_t n, uint32_t format, uint8_t *bytes)
{
	const uint32_t bits = xq_format_bits(format), each = 8 / bits, up = 8 - bits;
	uint32_t i;

	for (i = 0; i < n; i++) {
		const uint32_t code = (uint32_t)x[i / each] >> i % each * bits & ((1U << bits) - 1);

		if (format == XQACCEL_FMT_B1)
			bytes[i] = code ? 1 : 0xff;
		else
			bytes[i] = is_signed(format) ? (uint8_t)((int8_t)(code << up) >> up) : (uint8_t)code;
	}
	return bytes;
}

/* n elements of x one after the other, those of less than 8 bits one a byte. */
static const void *elements(struct xqk_convert *w, uint64_t x, uint32_t from, uint32_t n)
{
	const struct xqk_copy *c = w->copy;
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bits = xq_format_bits(d->x_format), bytes = bits / 8;
	const uint64_t step = d->x_stride[d->dims - 1];
	uint32_t i;

	if (bits < 8)
		return unpack(xqk_view_read(&c->x, x + xq_row_bytes(d->x_format, from), w->packed,
					    xq_row_bytes(d->x_format, n)), n, d->x_format, w->gathered);
	if (step == bytes)
		return xqk_view_read(&c->x, x + from * step, w->gathered, (size_t)n * bytes);
	for (i = 0; i < n; i++)
		xqk_view_copy(&c->x, x + (from + i) * step, w->gathered + i * bytes, bytes, false);
	return w->gathered;
}

static void integers(struct xqk_convert *w, uint64_t x, uint32_t from, uint32_t n, int32_t zero_point)
{
	const uint32_t bits = xq_format_bits(w->copy->dims.x_format);

	w->isa->operators->copy->widen(w->value, elements(w, x, from, n), n, bits < 8 ? 8 : bits,
				       bits < 8 || is_signed(w->copy->dims.x_format), zero_point);
}

/* Floats may lie at any byte; those that don't are used where they are. */
static const float *reals(struct xqk_convert *w, uint64_t x, uint32_t from, uint32_t n)
{
	const void *at = elements(w, x, from, n);

	return (uintptr_t)at % sizeof(float) ? memcpy(w->real, at, 4 * (size_t)n) : at;
}

/* The part of y from what is one element after the other; those of less than 8 bits are packed. */
static void store(struct xqk_convert *w, uint64_t y, uint32_t from, uint32_t n, const void *values)
{
	const struct xqk_copy *c = w->copy;
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bits = xq_format_bits(d->y_format), bytes = bits / 8;
	const uint64_t step = d->y_stride[d->dims - 1];
	uint32_t i;

	if (bits < 8) {
		w->isa->operators->epilogue->pack(w->packed, values, n, bits);
		xqk_view_copy(&c->y, y + xq_row_bytes(d->y_format, from), w->packed, xq_row_bytes(d->y_format, n), true);
	} else if (step == bytes) {
		xqk_view_copy(&c->y, y + from * step, (void *)values, (size_t)n * bytes, true);
	} else {
		for (i = 0; i < n; i++)
			xqk_view_copy(&c->y, y + (from + i) * step, (uint8_t *)values + i * bytes, bytes, true);
	}
}

/* Scale and zero point of a row, which are written besides; false if canceled. */
static bool find_scale(struct xqk_convert *w, uint64_t row, uint64_t x, uint32_t count, const atomic_bool *cancel)
{
	const struct xqk_copy *c = w->copy;
	struct xqk_quantize *q = &w->quantize;
	float least = 0, greatest = 0, most;
	uint32_t from, n;
	int32_t low, high;

	xq_format_range(c->dims.y_format, &low, &high);
	for (from = 0; from < count; from += n) {
		n = count - from < XQK_CONVERT_PART ? count - from : XQK_CONVERT_PART;
		if (xqk_canceled(cancel))
			return false;
		w->isa->operators->copy->range(reals(w, x, from, n), n, &least, &greatest);
	}
	most = -least > greatest ? -least : greatest;
	q->zero_point = 0;
	q->scale = (low ? most : greatest - least) / (float)high;
	if (!(q->scale > 0))
		q->scale = 1;
	if (!low) {
		const float at = rintf(-least / q->scale);

		q->zero_point = at > (float)high ? high : (int32_t)at;
	}
	if (xqk_present(&c->scale))
		xqk_view_copy(&c->scale, 4 * row, &q->scale, 4, true);
	if (xqk_present(&c->zero_point))
		xqk_view_copy(&c->zero_point, 4 * row, &q->zero_point, 4, true);
	return true;
}

static void dequantize(struct xqk_convert *w, uint64_t x, uint32_t from, uint32_t n)
{
	const struct xq_copy_dims *d = &w->copy->dims;
	const float scale = w->quantize.scale;
	uint32_t i;

	if (d->x_format != XQACCEL_FMT_S32 && d->zero_point > -(1 << 30) && d->zero_point < 1 << 30) {
		integers(w, x, from, n, d->zero_point);
		w->isa->operators->copy->dequantize(w->real, w->value, n, scale);
		return;
	}
	/* 33 bits, exact in f64. */
	integers(w, x, from, n, 0);
	for (i = 0; i < n; i++)
		w->real[i] = (float)((double)w->value[i] - (double)d->zero_point) * scale;
}

static void convert_part(struct xqk_convert *w, uint64_t x, uint64_t y, uint32_t from, uint32_t n)
{
	const struct xq_copy_dims *d = &w->copy->dims;
	const bool wide = xq_format_bits(d->y_format) == 16;

	switch (d->kind) {
	case XQ_COPY_REQUANT:
		integers(w, x, from, n, d->zero_point);
		xqk_requantize(w->isa, &w->lanes, w->value, n, w->gathered, wide);
		store(w, y, from, n, w->gathered);
		break;
	case XQ_COPY_DEQUANTIZE:
		dequantize(w, x, from, n);
		store(w, y, from, n, w->real);
		break;
	default:
		w->isa->operators->copy->quantize(w->value, reals(w, x, from, n), n, &w->quantize, wide);
		store(w, y, from, n, w->value);
		break;
	}
}

bool xqk_convert_row(struct xqk_convert *w, uint64_t row, uint64_t x, uint64_t y, uint32_t from, uint32_t n,
		     const atomic_bool *cancel)
{
	const uint32_t end = from + n;
	uint32_t part;

	if (w->copy->dims.kind == XQ_COPY_DYNAMIC && !find_scale(w, row, x, n, cancel))
		return false;
	for (; from < end; from += part) {
		if (xqk_canceled(cancel))
			return false;
		part = end - from < XQK_CONVERT_PART ? end - from : XQK_CONVERT_PART;
		convert_part(w, x, y, from, part);
	}
	return true;
}
