// SPDX-License-Identifier: MIT
/*
 * Any bytes as floats, codes, scales and shapes through every encoder and decoder. Arrays are
 * exactly as long as the headers say, so that the sanitizer sees one element too many; where
 * an encoder accepts its input, its codes must be in range and its decoder must take them back.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/blockfloat.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>
#include <xqaccel/float_formats.h>
#include <xqaccel/reconstruct.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)
#define MOST 4096

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned int take(struct input *in, unsigned int below)
{
	unsigned int byte;

	if (!in->left)
		return 0;
	byte = *in->at++;
	in->left--;
	return byte % below;
}

/* n * bytes of input, zeros where it ends; to be freed. */
static void *array(struct input *in, size_t n, size_t bytes)
{
	size_t total = n * bytes, have = total < in->left ? total : in->left;
	uint8_t *out = calloc(total ? total : 1, 1);

	MUST(out);
	memcpy(out, in->at, have);
	in->at += have;
	in->left -= have;
	return out;
}

static bool all_finite(const float *x, size_t n, size_t *where)
{
	for (*where = 0; *where < n; ++*where)
		if (!isfinite(x[*where]))
			return false;
	return true;
}

/* Refused for the first element that is not finite, or accepted. */
static bool accepted(int err, const struct xq_fault *fault, const float *x, size_t n)
{
	size_t bad;

	if (all_finite(x, n, &bad)) {
		MUST(!err);
		return true;
	}
	MUST(err == -EDOM && fault->kind == XQ_FAULT_INPUT && !isfinite(x[fault->index]));
	return false;
}

static void fuzz_linear(struct input *in)
{
	const size_t dims[3] = { take(in, 6), take(in, 20), take(in, 20) };
	struct xq_calibration how = { .method = (enum xq_calibrate)take(in, 8), .bins = 64 };
	enum xq_scheme scheme = (enum xq_scheme)take(in, 2);
	struct xq_rounding rounding = { .mode = (enum xq_round)take(in, 3), .seed = take(in, 256) };
	unsigned int bits = take(in, 8) + 2, kind = take(in, 3), step = take(in, 2);
	struct xq_fault fault = { 0 };
	struct xq_layout layout;
	struct xq_qtype type;
	size_t n, params;
	float *x, *scale;
	int32_t *zp;
	uint8_t *q;

	MUST(!xq_qtype_bits(bits > 8 ? 16 : bits, take(in, 2), &type));
	MUST(!(kind == 0 ? xq_layout_tensor(dims, 3, &layout) :
	       kind == 1 ? xq_layout_channel(dims, 3, (int)take(in, 3), &layout) :
	       xq_layout_block(dims, 3, (int)take(in, 3), take(in, 9) + 1, &layout)));
	n = xq_layout_elements(&layout);
	params = xq_layout_params(&layout);
	scale = array(in, params, sizeof(*scale));
	zp = array(in, params, sizeof(*zp));
	x = array(in, n, sizeof(*x));
	q = calloc(n ? n : 1, type.bits > 8 ? 2 : 1);
	MUST(q);
	if (step) {
		/* Scales and zero points as they come. */
		if (!xq_quantize(x, &layout, &type, scale, zp, &rounding, q, &fault))
			MUST(!xq_dequantize(q, &layout, &type, scale, zp, x, NULL));
	} else if (accepted(xq_quantize_found(x, &layout, &type, scheme, &how, &rounding, q, scale, zp, &fault),
			    &fault, x, n)) {
		for (size_t p = 0; p < params; p++)
			MUST(isfinite(scale[p]) && scale[p] > 0 && zp[p] >= type.min && zp[p] <= type.max);
		MUST(!xq_dequantize(q, &layout, &type, scale, zp, x, NULL));
	}
	free(scale);
	free(zp);
	free(x);
	free(q);
}

static void fuzz_blocks(struct input *in)
{
	size_t rows = take(in, 5), k = take(in, 100), n = rows * k, blocks16 = (k + 15) / 16, blocks32 = (k + 31) / 32;
	struct xq_vsquant f = { .bits = take(in, 7) + 2, .scale_bits = take(in, 8) + 1, .vector = take(in, 40) + 1 };
	enum xq_mx format = (enum xq_mx)take(in, 3);
	size_t vectors = (k + f.vector - 1) / f.vector;
	int8_t *q = array(in, n, 1);
	uint8_t *scale = array(in, rows * vectors, 1), *exponent = array(in, rows * blocks16, 1);
	uint8_t *micro = array(in, rows * blocks16, 1), *e8m0 = array(in, rows * blocks32, 1);
	float *gamma = array(in, rows, sizeof(*gamma)), *x = array(in, n, sizeof(*x)), *y = calloc(n + 1, sizeof(*y));
	struct xq_fault fault = { 0 };

	MUST(y);
	/* Decoders take any bytes. */
	MUST(!xq_mx_decode(q, exponent, micro, rows, k, format, y));
	MUST(!xq_mxint8_decode(q, e8m0, rows, k, y));
	MUST(!xq_mxfp4_decode((uint8_t *)q, e8m0, rows, k, y));
	MUST(!xq_vsquant_decode(q, scale, gamma, rows, k, &f, y));
	if (accepted(xq_mx_encode(x, rows, k, format, q, exponent, micro, &fault), &fault, x, n))
		MUST(!xq_mx_decode(q, exponent, micro, rows, k, format, y));
	if (accepted(xq_mxint8_encode(x, rows, k, q, e8m0, &fault), &fault, x, n))
		MUST(!xq_mxint8_decode(q, e8m0, rows, k, y));
	if (accepted(xq_mxfp4_encode(x, rows, k, (uint8_t *)q, e8m0, &fault), &fault, x, n))
		for (size_t i = 0; i < n; i++)
			MUST((uint8_t)q[i] < 16);
	if (accepted(xq_vsquant_encode(x, rows, k, &f, q, scale, gamma, &fault), &fault, x, n))
		for (size_t i = 0; i < rows * vectors; i++)
			MUST(scale[i] < 1u << f.scale_bits);
	free(q);
	free(scale);
	free(exponent);
	free(micro);
	free(e8m0);
	free(gamma);
	free(x);
	free(y);
}

static void fuzz_codebook(struct input *in)
{
	unsigned int bits = take(in, 7) + 2;
	size_t n = take(in, 200), entries = (size_t)1 << bits, bad;
	float *table = array(in, entries, sizeof(*table)), *x = array(in, n, sizeof(*x));
	uint8_t *codes = array(in, n, 1);
	double *gradient = calloc(entries, sizeof(*gradient));
	int8_t entries8[256];
	struct xq_fault fault = { 0 };
	float scale;
	int err;

	MUST(gradient);
	err = xq_codebook_gradient(x, codes, n, bits, gradient, &fault);
	MUST(!err || err == -EDOM);
	if (!xq_codebook_encode(x, n, table, bits, codes, &fault))
		for (size_t i = 0; i < n; i++)
			MUST(codes[i] < entries);
	if (accepted(xq_codebook_fit(x, n, NULL, bits, table, &fault), &fault, x, n)) {
		MUST(all_finite(table, entries, &bad));
		MUST(!xq_codebook_encode(x, n, table, bits, codes, NULL));
		MUST(!xq_codebook_decode(codes, n, table, bits, x, NULL));
		MUST(!xq_codebook_to_s8(table, bits, entries8, &scale, NULL));
	}
	free(table);
	free(x);
	free(codes);
	free(gradient);
}

static void fuzz_rows(struct input *in)
{
	size_t rows = take(in, 6), k = take(in, 60), n = rows * k;
	float *x = array(in, n, sizeof(*x)), *scale = calloc(rows + 1, sizeof(*scale));
	int8_t *q = calloc(n + 1, 1);
	struct xq_fault fault = { 0 };

	MUST(scale && q);
	accepted(xq_bwn_encode(x, rows, k, q, scale, &fault), &fault, x, n);
	accepted(xq_twn_encode(x, rows, k, q, scale, NULL, &fault), &fault, x, n);
	if (accepted(xq_ternary_best_encode(x, rows, k, q, scale, &fault), &fault, x, n))
		for (size_t i = 0; i < n; i++)
			MUST(q[i] >= -1 && q[i] <= 1);
	MUST(!xq_scaled_decode(q, rows, k, scale, x));
	free(x);
	free(scale);
	free(q);
}

static void fuzz_casts(struct input *in)
{
	static const enum xq_type types[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_S16, XQ_U16, XQ_S32 };
	enum xq_float_format format = (enum xq_float_format)take(in, 6);
	enum xq_type from = types[take(in, 9)], to = types[take(in, 9)];
	size_t n = in->left / 4 < MOST ? in->left / 4 : MOST;
	float *x = array(in, n, sizeof(*x));
	void *codes = calloc(n + 1, 4), *others = calloc(n + 1, 4);
	struct xq_fault fault = { 0 };

	MUST(codes && others);
	MUST(!xq_float_encode(x, n, format, XQ_OVERFLOW_SPECIAL, codes));
	MUST(!xq_float_encode(x, n, format, XQ_OVERFLOW_SATURATE, codes));
	if (accepted(xq_cast_from_float(x, n, from, codes, &fault), &fault, x, n)) {
		MUST(!xq_cast_integer(codes, from, n, to, others));
		MUST(!xq_cast_to_float(others, n, to, x));
	}
	MUST(!xq_float_decode(others, n, format, x));
	free(x);
	free(codes);
	free(others);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(struct input *) = { fuzz_linear, fuzz_blocks, fuzz_codebook, fuzz_rows, fuzz_casts };
	struct input in = { data, size };

	if (size)
		targets[take(&in, sizeof(targets) / sizeof(targets[0]))](&in);
	return 0;
}
