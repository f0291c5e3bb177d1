// SPDX-License-Identifier: GPL-2.0
/*
 * Sums, products, softmax and means against references in wide integers and doubles, on every
 * instruction set.
 */
#include <math.h>
#include <xqaccel/requantize.h>

#include "operator_case.h"

typedef __int128 wide;

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static uint32_t as_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	return bits;
}

static wide clamp(wide v, wide low, wide high)
{
	return v < low ? low : v > high ? high : v;
}

static wide floor_divide(wide v, wide d)
{
	return v / d - (v % d < 0);
}

static wide half_away(wide v, wide d)
{
	return v < 0 ? -((-2 * v + d) / (2 * d)) : (2 * v + d) / (2 * d);
}

/* A profile that is not ONNX, before zero point and bounds. */
static wide requantized(uint32_t profile, int32_t v, int32_t multiplier, int32_t shift, int64_t add)
{
	wide high;

	if (profile == XQ_PROFILE_FLOOR_SHIFT)
		return floor_divide((int64_t)((uint64_t)((int64_t)v * multiplier) + (uint64_t)add),
				    (wide)1 << clamp(shift, 0, 63));
	shift = (int32_t)clamp(shift, -31, 30);
	if (profile == XQ_PROFILE_TFLITE_SINGLE)
		return clamp(floor_divide((wide)v * multiplier + ((wide)1 << (30 - shift)), (wide)1 << (31 - shift)),
			     INT32_MIN, INT32_MAX);
	high = clamp(floor_divide((wide)v * ((wide)1 << (shift > 0 ? shift : 0)) * multiplier + (1 << 30), (wide)1 << 31),
		     INT32_MIN, INT32_MAX);
	return half_away(high, (wide)1 << (shift < 0 ? -shift : 0));
}

static int32_t value(uint32_t format, uint8_t byte)
{
	return format == XQACCEL_FMT_S8 ? (int8_t)byte : byte;
}

static void random_one(struct xq_requant_one *y, uint32_t profile, uint32_t format)
{
	int32_t least, greatest;

	xq_format_range(format, &least, &greatest);
	y->profile = profile;
	y->multiplier = ktap_range(0, 9) ? (int32_t)ktap_range(1 << 30, INT32_MAX) : (int32_t)ktap_random();
	y->shift = (int32_t)(profile == XQ_PROFILE_FLOOR_SHIFT ? ktap_range(20, 40) : ktap_range(-20, ktap_range(0, 9) ? -1 : 3));
	y->scale = as_bits((float)(ktap_unit() * 0.1 + 1e-4));
	y->add = ktap_range(-(1LL << 34), 1LL << 34);
	y->zero_point = (int32_t)ktap_range(-130, 260);
	y->act_min = ktap_range(0, 2) ? INT32_MIN : (int32_t)ktap_range(least, greatest);
	y->act_max = ktap_range(0, 2) ? INT32_MAX : (int32_t)ktap_range(y->act_min < least ? least : y->act_min, greatest);
}

/* ---- sums and products ---------------------------------------------------------------------------- */

static struct {
	struct xqk_operator job;
	struct case_memory a, b, y;
} c;

static void random_input(struct xq_elementwise *e, struct xq_elementwise_input *x, struct case_memory *memory)
{
	uint64_t bytes = 1;

	x->format = (uint8_t)(ktap_range(0, 1) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
	x->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-128, 255) : ktap_range(-1700, 1700));
	x->multiplier = ktap_range(0, 9) ? (int32_t)ktap_range(1 << 30, INT32_MAX) : (int32_t)ktap_random();
	x->shift = (int32_t)(e->y.profile == XQ_PROFILE_FLOOR_SHIFT ? ktap_range(24, 32) : ktap_range(-6, 2));
	if (!ktap_range(0, 30))
		x->shift = (int32_t)ktap_range(-100, 100);
	x->add = ktap_range(-(1LL << 34), 1LL << 34);
	x->scale = as_bits((float)(ktap_unit() * 0.1 + 1e-4));
	for (int i = e->dims - 1; i >= 0; i--) {
		x->stride[i] = ktap_range(0, 3) ? bytes : 0;
		if (x->stride[i])
			bytes *= e->dim[i];
	}
	if (x->stride[e->dims - 1] > 1)
		x->stride[e->dims - 1] = 1;
	case_alloc(memory, bytes + !bytes, 1);
	case_share(memory);
}

static void random_pair(void)
{
	struct xq_elementwise *e = &c.job.elementwise.dims;
	uint64_t bytes = 1;

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_ELEMENTWISE;
	e->kind = (uint8_t)ktap_range(0, 1);
	e->format = (uint8_t)(ktap_range(0, 1) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
	e->dims = (uint8_t)ktap_range(1, XQ_TENSOR_DIMS);
	for (int i = 0; i < e->dims; i++)
		e->dim[i] = (uint32_t)ktap_range(!!ktap_range(0, 20), i == e->dims - 1 ? (ktap_range(0, 4) ? 200 : 3000) : 3);
	for (int i = e->dims - 1; i >= 0; i--) {
		e->stride[i] = bytes;
		bytes = bytes * e->dim[i] + (uint64_t)(ktap_range(0, 1) ? ktap_range(0, 5) : 0);
	}
	e->left_shift = (uint32_t)ktap_range(0, 20);
	random_one(&e->y, (uint32_t)ktap_range(0, XQ_PROFILES - 1), e->format);
	random_input(e, &e->a, &c.a);
	random_input(e, &e->b, &c.b);
	case_alloc(&c.y, bytes, 1);
	c.job.elementwise.a = c.a.view;
	c.job.elementwise.b = c.b.view;
	EXPECT(xq_elementwise_valid(e), "valid");
}

static int32_t expected(const struct xq_elementwise *e, uint8_t byte_a, uint8_t byte_b)
{
	const struct xq_requant_one *y = &e->y;
	const int32_t v = value(e->a.format, byte_a) - e->a.zero_point, w = value(e->b.format, byte_b) - e->b.zero_point;
	int32_t least, greatest, full_least, full_greatest, left = y->profile == XQ_PROFILE_FLOOR_SHIFT ? 0 : (int32_t)e->left_shift;
	volatile float p, q, sum;
	wide t, u;

	xq_format_range(e->format, &full_least, &full_greatest);
	xq_clamp_range(e->format, y->act_min, y->act_max, &least, &greatest);
	if (y->profile == XQ_PROFILE_ONNX && e->kind == XQ_ELEMENTWISE_ADD) {
		p = (float)v * as_float(e->a.scale);
		q = (float)w * as_float(e->b.scale);
		sum = p + q;
		sum = sum / as_float(y->scale);
		return (int32_t)clamp((wide)nearbyintf(sum) + y->zero_point, least, greatest);
	}
	if (y->profile == XQ_PROFILE_ONNX) {
		p = (float)(v * w);
		p = p * as_float(y->scale);
		return (int32_t)clamp((wide)nearbyintf(p) + y->zero_point, least, greatest);
	}
	if (e->kind == XQ_ELEMENTWISE_MUL)
		return (int32_t)clamp(requantized(y->profile, v * w, y->multiplier, y->shift, y->add) + y->zero_point, least,
				      greatest);
	t = requantized(y->profile, v * (1 << left), e->a.multiplier, e->a.shift, e->a.add);
	u = requantized(y->profile, w * (1 << left), e->b.multiplier, e->b.shift, e->b.add);
	if (y->profile == XQ_PROFILE_FLOOR_SHIFT)
		return (int32_t)clamp(clamp(t, full_least, full_greatest) + clamp(u, full_least, full_greatest), least, greatest);
	return (int32_t)clamp(requantized(y->profile, (int32_t)(uint32_t)((int64_t)t + (int64_t)u), y->multiplier, y->shift, 0) +
			      y->zero_point, least, greatest);
}

static void check_pair(const char *isa)
{
	const struct xq_elementwise *e = &c.job.elementwise.dims;
	uint8_t *bytes = malloc(c.y.size + 1);
	uint32_t index[XQ_TENSOR_DIMS] = { 0 };
	bool empty = false;
	int i;

	memset(bytes, 0xa5, c.y.size);
	for (i = 0; i < e->dims; i++)
		empty |= !e->dim[i];
	while (!empty) {
		uint64_t a = 0, b = 0, y = 0;

		for (i = 0; i < e->dims; i++) {
			a += index[i] * e->a.stride[i];
			b += index[i] * e->b.stride[i];
			y += index[i] * e->stride[i];
		}
		bytes[y] = (uint8_t)expected(e, c.a.bytes[a], c.b.bytes[b]);
		for (i = e->dims - 1; i >= 0 && ++index[i] == e->dim[i]; i--)
			index[i] = 0;
		if (i < 0)
			break;
	}
	for (size_t j = 0; j < c.y.size; j++)
		if (!EXPECT(bytes[j] == c.y.bytes[j], "%s: kind %u profile %u formats %u %u %u: byte %zu of %zu is %u, not %u", isa,
			    e->kind, e->y.profile, e->a.format, e->b.format, e->format, j, c.y.size, c.y.bytes[j], bytes[j]))
			break;
	free(bytes);
}

static void pairs(void)
{
	for (int round = 0; round < 3000 && ktap.failures < 5; round++) {
		random_pair();
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			memset(c.y.bytes, 0xa5, c.y.size);
			case_share(&c.y);
			c.job.elementwise.y = c.y.view;
			case_run(&c.job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
			case_take(&c.y);
			check_pair(xqk_isa_list(i));
		}
		case_free(&c.a);
		case_free(&c.b);
		case_free(&c.y);
	}
}

static void pair_limits(void)
{
	struct xq_elementwise good = { .format = XQACCEL_FMT_S8, .dims = 1, .dim = { 4 }, .stride = { 1 }, .left_shift = 20,
				       .a = { .format = XQACCEL_FMT_S8, .stride = { 1 } }, .b = { .format = XQACCEL_FMT_U8 },
				       .y = { .profile = XQ_PROFILE_TFLITE, .act_min = -128, .act_max = 127 } };
	struct xq_elementwise d;

	EXPECT(xq_elementwise_valid(&good), "good");
#define REFUSED(...)	EXPECT((d = good, __VA_ARGS__, !xq_elementwise_valid(&d)), #__VA_ARGS__)
	REFUSED(d.kind = XQ_ELEMENTWISE_KINDS);
	REFUSED(d.format = XQACCEL_FMT_S16);
	REFUSED(d.a.format = XQACCEL_FMT_S4);
	REFUSED(d.b.format = XQACCEL_FMT_NONE);
	REFUSED(d.dims = 0);
	REFUSED(d.dims = XQ_TENSOR_DIMS + 1);
	REFUSED(d.stride[0] = 0);
	REFUSED(d.stride[0] = 2);
	REFUSED(d.a.stride[0] = 2);
	REFUSED(d.b.stride[0] = 2);
	REFUSED(d.left_shift = 31);
	REFUSED(d.a.zero_point = 2000);
	REFUSED(d.b.zero_point = -2000);
	REFUSED(d.left_shift = 0, d.a.zero_point = XQ_MAX_ZERO_POINT + 1);
	REFUSED(d.y.profile = XQ_PROFILES);
	REFUSED(d.y.act_min = 128);
	REFUSED(d.y.profile = XQ_PROFILE_ONNX, d.y.zero_point = XQ_MAX_ZERO_POINT + 1);
	REFUSED(d.dims = 6, d.stride[5] = 1, d.dim[0] = d.dim[1] = d.dim[2] = d.dim[3] = d.dim[4] = d.dim[5] = 1U << 31);
}

/* ---- softmax --------------------------------------------------------------------------------------- */

/* Near the exact value, and the sum of a row near 1; TFLite's own figures are in the vectors. */
static void softmax(void)
{
	for (int round = 0; round < 400 && ktap.failures < 5; round++) {
		const uint32_t columns = (uint32_t)(ktap_range(0, 5) ? ktap_range(1, 60) : ktap_range(0, 20000));
		const uint32_t count = (uint32_t)ktap_range(0, 4);
		const double scale = ldexp(1 + ktap_unit(), (int)ktap_range(-9, -1));
		struct xqk_operator job = { .kind = XQK_SOFTMAX };
		struct xq_softmax_dims *d = &job.softmax.dims;
		struct case_memory x, y;

		*d = (struct xq_softmax_dims){ .rows = count, .columns = columns };
		xq_quantize_multiplier(scale * (1 << 26), &d->multiplier, &d->shift);
		d->diff_min = -(int32_t)floor(31.0 * (1 << 26) / ldexp(1, d->shift));
		EXPECT(xq_softmax_valid(d), "valid");
		case_alloc(&x, (size_t)columns * count, 1);
		case_alloc(&y, (size_t)columns * count, 1);
		case_share(&x);
		case_share(&y);
		job.softmax.x = x.view;
		job.softmax.y = y.view;
		job.softmax.x.stride = job.softmax.y.stride = columns;
		case_run(&job, NULL, (unsigned int)ktap_range(1, 2));
		case_take(&y);
		for (uint32_t r = 0; r < count && ktap.failures < 5; r++) {
			const int8_t *in = (const int8_t *)x.bytes + (size_t)r * columns;
			const int8_t *out = (const int8_t *)y.bytes + (size_t)r * columns;
			int most = -128;
			double sum = 0;

			for (uint32_t i = 0; i < columns; i++)
				most = in[i] > most ? in[i] : most;
			for (uint32_t i = 0; i < columns; i++)
				sum += exp((in[i] - most) * scale);
			for (uint32_t i = 0; i < columns; i++) {
				const double want = exp((in[i] - most) * scale) / sum * 256 - 128;

				if (!EXPECT(fabs(out[i] - (want > 127 ? 127 : want)) < 0.52, "%u of %u: %d, not %f", i, columns,
					    out[i], want))
					break;
			}
		}
		case_free(&x);
		case_free(&y);
	}
}

static void softmax_limits(void)
{
	const struct xq_softmax_dims good = { .rows = 1, .columns = 1, .multiplier = 1 << 30, .shift = 31, .diff_min = -1 };
	struct xq_softmax_dims d;
	int8_t x[300], y[300];
	struct xqk_operator job = { .kind = XQK_SOFTMAX, .softmax = { .x = { .flat = (uint8_t *)x }, .y = { .flat = (uint8_t *)y } } };

	EXPECT(xq_softmax_valid(&good), "good");
#undef REFUSED
#define REFUSED(...)	EXPECT((d = good, __VA_ARGS__, !xq_softmax_valid(&d)), #__VA_ARGS__)
	REFUSED(d.rows = XQ_MAX_DIM + 1);
	REFUSED(d.columns = XQ_MAX_DIM + 1);
	REFUSED(d.multiplier = -1);
	REFUSED(d.shift = -1);
	REFUSED(d.shift = 32);
	REFUSED(d.diff_min = 1);
	/* Factors that leave 32 bits saturate: all but the greatest element vanish. */
	for (int i = 0; i < 300; i++)
		x[i] = (int8_t)(i % 256 - 128);
	job.softmax.dims = (struct xq_softmax_dims){ 1, 256, INT32_MAX, 31, INT32_MIN };
	case_run(&job, NULL, 1);
	EXPECT(y[255] == 127 && y[254] == -128 && y[0] == -128, "%d %d", y[255], y[254]);
}

/* ---- means ------------------------------------------------------------------------------------------- */

static void means(void)
{
	for (int round = 0; round < 1500 && ktap.failures < 5; round++) {
		struct xqk_operator job = { .kind = XQK_MEAN };
		struct xq_mean_dims *d = &job.mean.dims;
		struct case_memory x, y;
		int32_t least, greatest;

		d->format = (uint8_t)(ktap_range(0, 1) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
		d->y_format = (uint8_t)(ktap_range(0, 1) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
		d->outer = (uint32_t)ktap_range(0, 4);
		d->count = (uint32_t)(ktap_range(0, 9) ? ktap_range(0, 50) : ktap_range(0, 5000));
		d->inner = (uint32_t)(d->count > 50 ? ktap_range(1, 3) : ktap_range(0, 1) ? ktap_range(0, 90) : ktap_range(1000, 2100));
		d->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-128, 255) : (int32_t)ktap_random());
		random_one(&d->y, (uint32_t)ktap_range(0, XQ_PROFILES - 1), d->y_format);
		d->y.shift -= d->y.profile == XQ_PROFILE_FLOOR_SHIFT ? 0 : d->y.shift < -10 ? 0 : 8;
		EXPECT(xq_mean_valid(d), "valid");
		case_alloc(&x, (size_t)d->outer * d->count * d->inner, 1);
		case_alloc(&y, (size_t)d->outer * d->inner, 1);
		case_share(&x);
		job.mean.x = x.view;
		job.mean.x.stride = d->inner;
		job.mean.x.batch_stride = (uint64_t)d->inner * d->count;
		xq_clamp_range(d->y_format, d->y.act_min, d->y.act_max, &least, &greatest);
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			case_share(&y);
			job.mean.y = y.view;
			job.mean.y.stride = d->inner;
			case_run(&job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
			case_take(&y);
			for (size_t o = 0; o < (size_t)d->outer * d->inner; o++) {
				uint32_t sum = 0;
				wide want;

				for (uint32_t k = 0; k < d->count; k++)
					sum += (uint32_t)value(d->format, x.bytes[(o / d->inner * d->count + k) * d->inner + o % d->inner]) -
					       (uint32_t)d->zero_point;
				want = d->y.profile == XQ_PROFILE_ONNX ?
				       (wide)nearbyint((double)(int32_t)sum * (double)as_float(d->y.scale)) :
				       requantized(d->y.profile, (int32_t)sum, d->y.multiplier, d->y.shift, d->y.add);
				want = clamp(want + d->y.zero_point, least, greatest);
				if (!EXPECT(y.bytes[o] == (uint8_t)want, "%s: profile %u %ux%ux%u: %u, not %d", xqk_isa_list(i),
					    d->y.profile, d->outer, d->count, d->inner, y.bytes[o], (int)want))
					break;
			}
		}
		case_free(&x);
		case_free(&y);
	}
}

/* A sum of every two bytes by f32, whose quotients the fast kernels get without dividing. */
static void every_pair(void)
{
	static uint8_t a[65536], b[65536], want[65536], y[65536];

	for (size_t i = 0; i < 65536; i++) {
		a[i] = (uint8_t)(i >> 8);
		b[i] = (uint8_t)i;
	}
	for (int round = 0; round < 150 && ktap.failures < 5; round++) {
		struct xqk_operator job = { .kind = XQK_ELEMENTWISE };
		struct xq_elementwise *e = &job.elementwise.dims;
		float scale[3];

		for (int i = 0; i < 3; i++) {
			uint32_t bits = (uint32_t)ktap_random() & 0x7fffff;

			/* Mantissas of ones and zeros, too, and what is far from 1. */
			bits = ktap_range(0, 7) ? bits : ktap_range(0, 1) ? 0x7fffff : 0;
			bits |= (uint32_t)(ktap_range(0, 9) ? ktap_range(120, 134) : ktap_range(1, 254)) << 23;
			memcpy(&scale[i], &bits, 4);
		}
		/* Quotients that are halves: scales that are small multiples of each other. */
		if (!ktap_range(0, 2)) {
			scale[0] = scale[2] * (float)ktap_range(1, 8) / 4;
			scale[1] = scale[2] * (float)ktap_range(1, 8) / 4;
		}
		*e = (struct xq_elementwise){ .kind = XQ_ELEMENTWISE_ADD, .format = (uint8_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_U8),
			.dims = 1, .dim = { 65536 }, .stride = { 1 },
			.a = { .format = (uint8_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_U8), .zero_point = (int32_t)ktap_range(-130, 130), .stride = { 1 } },
			.b = { .format = (uint8_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_U8), .zero_point = (int32_t)ktap_range(-130, 130), .stride = { 1 } },
			.y = { .profile = XQ_PROFILE_ONNX, .zero_point = (int32_t)ktap_range(-130, 130), .act_min = -128, .act_max = 255 } };
		memcpy(&e->a.scale, &scale[0], 4);
		memcpy(&e->b.scale, &scale[1], 4);
		memcpy(&e->y.scale, &scale[2], 4);
		EXPECT(xq_elementwise_valid(e), "refused");
		job.elementwise.a.flat = a;
		job.elementwise.b.flat = b;
		job.elementwise.y.flat = want;
		case_run(&job, "scalar", 1);
		job.elementwise.y.flat = y;
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			case_run(&job, xqk_isa_list(i), 1);
			EXPECT(!memcmp(y, want, sizeof(y)), "%s: scales %a %a %a differ", xqk_isa_list(i), (double)scale[0],
			       (double)scale[1], (double)scale[2]);
		}
	}
}

/* What a straight line gives, or almost does: factors of all sizes, halves, coarse terms. */
static void random_sum(unsigned int round)
{
	struct xq_elementwise *e = &c.job.elementwise.dims;

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_ELEMENTWISE;
	*e = (struct xq_elementwise){ .kind = XQ_ELEMENTWISE_ADD, .dims = 1, .dim = { 65536 + 77 },
				      .format = (uint8_t)ktap_range(1, 2), .stride = { 1 } };
	e->left_shift = (uint32_t)(ktap_range(0, 2) ? 20 : ktap_range(0, 20));
	random_one(&e->y, (uint32_t)(round % 3), e->format);
	for (int i = 0; i < 2; i++) {
		struct xq_elementwise_input *x = i ? &e->b : &e->a;

		*x = (struct xq_elementwise_input){ .stride = { 1 } };
		x->format = (uint8_t)ktap_range(1, 2);
		x->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-128, 255) :
					  ktap_range(-1700, 1700));
		x->multiplier = ktap_range(0, 3) ? (int32_t)ktap_range(1 << 30, INT32_MAX) :
				ktap_range(0, 3) ? 1 << 30 : (int32_t)ktap_random();
		x->shift = (int32_t)ktap_range(-5, 1);
		x->scale = as_bits(ktap_range(0, 2) ? (float)(ktap_unit() * 0.1 + 1e-4) : 0.25f);
	}
	e->y.shift = (int32_t)ktap_range(-2, 2) - (int32_t)e->left_shift;
	if (!ktap_range(0, 3))
		e->y.multiplier = 1 << 30;
	e->y.scale = as_bits(ktap_range(0, 2) ? (float)(ktap_unit() * 0.1 + 1e-3) : 0.5f);
	EXPECT(xq_elementwise_valid(e), "valid");
}

/* Products that a line gives, or almost does: halves, factors near 1, products of one sign. */
static void random_product(unsigned int round)
{
	struct xq_elementwise *e = &c.job.elementwise.dims;
	const bool round_number = !ktap_range(0, 3);

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_ELEMENTWISE;
	*e = (struct xq_elementwise){ .kind = XQ_ELEMENTWISE_MUL, .dims = 1, .dim = { 65536 + 77 },
				      .format = (uint8_t)ktap_range(1, 2), .stride = { 1 } };
	random_one(&e->y, round % XQ_PROFILES, e->format);
	for (int i = 0; i < 2; i++) {
		struct xq_elementwise_input *x = i ? &e->b : &e->a;

		x->format = (uint8_t)ktap_range(1, 2);
		x->zero_point = (int32_t)(ktap_range(0, 9) ? ktap_range(-128, 255) :
					  ktap_range(-1700, 1700));
		/* Without negative ones. */
		if (!ktap_range(0, 3))
			x->zero_point = x->format == XQACCEL_FMT_S8 ? -128 : 0;
		x->stride[0] = 1;
	}
	e->y.shift = (int32_t)(ktap_range(0, 9) ? ktap_range(-9, 0) : ktap_range(-17, 2));
	if (e->y.profile == XQ_PROFILE_FLOOR_SHIFT) {
		e->y.shift = (int32_t)ktap_range(30, 40);
		e->y.add = ktap_range(-(1LL << 40), 1LL << 40);
	}
	if (round_number)
		e->y.multiplier = (int32_t)ktap_range(1, 3) << 29;
	e->y.scale = as_bits(round_number ? (float)ktap_range(1, 40) * 0.01f :
			     (float)ldexp(1 + ktap_unit(), (int)ktap_range(-12, 1)));
	EXPECT(xq_elementwise_valid(e), "valid");
}

/* Of every two bytes, by rows long enough that it is looked whether a line gives them. */
static void all_bytes(void (*random_job)(unsigned int round), unsigned int rounds)
{
	const size_t n = 65536 + 77;
	uint8_t *a = malloc(n), *b = malloc(n), *y = malloc(n), *want = malloc(n);

	for (size_t i = 0; i < n; i++) {
		a[i] = (uint8_t)(i >> 8);
		b[i] = (uint8_t)i;
	}
	for (unsigned int round = 0; round < rounds && ktap.failures < 5; round++) {
		random_job(round);
		for (size_t i = 0; i < n; i++)
			want[i] = (uint8_t)expected(&c.job.elementwise.dims, a[i], b[i]);
		c.job.elementwise.a.flat = a;
		c.job.elementwise.b.flat = b;
		c.job.elementwise.y.flat = y;
		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			memset(y, 0xa5, n);
			case_run(&c.job, xqk_isa_list(i), 1);
			EXPECT(!memcmp(y, want, n), "%s: round %u, profile %u", xqk_isa_list(i),
			       round, c.job.elementwise.dims.y.profile);
		}
	}
	free(a);
	free(b);
	free(y);
	free(want);
}

static void sums_of_all_bytes(void)
{
	all_bytes(random_sum, 150);
}

static void products_of_all_bytes(void)
{
	all_bytes(random_product, 300);
}

KTAP_MAIN({ "every two bytes by f32", every_pair },
	  { "sums of every two bytes", sums_of_all_bytes },
	  { "products of every two bytes", products_of_all_bytes },
	  { "sums and products on every instruction set", pairs },
	  { "sums and products that are refused", pair_limits },
	  { "softmax", softmax },
	  { "softmax that is refused, or saturates", softmax_limits },
	  { "means on every instruction set", means })
