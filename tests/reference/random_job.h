/* SPDX-License-Identifier: MIT */
/*
 * Random jobs of every operation that a device can have, with their operands placed in one piece of
 * memory: sizes 0, 1 and odd, pads larger than the kernel, strides past it, gaps and repeats.
 */
#ifndef REFERENCE_RANDOM_JOB_H
#define REFERENCE_RANDOM_JOB_H

#include "operator.h"

struct ref_random {
	uint64_t state;
};

static inline uint64_t ref_next(struct ref_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* low to high, both included */
static inline int64_t ref_range(struct ref_random *r, int64_t low, int64_t high)
{
	return low + (int64_t)(ref_next(r) % (uint64_t)(high - low + 1));
}

static inline bool ref_one_in(struct ref_random *r, unsigned int n)
{
	return !(ref_next(r) % n);
}

static inline uint32_t ref_scale(struct ref_random *r, float most)
{
	const float f = most * (float)(1 + (ref_next(r) >> 44)) * 0x1p-20f;
	uint32_t bits;

	memcpy(&bits, &f, 4);
	return bits;
}

/* Memory for operands. */
struct ref_room {
	uint64_t next, bytes;
};

/* So many bytes, aligned; false if there are not as many. */
static inline bool ref_place(struct ref_room *room, struct ref_random *r, struct xqaccel_operand *op, uint64_t bytes,
			     uint64_t align)
{
	const uint64_t gap = ref_one_in(r, 3) ? (uint64_t)ref_range(r, 0, 20) * align : 0;

	op->handle = 1;
	op->offset = (room->next + align - 1) / align * align + gap;
	room->next = op->offset + bytes;
	return room->next <= room->bytes;
}

/* Strides of [batch][planes][rows] with gaps here and there, of inputs sometimes repeats. */
static inline bool ref_place_image(struct ref_room *room, struct ref_random *r, struct xqaccel_operand *op, uint64_t row,
				   uint64_t rows, uint64_t planes, uint64_t batch, uint64_t align, bool planar)
{
	const bool gaps = ref_one_in(r, 3);

	op->stride = (row + align - 1) / align * align + (gaps ? (uint64_t)ref_range(r, 0, 5) * align : 0);
	op->plane_stride = op->stride * rows + (gaps ? (uint64_t)ref_range(r, 0, 5) * align : 0);
	op->batch_stride = op->plane_stride * planes + (gaps ? (uint64_t)ref_range(r, 0, 5) * align : 0);
	if (!ref_place(room, r, op, op->batch_stride * batch, align))
		return false;
	if (!planar)
		op->plane_stride = 0;
	return true;
}

static inline bool ref_vector(struct ref_room *room, struct ref_random *r, struct ref_job *j, unsigned int operand,
			      uint64_t elements, uint64_t bytes, bool required)
{
	if (!required && ref_one_in(r, 2))
		return true;
	return ref_place(room, r, &j->operand[operand], elements * bytes, bytes);
}

/* ---- requantization ---- */

static inline void ref_bounds(struct ref_random *r, uint32_t format, int32_t *low, int32_t *high)
{
	const int32_t least = (int32_t)ref_least(format), greatest = (int32_t)ref_greatest(format);

	*low = ref_one_in(r, 3) ? (int32_t)ref_range(r, least, greatest) : INT32_MIN;
	*high = ref_one_in(r, 3) ? (int32_t)ref_range(r, *low < least ? least : *low, greatest) : INT32_MAX;
}

static inline void ref_factor(struct ref_random *r, uint32_t profile, int32_t *multiplier, int32_t *shift,
			      struct xqaccel_wide *add)
{
	*multiplier = ref_one_in(r, 9) ? (int32_t)ref_next(r) : (int32_t)ref_range(r, 1 << 30, INT32_MAX);
	*shift = (int32_t)ref_range(r, -12, ref_one_in(r, 9) ? 3 : -1);
	if (profile == XQACCEL_PROFILE_FLOOR_SHIFT) {
		const int64_t a = ref_range(r, -((int64_t)1 << 34), (int64_t)1 << 34);

		*shift = (int32_t)ref_range(r, 24, 40);
		*add = (struct xqaccel_wide){ (uint32_t)a, (uint32_t)((uint64_t)a >> 32) };
	}
	if (ref_one_in(r, 30))
		*shift = (int32_t)ref_next(r);
}

static inline void ref_random_requant(struct ref_random *r, struct xqaccel_requant *y, uint32_t format)
{
	*y = (struct xqaccel_requant){ .profile = (uint32_t)ref_range(r, 0, 3) };
	if (y->profile == XQACCEL_PROFILE_ONNX)
		y->scale = ref_scale(r, 0.02f);
	else
		ref_factor(r, y->profile, &y->multiplier, &y->shift, &y->add);
	y->zero_point = (int32_t)ref_range(r, -130, 260);
	ref_bounds(r, format, &y->act_min, &y->act_max);
}

/* ---- epilogues: after the output's columns and rows are known ---- */

static inline bool ref_random_epilogue(struct ref_random *r, struct ref_job *j, struct ref_room *room, uint64_t rows,
				       uint32_t columns)
{
	static const uint8_t formats[] = { XQACCEL_FMT_S8, XQACCEL_FMT_U8, XQACCEL_FMT_S4, XQACCEL_FMT_U4, XQACCEL_FMT_S2,
					   XQACCEL_FMT_U2, XQACCEL_FMT_T2, XQACCEL_FMT_B1, XQACCEL_FMT_S16, XQACCEL_FMT_U16 };
	struct xqaccel_epilogue *e = &j->work.epilogue;
	uint64_t params;
	bool fits;

	*e = (struct xqaccel_epilogue){ .kind = (uint32_t)ref_range(r, 0, 3) };
	if (!e->kind)
		return true;
	fits = ref_vector(room, r, j, XQACCEL_EPILOGUE_BIAS, columns, 4, false);
	if (e->kind == XQACCEL_EPILOGUE_FLOAT) {
		e->format = XQACCEL_FMT_F32;
		return fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_ROW_SCALE, rows, 4, false) &&
		       ref_vector(room, r, j, XQACCEL_EPILOGUE_COLUMN_SCALE, columns, 4, false) &&
		       ref_vector(room, r, j, XQACCEL_EPILOGUE_FLOAT_BIAS, columns, 4, false);
	}
	e->format = formats[ref_range(r, 0, 9)];
	e->zero_point = (int32_t)ref_range(r, -9, 9);
	if (e->kind == XQACCEL_EPILOGUE_THRESHOLDS) {
		e->thresholds = (uint32_t)ref_range(r, 1, ref_one_in(r, 4) ? 255 : 4);
		ref_bounds(r, e->format, &e->act_min, &e->act_max);
		return fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_THRESHOLD, (uint64_t)columns * e->thresholds, 4, true) &&
		       ref_vector(room, r, j, XQACCEL_EPILOGUE_DECREASES, columns, 1, false);
	}
	e->profile = (uint32_t)ref_range(r, 0, 3);
	e->channels = (uint32_t)ref_range(r, 0, 1);
	params = e->channels ? columns : 1;
	if (ref_bits(e->format) <= 8 && ref_one_in(r, 3)) {
		e->index_format = ref_one_in(r, 2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8;
		fits = fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_TABLE, 256, 1, true);
	}
	ref_bounds(r, e->index_format ? e->index_format : e->format, &e->act_min, &e->act_max);
	if (e->profile == XQACCEL_PROFILE_ONNX)
		return fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_SCALE, params, 4, true);
	if (e->profile == XQACCEL_PROFILE_FLOOR_SHIFT)
		fits = fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_ADD, params, 8, false);
	return fits && ref_vector(room, r, j, XQACCEL_EPILOGUE_MULTIPLIER, params, 4, true) &&
	       ref_vector(room, r, j, XQACCEL_EPILOGUE_SHIFT, params, 4, true);
}

static inline uint64_t ref_out_align(const struct ref_job *j)
{
	const unsigned int bits = ref_bits(ref_out_format(j));

	return bits < 16 ? 1 : bits / 8;
}

static inline uint64_t ref_row_bytes(uint32_t format, uint64_t n)
{
	return (n * ref_bits(format) + 7) / 8;
}

/* ---- operations ---- */

/* Formats of both sides that every device of this kind multiplies. */
static inline void ref_pair(struct ref_random *r, uint32_t *a, uint32_t *b)
{
	static const uint8_t pairs[][2] = {
		{ XQACCEL_FMT_S8, XQACCEL_FMT_S8 }, { XQACCEL_FMT_U8, XQACCEL_FMT_S8 }, { XQACCEL_FMT_S8, XQACCEL_FMT_S4 },
		{ XQACCEL_FMT_S8, XQACCEL_FMT_T2 }, { XQACCEL_FMT_B1, XQACCEL_FMT_B1 }, { XQACCEL_FMT_S8, XQACCEL_FMT_C4 },
		{ XQACCEL_FMT_S4, XQACCEL_FMT_S4 }, { XQACCEL_FMT_S8, XQACCEL_FMT_C8 },
	};
	const unsigned int i = (unsigned int)ref_range(r, 0, 7);

	*a = pairs[i][0];
	*b = pairs[i][1];
}

static inline bool ref_random_codebook(struct ref_random *r, struct ref_job *j, struct ref_room *room, uint32_t format)
{
	if (format != XQACCEL_FMT_C4 && format != XQACCEL_FMT_C8)
		return true;
	return ref_vector(room, r, j, XQACCEL_CODEBOOK, format == XQACCEL_FMT_C4 ? 16 : 256, 1, true);
}

static inline bool ref_random_gemm(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_gemm *g = &j->work.gemm;

	*g = (struct xqaccel_gemm){ .m = (uint32_t)ref_range(r, !ref_one_in(r, 20), 20),
				    .n = (uint32_t)ref_range(r, !ref_one_in(r, 20), 40),
				    .k = (uint32_t)ref_range(r, !ref_one_in(r, 20), 90),
				    .batch = (uint32_t)ref_range(r, 1, 3), .a_zp = (int32_t)ref_range(r, -3, 130),
				    .b_zp = (int32_t)ref_range(r, -3, 3) };
	ref_pair(r, &g->a_format, &g->b_format);
	if (!ref_random_epilogue(r, j, room, (uint64_t)g->batch * g->m, g->n) || !ref_random_codebook(r, j, room, g->b_format))
		return false;
	j->operand[XQACCEL_CODEBOOK].batch_stride = 0;
	return ref_place_image(room, r, &j->operand[XQACCEL_A], ref_row_bytes(g->a_format, g->k), g->m, 1, g->batch, 1, false) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_B], ref_row_bytes(g->b_format, g->k), g->n, 1, g->batch, 1, false) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_C], ref_row_bytes(ref_out_format(j), g->n), g->m, 1, g->batch,
			       ref_out_align(j), false);
}

static inline bool ref_random_conv(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_conv *c = &j->work.conv;
	const uint32_t groups = ref_one_in(r, 2) ? 1 : (uint32_t)ref_range(r, 2, 5);
	const bool depthwise = ref_one_in(r, 4);

	*c = (struct xqaccel_conv){
		.batch = (uint32_t)ref_range(r, !ref_one_in(r, 20), 2), .in_h = (uint32_t)ref_range(r, !ref_one_in(r, 20), 9),
		.in_w = (uint32_t)ref_range(r, 1, 9), .in_c = groups * (depthwise ? 1 : (uint32_t)ref_range(r, !ref_one_in(r, 20), 9)),
		.out_h = (uint32_t)ref_range(r, !ref_one_in(r, 20), 7), .out_w = (uint32_t)ref_range(r, 1, 7),
		.out_c = groups * (uint32_t)ref_range(r, 1, 9), .kernel_h = (uint32_t)ref_range(r, 1, 4),
		.kernel_w = (uint32_t)ref_range(r, 1, 4), .groups = groups, .stride_h = (uint32_t)ref_range(r, 1, 6),
		.stride_w = (uint32_t)ref_range(r, 1, 6), .dilation_h = (uint32_t)ref_range(r, 1, 3),
		.dilation_w = (uint32_t)ref_range(r, 1, 3), .pad_top = (uint32_t)ref_range(r, 0, 6),
		.pad_left = (uint32_t)ref_range(r, 0, 6), .transposed = ref_one_in(r, 4), .x_zp = (int32_t)ref_range(r, 0, 120),
		.w_zp = (int32_t)ref_range(r, -3, 3),
	};
	ref_pair(r, &c->x_format, &c->w_format);
	if (!ref_random_epilogue(r, j, room, (uint64_t)c->batch * c->out_h * c->out_w, c->out_c) ||
	    !ref_random_codebook(r, j, room, c->w_format) || !ref_vector(room, r, j, XQACCEL_W_ZP, c->out_c, 4, false))
		return false;
	j->operand[XQACCEL_W].stride = ref_row_bytes(c->w_format, (uint64_t)c->kernel_h * c->kernel_w * (c->in_c / groups)) +
				       (ref_one_in(r, 3) ? 3 : 0);
	return ref_place_image(room, r, &j->operand[XQACCEL_X], ref_row_bytes(c->x_format, c->in_c), c->in_w, c->in_h, c->batch,
			       1, true) &&
	       ref_place(room, r, &j->operand[XQACCEL_W], j->operand[XQACCEL_W].stride * c->out_c, 1) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_Y], ref_row_bytes(ref_out_format(j), c->out_c), c->out_w, c->out_h,
			       c->batch, ref_out_align(j), true);
}

static inline uint32_t ref_byte_format(struct ref_random *r)
{
	return ref_one_in(r, 2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8;
}

static inline bool ref_random_pool(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_pool *d = &j->work.pool;
	const bool global = ref_one_in(r, 9);

	*d = (struct xqaccel_pool){
		.kind = (uint32_t)ref_range(r, 0, 1), .format = ref_byte_format(r), .batch = (uint32_t)ref_range(r, 0, 2),
		.in_h = (uint32_t)ref_range(r, !ref_one_in(r, 20), 12), .in_w = (uint32_t)ref_range(r, !ref_one_in(r, 20), 12),
		.channels = (uint32_t)(ref_one_in(r, 4) ? ref_range(r, 0, 200) : ref_range(r, 1, 9)),
		.out_h = (uint32_t)ref_range(r, 0, 8), .out_w = (uint32_t)ref_range(r, 0, 8),
		.kernel_h = (uint32_t)ref_range(r, 1, 5), .kernel_w = (uint32_t)ref_range(r, 1, ref_one_in(r, 9) ? 30 : 5),
		.stride_h = (uint32_t)ref_range(r, 1, 7), .stride_w = (uint32_t)ref_range(r, 1, 7),
		.pad_top = (uint32_t)ref_range(r, 0, 7), .pad_left = (uint32_t)ref_range(r, 0, ref_one_in(r, 9) ? 50 : 7),
	};
	if (global && d->in_h && d->in_w) {
		d->kernel_h = d->in_h;
		d->kernel_w = d->in_w;
		d->pad_top = d->pad_left = 0;
		d->out_h = d->out_w = 1;
	}
	ref_bounds(r, d->format, &d->act_min, &d->act_max);
	return ref_place_image(room, r, &j->operand[XQACCEL_X], d->channels, d->in_w, d->in_h, d->batch, 1, true) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_Y], d->channels, d->out_w, d->out_h, d->batch, 1, true);
}

static inline void ref_random_dims(struct ref_random *r, uint32_t *dim)
{
	const int dims = (int)ref_range(r, 1, 6);

	for (int i = 0; i < 6; i++)
		dim[i] = i < 6 - dims ? 1 : (uint32_t)ref_range(r, !ref_one_in(r, 30), dims == 1 ? 3000 : dims < 4 ? 30 : 5);
}

/* Strides of six dimensions, from the innermost or in any order; those of inputs may repeat. */
static inline bool ref_place_tensor(struct ref_room *room, struct ref_random *r, struct xqaccel_operand *op,
				    const uint32_t *dim, struct xqaccel_wide *outer, struct xqaccel_wide *inner,
				    uint64_t element, uint64_t packed, bool input)
{
	uint64_t stride[6] = { 0 }, reach = packed ? packed : element;
	int order[6] = { 5, 4, 3, 2, 1, 0 };
	const bool shuffled = inner && !packed && ref_one_in(r, 2);

	for (int i = 0; shuffled && i < 5; i++) {
		const int other = (int)ref_range(r, i, 5), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (int i = packed ? 1 : 0; i < 6; i++) {
		const int d = order[i];

		if (input && ref_one_in(r, 6) && (d < 5 || inner))
			continue;
		stride[d] = reach;
		reach *= dim[d];
		if (ref_one_in(r, 5) && (d < 5 || inner))
			reach += element * (uint64_t)ref_range(r, 1, 3);
	}
	op->stride = stride[4];
	op->plane_stride = stride[3];
	op->batch_stride = stride[2];
	for (int i = 0; i < 2; i++)
		outer[i] = (struct xqaccel_wide){ (uint32_t)stride[i], (uint32_t)(stride[i] >> 32) };
	if (inner)
		*inner = (struct xqaccel_wide){ (uint32_t)stride[5], 0 };
	return ref_place(room, r, op, reach, element);
}

static inline void ref_random_input(struct ref_random *r, const struct xqaccel_elementwise *e,
				    struct xqaccel_elementwise_input *x)
{
	x->format = ref_byte_format(r);
	x->zero_point = (int32_t)(ref_one_in(r, 9) ? ref_range(r, -1700, 1700) : ref_range(r, -128, 255));
	x->repeat = ref_one_in(r, 5);
	if (e->kind == XQACCEL_ELEMENTWISE_MUL)
		return;
	if (e->y.profile == XQACCEL_PROFILE_ONNX)
		x->scale = ref_scale(r, 0.1f);
	else
		ref_factor(r, e->y.profile, &x->multiplier, &x->shift, &x->add);
}

static inline bool ref_random_elementwise(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_elementwise *e = &j->work.elementwise;

	*e = (struct xqaccel_elementwise){ .kind = (uint32_t)ref_range(r, 0, 1), .format = ref_byte_format(r) };
	ref_random_dims(r, e->dim);
	ref_random_requant(r, &e->y, e->format);
	if (e->kind == XQACCEL_ELEMENTWISE_ADD && e->y.profile == XQACCEL_PROFILE_FLOOR_SHIFT)
		e->y = (struct xqaccel_requant){ .profile = e->y.profile, .act_min = e->y.act_min, .act_max = e->y.act_max };
	else if (e->kind == XQACCEL_ELEMENTWISE_ADD && e->y.profile != XQACCEL_PROFILE_ONNX)
		e->left_shift = (uint32_t)ref_range(r, 0, 20);
	ref_random_input(r, e, &e->a);
	ref_random_input(r, e, &e->b);
	return ref_place_tensor(room, r, &j->operand[XQACCEL_A], e->dim, e->a.outer_stride, NULL, 1, 0, true) &&
	       ref_place_tensor(room, r, &j->operand[XQACCEL_B], e->dim, e->b.outer_stride, NULL, 1, 0, true) &&
	       ref_place_tensor(room, r, &j->operand[XQACCEL_Y], e->dim, e->outer_stride, NULL, 1, 0, false);
}

static inline bool ref_random_softmax(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_softmax *s = &j->work.softmax;

	*s = (struct xqaccel_softmax){ .rows = (uint32_t)ref_range(r, 0, 9), .columns = (uint32_t)ref_range(r, 0, ref_one_in(r, 9) ? 9000 : 60),
				       .multiplier = (int32_t)ref_range(r, 1 << 30, INT32_MAX), .shift = (int32_t)ref_range(r, 15, 27) };
	if (ref_one_in(r, 9)) {
		s->multiplier = (int32_t)ref_range(r, 0, INT32_MAX);
		s->shift = (int32_t)ref_range(r, 0, 31);
	}
	s->diff_min = -(int32_t)ref_range(r, 0, ref_one_in(r, 3) ? 300 : (int64_t)31 << (31 - s->shift > 20 ? 20 : 31 - s->shift));
	return ref_place_image(room, r, &j->operand[XQACCEL_X], s->columns, s->rows, 1, 1, 1, false) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_Y], s->columns, s->rows, 1, 1, 1, false);
}

static inline bool ref_random_mean(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_mean *m = &j->work.mean;

	*m = (struct xqaccel_mean){ .format = ref_byte_format(r), .y_format = ref_byte_format(r), .outer = (uint32_t)ref_range(r, 0, 4),
				    .count = (uint32_t)ref_range(r, 0, ref_one_in(r, 9) ? 3000 : 50),
				    .zero_point = (int32_t)(ref_one_in(r, 9) ? (int32_t)ref_next(r) : ref_range(r, -128, 255)) };
	m->inner = (uint32_t)(m->count > 50 ? ref_range(r, 1, 3) : ref_range(r, !ref_one_in(r, 9), 90));
	ref_random_requant(r, &m->y, m->y_format);
	return ref_place_image(room, r, &j->operand[XQACCEL_X], m->inner, m->count, 1, m->outer, 1, false) &&
	       ref_place_image(room, r, &j->operand[XQACCEL_Y], m->inner, m->outer, 1, 1, 1, false);
}

static inline uint32_t ref_any_integer(struct ref_random *r, bool results)
{
	static const uint8_t formats[] = { XQACCEL_FMT_S8, XQACCEL_FMT_U8, XQACCEL_FMT_S4, XQACCEL_FMT_U4, XQACCEL_FMT_S2,
					   XQACCEL_FMT_U2, XQACCEL_FMT_T2, XQACCEL_FMT_S16, XQACCEL_FMT_U16, XQACCEL_FMT_S32,
					   XQACCEL_FMT_B1 };

	return formats[ref_range(r, 0, results ? 8 : 10)];
}

static inline bool ref_random_copy(struct ref_random *r, struct ref_job *j, struct ref_room *room)
{
	struct xqaccel_copy *c = &j->work.copy;
	uint64_t element[2], packed[2], rows = 1;

	*c = (struct xqaccel_copy){ .kind = (uint32_t)ref_range(r, 0, 4) };
	ref_random_dims(r, c->dim);
	c->x_format = ref_any_integer(r, false);
	c->y_format = c->kind == XQACCEL_COPY_NONE ? c->x_format : ref_any_integer(r, true);
	if (c->kind == XQACCEL_COPY_QUANTIZE || c->kind == XQACCEL_COPY_DYNAMIC)
		c->x_format = XQACCEL_FMT_F32;
	if (c->kind == XQACCEL_COPY_DEQUANTIZE)
		c->y_format = XQACCEL_FMT_F32;
	if (c->kind == XQACCEL_COPY_REQUANT)
		ref_random_requant(r, &c->y, c->y_format);
	else if (c->kind != XQACCEL_COPY_NONE && c->kind != XQACCEL_COPY_DEQUANTIZE)
		ref_bounds(r, c->y_format, &c->y.act_min, &c->y.act_max);
	if (c->kind == XQACCEL_COPY_QUANTIZE || c->kind == XQACCEL_COPY_DEQUANTIZE)
		c->y.scale = ref_scale(r, 1);
	if (c->kind == XQACCEL_COPY_QUANTIZE)
		c->y.zero_point = (int32_t)ref_range(r, -130, 260);
	if (c->kind == XQACCEL_COPY_REQUANT || c->kind == XQACCEL_COPY_DEQUANTIZE)
		c->zero_point = (int32_t)(ref_one_in(r, 9) ? (int32_t)ref_next(r) : ref_range(r, -300, 300));
	for (int i = 0; i < 2; i++) {
		const uint32_t format = i ? c->y_format : c->x_format;

		element[i] = ref_bits(format) < 8 ? 1 : ref_bits(format) / 8;
		packed[i] = ref_bits(format) < 8 ? ref_row_bytes(format, c->dim[5]) : 0;
		/* An empty row still is packed. */
		if (ref_bits(format) < 8 && !packed[i])
			return false;
	}
	for (int i = 0; i < 5; i++)
		rows *= c->dim[i];
	if (c->kind == XQACCEL_COPY_DYNAMIC &&
	    (!ref_vector(room, r, j, XQACCEL_Y_SCALE, rows, 4, false) || !ref_vector(room, r, j, XQACCEL_Y_ZP, rows, 4, false)))
		return false;
	return ref_place_tensor(room, r, &j->operand[XQACCEL_X], c->dim, c->x_outer_stride, &c->x_inner_stride, element[0],
				packed[0], true) &&
	       ref_place_tensor(room, r, &j->operand[XQACCEL_Y], c->dim, c->y_outer_stride, &c->y_inner_stride, element[1],
				packed[1], false);
}

/* ---- all of them ---- */

/* Fills in a job that fits in so many bytes; j->memory is left alone. */
static inline void ref_random_job(struct ref_random *r, struct ref_job *j, uint32_t op, uint64_t bytes)
{
	struct ref_room room;
	bool fits = false;

	while (!fits) {
		memset(&j->work, 0, sizeof(j->work));
		memset(j->operand, 0, sizeof(j->operand));
		j->work.op = op;
		room = (struct ref_room){ 0, bytes };
		switch (op) {
		case XQACCEL_OP_GEMM:
			fits = ref_random_gemm(r, j, &room);
			break;
		case XQACCEL_OP_CONV:
			fits = ref_random_conv(r, j, &room);
			break;
		case XQACCEL_OP_POOL:
			fits = ref_random_pool(r, j, &room);
			break;
		case XQACCEL_OP_ELEMENTWISE:
			fits = ref_random_elementwise(r, j, &room);
			break;
		case XQACCEL_OP_SOFTMAX:
			fits = ref_random_softmax(r, j, &room);
			break;
		case XQACCEL_OP_MEAN:
			fits = ref_random_mean(r, j, &room);
			break;
		default:
			fits = ref_random_copy(r, j, &room);
			break;
		}
	}
}

/* Reals of a sensible size, and sometimes others. */
static inline void ref_fill_reals(struct ref_random *r, uint8_t *at, uint64_t count, float most, bool any)
{
	for (uint64_t i = 0; i < count; i++) {
		float f = most * (float)ref_range(r, -1000000, 1000000) * 1e-6f;

		if (any && ref_one_in(r, 40))
			f = ref_one_in(r, 3) ? NAN : ref_one_in(r, 2) ? INFINITY : f * 1e30f;
		memcpy(at + 4 * i, &f, 4);
	}
}

/* Random memory, with numbers that make sense where results would else all be the same. */
static inline void ref_fill(struct ref_random *r, struct ref_job *j, uint64_t bytes)
{
	const struct xqaccel_epilogue *e = &j->work.epilogue;
	const uint32_t columns = j->work.op == XQACCEL_OP_CONV ? j->work.conv.out_c : j->work.gemm.n;
	const uint64_t rows = j->work.op == XQACCEL_OP_CONV ? (uint64_t)j->work.conv.batch * j->work.conv.out_h * j->work.conv.out_w :
			      (uint64_t)j->work.gemm.batch * j->work.gemm.m;
	const uint32_t params = e->channels ? columns : 1;

	for (uint64_t i = 0; i < bytes; i++)
		j->memory[i] = (uint8_t)ref_next(r);
	if (j->work.op == XQACCEL_OP_COPY && j->work.copy.x_format == XQACCEL_FMT_F32)
		ref_fill_reals(r, j->memory, bytes / 4, 3, true);
	if (!e->kind)
		return;
	for (uint32_t i = 0; i < params; i++) {
		int32_t multiplier = 0, shift = 0;
		struct xqaccel_wide add = { 0, 0 };

		ref_factor(r, e->profile, &multiplier, &shift, &add);
		if (ref_has(j, XQACCEL_EPILOGUE_MULTIPLIER))
			memcpy(ref_row(j, XQACCEL_EPILOGUE_MULTIPLIER, 0, 0, 0) + 4 * i, &multiplier, 4);
		if (ref_has(j, XQACCEL_EPILOGUE_SHIFT))
			memcpy(ref_row(j, XQACCEL_EPILOGUE_SHIFT, 0, 0, 0) + 4 * i, &shift, 4);
		if (ref_has(j, XQACCEL_EPILOGUE_ADD))
			memcpy(ref_row(j, XQACCEL_EPILOGUE_ADD, 0, 0, 0) + 8 * i, &add, 8);
	}
	for (uint64_t i = 0; i < columns; i++) {
		const int32_t bias = (int32_t)ref_range(r, -20000, 20000);

		if (ref_has(j, XQACCEL_EPILOGUE_BIAS) && !ref_one_in(r, 20))
			memcpy(ref_row(j, XQACCEL_EPILOGUE_BIAS, 0, 0, 0) + 4 * i, &bias, 4);
	}
	for (uint64_t i = 0; ref_has(j, XQACCEL_EPILOGUE_THRESHOLD) && i < (uint64_t)columns * e->thresholds; i++) {
		const int32_t t = (int32_t)ref_range(r, -20000, 20000);

		memcpy(ref_row(j, XQACCEL_EPILOGUE_THRESHOLD, 0, 0, 0) + 4 * i, &t, 4);
	}
	if (ref_has(j, XQACCEL_EPILOGUE_SCALE))
		ref_fill_reals(r, ref_row(j, XQACCEL_EPILOGUE_SCALE, 0, 0, 0), params, 0.01f, false);
	if (ref_has(j, XQACCEL_EPILOGUE_ROW_SCALE))
		ref_fill_reals(r, ref_row(j, XQACCEL_EPILOGUE_ROW_SCALE, 0, 0, 0), rows, 2, false);
	if (ref_has(j, XQACCEL_EPILOGUE_COLUMN_SCALE))
		ref_fill_reals(r, ref_row(j, XQACCEL_EPILOGUE_COLUMN_SCALE, 0, 0, 0), columns, 2, false);
	if (ref_has(j, XQACCEL_EPILOGUE_FLOAT_BIAS))
		ref_fill_reals(r, ref_row(j, XQACCEL_EPILOGUE_FLOAT_BIAS, 0, 0, 0), columns, 1000, false);
}

#endif
