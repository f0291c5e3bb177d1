// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"
#include "network_random.h"

static const enum xq_type weights[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_B1, XQ_C4, XQ_C8 };

/* ---- what follows products -------------------------------------------------------------------------------------- */

static struct value random_thresholds(struct network_case *c, struct finish *f, size_t channels, double size)
{
	const size_t count = (size_t)(ktap_range(0, 1) ? 1 : ktap_range(1, 20));
	struct value v = { .type = XQ_S32, .dims = 2, .dim = { channels, count } };
	struct xq_network_tensor t = { 0 };

	case_add_constant(c, &v, &t);
	for (size_t i = 0; i < v.count; i++)
		((int32_t *)(uintptr_t)t.data)[i] = v.q[i] = (int32_t)(ktap_normal() * size);
	f->config.thresholds = v.id;
	f->config.base = (int32_t)ktap_range(-3, 1);
	if (ktap_range(0, 1)) {
		f->decreases = case_vector(c, XQ_U8, channels);
		f->config.decreases = f->decreases.id;
	}
	return v;
}

/* A random end of accumulators about so large; sets the type and quantization of y. */
static void random_finish(struct network_case *c, struct finish *f, const struct value *x, const struct weights *w,
			  size_t channels, double size, struct value *y)
{
	const int64_t kind = ktap_range(0, 9);

	*f = (struct finish){ 0 };
	y->scales = false;
	y->zp = 0;
	if (ktap_range(0, 1)) {
		f->bias = case_vector(c, XQ_S32, channels);
		f->config.bias = f->bias.id;
	}
	if (kind == 0) {
		y->type = XQ_S32;
	} else if (kind == 1) {
		y->type = XQ_F32;
		if (ktap_range(0, 1)) {
			f->column_scale = case_vector(c, XQ_F32, channels);
			f->config.column_scale = f->column_scale.id;
		}
		if (ktap_range(0, 1)) {
			f->float_bias = case_vector(c, XQ_F32, channels);
			f->config.float_bias = f->float_bias.id;
		}
	} else if (kind == 2 || kind == 3) {
		y->type = PICK(case_narrow);
		f->thresholds = random_thresholds(c, f, channels, size);
	} else {
		const bool table = kind == 4;
		enum xq_type type;

		y->type = table ? PICK(case_narrow) : PICK(case_requantized);
		case_random_quantization(y);
		type = table ? (ktap_range(0, 1) ? XQ_S8 : XQ_U8) : y->type;
		if (table) {
			uint8_t *elements = case_memory(c, 256);

			for (int i = 0; i < 256; i++)
				elements[i] = (uint8_t)case_random_value(y->type);
			f->config.table = elements;
			f->config.index_type = type;
			f->config.index_scale = (float)(ktap_unit() + 0.01);
			f->config.index_zp = (int32_t)ktap_range(-5, 5);
		}
		if (x->scales && w->channels && (table || y->scales) && ktap_range(0, 1)) {
			f->config.profile = (enum xq_requant_profile)ktap_range(0, 2);
			f->config.clamp = ktap_range(0, 1);
			f->config.act_min = (int32_t)ktap_range(xq_type_min(type), xq_type_max(type));
			f->config.act_max = (int32_t)ktap_range(f->config.act_min, xq_type_max(type));
			f->rq = derive(c, f, x, w, table ? f->config.index_scale : y->scale,
				       table ? f->config.index_zp : y->zp, type);
		} else {
			f->config.requant = f->rq = case_random_requant(c, type, ktap_range(0, 1) ? 1 : channels, size);
		}
	}
}
/* ---- products ------------------------------------------------------------------------------------------------ */

/* Quantization of weights: none, one, or one for each channel. */
static size_t random_channels(struct network_case *c, struct value *w, struct xq_network_tensor *t, size_t channels)
{
	float *scale;
	int32_t *zp;

	t->channels = (size_t)ktap_range(0, 2);
	if (t->channels == 2)
		t->channels = channels;
	scale = case_memory(c, (t->channels + 1) * sizeof(*scale));
	zp = case_memory(c, (t->channels + 1) * sizeof(*zp));
	for (size_t i = 0; i < t->channels; i++) {
		scale[i] = (float)(ktap_unit() * 0.1 + 1e-3);
		zp[i] = ktap_range(0, 1) ? case_random_value(w->type == XQ_C4 || w->type == XQ_C8 ? XQ_S8 : w->type) : 0;
	}
	w->scales = t->channels;
	t->scale = t->channels ? scale : NULL;
	t->zero_point = t->channels && ktap_range(0, 2) ? zp : NULL;
	return t->channels;
}

void case_random_weights(struct network_case *c, struct weights *w, size_t channels)
{
	struct xq_network_tensor t = { 0 };

	w->value.type = PICK(weights);
	w->channels = random_channels(c, &w->value, &t, channels);
	w->scale = t.scale;
	w->zp = t.zero_point;
	if (w->value.type == XQ_C4 || w->value.type == XQ_C8) {
		int8_t *book = case_memory(c, 256);

		for (int i = 0; i < 256; i++)
			book[i] = (int8_t)ktap_random();
		t.codebook = w->codebook = book;
	}
	case_add_constant(c, &w->value, &t);
}

static double typical(enum xq_type x, enum xq_type w, size_t k)
{
	return (double)xq_type_max(x) * (double)(xq_type_max(w) > 1 ? xq_type_max(w) : 1) * sqrt((double)k) / 2 + 1;
}

/* A number for each row of x: what another operator made, or else a constant. Its id is 0 if there is none. */
static struct value row_values(struct network_case *c, const struct value *x, enum xq_type type)
{
	const size_t rows = x->count / x->dim[x->dims - 1];

	for (unsigned int i = c->values; i-- > 0 && ktap_range(0, 15);) {
		const struct value *v = &c->value[i];

		if (v->type == type && v->count == rows && v->batched == x->batched) {
			case_row_values[1]++;
			return *v;
		}
	}
	if (x->batched || ktap_range(0, 1))
		return (struct value){ 0 };
	case_row_values[0]++;
	return case_vector(c, type, rows);
}

static void random_rows(struct network_case *c, const struct value *x, const struct value *y, struct finish *f)
{
	if (case_zero_points)
		f->x_zps = row_values(c, x, XQ_S32);
	if (y->type == XQ_F32)
		f->row_scale = row_values(c, x, XQ_F32);
	f->config.row_scale = f->row_scale.id;
}

static bool product(struct network_case *c, const struct value *x)
{
	struct xq_network_product p = { .x = x->id };
	struct weights w = { 0 };
	struct value y = *x;
	struct finish f;
	const size_t k = x->dim[x->dims - 1], n = (size_t)ktap_range(1, 24);

	if (!case_is_narrow(x) || (x->batched && x->dims < 2) || x->count / k * n > LARGEST)
		return false;
	p.w_kn = ktap_range(0, 1);
	w.value = (struct value){ .dims = 2, .dim = { p.w_kn ? k : n, p.w_kn ? n : k } };
	case_random_weights(c, &w, n);
	random_finish(c, &f, x, &w, n, typical(x->type, w.value.type, k), &y);
	y.dim[y.dims - 1] = n;
	random_rows(c, x, &y, &f);
	p.x_zps = f.x_zps.id;
	p.w = w.value.id;
	p.finish = f.config;
	{
		struct value *to = case_new_value(c, y, false);

		p.y = to->id;
		EXPECT(xq_network_product(c->net, &p) >= 0, "%s", xq_network_error(c->net));
		reference_product(x, &w, p.w_kn, &f, to);
	}
	return true;
}

/* Rows of x by rows of another value of the same leading dimensions. */
static bool pairwise(struct network_case *c, const struct value *x)
{
	struct xq_network_product p = { .x = x->id };
	struct weights w = { 0 };
	struct value y = *x;
	struct finish f = { 0 };
	unsigned int i = (unsigned int)ktap_range(0, c->values - 1);
	const struct value *other = &c->value[i];

	if (!case_is_narrow(x) || !case_is_narrow(other) || x->dims != other->dims || x->batched != other->batched ||
	    x->dims < (x->batched ? 3 : 2) || x->dim[x->dims - 1] != other->dim[x->dims - 1] ||
	    memcmp(x->dim, other->dim, (x->dims - 2) * sizeof(size_t)) ||
	    x->count / x->dim[x->dims - 1] * other->dim[x->dims - 2] > LARGEST)
		return false;
	w.value = *other;
	w.channels = other->scales;
	w.scale = &other->scale;
	w.zp = &other->zp;
	y.type = XQ_F32;
	y.scales = false;
	y.dim[y.dims - 1] = other->dim[x->dims - 2];
	random_rows(c, x, &y, &f);
	p.x_zps = f.x_zps.id;
	p.finish = f.config;
	p.w = other->id;
	{
		struct value *to = case_new_value(c, y, false);

		p.y = to->id;
		EXPECT(xq_network_product(c->net, &p) >= 0, "%s", xq_network_error(c->net));
		reference_pairwise(x, &w, &f, to);
	}
	return true;
}
/* ---- convolutions and pools ------------------------------------------------------------------------------------ */

static bool padding_has_value(const struct value *x)
{
	return x->type == XQ_U8 ? x->zp >= 0 && x->zp <= 255 : x->zp >= -128 && x->zp <= 127;
}

static void random_geometry(struct xq_conv *g, bool flat)
{
	g->kernel_h = flat ? 1 : (size_t)ktap_range(1, 4);
	g->kernel_w = (size_t)ktap_range(1, 4);
	g->stride_h = flat ? 1 : (size_t)ktap_range(1, 3);
	g->stride_w = (size_t)ktap_range(1, 3);
	g->dilation_h = flat ? 1 : (size_t)ktap_range(1, 2);
	g->dilation_w = (size_t)ktap_range(1, 2);
	if (ktap_range(0, 1)) {
		g->pad_top = flat ? 0 : (size_t)ktap_range(0, 3);
		g->pad_bottom = flat ? 0 : (size_t)ktap_range(0, 3);
		g->pad_left = (size_t)ktap_range(0, 3);
		g->pad_right = (size_t)ktap_range(0, 5);
	}
	g->transposed = !ktap_range(0, 5);
	if (g->transposed) {
		g->output_pad_h = flat ? 0 : (size_t)ktap_range(0, (int64_t)g->stride_h - 1);
		g->output_pad_w = (size_t)ktap_range(0, (int64_t)g->stride_w - 1);
	}
}

static void weight_shape(struct value *w, const struct xq_conv *g, enum xq_weight_order order, bool flat)
{
	const size_t in = g->in_c / g->groups;
	size_t *d = w->dim;

	switch (order) {
	case XQ_WEIGHTS_OHWI:
		*d++ = g->out_c;
		if (!flat)
			*d++ = g->kernel_h;
		*d++ = g->kernel_w;
		*d++ = in;
		break;
	case XQ_WEIGHTS_OIHW:
		*d++ = g->out_c;
		*d++ = in;
		if (!flat)
			*d++ = g->kernel_h;
		*d++ = g->kernel_w;
		break;
	default:
		if (ktap_range(0, 1))
			*d++ = 1;
		if (!flat)
			*d++ = g->kernel_h;
		*d++ = g->kernel_w;
		*d++ = g->out_c;
		break;
	}
	w->dims = (unsigned int)(d - w->dim);
}

bool random_convolution(struct network_case *c, const struct value *x)
{
	const bool flat = x->dims == 3, depthwise = !ktap_range(0, 2);
	struct xq_network_convolution p = { .x = x->id };
	struct xq_conv g = { .batch = x->dim[0] };
	struct weights w = { 0 };
	struct value y = *x, *to;
	struct finish f;
	size_t h, wide;

	if (!case_is_narrow(x) || (x->dims != 3 && x->dims != 4))
		return false;
	g.in_h = flat ? 1 : x->dim[1];
	g.in_w = x->dim[flat ? 1 : 2];
	g.in_c = x->dim[flat ? 2 : 3];
	g.groups = depthwise ? g.in_c : case_divisor(g.in_c);
	g.out_c = g.groups * (size_t)ktap_range(1, g.groups > 4 ? 2 : 6);
	random_geometry(&g, flat);
	if (xq_conv_output(&g, &h, &wide))
		return false;
	y.dim[y.dims - 1] = g.out_c;
	y.dim[y.dims - 2] = wide;
	if (!flat)
		y.dim[1] = h;
	case_set_count(&y);
	if (y.count > LARGEST || !y.count || !padding_has_value(x))
		return false;
	p.order = g.in_c == g.groups ? (enum xq_weight_order)ktap_range(0, 2) : (enum xq_weight_order)ktap_range(0, 1);
	weight_shape(&w.value, &g, p.order, flat);
	case_random_weights(c, &w, g.out_c);
	random_finish(c, &f, x, &w, g.out_c,
		      typical(x->type, w.value.type, g.kernel_h * g.kernel_w * (g.in_c / g.groups)), &y);
	p.w = w.value.id;
	p.groups = g.groups;
	p.stride_h = g.stride_h;
	p.stride_w = g.stride_w;
	p.dilation_h = g.dilation_h;
	p.dilation_w = g.dilation_w;
	p.pad_top = g.pad_top;
	p.pad_left = g.pad_left;
	p.pad_bottom = g.pad_bottom;
	p.pad_right = g.pad_right;
	p.transposed = g.transposed;
	p.output_pad_h = g.output_pad_h;
	p.output_pad_w = g.output_pad_w;
	p.finish = f.config;
	to = case_new_value(c, y, false);
	p.y = to->id;
	EXPECT(xq_network_convolution(c->net, &p) >= 0, "%s", xq_network_error(c->net));
	reference_convolution(x, &w, p.order, &g, &f, to);
	return true;
}

bool random_products(struct network_case *c, const struct value *x)
{
	const unsigned int first = c->values;

	/* Rows that are quantized for the product, as those of a model with dynamic quantization are. */
	if (x->type == XQ_F32 && random_rows_quantized(c, x)) {
		product(c, &c->value[first]);
		return true;
	}
	return (!ktap_range(0, 2) && pairwise(c, x)) || product(c, x);
}
