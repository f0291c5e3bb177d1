// SPDX-License-Identifier: MIT
/*
 * Requantization against a reference that follows the frameworks' own steps in 128-bit
 * arithmetic, for all profiles, types, shapes and instruction sets.
 */
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/requantize.h>

#include "ktap.h"
#include "libxqaccel/src/ops/requantize_with.h"

typedef __int128 wide;

static const enum xq_type types[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_S16, XQ_U16 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the reference ------------------------------------------------------------------------- */

static wide clamp(wide v, wide low, wide high)
{
	return v < low ? low : v > high ? high : v;
}

static wide floor_divide(wide v, wide d)
{
	return v / d - (v % d < 0);
}

/* gemmlowp: the nudge has the product's sign, the division truncates. */
static int32_t doubling_high_product(wide a, int32_t b)
{
	wide product = a * b, nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);

	return (int32_t)clamp((product + nudge) / ((wide)1 << 31), INT32_MIN, INT32_MAX);
}

/* Round the magnitude. */
static wide divide_by_power(wide v, int n)
{
	wide half = n ? (wide)1 << (n - 1) : 0, magnitude = v < 0 ? -v : v;

	magnitude = (magnitude + half) / ((wide)1 << n);
	return v < 0 ? -magnitude : magnitude;
}

static wide reference(int32_t acc, const struct xq_requant *rq, size_t i)
{
	int32_t n = rq->shift[i], m = rq->multiplier[i];

	switch (rq->profile) {
	case XQ_REQUANT_ONNX:
		/* 2^100 keeps the sign of what is far outside */
		return (wide)fmax(-0x1p100, fmin(0x1p100, nearbyint((double)acc * rq->scale[i])));
	case XQ_REQUANT_TFLITE:
		return divide_by_power(doubling_high_product((wide)acc * ((wide)1 << (n > 0 ? n : 0)), m),
				       n < 0 ? -n : 0);
	case XQ_REQUANT_TFLITE_SINGLE:
		return clamp(floor_divide((wide)acc * m + ((wide)1 << (30 - n)), (wide)1 << (31 - n)),
			     INT32_MIN, INT32_MAX);
	default:
		return floor_divide((int64_t)((uint64_t)((int64_t)acc * m) + (uint64_t)rq->add[i]),
				    (wide)1 << n);
	}
}

static int32_t expected(int32_t acc, const struct xq_requant *rq, size_t i)
{
	wide low = xq_type_min(rq->type), high = xq_type_max(rq->type);

	if (rq->clamp) {
		low = low > rq->act_min ? low : rq->act_min;
		high = high < rq->act_max ? high : rq->act_max;
	}
	return (int32_t)clamp(reference(acc, rq, i) + rq->zero_point, low, high);
}

/* ---- random parameters ----------------------------------------------------------------------- */

#define MOST 4096

static int32_t acc[MOST], bias[MOST], multiplier[MOST], shift[MOST];
static int64_t add[MOST];
static float scale[MOST];
static uint8_t out[2 * MOST + 1], other[2 * MOST];

static int32_t random_acc(void)
{
	static const int32_t ends[] = { INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX };

	switch (ktap_range(0, 5)) {
	case 0:
		return ends[ktap_range(0, COUNT(ends) - 1)];
	case 1:
		return (int32_t)ktap_random();
	case 2:		/* ties */
		return (int32_t)(ktap_range(-300, 300) * (1 << ktap_range(0, 16)));
	default:
		return (int32_t)ktap_range(-200000, 200000);
	}
}

static void random_requant(struct xq_requant *rq, size_t channels)
{
	memset(rq, 0, sizeof(*rq));
	rq->profile = (enum xq_requant_profile)ktap_range(0, 3);
	rq->type = types[ktap_range(0, COUNT(types) - 1)];
	rq->params = ktap_range(0, 1) ? channels : 1;
	rq->scale = scale;
	rq->multiplier = multiplier;
	rq->shift = shift;
	rq->add = add;
	rq->threads = 1;
	for (size_t i = 0; i < channels + !channels; i++) {
		int exponent = (int)ktap_range(-20, 2);
		bool hard = !ktap_range(0, 9), power = !ktap_range(0, 3);

		scale[i] = ldexpf(power ? 1.0f : (float)(1 + ktap_unit()), hard ? 4 * exponent : exponent);
		multiplier[i] = power ? 1 << 30 : (int32_t)ktap_range(1 << 30, INT32_MAX);
		shift[i] = hard ? (int32_t)ktap_range(-31, 30) : (int32_t)ktap_range(-18, 0);
		add[i] = ktap_range(-(1 << 20), 1 << 20);
		if (hard) {
			multiplier[i] = (int32_t)ktap_random();
			add[i] = (int64_t)ktap_random();
		}
		if (rq->profile == XQ_REQUANT_FLOOR_SHIFT)
			shift[i] = hard ? (int32_t)ktap_range(0, 63) : (int32_t)ktap_range(10, 44);
		bias[i] = random_acc();
	}
	rq->zero_point = ktap_range(0, 9) ? (int32_t)ktap_range(-300, 300) : (int32_t)ktap_random();
	if (!ktap_range(0, 2)) {
		rq->clamp = true;
		rq->act_min = (int32_t)ktap_range(xq_type_min(rq->type) - 5, xq_type_max(rq->type));
		rq->act_max = (int32_t)ktap_range(rq->act_min, xq_type_max(rq->type) + 5);
		if (rq->act_max < xq_type_min(rq->type))
			rq->act_max = (int32_t)xq_type_min(rq->type);
	}
}

static int32_t code(const uint8_t *codes, enum xq_type type, size_t i)
{
	const uint16_t *words = (const uint16_t *)(const void *)codes;

	if (xq_type_unpacked_bytes(type) == 2)
		return xq_type_signed(type) ? (int16_t)words[i] : words[i];
	return xq_type_signed(type) ? (int8_t)codes[i] : codes[i];
}

static struct xq_channels random_shape(void)
{
	static const size_t sizes[] = { 0, 1, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129 };
	struct xq_channels s;

	do {
		s.outer = sizes[ktap_range(0, COUNT(sizes) - 1)];
		s.channels = sizes[ktap_range(0, COUNT(sizes) - 1)];
		s.inner = ktap_range(0, 1) ? 1 : sizes[ktap_range(0, COUNT(sizes) - 1)];
	} while (s.outer * s.channels * s.inner > MOST);
	return s;
}

static void random_tensors(void)
{
	for (int round = 0; round < 6000 && ktap.failures < 5; round++) {
		struct xq_channels s = random_shape();
		size_t n = s.outer * s.channels * s.inner;
		const int32_t *b = ktap_range(0, 1) ? bias : NULL;
		struct xq_requant rq;

		random_requant(&rq, s.channels);
		for (size_t i = 0; i < n; i++)
			acc[i] = random_acc();
		for (unsigned int t = 0; xqk_isa_list(t); t++) {
			int err;

			memset(out, 0xa5, sizeof(out));
			err = xq_requantize_with(xqk_isa_select(xqk_isa_list(t)), acc, &s, b, &rq, out);
			EXPECT(!err, "error %d", err);
			for (size_t i = 0; i < n; i++) {
				size_t c = i / s.inner % s.channels;
				int32_t a = (int32_t)((uint32_t)acc[i] + (uint32_t)(b ? b[c] : 0));
				int32_t want = expected(a, &rq, rq.params == 1 ? 0 : c);

				if (!EXPECT(code(out, rq.type, i) == want,
					    "%s profile %d type %s acc %d: %d, not %d", xqk_isa_list(t),
					    rq.profile, xq_type_name(rq.type), a, code(out, rq.type, i), want))
					break;
			}
			EXPECT(out[n * xq_type_unpacked_bytes(rq.type)] == 0xa5, "wrote past the end");
		}
	}
}

/* ---- figures known beforehand ---------------------------------------------------------------- */

static int32_t one(enum xq_requant_profile profile, int32_t a, int32_t m, int32_t n, int32_t zp)
{
	struct xq_requant rq = { .profile = profile, .type = XQ_S16, .params = 1, .multiplier = &m,
				 .shift = &n, .zero_point = zp };
	struct xq_channels s = { 1, 1, 1 };
	int16_t y = 0;
	int err = xq_requantize(&a, &s, NULL, &rq, &y);

	EXPECT(!err, "error %d", err);
	return y;
}

static void roundings_differ(void)
{
	const int32_t half = 1 << 30;	/* with shift -1 the factor is 1/4 */

	/* 2 / 4: the high product is 1, which is halved away from zero. -2 / 4 likewise. */
	EXPECT(one(XQ_REQUANT_TFLITE, 2, half, -1, 0) == 1, "0.5");
	EXPECT(one(XQ_REQUANT_TFLITE, -2, half, -1, 0) == -1, "-0.5");
	EXPECT(one(XQ_REQUANT_TFLITE_SINGLE, 2, half, -1, 0) == 1, "0.5");
	EXPECT(one(XQ_REQUANT_TFLITE_SINGLE, -2, half, -1, 0) == 0, "-0.5 goes up");
	/* 1 / 4 is rounded to 1/2 first, then to 1. */
	EXPECT(one(XQ_REQUANT_TFLITE, 1, half, -1, 0) == 1, "0.25 twice");
	EXPECT(one(XQ_REQUANT_TFLITE_SINGLE, 1, half, -1, 0) == 0, "0.25 once");
	/* The floor, and a negative multiplier. */
	EXPECT(one(XQ_REQUANT_FLOOR_SHIFT, -1, 1, 1, 0) == -1, "-0.5 goes down");
	EXPECT(one(XQ_REQUANT_FLOOR_SHIFT, 3, -1, 1, 10) == 8, "-1.5 goes down");
	/* -2^31 * -2^31 saturates; the zero point shows by how much. */
	EXPECT(one(XQ_REQUANT_TFLITE, INT32_MIN, INT32_MIN, 0, INT32_MIN) == -1, "2^31 - 1 - 2^31");
	EXPECT(one(XQ_REQUANT_TFLITE, INT32_MAX, INT32_MAX, 30, 0) == 32767, "left shift saturates");
	EXPECT(one(XQ_REQUANT_TFLITE, INT32_MIN, INT32_MAX, 30, 0) == -32768, "left shift saturates");
}

static void onnx_ties(void)
{
	static const int32_t in[] = { 1, 3, 5, -1, -3, -5, 7, 509, 511 };
	static const int8_t want[] = { 1, 3, 3, 1, -1, -1, 5, 127, 127 };
	const float half = 0.5f;
	struct xq_requant rq = { .profile = XQ_REQUANT_ONNX, .type = XQ_S8, .params = 1, .scale = &half,
				 .zero_point = 1 };
	struct xq_channels s = { 1, 1, COUNT(in) };
	int8_t y[COUNT(in)];

	/* With the zero point added before rounding, the ties would go to the other side. */
	EXPECT(!xq_requantize(in, &s, NULL, &rq, y), "error");
	for (size_t i = 0; i < COUNT(in); i++)
		EXPECT(y[i] == want[i], "%d / 2 + 1: %d, not %d", in[i], y[i], want[i]);
}

static void multipliers(void)
{
	static const struct { double real; int32_t m, n; } rows[] = {
		{ 0, 0, 0 }, { 1, 1 << 30, 1 }, { 0.5, 1 << 30, 0 }, { 0.25, 1 << 30, -1 },
		{ 0.75, 3 << 29, 0 }, { 1.0 / 3, 1431655765, -1 }, { 1 - 0x1p-40, 1 << 30, 1 },
		{ 0x1p-32, 1 << 30, -31 }, { 0x1p-33, 0, 0 }, { 0x1p29, 1 << 30, 30 },
		{ 0x1p31, INT32_MAX, 30 }, { 1e-300, 0, 0 }, { -0.25, -(1 << 30), -1 },
	};
	int32_t m, n;

	for (size_t i = 0; i < COUNT(rows); i++) {
		EXPECT(!xq_quantize_multiplier(rows[i].real, &m, &n), "error");
		EXPECT(m == rows[i].m && n == rows[i].n, "%g: %d, %d", rows[i].real, m, n);
	}
	EXPECT(xq_quantize_multiplier(INFINITY, &m, &n) == -EDOM, "infinite");
	EXPECT(xq_quantize_multiplier(NAN, &m, &n) == -EDOM, "not a number");
}

static void scales(void)
{
	const float w[3] = { 0.1f, 0.0f, 0.3f }, negative[1] = { -1.0f };
	float m[3];
	int32_t multipliers3[3], shifts[3], m1, n1;

	EXPECT(!xq_scale_product(0.7f, w, 3, 0.9f, m), "error");
	for (int i = 0; i < 3; i++) {
		volatile float product = 0.7f * w[i];

		EXPECT(m[i] == product / 0.9f, "%d", i);
	}
	EXPECT(!xq_scale_product(0.7f, negative, 1, 0.9f, m) && m[0] == -0.7f / 0.9f, "a negative weight scale");
	EXPECT(!xq_multiplier_product(0.7f, negative, 1, 0.9f, multipliers3, shifts), "a negative weight scale");
	xq_quantize_multiplier((double)0.7f / (double)0.9f, &m1, &n1);
	EXPECT(multipliers3[0] == -m1 && shifts[0] == n1, "%d, %d", multipliers3[0], shifts[0]);
	EXPECT(xq_scale_product(-0.7f, w, 1, 0.9f, m) == -EDOM, "negative");
	EXPECT(xq_scale_product(0.7f, (const float[]){ NAN }, 1, 0.9f, m) == -EDOM, "NaN");
	EXPECT(xq_scale_product(0.7f, w, 1, 0, m) == -EDOM, "Sy = 0");
	EXPECT(xq_scale_product(NAN, w, 1, 1, m) == -EDOM, "NaN");
	EXPECT(xq_scale_product(1e30f, (const float[]){ 1e30f }, 1, 1, m) == -EDOM, "overflow");
	EXPECT(!xq_multiplier_product(0.7f, w, 3, 0.9f, multipliers3, shifts), "error");
	for (int i = 0; i < 3; i++) {
		xq_quantize_multiplier((double)0.7f * (double)w[i] / (double)0.9f, &m1, &n1);
		EXPECT(m1 == multipliers3[i] && n1 == shifts[i], "%d", i);
	}
}

/* sum (x - zx)(w - zw) + b = sum x (w - zw) + folded, modulo 2^32 */
static void bias_folding(void)
{
	for (int round = 0; round < 500; round++) {
		size_t n = (size_t)ktap_range(0, 5), k = (size_t)ktap_range(0, 40);
		int32_t zx = (int32_t)ktap_random(), zw[5], b[5], folded[5];
		bool is_signed = ktap_range(0, 1);
		uint8_t x[40], w[200];

		for (size_t i = 0; i < 200; i++)
			w[i] = (uint8_t)ktap_random();
		for (size_t i = 0; i < 40; i++)
			x[i] = (uint8_t)ktap_random();
		for (size_t i = 0; i < 5; i++) {
			zw[i] = (int32_t)ktap_range(-300, 300);
			b[i] = (int32_t)ktap_random();
		}
		EXPECT(!xq_bias_fold(is_signed ? XQ_S8 : XQ_U8, w, n, k, zx, zw, b, folded), "error");
		for (size_t i = 0; i < n; i++) {
			wide full = b[i], part = folded[i];

			for (size_t j = 0; j < k; j++) {
				wide wj = (is_signed ? (int8_t)w[i * k + j] : w[i * k + j]) - zw[i];

				full += ((wide)x[j] - zx) * wj;
				part += x[j] * wj;
			}
			EXPECT((uint32_t)full == (uint32_t)part, "row %zu of %zu x %zu", i, n, k);
		}
	}
	EXPECT(xq_bias_fold(XQ_S16, acc, 1, 1, 0, NULL, NULL, bias) == -EINVAL, "wide weights");
}

static void bias_wraps(void)
{
	int32_t a[4] = { INT32_MAX, 1, INT32_MIN, -5 };
	const int32_t b[2] = { 1, -1 };
	struct xq_channels s = { 2, 2, 1 };

	EXPECT(!xq_bias_add(a, &s, b), "error");
	EXPECT(a[0] == INT32_MIN && a[1] == 0 && a[2] == INT32_MIN + 1 && a[3] == -6, "%d %d %d %d",
	       a[0], a[1], a[2], a[3]);
}

/* ---- threads, errors ---------------------------------------------------------------------------- */

static void threads_agree(void)
{
	struct xq_channels s = { 40, 100, 200 };
	size_t n = s.outer * s.channels * s.inner;
	int32_t *a = malloc(n * sizeof(*a));
	int8_t *y1 = malloc(n), *y5 = malloc(n);
	struct xq_requant rq;

	for (size_t i = 0; i < n; i++)
		a[i] = random_acc();
	for (int round = 0; round < 6; round++) {
		random_requant(&rq, s.channels);
		rq.type = XQ_S8;
		rq.clamp = false;
		if (round & 1)
			s = (struct xq_channels){ 8000, 100, 1 };
		EXPECT(!xq_requantize(a, &s, bias, &rq, y1), "error");
		rq.threads = 5;
		EXPECT(!xq_requantize(a, &s, bias, &rq, y5), "error");
		EXPECT(!memcmp(y1, y5, n), "round %d", round);
	}
	free(a);
	free(y1);
	free(y5);
}

static int refused(struct xq_requant rq, size_t channels)
{
	struct xq_channels s = { 1, channels, 1 };

	return xq_requantize(acc, &s, NULL, &rq, other);
}

static void errors(void)
{
	struct xq_requant good = { .profile = XQ_REQUANT_TFLITE, .type = XQ_S8, .params = 2,
				   .scale = scale, .multiplier = multiplier, .shift = shift }, rq;
	struct xq_channels huge = { SIZE_MAX / 2, 4, 1 };

	shift[0] = shift[1] = 0;
	scale[0] = scale[1] = 1;
	EXPECT(!refused(good, 2), "good");
	EXPECT(refused(good, 3) == -EINVAL, "two for three channels");
	rq = good;
	rq.type = XQ_B1;
	EXPECT(refused(rq, 2) == -EINVAL, "b1 out");
	rq = good;
	rq.clamp = true;
	rq.act_min = 3;
	rq.act_max = 2;
	EXPECT(refused(rq, 2) == -EINVAL, "no value left");
	rq.act_min = rq.act_max = 128;
	EXPECT(refused(rq, 2) == -EINVAL, "no value of the type left");
	rq = good;
	rq.multiplier = NULL;
	EXPECT(refused(rq, 2) == -EINVAL, "no multiplier");
	rq = good;
	rq.profile = (enum xq_requant_profile)4;
	EXPECT(refused(rq, 2) == -EINVAL, "profile");
	EXPECT(xq_requantize(acc, &huge, NULL, &(struct xq_requant){ .type = XQ_S8, .params = 1, .scale = scale },
			     other) == -EOVERFLOW, "huge");
	shift[1] = 31;
	EXPECT(refused(good, 2) == -ERANGE, "shift 31");
	shift[1] = -32;
	EXPECT(refused(good, 2) == -ERANGE, "shift -32");
	rq = good;
	rq.profile = XQ_REQUANT_FLOOR_SHIFT;
	shift[1] = 64;
	EXPECT(refused(rq, 2) == -ERANGE, "shift 64");
	shift[1] = -1;
	EXPECT(refused(rq, 2) == -ERANGE, "shift -1");
	rq.profile = XQ_REQUANT_ONNX;
	scale[1] = INFINITY;
	EXPECT(refused(rq, 2) == -EDOM, "infinite");
}

KTAP_MAIN({ "random tensors on every instruction set", random_tensors },
	  { "where the roundings differ", roundings_differ },
	  { "ONNX ties and zero point", onnx_ties },
	  { "quantized multipliers", multipliers },
	  { "products of scales", scales },
	  { "folded bias", bias_folding },
	  { "the bias wraps", bias_wraps },
	  { "threads agree", threads_agree },
	  { "what is refused", errors })
