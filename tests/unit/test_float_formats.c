// SPDX-License-Identifier: MIT
/* Storage casts: every code round trips, rounding against a search among all codes. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/float_formats.h>

#include "ktap.h"

static const struct {
	enum xq_float_format format;
	const char *name;
	unsigned int bits, nans;
	double largest, least;	/* largest finite, smallest positive */
	bool infinity;
} formats[] = {
	{ XQ_FLOAT_BF16, "bf16", 16, 254, 0x1.fep127, 0x1p-133, true },
	{ XQ_FLOAT_FP16, "fp16", 16, 2046, 65504, 0x1p-24, true },
	{ XQ_FLOAT_E4M3, "E4M3", 8, 2, 448, 0x1p-9, false },
	{ XQ_FLOAT_E5M2, "E5M2", 8, 6, 57344, 0x1p-16, true },
	{ XQ_FLOAT_E2M1, "E2M1", 4, 0, 6, 0.5, false },
	{ XQ_FLOAT_E2M1_IEEE, "E2M1 IEEE", 4, 2, 3, 0.5, true },
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static void every_code(void)
{
	for (size_t f = 0; f < FORMATS; f++) {
		unsigned int nans = 0, codes = 1u << formats[f].bits, infinities = 0;
		double most = 0, least = INFINITY;

		EXPECT(xq_float_bits(formats[f].format) == formats[f].bits, "%s bits", formats[f].name);
		for (unsigned int c = 0; c < codes; c++) {
			float v = xq_float_decode_one((uint16_t)c, formats[f].format);

			if (isnan(v)) {
				nans++;
				continue;
			}
			if (isinf(v)) {
				infinities++;
			} else {
				most = fmax(most, v);
				least = v > 0 ? fmin(least, v) : least;
			}
			EXPECT(!!signbit(v) == (c >= codes / 2), "%s sign of %x", formats[f].name, c);
			EXPECT(xq_float_encode_one(v, formats[f].format, XQ_OVERFLOW_SPECIAL) == c,
			       "%s: %x is %g is %x", formats[f].name, c, v,
			       xq_float_encode_one(v, formats[f].format, XQ_OVERFLOW_SPECIAL));
		}
		EXPECT(nans == formats[f].nans, "%s: %u NaNs", formats[f].name, nans);
		EXPECT(infinities == (formats[f].infinity ? 2 : 0), "%s: %u infinities", formats[f].name, infinities);
		EXPECT(most == formats[f].largest && least == formats[f].least, "%s: %g to %g", formats[f].name,
		       least, most);
	}
}

/* Codes of positive numbers rise with their values: binary search, then compare neighbours. */
static unsigned int reference(double magnitude, size_t f)
{
	unsigned int low = 0, high = (1u << (formats[f].bits - 1)) - 1;
	double below, above;

	while (low < high) {
		unsigned int at = (low + high + 1) / 2;
		float v = xq_float_decode_one((uint16_t)at, formats[f].format);

		if (v <= magnitude && v <= formats[f].largest)
			low = at;
		else
			high = at - 1;
	}
	below = xq_float_decode_one((uint16_t)low, formats[f].format);
	above = xq_float_decode_one((uint16_t)(low + 1), formats[f].format);
	/* Past the largest the grid goes on as if there were one more number. */
	if (below == formats[f].largest)
		above = 2 * below - xq_float_decode_one((uint16_t)(low - 1), formats[f].format);
	if (magnitude - below > above - magnitude || (magnitude - below == above - magnitude && (low & 1)))
		low++;
	return low;
}

static void rounding(void)
{
	for (size_t f = 0; f < FORMATS; f++) {
		unsigned int top = reference(formats[f].largest, f);

		for (int round = 0; round < 20000; round++) {
			double centre = xq_float_decode_one((uint16_t)ktap_range(0, top), formats[f].format);
			float v = (float)centre;
			unsigned int expected, code;

			switch (round % 4) {
			case 0:	/* halves, and beside them */
				v = (float)((centre + xq_float_decode_one((uint16_t)ktap_range(0, top),
									  formats[f].format)) / 2);
				break;
			case 1:
				v = (float)(centre * (0.9 + 0.2 * ktap_unit()));
				break;
			case 2:
				v = (float)(formats[f].least * ktap_unit() * 4);
				break;
			default:
				v = nextafterf((float)(centre * 1.03125), ktap_range(0, 1) ? 0 : INFINITY);
			}
			if (!isfinite(v))
				continue;
			expected = reference(v, f);
			code = xq_float_encode_one(v, formats[f].format, XQ_OVERFLOW_SATURATE);
			EXPECT(code == (expected > top ? top : expected), "%s of %.9g: %x, not %x", formats[f].name, v,
			       code, expected);
			code = xq_float_encode_one(-v, formats[f].format, XQ_OVERFLOW_SATURATE);
			EXPECT(code == ((expected > top ? top : expected) | 1u << (formats[f].bits - 1)), "%s of %.9g",
			       formats[f].name, -v);
			code = xq_float_encode_one(v, formats[f].format, XQ_OVERFLOW_SPECIAL);
			v = xq_float_decode_one((uint16_t)code, formats[f].format);
			if (expected <= top)
				EXPECT(code == expected, "%s: %x, not %x", formats[f].name, code, expected);
			else if (formats[f].infinity)
				EXPECT(isinf(v), "%s overflows to %g", formats[f].name, v);
			else if (formats[f].nans)
				EXPECT(isnan(v), "%s overflows to %g", formats[f].name, v);
			else
				EXPECT(code == top, "%s overflows to %x", formats[f].name, code);
		}
	}
}

#ifdef __FLT16_MAX__
/* The compiler's own half precision. */
static void compiler_fp16(void)
{
	for (int round = 0; round < 200000; round++) {
		uint32_t bits = (uint32_t)ktap_random();
		uint16_t code, expected;
		_Float16 half;
		float v;

		memcpy(&v, &bits, sizeof(v));
		v = round & 1 ? (float)(ktap_normal() * 30000) : v;
		half = (_Float16)v;
		memcpy(&expected, &half, sizeof(expected));
		code = xq_float_encode_one(v, XQ_FLOAT_FP16, XQ_OVERFLOW_SPECIAL);
		if (!isnan(v))
			EXPECT(code == expected, "%.9g: %x, not %x", v, code, expected);
		else
			EXPECT((code & 0x7fff) > 0x7c00, "NaN gives %x", code);
	}
}
#else
static void compiler_fp16(void)
{
	ktap_skip("this compiler has no _Float16");
}
#endif

static void specials(void)
{
	EXPECT(xq_float_encode_one(NAN, XQ_FLOAT_E4M3, XQ_OVERFLOW_SATURATE) == 0x7f, "NaN");
	EXPECT(xq_float_encode_one(-INFINITY, XQ_FLOAT_E4M3, XQ_OVERFLOW_SATURATE) == 0xfe, "saturated");
	EXPECT(xq_float_encode_one(INFINITY, XQ_FLOAT_E4M3, XQ_OVERFLOW_SPECIAL) == 0x7f, "no infinity");
	EXPECT(xq_float_encode_one(INFINITY, XQ_FLOAT_E5M2, XQ_OVERFLOW_SPECIAL) == 0x7c, "infinity");
	EXPECT(xq_float_encode_one(INFINITY, XQ_FLOAT_E5M2, XQ_OVERFLOW_SATURATE) == 0x7b, "saturated");
	EXPECT(xq_float_encode_one(-INFINITY, XQ_FLOAT_E2M1, XQ_OVERFLOW_SPECIAL) == 0xf, "-6");
	EXPECT(xq_float_encode_one(-0.0f, XQ_FLOAT_BF16, XQ_OVERFLOW_SPECIAL) == 0x8000, "-0");
	EXPECT(xq_float_encode_one(464, XQ_FLOAT_E4M3, XQ_OVERFLOW_SPECIAL) == 0x7e, "464 is half way, 448 even");
	EXPECT(xq_float_encode_one(FLT_MAX, XQ_FLOAT_BF16, XQ_OVERFLOW_SPECIAL) == 0x7f80, "rounds past the end");
	EXPECT(xq_float_encode_one(FLT_MAX, XQ_FLOAT_BF16, XQ_OVERFLOW_SATURATE) == 0x7f7f, "saturated");
	/* 1.06 and 1.00 look the same in 8 bits. */
	EXPECT(xq_float_encode_one(1.06f, XQ_FLOAT_E4M3, XQ_OVERFLOW_SPECIAL) ==
	       xq_float_encode_one(1, XQ_FLOAT_E4M3, XQ_OVERFLOW_SPECIAL), "1.06");
}

static void arrays(void)
{
	const float x[5] = { 1, -2, 0.5f, 100, 3e-5f };
	uint16_t wide[5];
	uint8_t narrow[5];
	float y[5];

	for (size_t f = 0; f < FORMATS; f++) {
		void *codes = formats[f].bits > 8 ? (void *)wide : (void *)narrow;

		EXPECT(!xq_float_encode(x, 5, formats[f].format, XQ_OVERFLOW_SATURATE, codes), "encode");
		EXPECT(!xq_float_decode(codes, 5, formats[f].format, y), "decode");
		for (int i = 0; i < 5; i++)
			EXPECT(y[i] == xq_float_decode_one(xq_float_encode_one(x[i], formats[f].format,
									       XQ_OVERFLOW_SATURATE),
							   formats[f].format), "%s", formats[f].name);
	}
	EXPECT(xq_float_encode(x, 5, (enum xq_float_format)9, XQ_OVERFLOW_SATURATE, wide) == -EINVAL, "format 9");
	EXPECT(xq_float_decode(NULL, 5, XQ_FLOAT_BF16, y) == -EINVAL, "no input");
	EXPECT(!xq_float_decode(NULL, 0, XQ_FLOAT_BF16, NULL), "empty");
}

static int64_t wrapped(int64_t v, unsigned int bits, bool is_signed)
{
	int64_t m = ((v % (INT64_C(1) << bits)) + (INT64_C(1) << bits)) % (INT64_C(1) << bits);

	return is_signed && m >= INT64_C(1) << (bits - 1) ? m - (INT64_C(1) << bits) : m;
}

static int64_t element(const void *q, enum xq_type type)
{
	switch (xq_type_unpacked_bytes(type)) {
	case 1:
		return xq_type_signed(type) ? *(const int8_t *)q : *(const uint8_t *)q;
	case 2:
		return xq_type_signed(type) ? *(const int16_t *)q : *(const uint16_t *)q;
	default:
		return *(const int32_t *)q;
	}
}

static void integer_casts(void)
{
	static const enum xq_type types[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_S16, XQ_U16, XQ_S32 };

	for (int round = 0; round < 20000; round++) {
		enum xq_type from = types[ktap_range(0, 8)], to = types[ktap_range(0, 8)];
		float v = (float)(ktap_normal() * pow(10, (double)ktap_range(0, 6))), back;
		int32_t a, b;

		EXPECT(!xq_cast_from_float(&v, 1, from, &a, NULL), "from float");
		EXPECT(element(&a, from) == wrapped((int64_t)v, xq_type_bits(from), xq_type_signed(from)),
		       "%g to %s: %d", v, xq_type_name(from), (int)element(&a, from));
		EXPECT(!xq_cast_to_float(&a, 1, from, &back), "to float");
		EXPECT(back == (float)element(&a, from), "%g", back);
		EXPECT(!xq_cast_integer(&a, from, 1, to, &b), "integer");
		EXPECT(element(&b, to) == wrapped(element(&a, from), xq_type_bits(to), xq_type_signed(to)),
		       "%s to %s", xq_type_name(from), xq_type_name(to));
	}
}

static void integer_errors(void)
{
	float v[2] = { 3e38f, -1e30f };
	struct xq_fault fault;
	int8_t q[2] = { 1, 1 };

	EXPECT(!xq_cast_from_float(v, 2, XQ_S4, q, NULL), "huge");
	EXPECT(q[0] == 0 && q[1] == 0, "multiples of 16 give %d and %d", q[0], q[1]);
	v[1] = NAN;
	EXPECT(xq_cast_from_float(v, 2, XQ_S4, q, &fault) == -EDOM && fault.index == 1, "NaN");
	EXPECT(xq_cast_from_float(v, 1, XQ_B1, q, NULL) == -EINVAL, "b1");
	EXPECT(xq_cast_integer(q, XQ_S4, 1, XQ_C4, q) == -EINVAL, "c4");
}

KTAP_MAIN({ "every code round trips", every_code },
	  { "rounding against a search", rounding },
	  { "fp16 against the compiler", compiler_fp16 },
	  { "special values", specials },
	  { "arrays", arrays },
	  { "integer casts wrap", integer_casts },
	  { "integer casts of bad input", integer_errors })
