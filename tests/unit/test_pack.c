// SPDX-License-Identifier: MIT
/*
 * Packing against the definition in linux/xqaccel.h, read bit by bit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"

static const enum xq_type types[] = {
	XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_B1, XQ_C4, XQ_C8,
};

#define EACH_TYPE(t)	for (const enum xq_type *t = types; t < types + sizeof(types) / sizeof(*types); t++)

static uint8_t random_value(enum xq_type type)
{
	if (type == XQ_B1)
		return ktap_random() & 1 ? 1 : 0xff;
	return (uint8_t)ktap_range(xq_type_min(type), xq_type_max(type));
}

static uint8_t *random_matrix(enum xq_type type, size_t rows, size_t stride)
{
	uint8_t *m = malloc(rows * stride + 1);

	for (size_t i = 0; i < rows * stride; i++)
		m[i] = random_value(type);
	return m;
}

/* Element i of a packed row, by its bits. */
static unsigned int code_at(const uint8_t *row, unsigned int bits, size_t i)
{
	unsigned int code = 0;

	for (unsigned int b = 0; b < bits; b++) {
		const size_t bit = i * bits + b;

		code |= (unsigned int)(row[bit / 8] >> (bit % 8) & 1) << b;
	}
	return code;
}

static unsigned int code_of(enum xq_type type, uint8_t value)
{
	if (type == XQ_B1)
		return value == 1;
	return value & ((1U << xq_type_bits(type)) - 1);
}

static void rows(void)
{
	EACH_TYPE(type) {
		for (int round = 0; round < 60; round++) {
			const size_t n = (size_t)ktap_range(0, 5), k = (size_t)ktap_range(0, 70);
			const size_t stride = k + (size_t)ktap_range(0, 9), bytes = xq_row_size(*type, k);
			const size_t to = bytes + (size_t)ktap_range(0, 5);
			uint8_t *src = random_matrix(*type, n, stride), *back = malloc(n * stride + 1);
			uint8_t *dst = malloc(n * to + 1);

			memset(dst, 0xa5, n * to + 1);
			EXPECT(bytes == (k * xq_type_bits(*type) + 7) / 8, "%zu", bytes);
			EXPECT(!xq_pack(*type, src, n, k, stride, dst, to, NULL), "%s", xq_type_name(*type));
			for (size_t r = 0; r < n; r++) {
				for (size_t i = 0; i < k; i++)
					EXPECT(code_at(dst + r * to, xq_type_bits(*type), i) ==
					       code_of(*type, src[r * stride + i]), "%s %zu %zu",
					       xq_type_name(*type), r, i);
				for (size_t i = k * xq_type_bits(*type); i < 8 * bytes; i++)
					EXPECT(!(dst[r * to + i / 8] >> (i % 8) & 1), "padding of %s",
					       xq_type_name(*type));
				for (size_t i = bytes; i < to; i++)
					EXPECT(dst[r * to + i] == 0xa5, "wrote past a row");
			}
			EXPECT(!xq_unpack(*type, dst, n, k, to, back, stride), "%s", xq_type_name(*type));
			for (size_t r = 0; r < n; r++)
				EXPECT(!memcmp(back + r * stride, src + r * stride, k), "%s row %zu",
				       xq_type_name(*type), r);
			free(src);
			free(back);
			free(dst);
		}
	}
}

static void tiles(void)
{
	EACH_TYPE(type) {
		const unsigned int bits = xq_type_bits(*type);

		for (int round = 0; round < 12; round++) {
			const size_t n = (size_t)ktap_range(0, 40), k = (size_t)ktap_range(0, 5000);
			const size_t tiles_k = (xq_row_size(*type, k) + 255) / 256, bytes = xq_tiled_size(*type, n, k);
			uint8_t *src = random_matrix(*type, n, k), *dst = malloc(bytes + 1), *back = malloc(n * k + 1);

			EXPECT(bytes == (n + 15) / 16 * tiles_k * 4096, "%zu", bytes);
			EXPECT(!xq_pack_tiled(*type, src, n, k, k, dst, NULL), "%s", xq_type_name(*type));
			for (size_t r = 0; r < n; r++) {
				for (size_t i = 0; i < k; i++) {
					const size_t word = i * bits / 32, tile = r / 16 * tiles_k + word / 64;
					const uint8_t *at = dst + tile * 4096 + 4 * (16 * (word % 64) + r % 16);

					EXPECT(code_at(at, bits, i % (32 / bits)) == code_of(*type, src[r * k + i]),
					       "%s [%zu][%zu] of [%zu][%zu]", xq_type_name(*type), r, i, n, k);
				}
			}
			EXPECT(!xq_unpack_tiled(*type, dst, n, k, back, k), "%s", xq_type_name(*type));
			EXPECT(!memcmp(back, src, n * k), "%s", xq_type_name(*type));
			free(src);
			free(dst);
			free(back);
		}
	}
}

/* The worked examples: little-endian order in a byte. */
static void examples(void)
{
	static const int8_t nibbles[] = { -3, 1, -7, 2 }, signs[] = { 1, -1, 1, -1, 1, 1, -1, 1, 1 };
	static const int8_t ternary[] = { 1, -1, 0, 1 };
	uint8_t out[2];

	EXPECT(!xq_pack(XQ_S4, nibbles, 1, 4, 4, out, 2, NULL), "s4");
	EXPECT(out[0] == 0x1d && out[1] == 0x29, "%02x %02x", out[0], out[1]);
	EXPECT(!xq_pack(XQ_B1, signs, 1, 9, 9, out, 2, NULL), "b1");
	EXPECT(out[0] == 0xb5 && out[1] == 1, "%02x %02x", out[0], out[1]);
	EXPECT(!xq_pack(XQ_T2, ternary, 1, 4, 4, out, 1, NULL), "t2");
	EXPECT(out[0] == 0x4d, "%02x", out[0]);
}

static bool is_value(enum xq_type type, uint8_t byte)
{
	const int value = xq_type_signed(type) ? (int8_t)byte : byte;

	return type == XQ_B1 ? value * value == 1 :
	       value >= xq_type_min(type) && value <= xq_type_max(type);
}

static void out_of_range(void)
{
	EACH_TYPE(type) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			const bool good = is_value(*type, (uint8_t)byte);
			const size_t n = 18, k = 1100, at = (size_t)ktap_range(0, (int64_t)(n * k) - 1);
			static uint8_t dst[64 * 4096];
			uint8_t *src;
			size_t bad = SIZE_MAX;
			int err;

			if (good && byte % 16)
				continue;
			src = random_matrix(*type, n, k);
			src[at] = (uint8_t)byte;
			err = xq_pack(*type, src, n, k, k, dst, xq_row_size(*type, k), &bad);
			EXPECT(good ? !err : err == -ERANGE && bad == at, "%s %02x: %d at %zu",
			       xq_type_name(*type), byte, err, bad);
			/* A second one later, in an earlier tile, does not hide the first. */
			if (!good && at + 3 * k < n * k)
				src[(at / k + 3) * k] = (uint8_t)byte;
			bad = SIZE_MAX;
			err = xq_pack_tiled(*type, src, n, k, k, dst, &bad);
			EXPECT(good ? !err : err == -ERANGE && bad == at, "%s %02x: %d at %zu",
			       xq_type_name(*type), byte, err, bad);
			free(src);
		}
	}
}

static void bad_arguments(void)
{
	uint8_t in[16] = { 0 }, out[16];

	EXPECT(xq_pack(XQ_S16, in, 1, 4, 4, out, 16, NULL) == -EINVAL, "s16");
	EXPECT(xq_pack(XQ_NONE, in, 1, 4, 4, out, 16, NULL) == -EINVAL, "none");
	EXPECT(xq_pack((enum xq_type)99, in, 1, 4, 4, out, 16, NULL) == -EINVAL, "99");
	EXPECT(xq_pack(XQ_S8, in, 1, 4, 3, out, 16, NULL) == -EINVAL, "source stride");
	EXPECT(xq_pack(XQ_S8, in, 1, 4, 4, out, 3, NULL) == -EINVAL, "stride");
	EXPECT(xq_unpack(XQ_S32, in, 1, 1, 16, out, 16) == -EINVAL, "s32");
	EXPECT(xq_pack_tiled(XQ_U16, in, 1, 1, 1, out, NULL) == -EINVAL, "u16");
	EXPECT(!xq_tiled_size(XQ_S8, SIZE_MAX, SIZE_MAX), "no overflow");
	EXPECT(xq_row_size(XQ_B1, SIZE_MAX) == SIZE_MAX / 8 + 1, "no overflow");
}

/* t2's fourth code and b1's both codes have a value. */
static void every_code(void)
{
	EACH_TYPE(type) {
		const unsigned int bits = xq_type_bits(*type);

		for (unsigned int code = 0; code < 1U << bits; code++) {
			uint8_t packed = (uint8_t)code, value;
			int want = (int)code;

			if (*type == XQ_B1)
				want = code ? 1 : -1;
			else if (xq_type_signed(*type) && code >> (bits - 1))
				want = (int)code - (1 << bits);
			EXPECT(!xq_unpack(*type, &packed, 1, 1, 1, &value, 1), "%s", xq_type_name(*type));
			EXPECT(value == (uint8_t)want, "%s code %u: %u", xq_type_name(*type), code, value);
		}
	}
}

KTAP_MAIN({ "rows of every type", rows }, { "tiles of every type", tiles },
	  { "worked examples", examples }, { "values out of range are named", out_of_range },
	  { "bad arguments", bad_arguments }, { "every code has a value", every_code })
