// SPDX-License-Identifier: GPL-2.0
/* Random products by groups, and their reference by the formulas of linux/xqaccel.h. */
#include <math.h>
#include <string.h>

#include "ktap.h"
#include "network_random.h"

/* ---- reference --------------------------------------------------------------------------------------------- */

/* A scale as it is stored. */
static float real(const struct value *v, size_t i)
{
	const uint32_t q = v->type == XQ_F32 ? 0 : (uint32_t)v->q[i];
	uint32_t bits;
	float f;

	switch (v->type) {
	case XQ_F32:
		return v->f[i];
	case XQ_E8M0:
		return ldexpf(1, (int)q - 127);
	case XQ_F16:
		return ldexpf((float)(1024 + (q & 1023)), (int)(q >> 10 & 31) - 25) * (q >> 15 ? -1 : 1);
	default:
		bits = q << 16;
		memcpy(&f, &bits, sizeof(f));
		return f;
	}
}

struct operands {
	const struct value *x, *x_scales, *w_scales, *w_minima, *bias;
	const struct weights *w;
	size_t group;
};

static float one(const struct operands *o, size_t row, size_t column)
{
	const struct value *w = &o->w->value;
	const size_t k = w->dim[1], groups = k / o->group;
	const int32_t w_zp = o->w->channels && o->w->zp ? o->w->zp[0] : 0;
	const int32_t x_zp = o->x->scales ? o->x->zp : 0;
	float c = 0;

	for (size_t g = 0; g < groups; g++) {
		const float a = o->x_scales ? real(o->x_scales, row * groups + g) : 1;
		const float b = real(o->w_scales, column * groups + g);
		uint32_t s = 0, t = 0;

		for (size_t i = g * o->group; i < (g + 1) * o->group; i++) {
			const int32_t code = w->q[column * k + i];
			const uint32_t from_x = (uint32_t)o->x->q[row * k + i] - (uint32_t)x_zp;

			s += from_x * ((uint32_t)(o->w->codebook ? o->w->codebook[code] : code) - (uint32_t)w_zp);
			t += from_x;
		}
		c = fmaf((float)(int32_t)s, a * b, c);
		if (o->w_minima)
			c = fmaf(-((float)(int32_t)t * a), real(o->w_minima, column * groups + g), c);
	}
	if (!o->x_scales && o->x->scales)
		c = c * o->x->scale;
	return o->bias ? c + o->bias->f[column] : c;
}

/* ---- random cases ------------------------------------------------------------------------------------------- */

/* Finite scales of any sign, as far as the type has them. */
static struct value random_scales(struct network_case *c, size_t n, size_t groups)
{
	static const enum xq_type types[] = { XQ_F32, XQ_F16, XQ_BF16, XQ_E8M0 };
	struct value v = { .type = PICK(types), .dims = 2, .dim = { n, groups } };
	struct xq_network_tensor t = { 0 };
	size_t i;

	case_add_constant(c, &v, &t);
	for (i = 0; i < n * groups && v.type != XQ_F32; i++) {
		if (v.type == XQ_E8M0)
			v.q[i] = (int32_t)ktap_range(110, 135);
		else if (v.type == XQ_F16)
			v.q[i] = (int32_t)(ktap_range(0, 1) << 15 | ktap_range(5, 20) << 10 | ktap_range(0, 1023));
		else
			v.q[i] = (int32_t)(ktap_range(0, 1) << 15 | ktap_range(115, 135) << 7 | ktap_range(0, 127));
	}
	case_unpacked(&v, (void *)(uintptr_t)t.data);
	return v;
}

static bool add(struct network_case *c, const struct value *x, const struct value *x_scales, size_t group)
{
	const size_t k = x->dim[x->dims - 1], n = (size_t)ktap_range(1, 40);
	struct weights w = { .value = { .dims = 2, .dim = { n, k } } };
	struct value y = *x, *to, scales, minima, bias;
	struct operands o = { .x = x, .x_scales = x_scales, .w = &w, .w_scales = &scales, .group = group };
	struct xq_network_grouped p = { .x = x->id, .group = group, .x_scales = x_scales ? x_scales->id : 0 };

	if (x->count / k * n > LARGEST)
		return false;
	case_random_weights(c, &w, 1);
	scales = random_scales(c, n, k / group);
	p.w = w.value.id;
	p.w_scales = scales.id;
	if (ktap_range(0, 1)) {
		minima = random_scales(c, n, k / group);
		o.w_minima = &minima;
		p.w_minima = minima.id;
	}
	if (ktap_range(0, 1)) {
		bias = case_vector(c, XQ_F32, n);
		o.bias = &bias;
		p.float_bias = bias.id;
	}
	y.type = XQ_F32;
	y.scales = false;
	y.dim[y.dims - 1] = n;
	to = case_new_value(c, y, false);
	p.y = to->id;
	EXPECT(xq_network_grouped(c->net, &p) >= 0, "%s", xq_network_error(c->net));
	for (size_t i = 0; i < to->count; i++)
		to->f[i] = one(&o, i / n, i % n);
	return true;
}

static struct value *reshaped(struct network_case *c, const struct value *x, unsigned int dims, const size_t *dim)
{
	struct value y = *x, *to;

	y.dims = dims;
	memcpy(y.dim, dim, dims * sizeof(*dim));
	to = case_new_value(c, y, true);
	EXPECT(xq_network_reshape(c->net, NULL, x->id, to->id) >= 0, "%s", xq_network_error(c->net));
	memcpy(x->q ? (void *)to->q : to->f, x->q ? (void *)x->q : x->f, x->count * 4);
	return to;
}

/* Groups of real numbers, each quantized by a scale of its own, as a layer of a language model does it. */
static bool dynamic(struct network_case *c, const struct value *x)
{
	const size_t k = x->dim[x->dims - 1], group = case_divisor(k);
	struct xq_network_convert v = { 0 };
	size_t dim[XQ_NETWORK_DIMS];
	struct value *groups, *codes, *scale, y;

	if (x->dims == XQ_NETWORK_DIMS || (x->batched && x->dims < 2))
		return false;
	memcpy(dim, x->dim, sizeof(dim));
	dim[x->dims - 1] = k / group;
	dim[x->dims] = group;
	groups = reshaped(c, x, x->dims + 1, dim);
	y = *groups;
	y.type = XQ_S8;
	y.scales = false;
	y.zp = 0;
	codes = case_new_value(c, y, false);
	y.type = XQ_F32;
	y.dims--;
	scale = case_new_value(c, y, false);
	v.x = groups->id;
	v.y = codes->id;
	v.row_scale = scale->id;
	EXPECT(xq_network_convert(c->net, &v) >= 0, "%s", xq_network_error(c->net));
	reference_rows(groups, codes, scale, NULL);
	return add(c, reshaped(c, codes, x->dims, x->dim), scale, group);
}

bool random_grouped(struct network_case *c, const struct value *x)
{
	if (x->type == XQ_F32)
		return dynamic(c, x);
	if (!case_is_narrow(x) || (x->batched && x->dims < 2))
		return false;
	return add(c, x, NULL, case_divisor(x->dim[x->dims - 1]));
}
