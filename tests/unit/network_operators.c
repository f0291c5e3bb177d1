// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"
#include "network_random.h"

/* ---- pools ---------------------------------------------------------------------------------------------------- */

bool random_pool(struct network_case *c, const struct value *x)
{
	const bool flat = x->dims == 3;
	struct xq_network_pool p = { .x = x->id };
	struct xq_pool g = { 0 };
	struct value y = *x, *to;
	size_t h, w;

	if (!case_is_byte(x) || (x->dims != 3 && x->dims != 4))
		return false;
	p.kind = ktap_range(0, 1) ? XQ_MAX_POOL : XQ_AVERAGE_POOL;
	p.global = !ktap_range(0, 3);
	g.in_h = flat ? 1 : x->dim[1];
	g.in_w = x->dim[flat ? 1 : 2];
	g.kernel_h = p.global ? g.in_h : flat ? 1 : (size_t)ktap_range(1, 4);
	g.kernel_w = p.global ? g.in_w : (size_t)ktap_range(1, 4);
	g.stride_h = flat || p.global ? 1 : (size_t)ktap_range(1, 3);
	g.stride_w = p.global ? 1 : (size_t)ktap_range(1, 3);
	if (!p.global && ktap_range(0, 1)) {
		g.pad_top = flat ? 0 : (size_t)ktap_range(0, 5);
		g.pad_left = (size_t)ktap_range(0, 5);
		g.pad_bottom = flat ? 0 : (size_t)ktap_range(0, 5);
		g.pad_right = (size_t)ktap_range(0, 5);
	}
	if (xq_pool_output(&g, &h, &w))
		return false;
	p.kernel_h = g.kernel_h;
	p.kernel_w = g.kernel_w;
	p.stride_h = g.stride_h;
	p.stride_w = g.stride_w;
	p.pad_top = g.pad_top;
	p.pad_left = g.pad_left;
	p.pad_bottom = g.pad_bottom;
	p.pad_right = g.pad_right;
	p.clamp = ktap_range(0, 1);
	p.act_min = (int32_t)ktap_range(xq_type_min(x->type), xq_type_max(x->type));
	p.act_max = (int32_t)ktap_range(p.act_min, xq_type_max(x->type));
	y.dim[y.dims - 2] = w;
	if (!flat)
		y.dim[1] = h;
	case_set_count(&y);
	if (y.count > LARGEST)
		return false;
	to = case_new_value(c, y, false);
	p.y = to->id;
	EXPECT(xq_network_pool(c->net, &p) >= 0, "%s", xq_network_error(c->net));
	reference_pool(x, &p, &g, to);
	return true;
}
/* ---- sums ---------------------------------------------------------------------------------------------------- */

static const struct value *partner(struct network_case *c, const struct value *x, struct value *constant)
{
	const unsigned int first = (unsigned int)ktap_range(0, c->values - 1);

	for (unsigned int i = 0; i < c->values && ktap_range(0, 3); i++) {
		const struct value *v = &c->value[(first + i) % c->values];

		if (case_is_byte(v) && v->dims == x->dims && v->batched == x->batched &&
		    !memcmp(v->dim, x->dim, x->dims * sizeof(size_t)))
			return v;
	}
	/* A constant that is repeated along some dimensions, of which the first may be missing. */
	*constant = (struct value){ .type = ktap_range(0, 1) ? XQ_S8 : XQ_U8 };
	constant->dims = (unsigned int)ktap_range(1, x->dims);
	for (unsigned int i = 0; i < constant->dims; i++) {
		const unsigned int from = x->dims - constant->dims + i;

		constant->dim[i] = ktap_range(0, 1) || (x->batched && !from) ? 1 : x->dim[from];
	}
	{
		struct xq_network_tensor t = { .channels = 1, .scale = &constant->scale, .zero_point = &constant->zp };

		case_random_quantization(constant);
		constant->scales = true;
		case_add_constant(c, constant, &t);
	}
	return constant;
}

static void random_factors(struct xq_elementwise_args *f, enum xq_requant_profile profile, bool mul)
{
	f->a.scale = (float)(ktap_unit() + 0.01);
	f->b.scale = (float)(ktap_unit() + 0.01);
	f->y_scale = (float)(ktap_unit() * (mul ? 100 : 2) + 0.1);
	f->left_shift = (unsigned int)ktap_range(0, 20);
	if (profile == XQ_REQUANT_FLOOR_SHIFT) {
		f->a.factor = (struct xq_factor){ (int32_t)ktap_range(1, 1 << 20), (int32_t)ktap_range(15, 22), ktap_range(-999999, 999999) };
		f->b.factor = (struct xq_factor){ (int32_t)ktap_range(1, 1 << 20), (int32_t)ktap_range(15, 22), ktap_range(-999999, 999999) };
		f->y_factor = (struct xq_factor){ (int32_t)ktap_range(1, 1 << 16), (int32_t)ktap_range(18, 24), ktap_range(-999999, 999999) };
		return;
	}
	xq_quantize_multiplier(ktap_unit() + 0.1, &f->a.factor.multiplier, &f->a.factor.shift);
	xq_quantize_multiplier(ktap_unit() + 0.1, &f->b.factor.multiplier, &f->b.factor.shift);
	xq_quantize_multiplier(ldexp(ktap_unit() + 0.1, mul ? -6 : -(int)f->left_shift), &f->y_factor.multiplier, &f->y_factor.shift);
}

static bool elementwise(struct network_case *c, const struct value *x, bool mul)
{
	struct xq_network_elementwise e = { 0 };
	struct xq_elementwise_args f = { 0 };
	struct value constant, y = *x, *to;
	const struct value *other, *a, *b;

	if (!case_is_byte(x))
		return false;
	other = partner(c, x, &constant);
	a = ktap_range(0, 1) ? x : other;
	b = a == x ? other : x;
	y.type = ktap_range(0, 1) ? XQ_S8 : XQ_U8;
	case_random_quantization(&y);
	e.profile = (enum xq_requant_profile)ktap_range(0, 3);
	random_factors(&f, e.profile, mul);
	if (a->scales && b->scales && y.scales && e.profile != XQ_REQUANT_FLOOR_SHIFT && ktap_range(0, 1)) {
		f.a.scale = a->scale;
		f.b.scale = b->scale;
		f.y_scale = y.scale;
		if (mul)
			xq_mul_factors(a->scale, b->scale, y.scale, &f);
		else
			xq_add_factors(a->scale, b->scale, y.scale, &f);
	} else {
		e.factors = &f;
	}
	e.a = a->id;
	e.b = b->id;
	e.clamp = ktap_range(0, 1);
	e.act_min = (int32_t)ktap_range(xq_type_min(y.type), xq_type_max(y.type));
	e.act_max = (int32_t)ktap_range(e.act_min, xq_type_max(y.type));
	to = case_new_value(c, y, false);
	e.y = to->id;
	EXPECT((mul ? xq_network_mul(c->net, &e) : xq_network_add(c->net, &e)) >= 0, "%s", xq_network_error(c->net));
	reference_elementwise(a, b, &e, &f, mul, to);
	return true;
}

bool random_sum(struct network_case *c, const struct value *x)
{
	return elementwise(c, x, false);
}

bool random_multiply(struct network_case *c, const struct value *x)
{
	return elementwise(c, x, true);
}
/* ---- softmax, means, lookups, conversions --------------------------------------------------------------------- */

bool random_softmax(struct network_case *c, const struct value *x)
{
	struct xq_network_softmax s = { .x = x->id };
	struct xq_softmax direct = { 0 };
	struct value y = *x, *to;
	int8_t *row;

	if (x->type != XQ_S8 || (x->batched && x->dims < 2))
		return false;
	if (x->scales)
		s.beta = 1;
	direct.columns = x->dim[x->dims - 1];
	direct.rows = x->count / direct.columns;
	xq_softmax_factors(x->scales ? x->scale : 0.05f, 1, &direct);
	s.multiplier = direct.multiplier;
	s.shift = direct.shift;
	s.diff_min = direct.diff_min;
	y.scales = true;
	y.scale = 1.0f / 256;
	y.zp = -128;
	to = case_new_value(c, y, false);
	s.y = to->id;
	EXPECT(xq_network_softmax(c->net, &s) >= 0, "%s", xq_network_error(c->net));
	/* Its arithmetic has tests of its own; here it counts which elements are a row. */
	row = case_memory(c, x->count);
	for (size_t i = 0; i < x->count; i++)
		row[i] = (int8_t)x->q[i];
	direct.x = direct.y = row;
	EXPECT(!xq_softmax(NULL, &direct), "softmax");
	for (size_t i = 0; i < x->count; i++)
		to->q[i] = row[i];
	return true;
}

bool random_mean(struct network_case *c, const struct value *x)
{
	struct xq_network_mean m = { .x = x->id };
	struct value y = *x, *to;
	struct xq_requant derived;
	bool keep = ktap_range(0, 1);
	size_t count = 1;

	if (!case_is_byte(x) || x->dims < (x->batched ? 2 : 1))
		return false;
	m.first = (unsigned int)ktap_range(x->batched, x->dims - 1);
	m.count = (unsigned int)ktap_range(1, x->dims - m.first);
	for (unsigned int i = 0; i < m.count; i++)
		count *= x->dim[m.first + i];
	y.dims = 0;
	for (unsigned int i = 0; i < x->dims; i++)
		if (i < m.first || i >= m.first + m.count)
			y.dim[y.dims++] = x->dim[i];
		else if (keep)
			y.dim[y.dims++] = 1;
	if (!y.dims)
		y.dim[y.dims++] = 1;
	y.type = ktap_range(0, 1) ? XQ_S8 : XQ_U8;
	case_random_quantization(&y);
	if (x->scales && y.scales && ktap_range(0, 1)) {
		m.profile = (enum xq_requant_profile)ktap_range(0, 2);
		derive_single(c, &derived, m.profile, x, &y, count);
	} else {
		struct xq_requant *rq = case_random_requant(c, y.type, 1, 100 * sqrt((double)count));

		m.requant = rq;
		derived = *rq;
	}
	to = case_new_value(c, y, keep);
	m.y = to->id;
	EXPECT(xq_network_mean(c->net, &m) >= 0, "%s", xq_network_error(c->net));
	reference_mean(x, m.first, m.count, &derived, to);
	return true;
}

bool random_lookup(struct network_case *c, const struct value *x)
{
	struct value y = *x, *to;
	uint8_t table[256];

	if (!case_is_byte(x))
		return false;
	y.type = PICK(case_narrow);
	case_random_quantization(&y);
	for (int i = 0; i < 256; i++)
		table[i] = (uint8_t)case_random_value(y.type);
	to = case_new_value(c, y, false);
	EXPECT(xq_network_lookup(c->net, NULL, x->id, to->id, table) >= 0, "%s", xq_network_error(c->net));
	for (size_t i = 0; i < x->count; i++)
		to->q[i] = xq_type_signed(y.type) ? (int8_t)table[(uint8_t)x->q[i]] : table[(uint8_t)x->q[i]];
	return true;
}

bool random_rows_quantized(struct network_case *c, const struct value *x)
{
	struct xq_network_convert v = { .x = x->id };
	struct value y = *x, rows = *x, *to, *scale, *zp = NULL;

	if (x->batched && x->dims < 2)
		return false;
	y.type = ktap_range(0, 1) ? XQ_S8 : XQ_U8;
	y.scales = rows.scales = false;
	y.zp = rows.zp = 0;
	rows.dims--;
	if (!rows.dims)
		rows.dim[rows.dims++] = 1;
	to = case_new_value(c, y, false);
	rows.type = XQ_F32;
	scale = case_new_value(c, rows, false);
	rows.type = XQ_S32;
	if (ktap_range(0, 1))
		zp = case_new_value(c, rows, false);
	v.y = to->id;
	v.row_scale = scale->id;
	v.row_zp = zp ? zp->id : 0;
	EXPECT(xq_network_convert(c->net, &v) >= 0, "%s", xq_network_error(c->net));
	reference_rows(x, to, scale, zp);
	return true;
}

bool random_convert(struct network_case *c, const struct value *x)
{
	struct xq_network_convert v = { .x = x->id };
	struct value y = *x, *to;
	struct xq_requant derived;

	if (x->type == XQ_F32 && ktap_range(0, 1))
		return random_rows_quantized(c, x);
	y.type = PICK(case_requantized);
	if (x->type != XQ_F32 && x->scales && (x->type == XQ_S32 || (x->zp <= 32000 && x->zp >= -32000)) && ktap_range(0, 1))
		y.type = XQ_F32;
	case_random_quantization(&y);
	if (x->type == XQ_F32 && y.type != XQ_F32) {
		y.scales = true;
		if (y.zp > 32000 || y.zp < -32000)
			return false;
	}
	if (x->type != XQ_F32 && y.type != XQ_F32) {
		if (x->scales && y.scales && ktap_range(0, 1)) {
			v.profile = (enum xq_requant_profile)ktap_range(0, 2);
			derive_single(c, &derived, v.profile, x, &y, 1);
		} else {
			struct xq_requant *rq = case_random_requant(c, y.type, 1, x->type == XQ_S32 ? 1e5 : (double)xq_type_max(x->type) + 1);

			v.requant = rq;
			derived = *rq;
		}
	}
	to = case_new_value(c, y, false);
	v.y = to->id;
	EXPECT(xq_network_convert(c->net, &v) >= 0, "%s", xq_network_error(c->net));
	reference_convert(x, &derived, to);
	return true;
}
