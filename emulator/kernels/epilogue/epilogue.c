// SPDX-License-Identifier: MIT
/* Epilogues: arrays of the columns in order, then rows through the loops. */
#include "epilogue/epilogue.h"
#include "isa.h"
#include "view.h"

/* Zero points beyond this give the same results as this with any count of thresholds. */
#define STEPS_ZERO_POINT	(1 << 24)

/* What a prepared epilogue's memory holds; NULL where it is not needed. */
struct layout {
	void *lanes, *bias, *multiplier, *shift, *add, *scale;	/* copies of scattered arrays */
	struct xqk_bounded bounded;
	int32_t *threshold, *threshold_row, *start, *flip;
	uint8_t *decreases, *table, *row;
	float *column_scale, *float_bias;
	size_t pitch;
};

static size_t lay_out(const struct xqk_epilogue *e, uint32_t columns, uint8_t *memory, struct layout *l)
{
	const uint32_t count = e->dims.kind == XQ_EPILOGUE_THRESHOLDS ? e->dims.thresholds : 0;
	const size_t words = 4 * (size_t)columns;
	size_t used = 0;

	l->pitch = columns;
	l->bias = xqk_take(memory, &used, words);
	l->row = xqk_take(memory, &used, 2 * (size_t)columns);
	if (e->dims.kind == XQ_EPILOGUE_REQUANT) {
		l->lanes = xqk_take(memory, &used, xqk_lanes_bytes(columns));
		l->multiplier = xqk_take(memory, &used, words);
		l->shift = xqk_take(memory, &used, words);
		l->add = xqk_take(memory, &used, 2 * words);
		l->scale = xqk_take(memory, &used, words);
		l->bounded.bias = xqk_take(memory, &used, words + 4 * XQK_BOUNDED_PAST);
		l->bounded.factor = xqk_take(memory, &used, words + 4 * XQK_BOUNDED_PAST);
		l->bounded.right = xqk_take(memory, &used, words + 4 * XQK_BOUNDED_PAST);
		l->bounded.upper = xqk_take(memory, &used, words + 4 * XQK_BOUNDED_PAST);
		l->bounded.scale = xqk_take(memory, &used, 2 * words + 8 * XQK_BOUNDED_PAST);
		l->bounded.single_scale = xqk_take(memory, &used, words + 4 * XQK_BOUNDED_PAST);
		l->table = xqk_take(memory, &used, 256);
	} else if (e->dims.kind == XQ_EPILOGUE_THRESHOLDS) {
		l->threshold = xqk_take(memory, &used, words * count);
		l->threshold_row = xqk_take(memory, &used, 4 * (size_t)count);
		l->start = xqk_take(memory, &used, words);
		l->flip = xqk_take(memory, &used, words);
		l->decreases = xqk_take(memory, &used, columns);
	} else {
		l->column_scale = xqk_take(memory, &used, words);
		l->float_bias = xqk_take(memory, &used, words);
	}
	return used;
}

size_t xqk_epilogue_bytes(const struct xqk_epilogue *e, uint32_t columns)
{
	struct layout l;

	return lay_out(e, columns, NULL, &l);
}

/* An array's elements from n0 on, of so many bytes each; NULL if it is absent. */
static const void *array(const struct xqk_epilogue *e, unsigned int operand, uint64_t n0, size_t bytes,
			 size_t count, void *memory)
{
	const struct xqk_view *view = &e->view[operand];

	return xqk_present(view) ? xqk_view_read(view, n0 * bytes, memory, count * bytes) : NULL;
}

static void prepare_requant(const struct xqk_isa *isa, const struct xqk_epilogue *e, uint32_t n0,
			    uint32_t columns, uint64_t most, const struct layout *l, struct xqk_prepared *p)
{
	const struct xqk_bounded_kernel *bounded = &isa->operators->epilogue->bounded[e->dims.profile];
	const struct xq_epilogue *dims = &e->dims;
	const uint32_t from = dims->channels ? n0 : 0, params = dims->channels ? columns : 1;
	struct xqk_requant rq = {
		.profile = dims->profile, .zero_point = dims->zero_point,
		/* One column with parameters of its own is a case of parameters for all. */
		.params = params,
		.bias = array(e, XQ_EPILOGUE_BIAS, n0, 4, columns, l->bias),
		.multiplier = array(e, XQ_EPILOGUE_MULTIPLIER, from, 4, params, l->multiplier),
		.shift = array(e, XQ_EPILOGUE_SHIFT, from, 4, params, l->shift),
		.add = array(e, XQ_EPILOGUE_ADD, from, 8, params, l->add),
		.scale = array(e, XQ_EPILOGUE_SCALE, from, 4, params, l->scale),
	};
	const uint32_t format = dims->index_format ? dims->index_format : dims->format;

	xq_clamp_range(format, dims->act_min, dims->act_max, &rq.least, &rq.greatest);
	p->table = dims->index_format ? array(e, XQ_EPILOGUE_TABLE, 0, 1, 256, l->table) : NULL;
	p->bounded = l->bounded;
	if (bounded->fill && most < XQK_ACC_MOST && xq_format_bits(format) <= 8 &&
	    bounded->fill(&p->bounded, &rq, columns, most))
		p->bounded_kernel = bounded;
	else
		xqk_lanes_fill(&rq, NULL, 0, columns, l->lanes, &p->lanes);
}

static void prepare_steps(const struct xqk_epilogue *e, uint32_t n0, uint32_t columns,
			  const struct layout *l, struct xqk_prepared *p)
{
	const uint32_t count = e->dims.thresholds;
	const uint8_t *decreases = array(e, XQ_EPILOGUE_DECREASES, n0, 1, columns, l->decreases);
	int32_t zero_point = e->dims.zero_point;
	uint32_t i, t;

	if (zero_point < -STEPS_ZERO_POINT)
		zero_point = -STEPS_ZERO_POINT;
	if (zero_point > STEPS_ZERO_POINT)
		zero_point = STEPS_ZERO_POINT;
	for (i = 0; i < columns; i++) {
		const bool down = decreases && decreases[i];
		const int32_t *row = xqk_view_read(&e->view[XQ_EPILOGUE_THRESHOLD],
						   4 * ((uint64_t)n0 + i) * count, l->threshold_row,
						   4 * (size_t)count);

		for (t = 0; t < count; t++)
			l->threshold[t * l->pitch + i] = row[t];
		l->start[i] = zero_point + (down ? (int32_t)count : 0);
		l->flip[i] = down ? -1 : 0;
	}
	p->steps = (struct xqk_steps){ .threshold = l->threshold, .pitch = l->pitch, .count = count,
				       .bias = p->reals.bias, .start = l->start, .flip = l->flip };
	xq_clamp_range(e->dims.format, e->dims.act_min, e->dims.act_max, &p->steps.low, &p->steps.high);
}

static const float *reals(const struct xqk_epilogue *e, unsigned int operand, uint32_t n0, uint32_t columns,
			  float absent, float *memory)
{
	const float *there = array(e, operand, n0, 4, columns, memory);
	uint32_t i;

	for (i = 0; !there && i < columns; i++)
		memory[i] = absent;
	return there ? there : memory;
}

void xqk_epilogue_prepare(const struct xqk_isa *isa, const struct xqk_epilogue *e, uint32_t n0,
			  uint32_t columns, uint64_t most, void *memory, struct xqk_prepared *p)
{
	struct layout l = { 0 };

	lay_out(e, columns, memory, &l);
	*p = (struct xqk_prepared){ .epilogue = e, .row = l.row };
	if (e->dims.kind == XQ_EPILOGUE_REQUANT) {
		prepare_requant(isa, e, n0, columns, most, &l, p);
		return;
	}
	p->reals.bias = array(e, XQ_EPILOGUE_BIAS, n0, 4, columns, l.bias);
	if (!p->reals.bias)
		p->reals.bias = memset(l.bias, 0, 4 * (size_t)columns);
	if (e->dims.kind == XQ_EPILOGUE_THRESHOLDS) {
		prepare_steps(e, n0, columns, &l, p);
		return;
	}
	p->reals.scale = reals(e, XQ_EPILOGUE_COLUMN_SCALE, n0, columns, 1.0f, l.column_scale);
	p->reals.float_bias = reals(e, XQ_EPILOGUE_FLOAT_BIAS, n0, columns, -0.0f, l.float_bias);
}

static float row_scale(const struct xqk_epilogue *e, uint32_t row)
{
	float scale = 1.0f;

	if (xqk_present(&e->view[XQ_EPILOGUE_ROW_SCALE]))
		xqk_view_copy(&e->view[XQ_EPILOGUE_ROW_SCALE], 4 * (uint64_t)row, &scale, 4, false);
	return scale;
}

/* What FLOAT makes of accumulators that are float32; every NaN is written as the same one. */
static void real_row(const float *acc, size_t n, const struct xqk_reals *reals, float row, uint8_t *out)
{
	static const uint32_t nan = 0x7fc00000;
	size_t i;

	for (i = 0; i < n; i++) {
		const float value = acc[i] * row * reals->scale[i] + reals->float_bias[i];

		memcpy(out + 4 * i, value != value ? (const void *)&nan : &value, 4);
	}
}

static void steps_row(const struct xqk_epilogue_kernels *k, const struct xqk_prepared *p, const int32_t *acc,
		      uint32_t column, uint32_t columns, uint8_t *out, bool wide)
{
	while (columns) {
		const uint32_t n = columns < XQK_STEPS_MOST ? columns : XQK_STEPS_MOST;
		struct xqk_steps steps = p->steps;

		steps.threshold += column;
		steps.bias += column;
		steps.start += column;
		steps.flip += column;
		k->steps(acc, n, &steps, out, wide);
		acc += n;
		column += n;
		columns -= n;
		out += (size_t)n << wide;
	}
}

static struct xqk_bounded bounded_at(const struct xqk_bounded *p, size_t i)
{
	struct xqk_bounded at = *p;

	at.bias += i;
	at.factor += i;
	at.upper += i;
	at.right += i;
	at.scale += i;
	at.single_scale += i;
	return at;
}

static void bounded_rows(const struct xqk_epilogue_kernels *k, const struct xqk_prepared *p,
			 const struct xqk_epilogue_block *b)
{
	const struct xqk_bounded at = bounded_at(&p->bounded, b->column);
	const uint32_t bits = xq_format_bits(p->epilogue->dims.format);
	uint32_t r;

	if (bits == 8 && !p->table) {
		p->bounded_kernel->run(b->acc, b->acc_stride, b->rows, b->columns, &at, b->biased, b->out);
		return;
	}
	for (r = 0; r < b->rows; r++) {
		uint8_t *row = bits < 8 ? p->row : b->out[r];

		p->bounded_kernel->run(b->acc + r * b->acc_stride, 0, 1, b->columns, &at, b->biased, &row);
		if (p->table)
			k->lookup(row, b->columns, p->table);
		if (bits < 8)
			k->pack(b->out[r], row, b->columns, bits);
	}
}

void xqk_epilogue_rows(const struct xqk_isa *isa, const struct xqk_prepared *p,
		       const struct xqk_epilogue_block *b)
{
	const struct xqk_epilogue_kernels *k = isa->operators->epilogue;
	const struct xq_epilogue *dims = &p->epilogue->dims;
	const uint32_t bits = xq_format_bits(dims->format);
	const struct xqk_lanes lanes = xqk_lanes_at(&p->lanes, b->column);
	xqk_requant_fn *requant = dims->kind == XQ_EPILOGUE_REQUANT ?
				  k->requant[lanes.kind][lanes.each][bits == 16] : NULL;
	struct xqk_reals column_reals = p->reals;
	uint32_t r;

	if (p->bounded_kernel) {
		bounded_rows(k, p, b);
		return;
	}
	if (dims->kind == XQ_EPILOGUE_FLOAT) {
		column_reals.bias += b->column;
		column_reals.scale += b->column;
		column_reals.float_bias += b->column;
	}
	if (requant && bits >= 8 && !p->table) {
		requant(b->acc, b->acc_stride, b->rows, b->columns, &lanes, b->out);
		return;
	}
	for (r = 0; r < b->rows; r++) {
		const int32_t *acc = b->acc + r * b->acc_stride;
		uint8_t *row = bits < 8 ? p->row : b->out[r];

		if (p->epilogue->real)
			real_row((const float *)acc, b->columns, &column_reals,
				 row_scale(p->epilogue, b->m0 + r), row);
		else if (dims->kind == XQ_EPILOGUE_FLOAT)
			k->reals(acc, b->columns, &column_reals, row_scale(p->epilogue, b->m0 + r), row);
		else if (dims->kind == XQ_EPILOGUE_THRESHOLDS)
			steps_row(k, p, acc, b->column, b->columns, row, bits == 16);
		else
			requant(acc, 0, 1, b->columns, &lanes, &row);
		if (p->table)
			k->lookup(row, b->columns, p->table);
		if (bits < 8)
			k->pack(b->out[r], row, b->columns, bits);
	}
}

void xqk_requantize(const struct xqk_isa *isa, const struct xqk_lanes *lanes, const int32_t *acc, size_t n,
		    void *out, bool wide)
{
	uint8_t *row = out;

	isa->operators->epilogue->requant[lanes->kind][lanes->each][wide](acc, 0, 1, n, lanes, &row);
}
