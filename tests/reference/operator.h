/* SPDX-License-Identifier: MIT */
/*
 * Every operation of the device, naively, from the words and places of a job and the description in
 * Documentation/hardware.rst alone: one element at a time, in memory that holds all operands.
 */
#ifndef REFERENCE_OPERATOR_H
#define REFERENCE_OPERATOR_H

#include "numbers.h"
#include "softmax.h"

/**
 * struct ref_job - a job and its memory
 * @work: @operand: as for the driver; an operand with a handle of 0 is absent
 * @memory: what the operands' offsets are in
 */
struct ref_job {
	struct xqaccel_work work;
	struct xqaccel_operand operand[23];
	uint8_t *memory;
};

static inline bool ref_has(const struct ref_job *j, unsigned int operand)
{
	return j->operand[operand].handle;
}

/* Where row `row` of plane `plane` of batch element `batch` begins. */
static inline uint8_t *ref_row(const struct ref_job *j, unsigned int operand, uint64_t batch, uint64_t plane,
			       uint64_t row)
{
	const struct xqaccel_operand *op = &j->operand[operand];

	return j->memory + op->offset + batch * op->batch_stride + plane * op->plane_stride + row * op->stride;
}

static inline int32_t ref_s32(const struct ref_job *j, unsigned int operand, uint64_t i, int32_t absent)
{
	return ref_has(j, operand) ? (int32_t)ref_value(ref_row(j, operand, 0, 0, 0), XQACCEL_FMT_S32, i) : absent;
}

static inline float ref_f32(const struct ref_job *j, unsigned int operand, uint64_t i, float absent)
{
	return ref_has(j, operand) ? ref_float(ref_row(j, operand, 0, 0, 0) + 4 * i) : absent;
}

/* ---- epilogues ---- */

static inline uint32_t ref_reals(const struct ref_job *j, int32_t acc, uint64_t row, uint32_t column)
{
	volatile float y = (float)acc;
	uint32_t bits;

	if (ref_has(j, XQACCEL_EPILOGUE_ROW_SCALE))
		y = y * ref_f32(j, XQACCEL_EPILOGUE_ROW_SCALE, row, 1);
	if (ref_has(j, XQACCEL_EPILOGUE_COLUMN_SCALE))
		y = y * ref_f32(j, XQACCEL_EPILOGUE_COLUMN_SCALE, column, 1);
	if (ref_has(j, XQACCEL_EPILOGUE_FLOAT_BIAS))
		y = y + ref_f32(j, XQACCEL_EPILOGUE_FLOAT_BIAS, column, 0);
	memcpy(&bits, (const void *)&y, 4);
	return bits;
}

static inline int64_t ref_steps(const struct ref_job *j, int32_t acc, uint32_t column)
{
	const struct xqaccel_epilogue *e = &j->work.epilogue;
	const bool down = ref_has(j, XQACCEL_EPILOGUE_DECREASES) &&
			  *(ref_row(j, XQACCEL_EPILOGUE_DECREASES, 0, 0, 0) + column);
	int64_t count = 0;

	for (uint32_t t = 0; t < e->thresholds; t++)
		count += (acc >= ref_s32(j, XQACCEL_EPILOGUE_THRESHOLD, (uint64_t)column * e->thresholds + t, 0)) != down;
	return count;
}

/* The code that an accumulator becomes. */
static inline uint32_t ref_epilogue(const struct ref_job *j, int32_t acc, uint64_t row, uint32_t column)
{
	const struct xqaccel_epilogue *e = &j->work.epilogue;
	const uint32_t p = e->channels ? column : 0;
	const uint32_t format = e->index_format ? e->index_format : e->format;
	int64_t v, add = 0;

	if (!e->kind)
		return (uint32_t)acc;
	acc = (int32_t)((uint32_t)acc + (uint32_t)ref_s32(j, XQACCEL_EPILOGUE_BIAS, column, 0));
	if (e->kind == XQACCEL_EPILOGUE_FLOAT)
		return ref_reals(j, acc, row, column);
	if (e->kind == XQACCEL_EPILOGUE_THRESHOLDS) {
		v = ref_bounded(e->format, ref_steps(j, acc, column) + e->zero_point, e->act_min, e->act_max);
		return ref_code_of(e->format, v);
	}
	if (ref_has(j, XQACCEL_EPILOGUE_ADD))
		memcpy(&add, ref_row(j, XQACCEL_EPILOGUE_ADD, 0, 0, 0) + 8 * (uint64_t)p, 8);
	v = ref_bounded(format, ref_requant(e->profile, acc, ref_s32(j, XQACCEL_EPILOGUE_MULTIPLIER, p, 0),
					    ref_s32(j, XQACCEL_EPILOGUE_SHIFT, p, 0), add,
					    ref_f32(j, XQACCEL_EPILOGUE_SCALE, p, 0)) + e->zero_point,
			e->act_min, e->act_max);
	if (e->index_format)
		return ref_code_of(e->format, (int8_t)ref_row(j, XQACCEL_EPILOGUE_TABLE, 0, 0, 0)[(uint8_t)v]);
	return ref_code_of(e->format, v);
}

static inline uint32_t ref_out_format(const struct ref_job *j)
{
	return j->work.epilogue.kind ? j->work.epilogue.format : XQACCEL_FMT_S32;
}

/* ---- products and convolutions ---- */

/* A weight's value, maybe from the codebook. */
static inline int32_t ref_weight(const struct ref_job *j, const uint8_t *row, uint32_t format, uint64_t k)
{
	if (format == XQACCEL_FMT_C4 || format == XQACCEL_FMT_C8)
		return (int8_t)ref_row(j, XQACCEL_CODEBOOK, 0, 0, 0)[ref_code(row, format, k)];
	return (int32_t)ref_value(row, format, k);
}

static inline void ref_gemm(const struct ref_job *j)
{
	const struct xqaccel_gemm *g = &j->work.gemm;

	for (uint32_t b = 0; b < g->batch; b++)
		for (uint32_t m = 0; m < g->m; m++)
			for (uint32_t n = 0; n < g->n; n++) {
				uint32_t sum = 0;

				for (uint32_t k = 0; k < g->k; k++)
					sum += ((uint32_t)ref_value(ref_row(j, XQACCEL_A, b, 0, m), g->a_format, k) -
						(uint32_t)g->a_zp) *
					       ((uint32_t)ref_weight(j, ref_row(j, XQACCEL_B, b, 0, n), g->b_format, k) -
						(uint32_t)g->b_zp);
				ref_set(ref_row(j, XQACCEL_C, b, 0, m), ref_out_format(j), n,
					ref_epilogue(j, (int32_t)sum, (uint64_t)b * g->m + m, n));
			}
}

static inline uint32_t ref_conv_sum(const struct ref_job *j, uint32_t b, uint32_t p, uint32_t q, uint32_t o)
{
	const struct xqaccel_conv *c = &j->work.conv;
	const uint32_t channels = c->in_c / c->groups, first = o / (c->out_c / c->groups) * channels;
	const int32_t w_zp = ref_s32(j, XQACCEL_W_ZP, o, c->w_zp);
	uint32_t sum = 0;

	for (uint32_t r = 0; r < c->kernel_h; r++)
		for (uint32_t s = 0; s < c->kernel_w; s++) {
			int64_t y = (int64_t)p * c->stride_h + (int64_t)r * c->dilation_h - c->pad_top;
			int64_t x = (int64_t)q * c->stride_w + (int64_t)s * c->dilation_w - c->pad_left;

			if (c->transposed) {
				y = (int64_t)p + c->pad_top - (int64_t)r * c->dilation_h;
				x = (int64_t)q + c->pad_left - (int64_t)s * c->dilation_w;
				if (y < 0 || x < 0 || y % c->stride_h || x % c->stride_w)
					continue;
				y /= c->stride_h;
				x /= c->stride_w;
			}
			if (y < 0 || x < 0 || y >= c->in_h || x >= c->in_w)
				continue;
			for (uint32_t i = 0; i < channels; i++)
				sum += ((uint32_t)ref_value(ref_row(j, XQACCEL_X, b, (uint64_t)y, (uint64_t)x), c->x_format,
							    first + i) - (uint32_t)c->x_zp) *
				       ((uint32_t)ref_weight(j, ref_row(j, XQACCEL_W, 0, 0, o), c->w_format,
							     ((uint64_t)r * c->kernel_w + s) * channels + i) - (uint32_t)w_zp);
		}
	return sum;
}

static inline void ref_conv(const struct ref_job *j)
{
	const struct xqaccel_conv *c = &j->work.conv;

	for (uint32_t b = 0; b < c->batch; b++)
		for (uint32_t p = 0; p < c->out_h; p++)
			for (uint32_t q = 0; q < c->out_w; q++)
				for (uint32_t o = 0; o < c->out_c; o++)
					ref_set(ref_row(j, XQACCEL_Y, b, p, q), ref_out_format(j), o,
						ref_epilogue(j, (int32_t)ref_conv_sum(j, b, p, q, o),
							     ((uint64_t)b * c->out_h + p) * c->out_w + q, o));
}

/* ---- pools ---- */

static inline int64_t ref_pool_one(const struct ref_job *j, uint32_t b, uint32_t p, uint32_t q, uint32_t channel)
{
	const struct xqaccel_pool *d = &j->work.pool;
	int64_t most = ref_least(d->format), sum = 0, count = 0;

	for (uint32_t r = 0; r < d->kernel_h; r++)
		for (uint32_t s = 0; s < d->kernel_w; s++) {
			const int64_t y = (int64_t)p * d->stride_h + r - d->pad_top;
			const int64_t x = (int64_t)q * d->stride_w + s - d->pad_left;
			int64_t v;

			if (y < 0 || x < 0 || y >= d->in_h || x >= d->in_w)
				continue;
			v = ref_value(ref_row(j, XQACCEL_X, b, (uint64_t)y, (uint64_t)x), d->format, channel);
			most = v > most ? v : most;
			sum += v;
			count++;
		}
	if (d->kind == XQACCEL_POOL_MAX)
		return most;
	return count ? (int64_t)ref_div_away(sum, count) : 0;
}

static inline void ref_pool(const struct ref_job *j)
{
	const struct xqaccel_pool *d = &j->work.pool;

	for (uint32_t b = 0; b < d->batch; b++)
		for (uint32_t p = 0; p < d->out_h; p++)
			for (uint32_t q = 0; q < d->out_w; q++)
				for (uint32_t c = 0; c < d->channels; c++)
					ref_set(ref_row(j, XQACCEL_Y, b, p, q), d->format, c,
						ref_code_of(d->format, ref_bounded(d->format, ref_pool_one(j, b, p, q, c),
										   d->act_min, d->act_max)));
}

/* ---- sums and products ---- */

static inline ref_wide ref_term(const struct xqaccel_elementwise *e, const struct xqaccel_elementwise_input *x, int64_t v)
{
	return ref_requant(e->y.profile, (int32_t)(v * ((int64_t)1 << e->left_shift)), x->multiplier, x->shift,
			   ref_wide_of(&x->add), 0);
}

static inline int64_t ref_elementwise_one(const struct xqaccel_elementwise *e, uint32_t code_a, uint32_t code_b)
{
	const int64_t v = ref_value_of(e->a.format, code_a) - e->a.zero_point;
	const int64_t w = ref_value_of(e->b.format, code_b) - e->b.zero_point;
	const bool add = e->kind == XQACCEL_ELEMENTWISE_ADD;
	volatile float p, q;
	ref_wide t, u;

	if (e->y.profile == XQACCEL_PROFILE_ONNX) {
		if (add) {
			p = (float)v * ref_float_of(e->a.scale);
			q = (float)w * ref_float_of(e->b.scale);
			p = p + q;
			p = p / ref_float_of(e->y.scale);
		} else {
			p = (float)(v * w);
			p = p * ref_float_of(e->y.scale);
		}
		return ref_bounded(e->format, ref_even((double)p) + e->y.zero_point, e->y.act_min, e->y.act_max);
	}
	if (!add)
		return ref_requant_one(&e->y, e->format, (int32_t)(v * w));
	t = ref_term(e, &e->a, v);
	u = ref_term(e, &e->b, w);
	if (e->y.profile == XQACCEL_PROFILE_FLOOR_SHIFT)
		return ref_bounded(e->format, ref_clamp(t, ref_least(e->format), ref_greatest(e->format)) +
				   ref_clamp(u, ref_least(e->format), ref_greatest(e->format)), e->y.act_min, e->y.act_max);
	return ref_requant_one(&e->y, e->format, (int32_t)(uint32_t)(int64_t)(t + u));
}

/* Calls `one` with the index of each row of a tensor. */
static inline void ref_each_row(const struct ref_job *j, const uint32_t *dim,
				void (*one)(const struct ref_job *j, const uint32_t *i, uint64_t number))
{
	uint32_t i[5];
	uint64_t number = 0;

	for (i[0] = 0; i[0] < dim[0]; i[0]++)
		for (i[1] = 0; i[1] < dim[1]; i[1]++)
			for (i[2] = 0; i[2] < dim[2]; i[2]++)
				for (i[3] = 0; i[3] < dim[3]; i[3]++)
					for (i[4] = 0; i[4] < dim[4]; i[4]++)
						one(j, i, number++);
}

static inline uint8_t *ref_tensor_row(const struct ref_job *j, unsigned int operand, const struct xqaccel_wide *outer,
				      const uint32_t *i)
{
	return ref_row(j, operand, i[2], i[3], i[4]) + i[0] * (uint64_t)ref_wide_of(&outer[0]) +
	       i[1] * (uint64_t)ref_wide_of(&outer[1]);
}

static inline void ref_elementwise_row(const struct ref_job *j, const uint32_t *i, uint64_t number)
{
	const struct xqaccel_elementwise *e = &j->work.elementwise;
	const uint8_t *a = ref_tensor_row(j, XQACCEL_A, e->a.outer_stride, i);
	const uint8_t *b = ref_tensor_row(j, XQACCEL_B, e->b.outer_stride, i);
	uint8_t *y = ref_tensor_row(j, XQACCEL_Y, e->outer_stride, i);

	(void)number;
	for (uint32_t k = 0; k < e->dim[5]; k++)
		y[k] = (uint8_t)ref_elementwise_one(e, a[e->a.repeat ? 0 : k], b[e->b.repeat ? 0 : k]);
}

/* ---- means ---- */

static inline void ref_mean(const struct ref_job *j)
{
	const struct xqaccel_mean *d = &j->work.mean;

	for (uint32_t o = 0; o < d->outer; o++)
		for (uint32_t i = 0; i < d->inner; i++) {
			uint32_t sum = 0;

			for (uint32_t k = 0; k < d->count; k++)
				sum += (uint32_t)ref_value(ref_row(j, XQACCEL_X, o, 0, k), d->format, i) -
				       (uint32_t)d->zero_point;
			ref_row(j, XQACCEL_Y, 0, 0, o)[i] = (uint8_t)ref_requant_one(&d->y, d->y_format, (int32_t)sum);
		}
}

/* ---- copies ---- */

static inline uint32_t ref_element(const uint8_t *row, uint32_t format, uint64_t stride, uint32_t i)
{
	if (ref_bits(format) < 8)
		return ref_code(row, format, i);
	return ref_code(row + i * stride, format, 0);
}

/* A row's scale and zero point. */
static inline void ref_dynamic(const struct ref_job *j, const uint8_t *x, uint64_t number, float *scale, int32_t *zp)
{
	const struct xqaccel_copy *c = &j->work.copy;
	const bool is_signed = ref_signed(c->y_format);
	const float most = (float)ref_greatest(c->y_format);
	float low = 0, high = 0;

	for (uint32_t i = 0; i < c->dim[5]; i++) {
		const float v = ref_float_of(ref_element(x, XQACCEL_FMT_F32, (uint64_t)ref_wide_of(&c->x_inner_stride), i));

		if (!isfinite(v))
			continue;
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	*scale = (is_signed ? (-low > high ? -low : high) : high - low) / most;
	if (*scale == 0)
		*scale = 1;
	*zp = is_signed ? 0 : (int32_t)ref_clamp(ref_even((double)(-low / *scale)), 0, ref_greatest(c->y_format));
	if (ref_has(j, XQACCEL_Y_SCALE))
		memcpy(ref_row(j, XQACCEL_Y_SCALE, 0, 0, 0) + 4 * number, scale, 4);
	if (ref_has(j, XQACCEL_Y_ZP))
		memcpy(ref_row(j, XQACCEL_Y_ZP, 0, 0, 0) + 4 * number, zp, 4);
}

static inline uint32_t ref_converted(const struct xqaccel_copy *c, uint32_t code, float scale, int32_t zp)
{
	const struct xqaccel_requant *y = &c->y;
	volatile float real;
	uint32_t bits;

	switch (c->kind) {
	case XQACCEL_COPY_NONE:
		return code;
	case XQACCEL_COPY_REQUANT:
		return ref_code_of(c->y_format, ref_requant_one(y, c->y_format, (int32_t)((uint32_t)
				   ref_value_of(c->x_format, code) - (uint32_t)c->zero_point)));
	case XQACCEL_COPY_DEQUANTIZE:
		real = (float)(ref_value_of(c->x_format, code) - c->zero_point);
		real = real * ref_float_of(y->scale);
		memcpy(&bits, (const void *)&real, 4);
		return bits;
	default:
		real = ref_float_of(code) / scale;
		return ref_code_of(c->y_format, ref_bounded(c->y_format, ref_even((double)real) + zp, y->act_min, y->act_max));
	}
}

static inline void ref_copy_row(const struct ref_job *j, const uint32_t *i, uint64_t number)
{
	const struct xqaccel_copy *c = &j->work.copy;
	const uint8_t *x = ref_tensor_row(j, XQACCEL_X, c->x_outer_stride, i);
	uint8_t *y = ref_tensor_row(j, XQACCEL_Y, c->y_outer_stride, i);
	float scale = ref_float_of(c->y.scale);
	int32_t zp = c->y.zero_point;

	if (c->kind == XQACCEL_COPY_DYNAMIC && c->dim[5])
		ref_dynamic(j, x, number, &scale, &zp);
	for (uint32_t k = 0; k < c->dim[5]; k++) {
		const uint32_t code = ref_converted(c, ref_element(x, c->x_format, (uint64_t)ref_wide_of(&c->x_inner_stride),
								   k), scale, zp);

		if (ref_bits(c->y_format) < 8)
			ref_set(y, c->y_format, k, code);
		else
			ref_set(y + k * (uint64_t)ref_wide_of(&c->y_inner_stride), c->y_format, 0, code);
	}
}

/* ---- all of them ---- */

static inline void ref_run(const struct ref_job *j)
{
	const struct xqaccel_work *w = &j->work;

	switch (w->op) {
	case XQACCEL_OP_GEMM:
		ref_gemm(j);
		break;
	case XQACCEL_OP_CONV:
		ref_conv(j);
		break;
	case XQACCEL_OP_POOL:
		ref_pool(j);
		break;
	case XQACCEL_OP_ELEMENTWISE:
		ref_each_row(j, w->elementwise.dim, ref_elementwise_row);
		break;
	case XQACCEL_OP_SOFTMAX:
		for (uint32_t i = 0; i < w->softmax.rows; i++)
			ref_softmax_row(&w->softmax, ref_row(j, XQACCEL_X, 0, 0, i), ref_row(j, XQACCEL_Y, 0, 0, i));
		break;
	case XQACCEL_OP_MEAN:
		ref_mean(j);
		break;
	case XQACCEL_OP_COPY:
		ref_each_row(j, w->copy.dim, ref_copy_row);
		break;
	}
}

#endif
