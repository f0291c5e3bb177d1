// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "network_reference.h"

typedef __int128 wide;

/* ---- requantization ------------------------------------------------------------------------------------------ */

static wide floor_divide(wide v, wide d)
{
	return v / d - (v % d < 0);
}

static wide half_away(wide v, wide d)
{
	return v < 0 ? -((-2 * v + d) / (2 * d)) : (2 * v + d) / (2 * d);
}

static wide limited(wide v, wide low, wide high)
{
	return v < low ? low : v > high ? high : v;
}

static wide power(int n)
{
	return (wide)1 << n;
}

/* Before zero point and bounds. */
static wide scaled(enum xq_requant_profile profile, int32_t acc, float m, int32_t multiplier, int32_t shift, int64_t add)
{
	wide high;

	switch (profile) {
	case XQ_REQUANT_ONNX:
		/* Beyond this it is out of the range of every type. */
		return (wide)fmax(fmin(nearbyint((double)acc * (double)m), 1e15), -1e15);
	case XQ_REQUANT_TFLITE:
		high = floor_divide((wide)acc * power(shift > 0 ? shift : 0) * multiplier + power(30), power(31));
		return half_away(limited(high, INT32_MIN, INT32_MAX), power(shift < 0 ? -shift : 0));
	case XQ_REQUANT_TFLITE_SINGLE:
		high = floor_divide((wide)acc * multiplier + power(30 - shift), power(31 - shift));
		return limited(high, INT32_MIN, INT32_MAX);
	default:
		return floor_divide((int64_t)((uint64_t)((int64_t)acc * multiplier) + (uint64_t)add), power(shift));
	}
}

static int32_t bounded(wide v, enum xq_type type, bool clamp, int32_t low, int32_t high)
{
	if (type == XQ_B1)
		return limited(v, clamp ? low : INT32_MIN, clamp ? high : INT32_MAX) >= 0 ? 1 : -1;
	v = limited(v, xq_type_min(type), xq_type_max(type));
	return (int32_t)(clamp ? limited(v, low, high) : v);
}

static int32_t requantized(const struct xq_requant *rq, size_t channel, int32_t acc)
{
	const size_t i = rq->params > 1 ? channel : 0;
	const wide v = scaled(rq->profile, acc, rq->scale ? rq->scale[i] : 0, rq->multiplier ? rq->multiplier[i] : 0,
			      rq->shift ? rq->shift[i] : 0, rq->add ? rq->add[i] : 0);

	return bounded(v + rq->zero_point, rq->type, rq->clamp, rq->act_min, rq->act_max);
}

struct xq_requant *derive(struct network_case *c, const struct finish *f, const struct value *x, const struct weights *w,
			  float y_scale, int32_t y_zp, enum xq_type type)
{
	struct xq_requant *rq = case_memory(c, sizeof(*rq));
	float *m = case_memory(c, w->channels * sizeof(*m));
	int32_t *multiplier = case_memory(c, w->channels * sizeof(*multiplier)),
		*shift = case_memory(c, w->channels * sizeof(*shift));

	for (size_t i = 0; i < w->channels; i++) {
		const float both = x->scale * w->scale[i];

		m[i] = both / y_scale;
		xq_quantize_multiplier((double)x->scale * (double)w->scale[i] / (double)y_scale, &multiplier[i], &shift[i]);
	}
	*rq = (struct xq_requant){
		.profile = f->config.profile, .type = type, .params = w->channels, .zero_point = y_zp, .scale = m,
		.multiplier = multiplier, .shift = shift, .clamp = f->config.clamp, .act_min = f->config.act_min,
		.act_max = f->config.act_max,
	};
	return rq;
}

void derive_single(struct network_case *c, struct xq_requant *rq, enum xq_requant_profile profile, const struct value *x,
		   const struct value *y, size_t count)
{
	float *m = case_memory(c, sizeof(*m));
	int32_t *multiplier = case_memory(c, sizeof(*multiplier)), *shift = case_memory(c, sizeof(*shift));

	*m = x->scale / (y->scale * (float)count);
	xq_quantize_multiplier((double)x->scale / (double)y->scale, multiplier, shift);
	if (count > 1)
		xq_mean_factors(count, multiplier, shift);
	*rq = (struct xq_requant){ .profile = profile, .type = y->type, .params = 1, .zero_point = y->zp, .scale = m,
				   .multiplier = multiplier, .shift = shift };
}

/* ---- products ------------------------------------------------------------------------------------------------- */

static int32_t sum_of(int32_t a, int32_t b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t times(int32_t a, int32_t b)
{
	return (int32_t)((uint32_t)a * (uint32_t)b);
}

/* A weight less its zero point. */
static int32_t weight(const struct weights *w, size_t element, size_t channel)
{
	int32_t v = w->value.q[element];

	if (w->codebook)
		v = w->codebook[v];
	if (w->zp && w->channels)
		v = sum_of(v, -w->zp[w->channels > 1 ? channel : 0]);
	return v;
}

static float as_real(const struct finish *f, const struct value *x, const struct weights *w, size_t row, size_t channel,
		     int32_t acc)
{
	const bool x_scales = x->scales && !f->config.row_scale;
	float y = (float)acc, scale = 1;

	if (f->config.row_scale)
		y *= f->row_scale.f[row];
	if (f->config.column_scale) {
		y *= f->column_scale.f[channel];
	} else if (x_scales || w->channels) {
		if (x_scales)
			scale = x->scale;
		if (w->channels)
			scale *= w->scale[w->channels > 1 ? channel : 0];
		y *= scale;
	}
	return f->config.float_bias ? y + f->float_bias.f[channel] : y;
}

static int32_t counted(const struct finish *f, size_t channel, int32_t acc)
{
	const size_t count = f->thresholds.dim[1];
	const bool decreases = f->config.decreases && f->decreases.q[channel];
	int32_t n = f->config.base;

	for (size_t i = 0; i < count; i++)
		n += (acc >= f->thresholds.q[channel * count + i]) != decreases;
	return n;
}

static void put(const struct finish *f, const struct value *x, const struct weights *w, size_t at, size_t channel,
		int32_t acc, struct value *y)
{
	if (f->config.bias)
		acc = sum_of(acc, f->bias.q[channel]);
	if (y->type == XQ_S32) {
		y->q[at] = acc;
	} else if (y->type == XQ_F32) {
		y->f[at] = as_real(f, x, w, at / y->dim[y->dims - 1], channel, acc);
	} else if (f->config.thresholds) {
		y->q[at] = bounded(counted(f, channel, acc), y->type, f->config.clamp, f->config.act_min, f->config.act_max);
	} else if (f->config.table) {
		const uint8_t byte = ((const uint8_t *)f->config.table)[(uint8_t)requantized(f->rq, channel, acc)];

		y->q[at] = xq_type_signed(y->type) ? (int8_t)byte : byte;
	} else {
		y->q[at] = requantized(f->rq, channel, acc);
	}
}

/* An element of a row of a product, less its zero point. */
static int32_t element(const struct finish *f, const struct value *x, size_t row, size_t i)
{
	return sum_of(x->q[row * x->dim[x->dims - 1] + i], f->x_zps.id ? times(-1, f->x_zps.q[row]) : -x->zp);
}

void reference_product(const struct value *x, const struct weights *w, bool kn, const struct finish *f, struct value *y)
{
	const size_t k = x->dim[x->dims - 1], n = y->dim[y->dims - 1];

	for (size_t r = 0; r < x->count / k; r++) {
		for (size_t j = 0; j < n; j++) {
			int32_t acc = 0;

			for (size_t i = 0; i < k; i++)
				acc = sum_of(acc, times(element(f, x, r, i), weight(w, kn ? i * n + j : j * k + i, j)));
			put(f, x, w, r * n + j, j, acc, y);
		}
	}
}

void reference_pairwise(const struct value *x, const struct weights *w, const struct finish *f, struct value *y)
{
	const size_t k = x->dim[x->dims - 1], m = x->dim[x->dims - 2], n = y->dim[y->dims - 1];

	for (size_t r = 0; r < x->count / k; r++) {
		for (size_t j = 0; j < n; j++) {
			int32_t acc = 0;

			for (size_t i = 0; i < k; i++)
				acc = sum_of(acc, times(element(f, x, r, i),
							w->value.q[(r / m * n + j) * k + i] - *w->zp));
			put(f, x, w, r * n + j, j, acc, y);
		}
	}
}

/* Index of a weight in its order. */
static size_t weight_at(const struct xq_conv *g, enum xq_weight_order order, size_t o, size_t r, size_t s, size_t i)
{
	const size_t in = g->in_c / g->groups;

	switch (order) {
	case XQ_WEIGHTS_OHWI:
		return ((o * g->kernel_h + r) * g->kernel_w + s) * in + i;
	case XQ_WEIGHTS_OIHW:
		return ((o * in + i) * g->kernel_h + r) * g->kernel_w + s;
	default:
		return (r * g->kernel_w + s) * g->out_c + o;
	}
}

/* The input that an output sees by a tap; false if there is none. */
static bool seen(bool transposed, size_t out, size_t tap, size_t stride, size_t dilation, size_t before, size_t size,
		 size_t *in)
{
	const int64_t offset = (int64_t)(tap * dilation) - (int64_t)before;
	int64_t at = (int64_t)(out * stride) + offset;

	if (transposed) {
		at = (int64_t)out - offset;
		if (at < 0 || at % (int64_t)stride)
			return false;
		at /= (int64_t)stride;
	}
	*in = (size_t)at;
	return at >= 0 && at < (int64_t)size;
}

void reference_convolution(const struct value *x, const struct weights *w, enum xq_weight_order order, const struct xq_conv *g,
			   const struct finish *f, struct value *y)
{
	const size_t out_w = y->dim[y->dims - 2], out_h = y->dims == 4 ? y->dim[1] : 1, in = g->in_c / g->groups;

	for (size_t at = 0; at < y->count; at++) {
		const size_t o = at % g->out_c, q = at / g->out_c % out_w, p = at / g->out_c / out_w % out_h;
		const size_t b = at / g->out_c / out_w / out_h, group = o / (g->out_c / g->groups);
		int32_t acc = 0;

		for (size_t r = 0; r < g->kernel_h; r++) {
			for (size_t s = 0; s < g->kernel_w; s++) {
				size_t row, column;

				if (!seen(g->transposed, p, r, g->stride_h, g->dilation_h, g->pad_top, g->in_h, &row) ||
				    !seen(g->transposed, q, s, g->stride_w, g->dilation_w, g->pad_left, g->in_w, &column))
					continue;
				for (size_t i = 0; i < in; i++) {
					const size_t from = ((b * g->in_h + row) * g->in_w + column) * g->in_c + group * in + i;

					acc = sum_of(acc, times(x->q[from] - x->zp,
								weight(w, weight_at(g, order, o, r, s, i), o)));
				}
			}
		}
		put(f, x, w, at, o, acc, y);
	}
}

/* ---- pools, sums, means --------------------------------------------------------------------------------------- */

void reference_pool(const struct value *x, const struct xq_network_pool *p, const struct xq_pool *g, struct value *y)
{
	const size_t channels = x->dim[x->dims - 1], out_w = y->dim[y->dims - 2], out_h = y->dims == 4 ? y->dim[1] : 1;

	for (size_t at = 0; at < y->count; at++) {
		const size_t c = at % channels, q = at / channels % out_w, row = at / channels / out_w % out_h;
		const size_t b = at / channels / out_w / out_h;
		int64_t sum = 0, most = xq_type_min(x->type), count = 0;

		for (size_t r = 0; r < g->kernel_h; r++) {
			for (size_t s = 0; s < g->kernel_w; s++) {
				size_t i, j;
				int32_t v;

				if (!seen(false, row, r, g->stride_h, 1, g->pad_top, g->in_h, &i) ||
				    !seen(false, q, s, g->stride_w, 1, g->pad_left, g->in_w, &j))
					continue;
				v = x->q[((b * g->in_h + i) * g->in_w + j) * channels + c];
				sum += v;
				most = v > most ? v : most;
				count++;
			}
		}
		if (p->kind == XQ_AVERAGE_POOL)
			most = count ? (int64_t)half_away(sum, count) : 0;
		y->q[at] = bounded(most, x->type, p->clamp, p->act_min, p->act_max);
	}
}

/* Index of the element that meets element at of a larger shape. */
static size_t repeated(const struct value *v, const struct value *y, size_t at)
{
	size_t index = 0, step = 1;

	for (unsigned int i = 1; i <= y->dims; i++) {
		const size_t own = at % y->dim[y->dims - i];

		at /= y->dim[y->dims - i];
		if (i > v->dims)
			continue;
		if (v->dim[v->dims - i] != 1)
			index += own * step;
		step *= v->dim[v->dims - i];
	}
	return index;
}

static wide sum_value(const struct xq_elementwise_args *f, enum xq_requant_profile profile, int32_t v, int32_t w,
		      enum xq_type type)
{
	wide a, b;

	if (profile == XQ_REQUANT_ONNX) {
		const float p = f->a.scale * (float)v, q = f->b.scale * (float)w, both = p + q;

		return (wide)fmaxf(fminf(nearbyintf(both / f->y_scale), 1e9f), -1e9f);
	}
	if (profile == XQ_REQUANT_FLOOR_SHIFT) {
		a = scaled(profile, v, 0, f->a.factor.multiplier, f->a.factor.shift, f->a.factor.add);
		b = scaled(profile, w, 0, f->b.factor.multiplier, f->b.factor.shift, f->b.factor.add);
		return limited(a, xq_type_min(type), xq_type_max(type)) + limited(b, xq_type_min(type), xq_type_max(type));
	}
	a = scaled(profile, v * (1 << f->left_shift), 0, f->a.factor.multiplier, f->a.factor.shift, 0);
	b = scaled(profile, w * (1 << f->left_shift), 0, f->b.factor.multiplier, f->b.factor.shift, 0);
	return scaled(profile, sum_of((int32_t)a, (int32_t)b), 0, f->y_factor.multiplier, f->y_factor.shift, 0);
}

static wide product_value(const struct xq_elementwise_args *f, enum xq_requant_profile profile, int32_t v, int32_t w)
{
	if (profile == XQ_REQUANT_ONNX) {
		const float both = f->a.scale * f->b.scale, m = both / f->y_scale, real = (float)(v * w) * m;

		return (wide)fmaxf(fminf(nearbyintf(real), 1e9f), -1e9f);
	}
	return scaled(profile, v * w, 0, f->y_factor.multiplier, f->y_factor.shift, f->y_factor.add);
}

void reference_elementwise(const struct value *a, const struct value *b, const struct xq_network_elementwise *e,
			   const struct xq_elementwise_args *f, bool mul, struct value *y)
{
	for (size_t at = 0; at < y->count; at++) {
		const int32_t v = a->q[repeated(a, y, at)] - a->zp, w = b->q[repeated(b, y, at)] - b->zp;
		wide result = mul ? product_value(f, e->profile, v, w) : sum_value(f, e->profile, v, w, y->type);

		if (mul || e->profile != XQ_REQUANT_FLOOR_SHIFT)
			result += y->zp;
		y->q[at] = bounded(result, y->type, e->clamp, e->act_min, e->act_max);
	}
}

void reference_mean(const struct value *x, unsigned int first, unsigned int count, const struct xq_requant *rq, struct value *y)
{
	size_t middle = 1, inner = 1;

	for (unsigned int i = first; i < x->dims; i++)
		*(i < first + count ? &middle : &inner) *= x->dim[i];
	for (size_t at = 0; at < y->count; at++) {
		int32_t sum = 0;

		for (size_t i = 0; i < middle; i++)
			sum = sum_of(sum, x->q[(at / inner * middle + i) * inner + at % inner] - x->zp);
		y->q[at] = requantized(rq, 0, sum);
	}
}

/* ---- conversions ----------------------------------------------------------------------------------------------- */

static int32_t quantized(float x, float scale, int32_t zp, enum xq_type type)
{
	const float q = x / scale;

	if (isnan(q))
		return bounded(zp, type, false, 0, 0);
	return bounded((wide)fmaxf(fminf(nearbyintf(q), 1e9f), -1e9f) + zp, type, false, 0, 0);
}

void reference_rows(const struct value *x, struct value *y, struct value *scale, struct value *zp)
{
	const size_t k = x->dim[x->dims - 1];
	const float greatest = (float)xq_type_max(y->type);

	for (size_t r = 0; r < x->count / k; r++) {
		float low = 0, high = 0, s;
		int32_t z = 0;

		for (size_t i = 0; i < k; i++) {
			low = fminf(low, x->f[r * k + i]);
			high = fmaxf(high, x->f[r * k + i]);
		}
		s = xq_type_signed(y->type) ? fmaxf(-low, high) / greatest : (high - low) / greatest;
		if (s == 0)
			s = 1;
		else if (!xq_type_signed(y->type))
			z = (int32_t)nearbyintf(-low / s);
		for (size_t i = 0; i < k; i++)
			y->q[r * k + i] = quantized(x->f[r * k + i], s, z, y->type);
		scale->f[r] = s;
		if (zp)
			zp->q[r] = z;
	}
}

void reference_convert(const struct value *x, const struct xq_requant *rq, struct value *y)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->type == XQ_F32 && y->type == XQ_F32)
			y->f[i] = x->f[i];
		else if (x->type == XQ_F32)
			y->q[i] = quantized(x->f[i], y->scale, y->zp, y->type);
		else if (y->type == XQ_F32)
			y->f[i] = (float)((int64_t)x->q[i] - x->zp) * x->scale;
		else
			y->q[i] = requantized(rq, 0, sum_of(x->q[i], -x->zp));
	}
}

/* ---- moves ----------------------------------------------------------------------------------------------------- */

static void indices_of(const struct value *v, size_t at, size_t *index)
{
	for (unsigned int i = v->dims; i-- > 0; at /= v->dim[i])
		index[i] = at % v->dim[i];
}

static size_t index_of(const struct value *v, const size_t *index)
{
	size_t at = 0;

	for (unsigned int i = 0; i < v->dims; i++)
		at = at * v->dim[i] + index[i];
	return at;
}

static void take(const struct value *x, size_t from, struct value *y, size_t to)
{
	if (x->type == XQ_F32)
		y->f[to] = x->f[from];
	else
		y->q[to] = x->q[from];
}

void reference_transpose(const struct value *x, const unsigned int *order, struct value *y)
{
	size_t index[XQ_NETWORK_DIMS], from[XQ_NETWORK_DIMS];

	for (size_t at = 0; at < y->count; at++) {
		indices_of(y, at, index);
		for (unsigned int i = 0; i < x->dims; i++)
			from[order[i]] = index[i];
		take(x, index_of(x, from), y, at);
	}
}

void reference_slice(const struct value *x, const size_t *begin, const size_t *step, struct value *y)
{
	size_t index[XQ_NETWORK_DIMS];

	for (size_t at = 0; at < y->count; at++) {
		indices_of(y, at, index);
		for (unsigned int i = 0; i < x->dims; i++)
			index[i] = begin[i] + index[i] * step[i];
		take(x, index_of(x, index), y, at);
	}
}

void reference_concat(const struct value *const *x, unsigned int count, unsigned int axis, struct value *y)
{
	size_t index[XQ_NETWORK_DIMS];

	for (size_t at = 0; at < y->count; at++) {
		unsigned int part = 0;

		indices_of(y, at, index);
		while (part < count && index[axis] >= x[part]->dim[axis])
			index[axis] -= x[part++]->dim[axis];
		take(x[part], index_of(x[part], index), y, at);
	}
}

void reference_pad(const struct value *x, const size_t *before, int32_t value, struct value *y)
{
	size_t index[XQ_NETWORK_DIMS];

	for (size_t at = 0; at < y->count; at++) {
		bool inside = true;

		indices_of(y, at, index);
		for (unsigned int i = 0; i < x->dims; i++) {
			inside &= index[i] >= before[i] && index[i] - before[i] < x->dim[i];
			index[i] -= before[i];
		}
		if (inside)
			take(x, index_of(x, index), y, at);
		else if (x->type == XQ_F32)
			memcpy(&y->f[at], &value, sizeof(value));
		else
			y->q[at] = value;
	}
}

void reference_enlarge(const struct value *x, size_t h, size_t w, struct value *y)
{
	size_t index[XQ_NETWORK_DIMS];

	for (size_t at = 0; at < y->count; at++) {
		indices_of(y, at, index);
		index[1] /= h;
		index[2] /= w;
		take(x, index_of(x, index), y, at);
	}
}
