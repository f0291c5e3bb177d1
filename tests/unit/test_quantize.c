// SPDX-License-Identifier: MIT
/* Linear quantization against a naive reference in double and integers, and its error paths. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/calibrate.h>
#include <xqaccel/quantize.h>

#include "ktap.h"
#include "libxqaccel/src/numerics/quantize_kernels.h"

/* ---- reference ---------------------------------------------------------------------------------- */

/* A tensor of up to four dimensions and the parameter that each of its elements uses. */
struct shape {
	size_t dims[4];
	unsigned int ndim;
	int axis;
	size_t block;	/* 0: none */
	enum xq_per per;
};

static size_t reference_elements(const struct shape *s)
{
	size_t n = 1;

	for (unsigned int d = 0; d < s->ndim; d++)
		n *= s->dims[d];
	return n;
}

/* Index arithmetic on coordinates, dimension by dimension. */
static size_t reference_param(const struct shape *s, size_t element)
{
	size_t at[4], rest = element, param = 0;

	if (s->per == XQ_PER_TENSOR)
		return 0;
	for (unsigned int d = s->ndim; d-- > 0;) {
		at[d] = rest % s->dims[d];
		rest /= s->dims[d];
	}
	if (s->per == XQ_PER_CHANNEL)
		return at[s->axis];
	for (unsigned int d = 0; d < s->ndim; d++) {
		size_t size = s->dims[d], index = at[d];

		if ((int)d == s->axis) {
			size = (size + s->block - 1) / s->block;
			index /= s->block;
		}
		param = param * size + index;
	}
	return param;
}

static int64_t reference_code(float x, float scale, int32_t zp, const struct xq_qtype *type,
			      struct xq_rounding rounding, size_t element)
{
	double v = x / scale, r;

	switch (rounding.mode) {
	case XQ_ROUND_NEAREST:
		r = round(v);
		break;
	case XQ_ROUND_EVEN:
		r = rint(v);
		break;
	default:
		r = floor(v);
		if ((v - r) * 16777216 > xq_random24(rounding.seed, element))
			r++;
	}
	r += zp;
	return (int64_t)fmin(fmax(r, type->min), type->max);
}

static int64_t code_at(const void *q, size_t i, const struct xq_qtype *type)
{
	if (type->bits > 8)
		return type->is_signed ? ((const int16_t *)q)[i] : ((const uint16_t *)q)[i];
	return type->is_signed ? ((const int8_t *)q)[i] : ((const uint8_t *)q)[i];
}

/* ---- random cases ------------------------------------------------------------------------------- */

static struct xq_qtype random_type(void)
{
	static const enum xq_type named[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_S16, XQ_U16 };
	struct xq_qtype type;

	if (ktap_range(0, 1))
		xq_qtype_of(named[ktap_range(0, 8)], &type);
	else
		xq_qtype_bits((unsigned int)ktap_range(2, 8), ktap_range(0, 1), &type);
	return type;
}

static struct shape random_shape(void)
{
	struct shape s = { .ndim = (unsigned int)ktap_range(1, 4), .per = (enum xq_per)ktap_range(0, 2) };
	static const int64_t largest[] = { 0, 700, 40, 12, 7 };

	for (unsigned int d = 0; d < s.ndim; d++)
		s.dims[d] = (size_t)ktap_range(ktap_range(0, 19) ? 1 : 0, largest[s.ndim]);
	s.axis = (int)ktap_range(0, s.ndim - 1);
	s.block = (size_t)ktap_range(1, 40);
	return s;
}

static int layout_of(const struct shape *s, struct xq_layout *layout)
{
	int axis = ktap_range(0, 1) ? s->axis : s->axis - (int)s->ndim;

	switch (s->per) {
	case XQ_PER_TENSOR:
		return xq_layout_tensor(s->dims, s->ndim, layout);
	case XQ_PER_CHANNEL:
		return xq_layout_channel(s->dims, s->ndim, axis, layout);
	default:
		return xq_layout_block(s->dims, s->ndim, axis, s->block, layout);
	}
}

/* Many halves, some far outside, some tiny. */
static float random_value(void)
{
	switch (ktap_range(0, 5)) {
	case 0:
		return (float)ktap_range(-600, 600) * 0.25f;
	case 1:
		return (float)ldexp(ktap_normal(), (int)ktap_range(-140, 120));
	default:
		return (float)(ktap_normal() * 20);
	}
}

static float random_scale(void)
{
	switch (ktap_range(0, 3)) {
	case 0:
		return 0.5f;
	case 1:
		return (float)ldexp(1 + ktap_unit(), (int)ktap_range(-30, 10));
	default:
		return (float)(0.01 + ktap_unit());
	}
}

struct tensor {
	struct shape shape;
	struct xq_layout layout;
	struct xq_qtype type;
	size_t n, params;
	float *x, *y, *scale;
	int32_t *zp;
	void *q;
};

static void tensor_free(struct tensor *t)
{
	free(t->x);
	free(t->y);
	free(t->scale);
	free(t->zp);
	free(t->q);
}

static struct tensor random_tensor(void)
{
	struct tensor t = { .shape = random_shape(), .type = random_type() };

	EXPECT(!layout_of(&t.shape, &t.layout), "layout");
	t.n = reference_elements(&t.shape);
	EXPECT(xq_layout_elements(&t.layout) == t.n, "%zu elements", xq_layout_elements(&t.layout));
	t.params = xq_layout_params(&t.layout);
	t.x = malloc((t.n + 1) * sizeof(*t.x));
	t.y = malloc((t.n + 1) * sizeof(*t.y));
	t.q = malloc((t.n + 1) * 2);
	t.scale = malloc((t.params + 1) * sizeof(*t.scale));
	t.zp = malloc((t.params + 1) * sizeof(*t.zp));
	for (size_t i = 0; i < t.n; i++)
		t.x[i] = random_value();
	for (size_t p = 0; p < t.params; p++) {
		t.scale[p] = random_scale();
		t.zp[p] = (int32_t)ktap_range(t.type.min, t.type.max);
	}
	return t;
}

static void given_parameters(void)
{
	for (int round = 0; round < 6000; round++) {
		struct tensor t = random_tensor();
		struct xq_rounding how = { .mode = (enum xq_round)(round % 3), .seed = ktap_random() };
		bool zeros = ktap_range(0, 3) == 0;
		int err = xq_quantize(t.x, &t.layout, &t.type, t.scale, zeros ? NULL : t.zp, &how, t.q, NULL);

		EXPECT(!err, "error %d", err);
		EXPECT(!xq_dequantize(t.q, &t.layout, &t.type, t.scale, zeros ? NULL : t.zp, t.y, NULL),
		       "dequantize");
		for (size_t i = 0; i < t.n && !err; i++) {
			size_t p = reference_param(&t.shape, i);
			int32_t zp = zeros ? 0 : t.zp[p];
			int64_t expected = reference_code(t.x[i], t.scale[p], zp, &t.type, how, i);
			int64_t code = code_at(t.q, i, &t.type);
			float y = (float)(code - zp) * t.scale[p];

			EXPECT(code == expected, "case %d, %g / %g + %d: %d, not %d", round, t.x[i],
			       t.scale[p], zp, (int)code, (int)expected);
			EXPECT(t.y[i] == y, "case %d: %g, not %g", round, t.y[i], y);
		}
		tensor_free(&t);
	}
}

/* Scale and zero point as the contract of the command says them. */
static void reference_params(const struct tensor *t, size_t param, enum xq_scheme scheme, float *scale,
			     int32_t *zp)
{
	float low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < t->n; i++) {
		if (reference_param(&t->shape, i) != param)
			continue;
		low = fminf(low, t->x[i]);
		high = fmaxf(high, t->x[i]);
	}
	if (low > high)
		low = high = 0;
	*zp = 0;
	if (scheme == XQ_SYMMETRIC) {
		*scale = fmaxf(-low, high) / (float)t->type.max;
	} else {
		low = fminf(low, 0);
		high = fmaxf(high, 0);
		*scale = (high - low) / (float)(t->type.max - t->type.min);
	}
	/* A subnormal scale holds the range: it is rounded up. */
	if (*scale < FLT_MIN && *scale * (double)(scheme == XQ_SYMMETRIC ? t->type.max : t->type.max - t->type.min) <
				(scheme == XQ_SYMMETRIC ? fmax(-(double)low, (double)high) : (double)high - (double)low))
		*scale = nextafterf(*scale, INFINITY);
	if (low == 0 && high == 0)
		*scale = 1;
	if (scheme == XQ_AFFINE)
		*zp = (int32_t)fmin(fmax(rint((double)((float)t->type.min - low / *scale)), t->type.min),
				    t->type.max);
}

static void found_parameters(void)
{
	for (int round = 0; round < 3000; round++) {
		struct tensor t = random_tensor();
		enum xq_scheme scheme = (enum xq_scheme)(round & 1);
		struct xq_rounding how = { .mode = (enum xq_round)(round % 3), .seed = 7 };
		struct xq_qtype used = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(&t.type) : t.type;
		int err;

		if (ktap_range(0, 9) == 0)
			memset(t.x, 0, t.n * sizeof(*t.x));
		err = xq_quantize_found(t.x, &t.layout, &t.type, scheme, NULL, &how, t.q, t.scale, t.zp, NULL);
		EXPECT(!err, "error %d", err);
		for (size_t p = 0; p < t.params && p < 20; p++) {
			float scale;
			int32_t zp;

			reference_params(&t, p, scheme, &scale, &zp);
			EXPECT(t.scale[p] == scale, "case %d: S %g, not %g", round, t.scale[p], scale);
			EXPECT(t.zp[p] == zp, "case %d: Z %d, not %d", round, t.zp[p], zp);
		}
		for (size_t i = 0; i < t.n && !err; i++) {
			size_t p = reference_param(&t.shape, i);
			int64_t expected = reference_code(t.x[i], t.scale[p], t.zp[p], &used, how, i);

			EXPECT(code_at(t.q, i, &t.type) == expected, "case %d, element %zu", round, i);
		}
		tensor_free(&t);
	}
}

/* Values on and beside every half, for which careless rounding fails. */
static float near_half(void)
{
	float v = (float)ktap_range(-70000, 70000) + 0.5f;

	for (int64_t i = ktap_range(-2, 2); i; i += i < 0 ? 1 : -1)
		v = nextafterf(v, i < 0 ? -INFINITY : INFINITY);
	return v;
}

/* Of a step for all elements, weighted or not, to the last bit. */
static void same_costs(const struct xq_quantize_kernels *c, const struct xq_quantize_kernels *vector, const float *x,
		       const float *weight, size_t n, const struct xq_qtype *type)
{
	struct xq_span_error a, b;
	float step = random_scale();

	c->error(x, weight, n, step, type->min < 0 ? type->min : 0, type->max, &a);
	vector->error(x, weight, n, step, type->min < 0 ? type->min : 0, type->max, &b);
	EXPECT(!memcmp(&a, &b, sizeof(a)), "%s: error %a, clipped %a, slope %a, curve %a, not %a, %a, %a, %a", vector->name,
	       b.error, b.clipped, b.slope, b.curve, a.error, a.clipped, a.slope, a.curve);
}

static void vector_equals_scalar(void)
{
	enum { MAX = 9000 };
	const struct xq_quantize_kernels *list[3];
	size_t tables = xq_quantize_kernels_list(list);
	float *x = malloc(MAX * sizeof(*x)), *scale = malloc(MAX * sizeof(*scale));
	int32_t *zp = malloc(MAX * sizeof(*zp));
	uint16_t *a = malloc(MAX * 2 + 2), *b = malloc(MAX * 2 + 2);

	printf("# tables:");
	for (size_t t = 0; t < tables; t++)
		printf(" %s", list[t]->name);
	printf("\n");
	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)ktap_range(1, round % 50 ? 200 : MAX);
		int each = round & 1, even = round >> 1 & 1, wide = round >> 2 & 1;
		bool is_signed = ktap_range(0, 1);
		struct xq_qtype type;
		bool bad = ktap_range(0, 9) == 0;

		xq_qtype_bits(wide ? 16 : (unsigned int)ktap_range(2, 8), is_signed, &type);
		for (size_t i = 0; i < n; i++) {
			x[i] = ktap_range(0, 1) ? near_half() : random_value();
			scale[i] = ktap_range(0, 1) ? 1.0f : random_scale();
			zp[i] = (int32_t)ktap_range(type.min, type.max);
		}
		if (bad)
			x[ktap_range(0, (int64_t)n - 1)] = ktap_range(0, 1) ? NAN : -INFINITY;
		for (size_t t = 1; t < tables; t++) {
			float ra[2] = { 1, -1 }, rb[2] = { 1, -1 };
			size_t da, db;

			memset(a, 0x55, MAX * 2 + 2);
			memset(b, 0x55, MAX * 2 + 2);
			da = list[0]->quantize[each][even][wide](x, n, scale, zp, type.min, type.max, a);
			db = list[t]->quantize[each][even][wide](x, n, scale, zp, type.min, type.max, b);
			EXPECT(da == db, "%s: stopped at %zu, not %zu of %zu", list[t]->name, db, da, n);
			EXPECT(da == n || bad, "stopped at %zu", da);
			if (da == n)
				EXPECT(!memcmp(a, b, MAX * 2 + 2), "%s: n %zu differs", list[t]->name, n);
			da = list[0]->range(x, n, ra);
			db = list[t]->range(x, n, rb);
			EXPECT(da == db, "%s: range stopped at %zu", list[t]->name, db);
			if (da == n)
				EXPECT(ra[0] == rb[0] && ra[1] == rb[1], "%s: range", list[t]->name);
			if (da == n)
				same_costs(list[0], list[t], x, round & 8 ? scale : NULL, n, &type);
		}
	}
	if (tables == 1)
		ktap_skip("this processor has no vector table to compare");
	free(x);
	free(scale);
	free(zp);
	free(a);
	free(b);
}

/* The floats at, just below and just above every half of the 8-bit range, by every table. */
static void halves(void)
{
	const struct xq_quantize_kernels *list[3];
	size_t tables = xq_quantize_kernels_list(list);
	const float one = 1;
	const int32_t zero = 0;

	for (size_t t = 0; t < tables; t++) {
		for (int k = -130; k <= 130; k++) {
			float half = (float)k + 0.5f;
			const float x[3] = { nextafterf(half, -INFINITY), half, nextafterf(half, INFINITY) };
			int8_t nearest[3], even[3];

			list[t]->quantize[0][XQ_SPAN_NEAREST][0](x, 3, &one, &zero, -128, 127, nearest);
			list[t]->quantize[0][XQ_SPAN_EVEN][0](x, 3, &one, &zero, -128, 127, even);
			for (int i = 0; i < 3; i++) {
				EXPECT(nearest[i] == fmin(fmax(round(x[i]), -128), 127), "%s: %.9g became %d",
				       list[t]->name, x[i], nearest[i]);
				EXPECT(even[i] == fmin(fmax(rint(x[i]), -128), 127), "%s: %.9g became %d",
				       list[t]->name, x[i], even[i]);
			}
		}
	}
}

static void stochastic_is_unbiased(void)
{
	enum { N = 200000 };
	float *x = malloc(N * sizeof(*x)), one = 1;
	int8_t *q = malloc(N), *part = malloc(N);
	struct xq_rounding how = { .mode = XQ_ROUND_STOCHASTIC, .seed = 42 };
	struct xq_layout layout;
	struct xq_qtype s8;
	double sum = 0;

	xq_qtype_of(XQ_S8, &s8);
	xq_layout_tensor((size_t[]){ N }, 1, &layout);
	for (int i = 0; i < N; i++)
		x[i] = -2.3f;
	EXPECT(!xq_quantize(x, &layout, &s8, &one, NULL, &how, q, NULL), "quantize");
	for (int i = 0; i < N; i++) {
		EXPECT(q[i] == -2 || q[i] == -3, "%d", q[i]);
		sum += q[i];
	}
	EXPECT(fabs(sum / N + 2.3) < 0.005, "mean %g", sum / N);
	EXPECT(!xq_quantize(x, &layout, &s8, &one, NULL, &how, part, NULL), "again");
	EXPECT(!memcmp(q, part, N), "the same seed gives other codes");
	/* In pieces that say where they begin it is the same. */
	for (size_t at = 0, n; at < N; at += n) {
		struct xq_rounding piece = { .mode = how.mode, .seed = how.seed, .first = at };

		n = N - at < 77777 ? N - at : 77777;
		xq_layout_tensor(&n, 1, &layout);
		EXPECT(!xq_quantize(x + at, &layout, &s8, &one, NULL, &piece, part + at, NULL), "a piece");
	}
	EXPECT(!memcmp(q, part, N), "pieces give other codes");
	xq_layout_tensor((size_t[]){ N }, 1, &layout);
	how.seed = 43;
	EXPECT(!xq_quantize(x, &layout, &s8, &one, NULL, &how, part, NULL), "other seed");
	EXPECT(memcmp(q, part, N), "another seed gives the same codes");
	for (int i = 0; i < N; i++)
		x[i] = (float)(i % 200 - 100);
	EXPECT(!xq_quantize(x, &layout, &s8, &one, NULL, &how, q, NULL), "integers");
	for (int i = 0; i < N; i++)
		EXPECT(q[i] == i % 200 - 100, "an integer moved to %d", q[i]);
	free(x);
	free(q);
	free(part);
}

static void faults(void)
{
	float x[1050], scale[1050], y[1050];
	int32_t zp[1050];
	int8_t q[1050];
	struct xq_qtype s8;

	xq_qtype_of(XQ_S8, &s8);
	for (int round = 0; round < 600; round++) {
		struct shape s = { .dims = { 3, 50, 7 }, .ndim = 3, .axis = (int)ktap_range(0, 2),
				   .block = (size_t)ktap_range(1, 9), .per = (enum xq_per)(round % 3) };
		struct xq_rounding how = { .mode = (enum xq_round)ktap_range(0, 2), .seed = 1 };
		struct xq_layout layout;
		struct xq_fault fault = { 0 };
		size_t at = (size_t)ktap_range(0, 1049), p;

		layout_of(&s, &layout);
		p = (size_t)ktap_range(0, (int64_t)xq_layout_params(&layout) - 1);
		for (int i = 0; i < 1050; i++) {
			x[i] = (float)i;
			scale[i] = 1;
			zp[i] = 0;
		}
		x[at] = round & 8 ? NAN : INFINITY;
		EXPECT(xq_quantize(x, &layout, &s8, scale, zp, &how, q, &fault) == -EDOM, "accepted");
		EXPECT(fault.kind == XQ_FAULT_INPUT && fault.index == at, "kind %d, index %zu, not %zu",
		       fault.kind, fault.index, at);
		fault.index = 0;
		EXPECT(xq_find_params(x, &layout, &s8, XQ_AFFINE, NULL, scale, zp, &fault) == -EDOM, "accepted");
		EXPECT(fault.index == at, "index %zu", fault.index);
		x[at] = 0;
		scale[p] = round & 8 ? 0 : round & 16 ? -1 : NAN;
		EXPECT(xq_quantize(x, &layout, &s8, scale, zp, &how, q, &fault) == -EDOM, "accepted");
		EXPECT(fault.kind == XQ_FAULT_SCALE && fault.index == p, "index %zu", fault.index);
		/* Back it goes by any finite scale. */
		if (isfinite(scale[p])) {
			float once = scale[p];
			size_t i = 0;

			EXPECT(!xq_dequantize(q, &layout, &s8, scale, zp, y, &fault), "scale %g", scale[p]);
			while (reference_param(&s, i) != p)
				i++;
			EXPECT(y[i] == (float)(q[i] - zp[p]) * once, "scale %g", scale[p]);
		} else {
			EXPECT(xq_dequantize(q, &layout, &s8, scale, zp, y, &fault) == -EDOM, "accepted");
		}
		scale[p] = 1;
		zp[p] = 128;
		EXPECT(xq_quantize(x, &layout, &s8, scale, zp, &how, q, &fault) == -ERANGE, "accepted");
		EXPECT(fault.kind == XQ_FAULT_ZERO_POINT && fault.index == p && fault.value == 128, "fault");
		EXPECT(xq_quantize(x, &layout, &s8, scale, zp, &how, q, NULL) == -ERANGE, "without a fault");
	}
}

static void wrong_arguments(void)
{
	const size_t huge[3] = { (size_t)1 << 40, (size_t)1 << 40, 4 }, dims[2] = { 2, 3 };
	const size_t empty[3] = { (size_t)1 << 62, 0, (size_t)1 << 62 };
	struct xq_layout layout;
	struct xq_qtype type;
	float x[6] = { 0 }, scale = 1;
	int8_t q[6];

	EXPECT(xq_layout_tensor(huge, 3, &layout) == -EOVERFLOW, "overflow");
	EXPECT(xq_layout_channel(huge, 3, 0, &layout) == -EOVERFLOW, "overflow");
	EXPECT(!xq_layout_channel(empty, 3, 1, &layout), "a zero among huge dimensions");
	EXPECT(xq_layout_elements(&layout) == 0, "empty");
	EXPECT(xq_layout_channel(dims, 2, 2, &layout) == -EINVAL, "axis 2 of 2");
	EXPECT(xq_layout_channel(dims, 2, -3, &layout) == -EINVAL, "axis -3 of 2");
	EXPECT(xq_layout_channel(dims, 0, 0, &layout) == -EINVAL, "axis of a scalar");
	EXPECT(xq_layout_block(dims, 2, 1, 0, &layout) == -EINVAL, "block 0");
	EXPECT(!xq_layout_tensor(NULL, 0, &layout) && xq_layout_elements(&layout) == 1, "scalar");
	EXPECT(xq_qtype_bits(1, true, &type) == -EINVAL, "1 bit");
	EXPECT(xq_qtype_bits(9, true, &type) == -EINVAL, "9 bits");
	EXPECT(xq_qtype_of(XQ_B1, &type) == -EINVAL, "b1");
	EXPECT(xq_qtype_of(XQ_C4, &type) == -EINVAL, "c4");
	xq_qtype_of(XQ_S4, &type);
	xq_layout_tensor(dims, 2, &layout);
	EXPECT(xq_quantize(NULL, &layout, &type, &scale, NULL, NULL, q, NULL) == -EINVAL, "no input");
	EXPECT(xq_quantize(x, &layout, &type, NULL, NULL, NULL, q, NULL) == -EINVAL, "no scale");
	EXPECT(xq_quantize(x, NULL, &type, &scale, NULL, NULL, q, NULL) == -EINVAL, "no layout");
	type.max = 8;
	EXPECT(xq_quantize(x, &layout, &type, &scale, NULL, NULL, q, NULL) == -EINVAL, "s4 up to 8");
	EXPECT(xq_range_params(NAN, 1, &type, XQ_AFFINE, &scale, NULL) == -EINVAL, "no zero point");
	xq_qtype_of(XQ_U8, &type);
	EXPECT(xq_range_params(NAN, 1, &type, XQ_SYMMETRIC, &scale, NULL) == -EDOM, "NaN");
	EXPECT(xq_range_params(2, 1, &type, XQ_SYMMETRIC, &scale, NULL) == -EDOM, "reversed");
}

/* Ranges at the ends of float32 give usable parameters. */
static void extreme_ranges(void)
{
	const float ends[][2] = { { -FLT_MAX, FLT_MAX }, { 0, FLT_TRUE_MIN }, { -FLT_TRUE_MIN, 0 },
				  { 0, 0 }, { -FLT_MAX, 0 }, { FLT_MAX, FLT_MAX } };
	struct xq_qtype u8;

	xq_qtype_of(XQ_U8, &u8);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (int scheme = XQ_SYMMETRIC; scheme <= XQ_AFFINE; scheme++) {
			float scale;
			int32_t zp;
			int err = xq_range_params(ends[i][0], ends[i][1], &u8, (enum xq_scheme)scheme, &scale, &zp);

			EXPECT(!err && isfinite(scale) && scale > 0, "case %zu: %d, S %g", i, err, scale);
			EXPECT(zp >= 0 && zp <= 255, "case %zu: Z %d", i, zp);
		}
	}
}

/* ONNX DynamicQuantizeLinear's documented example. */
static void dynamic_quantize_linear(void)
{
	const float x[6] = { 0, 2, -3, -2.5f, 1.34f, 0.5f };
	const uint8_t expected[6] = { 153, 255, 0, 26, 221, 179 };
	struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	struct xq_layout layout;
	struct xq_qtype u8;
	uint8_t q[6];
	float scale;
	int32_t zp;

	xq_qtype_of(XQ_U8, &u8);
	xq_layout_tensor((size_t[]){ 6 }, 1, &layout);
	EXPECT(!xq_quantize_found(x, &layout, &u8, XQ_AFFINE, NULL, &even, q, &scale, &zp, NULL), "found");
	EXPECT(scale == 5.0f / 255 && zp == 153, "S %.9g, Z %d", scale, zp);
	for (int i = 0; i < 6; i++)
		EXPECT(q[i] == expected[i], "q[%d] = %d", i, q[i]);
}

static void error_measures(void)
{
	const float x[4] = { 1, -2, 0, 4 }, y[4] = { 1.5f, -2, 0.5f, 3 };
	struct xq_error e;

	EXPECT(!xq_error_measure(x, y, 4, &e), "measure");
	EXPECT(e.mean_abs == 0.5 && e.max_abs == 1, "%g, %g", e.mean_abs, e.max_abs);
	EXPECT(e.mean_squared == 1.5 / 4 && e.frobenius == sqrt(1.5), "%g", e.mean_squared);
	EXPECT(fabs(e.mean_relative - 0.25) < 1e-15, "%g", e.mean_relative);
	EXPECT(fabs(e.snr_db - 10 * log10(21 / 1.5)) < 1e-12, "%g", e.snr_db);
	EXPECT(fabs(e.norm_relative - sqrt(1.5 / 21)) < 1e-15, "%g", e.norm_relative);
	EXPECT(!xq_error_measure(x, x, 4, &e) && isinf(e.snr_db) && e.norm_relative == 0, "equal");
	EXPECT(!xq_error_measure(NULL, NULL, 0, &e) && e.mean_abs == 0, "empty");
	EXPECT(xq_error_measure(NULL, y, 4, &e) == -EINVAL, "no input");
}

static void storage(void)
{
	const size_t dims[2] = { 8, 100 };
	struct xq_layout layout;
	struct xq_qtype s4;
	struct xq_storage s;

	xq_qtype_of(XQ_S4, &s4);
	xq_layout_block(dims, 2, 1, 32, &layout);
	s = xq_linear_storage(&layout, &s4, XQ_SYMMETRIC, 16);
	EXPECT(s.bits == 800 * 4 + 8 * 4 * 16, "%d bits", (int)s.bits);
	EXPECT(s.bytes == 400 + 64, "%d bytes", (int)s.bytes);
	EXPECT(s.ratio == 3200.0 / 464 && s.bits_per_element == (double)s.bits / 800, "ratio %g", s.ratio);
	xq_layout_tensor((size_t[]){ 3 }, 1, &layout);
	EXPECT(xq_linear_storage(&layout, &s4, XQ_AFFINE, 32).bytes == 2 + 8, "three nibbles");
}

KTAP_MAIN({ "given parameters against the reference", given_parameters },
	  { "found parameters against the reference", found_parameters },
	  { "vector code equals scalar code bit for bit", vector_equals_scalar },
	  { "beside every half", halves },
	  { "stochastic rounding is unbiased and reproducible", stochastic_is_unbiased },
	  { "faults name the element", faults },
	  { "wrong arguments", wrong_arguments },
	  { "extreme ranges", extreme_ranges },
	  { "DynamicQuantizeLinear", dynamic_quantize_linear },
	  { "error measures", error_measures },
	  { "storage", storage })
