// SPDX-License-Identifier: MIT
/* Packing orders and block formats of other projects, bit by bit. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/convert.h>
#include <xqaccel/float_formats.h>
#include <xqaccel/pack.h>

#include "ktap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- orders ------------------------------------------------------------------------------------ */

static void lecture_row(void)
{
	static const int8_t row[4] = { -3, 1, -7, 2 };
	uint8_t packed[2];
	int8_t back[4];

	EXPECT(!xq_packing_encode(XQ_PACKING_OFFSET8, row, 1, 4, packed, 2, NULL), "error");
	EXPECT(packed[0] == 89 && packed[1] == 26, "%d, %d", packed[0], packed[1]);
	EXPECT(!xq_packing_decode(XQ_PACKING_OFFSET8, packed, 2, 1, 4, back), "error");
	EXPECT(!memcmp(row, back, 4), "the way back");
}

static void known_bytes(void)
{
	static const int8_t s4[5] = { -8, 7, -1, 0, 5 }, s2[5] = { -2, 1, -1, 0, 1 };
	static const uint8_t u4[3] = { 15, 1, 9 }, u2[5] = { 3, 0, 1, 2, 2 };
	uint8_t out[4];

	EXPECT(!xq_packing_encode(XQ_PACKING_ONNX_S4, s4, 1, 5, out, 3, NULL), "error");
	EXPECT(out[0] == 0x78 && out[1] == 0x0f && out[2] == 0x05, "%02x %02x %02x", out[0], out[1], out[2]);
	EXPECT(!xq_packing_encode(XQ_PACKING_ONNX_U4, u4, 3, 1, out, 2, NULL), "error");
	EXPECT(out[0] == 0x1f && out[1] == 0x09, "%02x %02x", out[0], out[1]);
	EXPECT(!xq_packing_encode(XQ_PACKING_ONNX_S2, s2, 1, 5, out, 2, NULL), "error");
	EXPECT(out[0] == 0x36 && out[1] == 0x01, "%02x %02x", out[0], out[1]);
	EXPECT(!xq_packing_encode(XQ_PACKING_ONNX_U2, u2, 1, 5, out, 2, NULL), "error");
	EXPECT(out[0] == 0x93 && out[1] == 0x02, "%02x %02x", out[0], out[1]);
	/* Three columns: CMSIS-NN's second row begins in a high nibble, the offset order's in a byte. */
	EXPECT(!xq_packing_encode(XQ_PACKING_CMSIS_S4, s4, 1, 3, out, 2, NULL), "error");
	EXPECT(!xq_packing_encode(XQ_PACKING_CMSIS_S4, (const int8_t[]){ 1, 2, 3, 4, 5, 6 }, 2, 3, out, 3, NULL),
	       "error");
	EXPECT(out[0] == 0x21 && out[1] == 0x43 && out[2] == 0x65, "%02x %02x %02x", out[0], out[1], out[2]);
	EXPECT(!xq_packing_encode(XQ_PACKING_OFFSET8, (const int8_t[]){ 1, 2, 3, 4, 5, 6 }, 2, 3, out, 4, NULL),
	       "error");
	EXPECT(out[0] == 0x9a && out[1] == 0xb0 && out[2] == 0xcd && out[3] == 0xe0, "%02x %02x %02x %02x",
	       out[0], out[1], out[2], out[3]);
}

/* Element i by the definition of the order. */
static int element(enum xq_packing packing, const uint8_t *packed, size_t r, size_t c, size_t k)
{
	size_t i = r * k + c;
	int v;

	switch (packing) {
	case XQ_PACKING_ONNX_S2:
	case XQ_PACKING_ONNX_U2:
		v = packed[i / 4] >> (i % 4 * 2) & 3;
		return packing == XQ_PACKING_ONNX_S2 && v > 1 ? v - 4 : v;
	case XQ_PACKING_OFFSET8:
		v = packed[r * ((k + 1) / 2) + c / 2];
		return (c % 2 ? v & 15 : v >> 4) - 8;
	default:
		v = packed[i / 2] >> (i % 2 * 4) & 15;
		return packing != XQ_PACKING_ONNX_U4 && v > 7 ? v - 16 : v;
	}
}

static void random_matrices(void)
{
	for (int round = 0; round < 3000 && ktap.failures < 5; round++) {
		enum xq_packing packing = (enum xq_packing)ktap_range(0, XQ_PACKING_OFFSET8);
		enum xq_type type = xq_packing_type(packing);
		size_t rows = (size_t)ktap_range(0, 9), k = (size_t)ktap_range(0, 20), size, stride;
		uint8_t src[200], packed[200], back[200], device[200], again[200];

		stride = xq_row_size(type, k) + (size_t)ktap_range(0, 2);
		EXPECT(!xq_packing_size(packing, rows, k, &size), "size");
		for (size_t i = 0; i < rows * k; i++)
			src[i] = (uint8_t)ktap_range(xq_type_min(type), xq_type_max(type));
		memset(packed, 0xa5, sizeof(packed));
		EXPECT(!xq_packing_encode(packing, src, rows, k, packed, size, NULL), "encode");
		EXPECT(packed[size] == 0xa5, "wrote past the end");
		for (size_t i = 0; i < rows * k; i++) {
			int v = xq_type_signed(type) ? (int8_t)src[i] : src[i];

			if (!EXPECT(element(packing, packed, i / k, i % k, k) == v, "packing %d %zu x %zu at %zu",
				    packing, rows, k, i))
				break;
		}
		EXPECT(!xq_packing_decode(packing, packed, size, rows, k, back), "decode");
		EXPECT(!memcmp(src, back, rows * k), "packing %d %zu x %zu", packing, rows, k);

		EXPECT(!xq_packing_to_rows(packing, packed, size, rows, k, device, stride), "to rows");
		EXPECT(!xq_unpack(type, device, rows, k, stride, back, k), "unpack");
		EXPECT(!memcmp(src, back, rows * k), "device rows");
		EXPECT(!xq_packing_from_rows(packing, device, stride, rows, k, again, size), "from rows");
		EXPECT(!memcmp(packed, again, size), "and back");
	}
}

static void refused_orders(void)
{
	static const int8_t wide[4] = { 0, 7, 8, 0 };
	uint8_t out[4];
	size_t at = 99, size;

	EXPECT(xq_packing_encode(XQ_PACKING_ONNX_S4, wide, 2, 2, out, 2, &at) == -ERANGE, "8 in s4");
	EXPECT(at == 2, "%zu", at);
	EXPECT(xq_packing_encode(XQ_PACKING_OFFSET8, wide, 2, 2, out, 2, &at) == -ERANGE, "8 in s4");
	EXPECT(at == 2, "%zu", at);
	EXPECT(xq_packing_encode(XQ_PACKING_ONNX_S4, wide, 1, 4, out, 3, NULL) == -EINVAL, "size");
	EXPECT(xq_packing_decode(XQ_PACKING_ONNX_S4, out, 1, 1, 4, out) == -EINVAL, "truncated");
	EXPECT(xq_packing_size((enum xq_packing)6, 1, 1, &size) == -EINVAL, "no packing");
	EXPECT(xq_packing_size(XQ_PACKING_ONNX_S4, SIZE_MAX, 2, &size) == -EOVERFLOW, "overflow");
	EXPECT(xq_packing_type((enum xq_packing)-1) == XQ_NONE, "no packing");
}

/* ---- ggml ---------------------------------------------------------------------------------------- */

static const enum xq_ggml formats[] = { XQ_GGML_Q8_0, XQ_GGML_Q4_0, XQ_GGML_Q4_1, XQ_GGML_TQ2_0, XQ_GGML_MXFP4 };

static float fp16(const uint8_t *at)
{
	return xq_float_decode_one((uint16_t)(at[0] + 256 * at[1]), XQ_FLOAT_FP16);
}

static float e2m1(int code)
{
	static const float magnitude[8] = { 0, 0.5f, 1, 1.5f, 2, 3, 4, 6 };

	return code & 8 ? -magnitude[code & 7] : magnitude[code & 7];
}

/* Element j of a block by the format's definition. */
static float decoded(enum xq_ggml format, const uint8_t *b, size_t j)
{
	switch (format) {
	case XQ_GGML_Q8_0:
		return fp16(b) * (int8_t)b[2 + j];
	case XQ_GGML_Q4_0:
		return fp16(b) * (float)((b[2 + j % 16] >> (j / 16 * 4) & 15) - 8);
	case XQ_GGML_Q4_1:
		return fp16(b) * (float)(b[4 + j % 16] >> (j / 16 * 4) & 15) + fp16(b + 2);
	case XQ_GGML_TQ2_0:
		return fp16(b + 64) * (float)((b[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2) & 3) - 1);
	default:
		return b[0] == 255 ? NAN : ldexpf(e2m1(b[1 + j % 16] >> (j / 16 * 4) & 15), b[0] - 127);
	}
}

static bool same(float a, float b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void hostile_blocks(void)
{
	for (int round = 0; round < 4000 && ktap.failures < 5; round++) {
		enum xq_ggml format = formats[ktap_range(0, 4)];
		size_t elements = xq_ggml_block_elements(format), bytes = xq_ggml_block_bytes(format);
		uint8_t blocks[2 * 66];
		float x[512], scale[2], offset[2];
		int8_t codes[512];

		for (size_t i = 0; i < sizeof(blocks); i++)
			blocks[i] = (uint8_t)ktap_random();
		EXPECT(!xq_ggml_decode(format, blocks, 2 * bytes, x, 2 * elements), "decode");
		EXPECT(!xq_ggml_split(format, blocks, 2 * bytes, 2 * elements, codes, scale, offset), "split");
		for (size_t i = 0; i < 2 * elements; i++) {
			size_t b = i / elements;
			float want = decoded(format, blocks + b * bytes, i % elements);
			float q = format == XQ_GGML_MXFP4 ? xq_ggml_mxfp4_table()[codes[i]] : codes[i];

			if (!EXPECT(same(x[i], want), "format %d element %zu: %g, not %g", format, i, x[i], want))
				break;
			EXPECT(same(q * scale[b] + offset[b], want) || want == 0, "format %d split %zu", format, i);
		}
	}
}

/* Blocks whose scale is zero or negative, as every Q4_0 block with a positive largest element has, go
 * through codes and scales and linear dequantization to what decoding gives.
 */
static void scales_of_any_sign(void)
{
	static const float scales[] = { -0.25f, 0, -0.0f, 3, -65504, 0x1p-24f, -0x1p-24f };
	struct xq_qtype s8;

	xq_qtype_of(XQ_S8, &s8);
	for (size_t i = 0; i < COUNT(scales); i++) {
		uint16_t d = xq_float_encode_one(scales[i], XQ_FLOAT_FP16, XQ_OVERFLOW_SATURATE);
		float x[32], y[32], scale;
		struct xq_layout layout;
		int8_t codes[32];
		uint8_t block[18] = { (uint8_t)d, (uint8_t)(d >> 8) };

		for (size_t j = 2; j < sizeof(block); j++)
			block[j] = (uint8_t)ktap_random();
		EXPECT(!xq_ggml_decode(XQ_GGML_Q4_0, block, sizeof(block), x, 32), "decode");
		EXPECT(!xq_ggml_split(XQ_GGML_Q4_0, block, sizeof(block), 32, codes, &scale, NULL), "split");
		xq_layout_block((size_t[]){ 32 }, 1, 0, 32, &layout);
		EXPECT(!xq_dequantize(codes, &layout, &s8, &scale, NULL, y, NULL), "scale %g", scales[i]);
		for (size_t j = 0; j < 32; j++)
			EXPECT(x[j] == y[j] && x[j] == scales[i] * codes[j], "scale %g element %zu", scales[i], j);
	}
}

/* Encoding, against the quantizers' definition. */
static void encoders(void)
{
	for (int round = 0; round < 1500 && ktap.failures < 5; round++) {
		enum xq_ggml format = formats[ktap_range(0, 4)];
		size_t n = xq_ggml_block_elements(format), bytes = xq_ggml_block_bytes(format);
		float x[256], y[256], most = 0, low = INFINITY, high = -INFINITY, step, unit = ldexpf(1, (int)ktap_range(-6, 6));
		uint8_t block[66], again[66];

		for (size_t i = 0; i < n; i++) {
			x[i] = round % 7 ? unit * (float)ktap_normal() : unit * (float)ktap_range(-7, 7) / 2;
			most = fmaxf(most, fabsf(x[i]));
			low = fminf(low, x[i]);
			high = fmaxf(high, x[i]);
		}
		EXPECT(!xq_ggml_encode(format, x, n, block, bytes, NULL), "encode");
		EXPECT(!xq_ggml_decode(format, block, bytes, y, n), "decode");
		/* Half a step, and what fp16 takes from the scale of the largest code. */
		step = format == XQ_GGML_Q8_0 ? most / 127 : format == XQ_GGML_Q4_0 ? most / 8 :
		       format == XQ_GGML_Q4_1 ? (high - low) / 15 : most;
		if (format == XQ_GGML_MXFP4)
			step = most > 0 ? 2 * ldexpf(1, ilogbf(most) - 2) * 2 : 0;
		for (size_t i = 0; i < n; i++) {
			float limit = step * (format == XQ_GGML_Q4_0 ? 1.0f : 0.5f) + most * 0x1p-10f;

			EXPECT(fabsf(x[i] - y[i]) <= limit, "format %d: %g became %g (step %g)", format, x[i],
			       y[i], step);
		}
		/* What was decoded and has no more to lose keeps its codes. */
		if (format == XQ_GGML_TQ2_0 || format == XQ_GGML_MXFP4) {
			EXPECT(!xq_ggml_encode(format, y, n, again, bytes, NULL), "again");
			EXPECT(!xq_ggml_decode(format, again, bytes, x, n), "again");
			EXPECT(!memcmp(x, y, n * sizeof(*x)) || format == XQ_GGML_MXFP4, "format %d", format);
		}
	}
}

static void known_blocks(void)
{
	float x[256] = { 0 };
	uint8_t b[66];

	x[0] = -8;
	x[1] = 7;
	x[16] = 1;
	EXPECT(!xq_ggml_encode(XQ_GGML_Q4_0, x, 32, b, 18, NULL), "Q4_0");
	/* d = 1: codes 0, 15, ..., and element 16 above element 0 */
	EXPECT(b[0] == 0 && b[1] == 0x3c && b[2] == 0x90 && b[3] == 0x8f && b[4] == 0x88, "%02x%02x %02x %02x %02x",
	       b[1], b[0], b[2], b[3], b[4]);
	x[0] = -127;
	EXPECT(!xq_ggml_encode(XQ_GGML_Q8_0, x, 32, b, 34, NULL), "Q8_0");
	EXPECT(b[1] == 0x3c && b[2] == 0x81 && b[3] == 7 && b[18] == 1, "%02x %02x", b[2], b[3]);
	x[0] = -1;
	x[1] = 14;
	EXPECT(!xq_ggml_encode(XQ_GGML_Q4_1, x, 32, b, 20, NULL), "Q4_1");
	EXPECT(b[1] == 0x3c && b[3] == 0xbc && b[4] == 0x20 && b[5] == 0x1f, "%02x %02x", b[4], b[5]);
	memset(x, 0, sizeof(x));
	x[0] = 2;
	x[32] = -2;
	x[96] = 2;
	x[128] = -1;	/* half of d goes away from zero */
	EXPECT(!xq_ggml_encode(XQ_GGML_TQ2_0, x, 256, b, 66, NULL), "TQ2_0");
	EXPECT(b[0] == 0x92 && b[1] == 0x55 && b[32] == 0x54 && b[65] == 0x40, "%02x %02x %02x", b[0], b[1], b[32]);
	memset(x, 0, sizeof(x));
	x[0] = 6;
	x[1] = -0.25f;	/* a tie between 0 and -0.5 */
	x[16] = 2.5f;	/* a tie between 2 and 3 */
	EXPECT(!xq_ggml_encode(XQ_GGML_MXFP4, x, 32, b, 17, NULL), "MXFP4");
	EXPECT(b[0] == 127 && b[1] == 0x47 && b[2] == 0, "%d %02x %02x", b[0], b[1], b[2]);
}

static void refused_blocks(void)
{
	float x[256] = { 0 };
	uint8_t b[66] = { 0 };
	size_t at = 0, size;

	x[5] = NAN;
	EXPECT(xq_ggml_encode(XQ_GGML_Q8_0, x, 32, b, 34, &at) == -EDOM && at == 5, "NaN at %zu", at);
	x[5] = 1e30f;
	EXPECT(xq_ggml_encode(XQ_GGML_Q8_0, x, 32, b, 34, &at) == -ERANGE && at == 0, "no fp16");
	EXPECT(!xq_ggml_encode(XQ_GGML_MXFP4, x, 32, b, 17, NULL), "fits an exponent byte");
	EXPECT(xq_ggml_size(XQ_GGML_Q4_0, 33, &size) == -EINVAL, "no whole block");
	EXPECT(xq_ggml_size((enum xq_ggml)5, 32, &size) == -EINVAL, "no format");
	EXPECT(xq_ggml_decode(XQ_GGML_Q4_0, b, 17, x, 32) == -EINVAL, "truncated");
	EXPECT(xq_ggml_decode(XQ_GGML_TQ2_0, b, 66, x, 32) == -EINVAL, "no whole block");
	EXPECT(!xq_ggml_size(XQ_GGML_TQ2_0, 512, &size) && size == 132, "%zu", size);
	EXPECT(!xq_ggml_decode(XQ_GGML_Q4_0, NULL, 0, NULL, 0), "nothing");
	memset(x, 0, sizeof(x));
	for (int f = 0; f < 5; f++) {
		size_t n = xq_ggml_block_elements(formats[f]), bytes = xq_ggml_block_bytes(formats[f]);

		EXPECT(!xq_ggml_encode(formats[f], x, n, b, bytes, NULL), "zeros");
		EXPECT(!xq_ggml_decode(formats[f], b, bytes, x, n), "zeros");
		for (size_t i = 0; i < n; i++)
			EXPECT(x[i] == 0, "zeros of format %d", f);
	}
}

KTAP_MAIN({ "the lecture's row: 89, 26", lecture_row },
	  { "orders: known bytes", known_bytes },
	  { "orders: random matrices", random_matrices },
	  { "orders: what is refused", refused_orders },
	  { "ggml: any bytes decode by the definition", hostile_blocks },
	  { "ggml: scales of any sign", scales_of_any_sign },
	  { "ggml: encoders", encoders },
	  { "ggml: known blocks", known_blocks },
	  { "ggml: what is refused", refused_blocks })
