// SPDX-License-Identifier: MIT
/*
 * Rates of the pure functions on 64 MiB, one thread, beside memcpy of the same 64 MiB.
 *
 * A row's rate is the bytes it reads from its 64 MiB input over the best time of several
 * rounds; memcpy and all rows take turns, so that a busy machine hurts them alike. Results are
 * compared with a plain loop before anything is printed; exit status 1 if one differs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xqaccel/quantize.h>
#include <xqaccel/requantize.h>

#define BYTES ((size_t)64 << 20)
#define FLOATS (BYTES / sizeof(float))
#define ROUNDS 7
#define CHANNELS 1024

/* A row prepares, runs, and compares its output with a plain loop. */
struct row {
	const char *name;
	int (*run)(void);
	bool (*check)(void);
	double seconds;
};

static float *x, *x_out;
static uint8_t *q;
static float scale[CHANNELS];
static int32_t zp[CHANNELS];
static struct xq_layout tensor, rows_first, rows_last;
static struct xq_qtype s8, u8;
static const struct xq_rounding even = { .mode = XQ_ROUND_EVEN };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run_tensor_s8(void)
{
	return xq_quantize(x, &tensor, &s8, scale, NULL, NULL, q, NULL);
}

static int run_tensor_u8(void)
{
	return xq_quantize(x, &tensor, &u8, scale, zp, &even, q, NULL);
}

static int run_channel_s8(void)
{
	return xq_quantize(x, &rows_first, &s8, scale, NULL, NULL, q, NULL);
}

static int run_channel_u8(void)
{
	return xq_quantize(x, &rows_first, &u8, scale, zp, &even, q, NULL);
}

static int run_last_s8(void)
{
	return xq_quantize(x, &rows_last, &s8, scale, NULL, NULL, q, NULL);
}

static int run_dequantize(void)
{
	return xq_dequantize(q, &tensor, &s8, scale, NULL, x_out, NULL);
}

static int run_dynamic(void)
{
	float s;
	int32_t z;

	return xq_quantize_found(x, &tensor, &u8, XQ_AFFINE, NULL, &even, q, &s, &z, NULL);
}

/* step: elements that share a scale; 0: all, -1: one scale per element in turn. */
static bool check(bool is_unsigned, long step)
{
	for (size_t i = 0; i < FLOATS; i++) {
		size_t p = step < 0 ? i % CHANNELS : step ? i / (size_t)step % CHANNELS : 0;
		float v = x[i] / scale[p];
		float r = is_unsigned ? rintf(v) + (float)zp[p] : roundf(v);
		float c = fminf(fmaxf(r, is_unsigned ? 0 : -128), is_unsigned ? 255 : 127);

		if (q[i] != (uint8_t)(int)c)
			return false;
	}
	return true;
}

static bool check_tensor_s8(void) { return check(false, 0); }
static bool check_tensor_u8(void) { return check(true, 0); }
static bool check_channel_s8(void) { return check(false, FLOATS / CHANNELS); }
static bool check_channel_u8(void) { return check(true, FLOATS / CHANNELS); }
static bool check_last_s8(void) { return check(false, -1); }

static bool check_dequantize(void)
{
	for (size_t i = 0; i < FLOATS; i++)
		if (x_out[i] != (float)(int8_t)q[i] * scale[0])
			return false;
	return true;
}

static bool check_dynamic(void)
{
	float low = 0, high = 0, s;
	int z;

	for (size_t i = 0; i < FLOATS; i++) {
		low = fminf(low, x[i]);
		high = fmaxf(high, x[i]);
	}
	s = (high - low) / 255;
	z = (int)fminf(fmaxf(rintf(0 - low / s), 0), 255);
	for (size_t i = 0; i < FLOATS; i++)
		if (q[i] != (uint8_t)fminf(fmaxf(rintf(x[i] / s) + (float)z, 0), 255))
			return false;
	return true;
}

/* ---- requantization of int32 accumulators ------------------------------------------------------- */

static int32_t *acc;
static float factor[CHANNELS];
static int32_t multiplier[CHANNELS], left[CHANNELS], right[CHANNELS], bias[CHANNELS];
static int64_t add[CHANNELS];

static int requantize(enum xq_requant_profile profile, size_t inner, bool per_channel)
{
	const struct xq_requant rq = {
		.profile = profile, .type = XQ_S8, .params = per_channel ? CHANNELS : 1, .scale = factor,
		.multiplier = multiplier, .shift = profile == XQ_REQUANT_FLOOR_SHIFT ? right : left, .add = add,
		.zero_point = 3, .threads = 1,
	};
	const struct xq_channels shape = { FLOATS / CHANNELS / inner, CHANNELS, inner };

	return xq_requantize(acc, &shape, per_channel ? bias : NULL, &rq, q);
}

/* a * m / 2^31 with halves up, then / 2^n with halves away from zero */
static int64_t twice(int64_t a, int32_t m, int n)
{
	int64_t t = (a * m + (1 << 30)) >> 31, half = 1LL << (n - 1);

	return t < 0 ? -((-t + half) >> n) : (t + half) >> n;
}

static bool check_requantized(enum xq_requant_profile profile, size_t inner, bool per_channel)
{
	for (size_t i = 0; i < FLOATS; i++) {
		size_t c = per_channel ? i / inner % CHANNELS : 0;
		int64_t a = acc[i] + (per_channel ? bias[c] : 0), v;

		if (profile == XQ_REQUANT_ONNX)
			v = (int64_t)rint((double)a * (double)factor[c]);
		else if (profile == XQ_REQUANT_TFLITE)
			v = twice(a, multiplier[c], -left[c]);
		else if (profile == XQ_REQUANT_TFLITE_SINGLE)
			v = (a * multiplier[c] + (1LL << (30 - left[c]))) >> (31 - left[c]);
		else
			v = (a * multiplier[c] + add[c]) >> right[c];
		v += 3;
		if (q[i] != (uint8_t)(v < -128 ? -128 : v > 127 ? 127 : v))
			return false;
	}
	return true;
}

#define REQUANTIZE(name, profile, inner, per_channel)						\
	static int run_##name(void) { return requantize(profile, inner, per_channel); }	\
	static bool check_##name(void) { return check_requantized(profile, inner, per_channel); }

REQUANTIZE(onnx, XQ_REQUANT_ONNX, 1, false)
REQUANTIZE(tflite, XQ_REQUANT_TFLITE, 1, false)
REQUANTIZE(single, XQ_REQUANT_TFLITE_SINGLE, 1, false)
REQUANTIZE(floor, XQ_REQUANT_FLOOR_SHIFT, 1, false)
REQUANTIZE(onnx_last, XQ_REQUANT_ONNX, 1, true)
REQUANTIZE(tflite_last, XQ_REQUANT_TFLITE, 1, true)
REQUANTIZE(floor_last, XQ_REQUANT_FLOOR_SHIFT, 1, true)
REQUANTIZE(onnx_nchw, XQ_REQUANT_ONNX, 1024, true)
REQUANTIZE(tflite_nchw, XQ_REQUANT_TFLITE, 1024, true)

static int prepare_requantize(void)
{
	uint64_t state = 2;

	acc = aligned_alloc(64, BYTES);
	if (!acc)
		return 1;
	for (size_t i = 0; i < FLOATS; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		acc[i] = (int32_t)(state >> 32) >> 12;
	}
	for (int c = 0; c < CHANNELS; c++) {
		factor[c] = 0x1p-13f + (float)c * 1e-8f;
		multiplier[c] = (1 << 30) + c * 1000;
		left[c] = -12;
		right[c] = 43;
		add[c] = c * 1000000;
		bias[c] = c - CHANNELS / 2;
	}
	return 0;
}

static struct row rows[] = {
	{ "quantize s8, per tensor, nearest", run_tensor_s8, check_tensor_s8, 0 },
	{ "quantize u8, per tensor, even", run_tensor_u8, check_tensor_u8, 0 },
	{ "quantize s8, per channel (first axis)", run_channel_s8, check_channel_s8, 0 },
	{ "quantize u8, per channel (first axis)", run_channel_u8, check_channel_u8, 0 },
	{ "quantize s8, per channel (last axis)", run_last_s8, check_last_s8, 0 },
	{ "dequantize s8, per tensor (16 MiB in)", run_dequantize, check_dequantize, 0 },
	{ "find range, then quantize u8", run_dynamic, check_dynamic, 0 },
	{ "requantize to s8: ONNX, per tensor", run_onnx, check_onnx, 0 },
	{ "requantize: TFLite double rounding", run_tflite, check_tflite, 0 },
	{ "requantize: TFLite single rounding", run_single, check_single, 0 },
	{ "requantize: floor shift", run_floor, check_floor, 0 },
	{ "bias, requantize: ONNX, channel last", run_onnx_last, check_onnx_last, 0 },
	{ "bias, requantize: TFLite, channel last", run_tflite_last, check_tflite_last, 0 },
	{ "bias, requantize: floor, channel last", run_floor_last, check_floor_last, 0 },
	{ "bias, requantize: ONNX, NCHW", run_onnx_nchw, check_onnx_nchw, 0 },
	{ "bias, requantize: TFLite, NCHW", run_tflite_nchw, check_tflite_nchw, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int prepare(void)
{
	uint64_t state = 1;

	x = aligned_alloc(64, BYTES);
	x_out = aligned_alloc(64, BYTES);
	q = aligned_alloc(64, BYTES);
	if (!x || !x_out || !q)
		return 1;
	for (size_t i = 0; i < FLOATS; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		x[i] = (float)(int32_t)(state >> 32) * 0x1p-29f;
	}
	for (int c = 0; c < CHANNELS; c++) {
		scale[c] = 0.03f + (float)c * 1e-5f;
		zp[c] = c % 256;
	}
	memset(q, 0, BYTES);
	xq_qtype_of(XQ_S8, &s8);
	xq_qtype_of(XQ_U8, &u8);
	xq_layout_tensor((size_t[]){ FLOATS }, 1, &tensor);
	xq_layout_channel((size_t[]){ CHANNELS, FLOATS / CHANNELS }, 2, 0, &rows_first);
	xq_layout_channel((size_t[]){ FLOATS / CHANNELS, CHANNELS }, 2, 1, &rows_last);
	return 0;
}

int main(void)
{
	double copy = INFINITY, start;

	if (prepare() || prepare_requantize()) {
		fprintf(stderr, "bench-numerics: no memory\n");
		return 1;
	}
	for (size_t r = 0; r < ROWS; r++) {
		rows[r].seconds = INFINITY;
		if (rows[r].run() || !rows[r].check()) {
			fprintf(stderr, "bench-numerics: %s: wrong result\n", rows[r].name);
			return 1;
		}
	}
	for (int round = 0; round < ROUNDS; round++) {
		start = now();
		memcpy(x_out, x, BYTES);
		copy = fmin(copy, now() - start);
		for (size_t r = 0; r < ROWS; r++) {
			start = now();
			rows[r].run();
			rows[r].seconds = fmin(rows[r].seconds, now() - start);
		}
	}
	printf("%-40s %10s %10s\n", "64 MiB read, one thread", "GB/s", "of memcpy");
	printf("%-40s %10.2f %9.0f%%\n", "memcpy", (double)BYTES / copy / 1e9, 100.0);
	for (size_t r = 0; r < ROWS; r++)
		printf("%-40s %10.2f %9.0f%%\n", rows[r].name, (double)BYTES / rows[r].seconds / 1e9,
		       100 * copy / rows[r].seconds);
	free(x);
	free(x_out);
	free(q);
	free(acc);
	return 0;
}
