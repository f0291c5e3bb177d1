/* SPDX-License-Identifier: GPL-2.0 */
/* Random epilogues, whose arrays may lie in scattered pages. */
#ifndef XQ_TESTS_EPILOGUE_CASE_H
#define XQ_TESTS_EPILOGUE_CASE_H

#include <math.h>

#include "operator_case.h"

#define EPILOGUE_MOST	6000	/* rows and columns */

static const uint32_t epilogue_formats[] = { XQACCEL_FMT_S8, XQACCEL_FMT_U8, XQACCEL_FMT_S4, XQACCEL_FMT_U4,
					     XQACCEL_FMT_S2, XQACCEL_FMT_U2, XQACCEL_FMT_T2, XQACCEL_FMT_B1,
					     XQACCEL_FMT_S16, XQACCEL_FMT_U16 };
#define EPILOGUE_FORMATS	(sizeof(epilogue_formats) / sizeof(epilogue_formats[0]))

/**
 * struct epilogue_case - an epilogue's numbers
 * @e: as the kernels get it
 * @small: so are biases, that sums stay exact in f32
 * @bias: and the other arrays: an element per column, as a reference reads them
 */
struct epilogue_case {
	struct xqk_epilogue e;
	bool small;
	int32_t bias[EPILOGUE_MOST], multiplier[EPILOGUE_MOST], shift[EPILOGUE_MOST], threshold[EPILOGUE_MOST * 9];
	int64_t add[EPILOGUE_MOST];
	float scale[EPILOGUE_MOST], row_scale[EPILOGUE_MOST], column_scale[EPILOGUE_MOST], float_bias[EPILOGUE_MOST];
	uint8_t table[256], decreases[EPILOGUE_MOST];
	struct case_memory array[XQ_EPILOGUE_OPERANDS];
};

static inline int32_t epilogue_any_acc(void)
{
	return ktap_range(0, 5) ? (int32_t)ktap_range(-40000, 40000) : (int32_t)ktap_random();
}

/* Its kind, format and bounds. */
static inline void epilogue_random(struct epilogue_case *c)
{
	struct xq_epilogue *e = &c->e.dims;
	int32_t least, greatest;

	memset(c, 0, sizeof(*c));
	e->kind = (uint8_t)ktap_range(XQ_EPILOGUE_REQUANT, XQ_EPILOGUE_KINDS - 1);
	e->profile = (uint8_t)ktap_range(0, XQ_PROFILES - 1);
	e->format = (uint8_t)epilogue_formats[ktap_range(0, EPILOGUE_FORMATS - 1)];
	e->channels = (uint32_t)ktap_range(0, 1);
	e->thresholds = (uint32_t)(ktap_range(0, 9) ? ktap_range(1, 8) : ktap_range(1, 255));
	if (e->kind == XQ_EPILOGUE_FLOAT)
		e->format = XQACCEL_FMT_F32;
	if (e->kind == XQ_EPILOGUE_REQUANT && xq_format_bits(e->format) <= 8 && !ktap_range(0, 2))
		e->index_format = (uint8_t)epilogue_formats[ktap_range(0, 1)];
	xq_format_range(e->index_format ? e->index_format : e->format, &least, &greatest);
	e->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-200, 200) : (int32_t)ktap_random());
	e->act_min = INT32_MIN;
	e->act_max = INT32_MAX;
	if (e->kind != XQ_EPILOGUE_FLOAT && !ktap_range(0, 2)) {
		e->act_min = (int32_t)ktap_range(least, greatest);
		e->act_max = (int32_t)ktap_range(e->act_min, greatest + 2);
	}
	EXPECT(xq_epilogue_valid(e), "kind %u format %u", e->kind, e->format);
}

static inline void epilogue_give(struct epilogue_case *c, unsigned int operand, const void *data, size_t bytes,
				 size_t count)
{
	case_array(&c->array[operand], &c->e.view[operand], data, bytes, count);
}

static inline void epilogue_give_requant(struct epilogue_case *c, size_t params)
{
	const struct xq_epilogue *e = &c->e.dims;

	if (e->profile == XQ_PROFILE_ONNX) {
		if (!ktap_range(0, 20))
			c->scale[0] = INFINITY;
		epilogue_give(c, XQ_EPILOGUE_SCALE, c->scale, 4, params);
		return;
	}
	epilogue_give(c, XQ_EPILOGUE_MULTIPLIER, c->multiplier, 4, params);
	epilogue_give(c, XQ_EPILOGUE_SHIFT, c->shift, 4, params);
	if (e->profile == XQ_PROFILE_FLOOR_SHIFT && ktap_range(0, 3))
		epilogue_give(c, XQ_EPILOGUE_ADD, c->add, 8, params);
	else
		memset(c->add, 0, sizeof(c->add));
}

/* Its arrays, for m x n; those that are absent are filled with what changes nothing. */
static inline void epilogue_random_arrays(struct epilogue_case *c, uint32_t m, uint32_t n)
{
	const struct xq_epilogue *e = &c->e.dims;

	for (size_t i = 0; i < (m > n ? m : n); i++) {
		c->bias[i] = c->small ? (int32_t)ktap_range(-9999, 9999) : epilogue_any_acc();
		c->multiplier[i] = ktap_range(0, 99) ? (int32_t)ktap_range(1 << 30, INT32_MAX) : (int32_t)ktap_random();
		/* Halves of both roundings. */
		if (!ktap_range(0, 9))
			c->multiplier[i] = (int32_t)(1U << ktap_range(0, 30)) * (int32_t)ktap_range(0, 1);
		c->shift[i] = (int32_t)(e->profile == XQ_PROFILE_FLOOR_SHIFT ? ktap_range(20, 44) : ktap_range(-15, -1));
		if (!ktap_range(0, 99))
			c->shift[i] = (int32_t)ktap_range(-100, 100);
		c->add[i] = ktap_range(-(1LL << 40), 1LL << 40);
		c->scale[i] = (float)(ktap_unit() * 0.01);
		c->row_scale[i] = (float)(ktap_unit() - 0.5);
		c->column_scale[i] = (float)(ktap_unit() * 3e-3);
		c->float_bias[i] = (float)(ktap_unit() * 100 - 50);
		c->decreases[i] = (uint8_t)ktap_range(0, 1);
	}
	for (size_t i = 0; i < 256; i++)
		c->table[i] = (uint8_t)ktap_random();
	for (size_t i = 0; e->kind == XQ_EPILOGUE_THRESHOLDS && i < (size_t)n * e->thresholds; i++)
		c->threshold[i] = epilogue_any_acc();
	if (ktap_range(0, 2))
		epilogue_give(c, XQ_EPILOGUE_BIAS, c->bias, 4, n);
	else
		memset(c->bias, 0, sizeof(c->bias));
	if (e->kind == XQ_EPILOGUE_THRESHOLDS) {
		epilogue_give(c, XQ_EPILOGUE_THRESHOLD, c->threshold, 4, (size_t)n * e->thresholds);
		if (ktap_range(0, 1))
			epilogue_give(c, XQ_EPILOGUE_DECREASES, c->decreases, 1, n);
		else
			memset(c->decreases, 0, sizeof(c->decreases));
	} else if (e->kind == XQ_EPILOGUE_FLOAT) {
		if (ktap_range(0, 3))
			epilogue_give(c, XQ_EPILOGUE_ROW_SCALE, c->row_scale, 4, m);
		if (ktap_range(0, 3))
			epilogue_give(c, XQ_EPILOGUE_COLUMN_SCALE, c->column_scale, 4, n);
		if (ktap_range(0, 3))
			epilogue_give(c, XQ_EPILOGUE_FLOAT_BIAS, c->float_bias, 4, n);
	} else {
		epilogue_give_requant(c, e->channels ? n : 1);
	}
	if (e->index_format)
		epilogue_give(c, XQ_EPILOGUE_TABLE, c->table, 1, 256);
}

static inline void epilogue_free(struct epilogue_case *c)
{
	for (unsigned int i = 0; i < XQ_EPILOGUE_OPERANDS; i++)
		case_free(&c->array[i]);
}

#endif
