// SPDX-License-Identifier: GPL-2.0
/*
 * Copies and conversions against a reference that moves one element at a time, on every instruction set:
 * any order of dimensions, gaps, repeated elements, packed rows, memory in scattered pages.
 */
#include <float.h>
#include <math.h>
#include <xqaccel/requantize.h>

#include "operator_case.h"

static struct {
	struct xqk_operator job;
	struct case_memory x, y, scale, zero_point;
	uint64_t rows;
} c;

static const uint8_t integers[] = { XQACCEL_FMT_S8, XQACCEL_FMT_U8, XQACCEL_FMT_S16, XQACCEL_FMT_U16, XQACCEL_FMT_S4,
				    XQACCEL_FMT_U4, XQACCEL_FMT_S2, XQACCEL_FMT_U2, XQACCEL_FMT_T2, XQACCEL_FMT_S32, XQACCEL_FMT_B1 };

/* Dimensions in any order, the first ones innermost; returns the bytes. */
static uint64_t random_strides(const struct xq_copy_dims *d, uint64_t *stride, uint32_t format, bool repeats)
{
	const bool in_order = ktap_range(0, 1), packed = xq_format_bits(format) < 8;
	uint64_t bytes = packed ? xq_row_bytes(format, d->dim[d->dims - 1]) : xq_format_bits(format) / 8, all;
	uint32_t order[XQ_TENSOR_DIMS], i, j;

	all = bytes;
	for (i = 0; i < d->dims; i++)
		order[i] = d->dims - 1 - i;
	/* The rows of packed elements stay innermost. */
	for (i = packed; !in_order && i < d->dims; i++) {
		const uint32_t other = i + (uint32_t)ktap_range(0, d->dims - 1 - i), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (i = 0; i < d->dims; i++) {
		j = order[i];
		if (packed && !i) {
			stride[j] = 0;
			continue;
		}
		if (repeats && !ktap_range(0, 5)) {
			stride[j] = 0;
			continue;
		}
		stride[j] = all;
		all *= d->dim[j];
		if (!ktap_range(0, 4))
			all += (packed ? 1 : bytes) * (uint64_t)ktap_range(1, 3);
	}
	return all;
}

static float any_real(void)
{
	switch (ktap_range(0, 60)) {
	case 0:
		return (float)ldexp(ktap_unit(), 127);
	case 1:
		return INFINITY;
	case 2:
		return NAN;
	default:
		return (float)(ktap_normal() * 3);
	}
}

static void random_case(void)
{
	struct xq_copy_dims *d = &c.job.copy.dims;
	struct xq_requant_one *y = &d->y;
	int32_t least, greatest;

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_COPY;
	d->kind = (uint8_t)ktap_range(0, XQ_COPY_KINDS - 1);
	d->dims = (uint8_t)ktap_range(1, XQ_TENSOR_DIMS);
	c.rows = 1;
	for (uint32_t i = 0; i < d->dims; i++) {
		const int64_t most = d->dims == 1 ? 5000 : d->dims == 2 ? 90 : d->dims == 3 ? 40 : 6;

		d->dim[i] = (uint32_t)(ktap_range(0, 30) ? ktap_range(1, most) : 0);
		if (i + 1 < d->dims)
			c.rows *= d->dim[i];
	}
	d->x_format = d->y_format = integers[ktap_range(0, 9)];
	if (d->kind == XQ_COPY_NONE && !ktap_range(0, 5))
		d->x_format = d->y_format = XQACCEL_FMT_F32;
	if (d->kind == XQ_COPY_REQUANT || d->kind == XQ_COPY_DEQUANTIZE)
		d->x_format = integers[ktap_range(0, 10)];
	if (d->kind == XQ_COPY_QUANTIZE || d->kind == XQ_COPY_DYNAMIC)
		d->x_format = XQACCEL_FMT_F32;
	if (d->kind == XQ_COPY_DEQUANTIZE)
		d->y_format = XQACCEL_FMT_F32;
	else if (d->kind != XQ_COPY_NONE)
		d->y_format = integers[ktap_range(0, 8)];
	d->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-300, 300) : (int32_t)ktap_random());
	y->profile = (uint32_t)ktap_range(0, XQ_PROFILES - 1);
	y->multiplier = (int32_t)ktap_range(1 << 30, INT32_MAX);
	y->shift = (int32_t)(y->profile == XQ_PROFILE_FLOOR_SHIFT ? ktap_range(28, 40) : ktap_range(-9, -1));
	if (d->kind == XQ_COPY_REQUANT) {
		const float scale = (float)(ktap_unit() * 2);

		memcpy(&y->scale, &scale, 4);
	} else {
		const float scale = (float)(ktap_unit() + 0.01);

		memcpy(&y->scale, &scale, 4);
	}
	y->add = ktap_range(-(1LL << 34), 1LL << 34);
	y->zero_point = (int32_t)ktap_range(-130, 260);
	y->act_min = INT32_MIN;
	y->act_max = INT32_MAX;
	if (xq_format_range(d->y_format, &least, &greatest) && !ktap_range(0, 3))
		y->act_min = (int32_t)ktap_range(least, greatest);
	EXPECT(xq_copy_valid(d), "valid: kind %u %u to %u", d->kind, d->x_format, d->y_format);
	case_alloc(&c.x, random_strides(d, (uint64_t *)d->x_stride, d->x_format, true), 4);
	if (d->x_format == XQACCEL_FMT_F32 && d->kind != XQ_COPY_NONE)
		for (size_t i = 0; i + 4 <= c.x.size; i += 4) {
			const float v = any_real();

			memcpy(c.x.bytes + i, &v, 4);
		}
	case_share(&c.x);
	c.job.copy.x = c.x.view;
	case_alloc(&c.y, random_strides(d, (uint64_t *)d->y_stride, d->y_format, false), 4);
	case_alloc(&c.scale, 4 * c.rows, 4);
	case_alloc(&c.zero_point, 4 * c.rows, 4);
}

static uint32_t bits_at(const uint8_t *row, uint32_t format, uint64_t stride, size_t i)
{
	uint32_t code = 0;

	if (xq_format_bits(format) < 8)
		for (uint32_t b = 0; b < xq_format_bits(format); b++)
			code |= (uint32_t)(row[(i * xq_format_bits(format) + b) / 8] >> (i * xq_format_bits(format) + b) % 8 & 1) << b;
	else
		memcpy(&code, row + i * stride, xq_format_bits(format) / 8);
	return code;
}

static void set_bits(uint8_t *row, uint32_t format, uint64_t stride, size_t i, uint32_t code)
{
	const uint32_t bits = xq_format_bits(format);

	if (bits >= 8) {
		memcpy(row + i * stride, &code, bits / 8);
		return;
	}
	if (i * bits % 8 == 0)
		row[i * bits / 8] = 0;
	row[i * bits / 8] |= (uint8_t)((code & ((1U << bits) - 1)) << i * bits % 8);
}

static int32_t quantized(float x, float scale, int32_t zero_point, int32_t low, int32_t high)
{
	const float q = x / scale;
	const double v = isnan(q) ? 0 : isinf(q) ? copysign(1e9, (double)q) : nearbyint((double)q) > 1e9 ? 1e9 :
			 nearbyint((double)q) < -1e9 ? -1e9 : nearbyint((double)q);
	const double y = v + zero_point;

	return (int32_t)(y < low ? low : y > high ? high : y);
}

static uint32_t converted(uint32_t code, float scale, int32_t zero_point)
{
	const struct xq_copy_dims *d = &c.job.copy.dims;
	const uint32_t bits = xq_format_bits(d->x_format);
	int32_t v = (int32_t)code, low, high;
	float x, y;
	uint32_t out;

	if (d->kind == XQ_COPY_NONE)
		return code;
	xq_clamp_range(d->y_format, d->y.act_min, d->y.act_max, &low, &high);
	memcpy(&x, &code, 4);
	if (d->kind == XQ_COPY_QUANTIZE || d->kind == XQ_COPY_DYNAMIC)
		return (uint32_t)quantized(x, scale, zero_point, low, high);
	if (d->x_format == XQACCEL_FMT_B1)
		v = code ? 1 : -1;
	else if (bits < 32 && d->x_format != XQACCEL_FMT_U8 && d->x_format != XQACCEL_FMT_U16 && d->x_format != XQACCEL_FMT_U4 &&
		 d->x_format != XQACCEL_FMT_U2 && code >> (bits - 1))
		v = (int32_t)(code - (1U << bits));
	if (d->kind == XQ_COPY_DEQUANTIZE) {
		volatile float difference = (float)((int64_t)v - d->zero_point);

		y = difference * scale;
		memcpy(&out, &y, 4);
		return out;
	} else {
		const int32_t acc = (int32_t)((uint32_t)v - (uint32_t)d->zero_point);
		const struct xq_channels one = { 1, 1, 1 };
		const int64_t add = d->y.add;
		const struct xq_requant rq = { .profile = (enum xq_requant_profile)d->y.profile, .type = d->y_format == XQACCEL_FMT_U16 ?
					       XQ_U16 : XQ_S16, .params = 1, .scale = &scale, .multiplier = &d->y.multiplier,
					       .shift = &d->y.shift, .add = &add, .zero_point = d->y.zero_point, .clamp = true,
					       .act_min = low, .act_max = high };
		uint16_t result;

		EXPECT(!xq_requantize(&acc, &one, NULL, &rq, &result), "refused");
		return d->y_format == XQACCEL_FMT_U16 ? result : (uint32_t)(int16_t)result;
	}
}

/* A row's scale and zero point, as found or as given. */
static void row_numbers(const uint8_t *x, uint64_t row, float *scale, int32_t *zero_point)
{
	const struct xq_copy_dims *d = &c.job.copy.dims;
	const uint32_t last = d->dims - 1U;
	float least = 0, greatest = 0, found;
	int32_t low, high, zp = 0;

	memcpy(scale, &d->y.scale, 4);
	*zero_point = d->y.zero_point;
	if (d->kind != XQ_COPY_DYNAMIC)
		return;
	xq_format_range(d->y_format, &low, &high);
	for (size_t i = 0; i < d->dim[last]; i++) {
		const uint32_t code = bits_at(x, d->x_format, d->x_stride[last], i);
		float v;

		memcpy(&v, &code, 4);
		if (!isfinite(v))
			continue;
		least = v < least ? v : least;
		greatest = v > greatest ? v : greatest;
	}
	found = (low ? fmaxf(-least, greatest) : greatest - least) / (float)high;
	if (found == 0)
		found = 1;
	if (!low)
		zp = (int32_t)fmin(high, nearbyint((double)(-least / found)));
	*scale = found;
	*zero_point = zp;
	EXPECT(!memcmp(c.scale.bytes + 4 * row, scale, 4), "scale of row %llu", (unsigned long long)row);
	EXPECT(!memcmp(c.zero_point.bytes + 4 * row, zero_point, 4), "zero point of row %llu", (unsigned long long)row);
}

static void check(const char *isa)
{
	const struct xq_copy_dims *d = &c.job.copy.dims;
	uint8_t *bytes = malloc(c.y.size + 4);

	memset(bytes, 0xa5, c.y.size);
	for (uint64_t row = 0; d->dim[d->dims - 1] && row < c.rows; row++) {
		const uint32_t last = d->dims - 1U;
		uint64_t rest = row, x = 0, y = 0;
		int32_t zero_point;
		float scale;

		for (uint32_t i = last; i--; rest /= d->dim[i]) {
			x += rest % d->dim[i] * d->x_stride[i];
			y += rest % d->dim[i] * d->y_stride[i];
		}
		row_numbers(c.x.bytes + x, row, &scale, &zero_point);
		for (size_t i = 0; i < d->dim[last]; i++)
			set_bits(bytes + y, d->y_format, d->y_stride[last], i,
				 converted(bits_at(c.x.bytes + x, d->x_format, d->x_stride[last], i), scale, zero_point));
	}
	for (size_t i = 0; i < c.y.size; i++)
		if (!EXPECT(bytes[i] == c.y.bytes[i], "%s: kind %u profile %u formats %u to %u, %u dims, last %u: byte %zu of %zu is %u, "
			    "not %u", isa, d->kind, d->y.profile, d->x_format, d->y_format, d->dims, d->dim[d->dims - 1], i, c.y.size,
			    c.y.bytes[i], bytes[i]))
			break;
	free(bytes);
}

static void all_isas(void (*random_job)(void), int rounds)
{
	for (int round = 0; round < rounds && ktap.failures < 5; round++) {
		random_job();
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			memset(c.y.bytes, 0xa5, c.y.size);
			case_share(&c.y);
			case_share(&c.scale);
			case_share(&c.zero_point);
			c.job.copy.y = c.y.view;
			c.job.copy.scale = c.scale.view;
			c.job.copy.zero_point = c.zero_point.view;
			case_run(&c.job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
			case_take(&c.y);
			case_take(&c.scale);
			case_take(&c.zero_point);
			check(xqk_isa_list(i));
		}
		case_free(&c.x);
		case_free(&c.y);
		case_free(&c.scale);
		case_free(&c.zero_point);
	}
}

static void boxes(void)
{
	all_isas(random_case, 4000);
}

/* Rows of the sizes that vectors have, and others, some read again and again: enlargements. */
static void random_runs(void)
{
	static const uint32_t sizes[] = { 16, 32, 64 };
	struct xq_copy_dims *d = &c.job.copy.dims;

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_COPY;
	d->kind = XQ_COPY_NONE;
	d->x_format = d->y_format = XQACCEL_FMT_S8;
	d->dims = (uint8_t)ktap_range(2, 5);
	c.rows = 1;
	for (uint32_t i = 0; i + 1 < d->dims; i++) {
		d->dim[i] = (uint32_t)ktap_range(1, 6);
		if (d->dims == 2 && !ktap_range(0, 9))
			d->dim[i] = (uint32_t)ktap_range(4000, 4200);
		c.rows *= d->dim[i];
	}
	d->dim[d->dims - 1] = c.rows > 4000 ? 16 : ktap_range(0, 1) ? sizes[ktap_range(0, 2)] :
			      (uint32_t)ktap_range(1, 600);
	EXPECT(xq_copy_valid(d), "valid");
	case_alloc(&c.x, random_strides(d, (uint64_t *)d->x_stride, d->x_format, true), 4);
	case_share(&c.x);
	c.job.copy.x = c.x.view;
	case_alloc(&c.y, random_strides(d, (uint64_t *)d->y_stride, d->y_format, false), 4);
	case_alloc(&c.scale, 4 * c.rows, 4);
	case_alloc(&c.zero_point, 4 * c.rows, 4);
}

static void runs(void)
{
	all_isas(random_runs, 600);
}

static void limits(void)
{
	const struct xq_copy_dims good = { .kind = XQ_COPY_REQUANT, .x_format = XQACCEL_FMT_S8, .y_format = XQACCEL_FMT_S4, .dims = 1,
					   .dim = { 4 }, .x_stride = { 1 }, .y_stride = { 1 }, .y = { .act_min = -8, .act_max = 7 } };
	struct xq_copy_dims d;

	EXPECT(xq_copy_valid(&good), "good");
#define REFUSED(...)	EXPECT((d = good, __VA_ARGS__, !xq_copy_valid(&d)), #__VA_ARGS__)
	REFUSED(d.kind = XQ_COPY_KINDS);
	REFUSED(d.dims = 0);
	REFUSED(d.dims = XQ_TENSOR_DIMS + 1);
	REFUSED(d.x_format = XQACCEL_FMT_NONE);
	REFUSED(d.x_format = XQACCEL_FMT_C4);
	REFUSED(d.x_format = XQACCEL_FMT_F32);
	REFUSED(d.y_format = XQACCEL_FMT_B1);
	REFUSED(d.y_format = XQACCEL_FMT_S32);
	REFUSED(d.y.profile = XQ_PROFILES);
	REFUSED(d.y.act_min = 8);
	REFUSED(d.kind = XQ_COPY_NONE);
	REFUSED(d.kind = XQ_COPY_QUANTIZE);
	REFUSED(d.kind = XQ_COPY_DYNAMIC);
	REFUSED(d.kind = XQ_COPY_DEQUANTIZE);
	REFUSED(d.kind = XQ_COPY_QUANTIZE, d.x_format = XQACCEL_FMT_F32, d.y.zero_point = XQ_MAX_ZERO_POINT + 1);
	REFUSED(d.dims = 6, d.dim[0] = d.dim[1] = d.dim[2] = d.dim[3] = d.dim[4] = d.dim[5] = 1U << 31);
}

/* Matrices whose rows become columns, past every size of square and of block, with gaps. */
static void matrices_turned(void)
{
	static const uint8_t formats[] = { XQACCEL_FMT_S8, XQACCEL_FMT_S16, XQACCEL_FMT_S32 };
	enum { MOST = 300, X_ROW = MOST + 5, Y_ROW = MOST + 7 };
	static uint8_t x[4 * X_ROW * MOST], y[4 * Y_ROW * MOST], want[4 * Y_ROW * MOST];

	for (size_t i = 0; i < sizeof(x); i++)
		x[i] = (uint8_t)ktap_random();
	for (int round = 0; round < 300 && ktap.failures < 5; round++) {
		const uint32_t most = round % 2 ? MOST : 80, rows = (uint32_t)ktap_range(4, most);
		const uint32_t columns = (uint32_t)ktap_range(4, most), format = formats[ktap_range(0, 2)];
		const size_t size = xq_format_bits(format) / 8;
		struct xqk_operator job = { .kind = XQK_COPY };

		job.copy.dims = (struct xq_copy_dims){
			.x_format = (uint8_t)format, .y_format = (uint8_t)format, .dims = 2,
			.dim = { columns, rows },
			.x_stride = { size, size * X_ROW },
			.y_stride = { size * Y_ROW, size },
		};
		job.copy.x.flat = x;
		job.copy.y.flat = y;
		memset(want, 0xa5, sizeof(want));
		for (uint32_t r = 0; r < rows; r++)
			for (uint32_t i = 0; i < columns; i++)
				memcpy(want + size * (Y_ROW * i + r), x + size * (X_ROW * r + i), size);
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			memset(y, 0xa5, sizeof(y));
			case_run(&job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
			EXPECT(!memcmp(y, want, sizeof(y)), "%s: %u x %u of %zu bytes", xqk_isa_list(i), rows,
			       columns, size);
		}
	}
}

KTAP_MAIN({ "rows of bytes that are moved or repeated", runs },
	  { "boxes on every instruction set", boxes },
	  { "matrices, turned", matrices_turned },
	  { "what is refused", limits })
