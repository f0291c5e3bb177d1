// SPDX-License-Identifier: MIT
/*
 * Kernels of what comes between products, one thread, beside memcpy that moves as many bytes: a row reads
 * its inputs and writes its output once, memcpy reads and writes half of that sum each. Sizes are those
 * of layers. memcpy and the row take turns, the best time of each counts. Results are compared with plain
 * loops, or with the portable kernels, before anything is printed; exit status 1 if one differs.
 *
 * The last row is an epilogue's part of a product of 128 x 3072 x 768, called for blocks of accumulators
 * that stay in a cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epilogue/epilogue.h"
#include "xq_kernels.h"

#define MOST	((size_t)16 << 20)
#define ROUNDS	15

static uint8_t *x, *other, *y, *want;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t random_bits(void)
{
	static uint64_t state = 1;
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double run(const struct xqk_isa *isa, const struct xqk_operator *job)
{
	static uint8_t scratch[1 << 20] __attribute__((aligned(64)));
	struct xqk_plan plan;
	double start = now();

	xqk_plan_operator(&plan, isa, job, 1);
	for (uint32_t chunk = 0; chunk < plan.chunks; chunk++)
		xqk_run_chunk(&plan, chunk, scratch, NULL);
	return now() - start;
}

/* One row of the table; false if results differ. */
static bool row(const char *name, struct xqk_operator *job, struct xqk_view *out, size_t in_bytes, size_t out_bytes)
{
	const size_t half = (in_bytes + out_bytes) / 2;
	const struct xqk_isa *isa = xqk_isa_select(NULL);
	double best = 1e9, copy = 1e9, t;

	out->flat = want;
	run(xqk_isa_select("scalar"), job);
	out->flat = y;
	run(isa, job);
	if (memcmp(y, want, out_bytes)) {
		printf("%s: the result differs\n", name);
		return false;
	}
	for (int round = 0; round < ROUNDS; round++) {
		t = run(isa, job);
		best = t < best ? t : best;
		t = now();
		memcpy(y, x, half);
		__asm__ volatile("" : : "r"(y) : "memory");
		t = now() - t;
		copy = t < copy ? t : copy;
	}
	printf("%-44s %8.1f us %8.2f GB/s %7.0f %%\n", name, best * 1e6, (double)(in_bytes + out_bytes) / best / 1e9,
	       100 * copy / best);
	return true;
}

static bool pool(const char *name, unsigned int kind, uint32_t size, uint32_t channels, uint32_t kernel, uint32_t stride,
		 uint32_t pad)
{
	struct xqk_operator job = { .kind = XQK_POOLING };
	struct xq_pool_dims *d = &job.pooling.dims;
	const uint32_t out = (size + 2 * pad - kernel) / stride + 1;
	const size_t in_bytes = (size_t)size * size * channels, out_bytes = (size_t)out * out * channels;
	const uint32_t batch = (uint32_t)(((size_t)2 << 20) / in_bytes + 1);

	*d = (struct xq_pool_dims){ .kind = (__u8)kind, .format = XQACCEL_FMT_S8, .batch = batch, .in_h = size, .in_w = size,
				    .channels = channels, .out_h = out, .out_w = out, .kernel_h = kernel, .kernel_w = kernel,
				    .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .act_min = -128,
				    .act_max = 127 };
	job.pooling.x = (struct xqk_view){ .flat = x, .stride = size * channels, .group_stride = channels, .batch_stride = in_bytes };
	job.pooling.y = (struct xqk_view){ .stride = out * channels, .group_stride = channels, .batch_stride = out_bytes };
	return row(name, &job, &job.pooling.y, in_bytes * batch, out_bytes * batch);
}

static bool pair(const char *name, unsigned int kind, unsigned int profile)
{
	struct xqk_operator job = { .kind = XQK_ELEMENTWISE };
	struct xq_elementwise *e = &job.elementwise.dims;
	const uint32_t n = 56 * 56 * 256;
	const float scale = kind == XQ_ELEMENTWISE_MUL ? 0.01f : 1.7f;
	const struct xq_elementwise_input in = { .format = XQACCEL_FMT_S8, .zero_point = 3, .multiplier = 1518500250,
						 .shift = profile == XQ_PROFILE_FLOOR_SHIFT ? 31 : -1, .scale = 0x3f800000, .stride = { 1 } };

	*e = (struct xq_elementwise){ .kind = (__u8)kind, .format = XQACCEL_FMT_S8, .dims = 1, .dim = { n }, .stride = { 1 },
				      .left_shift = 20, .a = in, .b = in, .y = { .profile = profile, .multiplier = 1518500250,
				      .shift = kind == XQ_ELEMENTWISE_MUL ? -6 : -18, .zero_point = -4, .act_min = -128, .act_max = 127 } };
	memcpy(&e->y.scale, &scale, 4);
	job.elementwise.a.flat = x;
	job.elementwise.b.flat = other;
	return row(name, &job, &job.elementwise.y, 2 * (size_t)n, n);
}

/* Dimensions outermost first; strides in elements. */
static bool copy(const char *name, unsigned int bytes, unsigned int dims, const uint32_t *dim, const uint64_t *xs, const uint64_t *ys,
		 size_t in, size_t out)
{
	struct xqk_operator job = { .kind = XQK_COPY };
	struct xq_copy_dims *d = &job.copy.dims;

	d->x_format = d->y_format = bytes == 1 ? XQACCEL_FMT_S8 : bytes == 2 ? XQACCEL_FMT_S16 : XQACCEL_FMT_S32;
	d->dims = (__u8)dims;
	for (unsigned int i = 0; i < dims; i++) {
		d->dim[i] = dim[i];
		d->x_stride[i] = xs[i] * bytes;
		d->y_stride[i] = ys[i] * bytes;
	}
	memset(y, 0, out * bytes);
	memset(want, 0, out * bytes);
	job.copy.x.flat = x;
	return row(name, &job, &job.copy.y, in * bytes, out * bytes);
}

static bool copies(void)
{
	const uint32_t h = 112, w = 112, c = 64, n = 2, half = c / 2;
	const size_t all = (size_t)n * h * w * c;

	return copy("transpose s8 2x112x112x64 to NCHW", 1, 3, (uint32_t[]){ n, c, h * w }, (uint64_t[]){ (uint64_t)h * w * c, 1, c },
		    (uint64_t[]){ (uint64_t)h * w * c, h * w, 1 }, all, all) &&
	       copy("transpose s8 2x64x112x112 to NHWC", 1, 3, (uint32_t[]){ n, h * w, c },
		    (uint64_t[]){ (uint64_t)h * w * c, 1, h * w }, (uint64_t[]){ (uint64_t)h * w * c, c, 1 }, all, all) &&
	       copy("transpose s32 1024x1024", 4, 2, (uint32_t[]){ 1024, 1024 }, (uint64_t[]){ 1, 1024 }, (uint64_t[]){ 1024, 1 },
		    1 << 20, 1 << 20) &&
	       copy("concatenate s8, 64 of 128 channels", 1, 2, (uint32_t[]){ n * h * w, c }, (uint64_t[]){ c, 1 }, (uint64_t[]){ 2 * c, 1 },
		    all, all) &&
	       copy("slice s8, 32 of 64 channels", 1, 2, (uint32_t[]){ n * h * w, half }, (uint64_t[]){ c, 1 }, (uint64_t[]){ half, 1 },
		    all / 2, all / 2) &&
	       copy("slice s8, rows of 100x100x64", 1, 3, (uint32_t[]){ n, 100, 100 * c }, (uint64_t[]){ (uint64_t)h * w * c, w * c, 1 },
		    (uint64_t[]){ 100 * 100 * c, 100 * c, 1 }, (size_t)n * 100 * 100 * c, (size_t)n * 100 * 100 * c) &&
	       copy("enlarge s8 56x56x64 by 2", 1, 5, (uint32_t[]){ 56, 2, 56, 2, c }, (uint64_t[]){ 56 * c, 0, c, 0, 1 },
		    (uint64_t[]){ 4 * 56 * c, 2 * 56 * c, 2 * c, c, 1 }, (size_t)56 * 56 * c, (size_t)4 * 56 * 56 * c);
}

/* ---- an epilogue behind a product --------------------------------------------------------------------- */

#define M	128
#define N	3072
#define K	768
#define ROWS	16
#define COLUMNS	64

static double product(void)
{
	static uint8_t scratch[8 << 20] __attribute__((aligned(64)));
	struct xqk_gemm gemm = {
		.dims = { .flags = XQACCEL_JOB_B_TILED, .m = M, .n = N, .k = K, .batch = 1, .a_format = XQACCEL_FMT_S8,
			  .b_format = XQACCEL_FMT_S8 },
	};
	struct xqk_plan plan;
	double start;

	gemm.view[XQACCEL_A] = (struct xqk_view){ .flat = x, .stride = K };
	gemm.view[XQACCEL_B] = (struct xqk_view){ .flat = other };
	gemm.view[XQACCEL_C] = (struct xqk_view){ .flat = y, .stride = 4 * N };
	start = now();
	xqk_plan(&plan, xqk_isa_select(NULL), &gemm, 1);
	if (plan.scratch_bytes > sizeof(scratch))
		return 0;
	for (uint32_t chunk = 0; chunk < plan.chunks; chunk++)
		xqk_run_chunk(&plan, chunk, scratch, NULL);
	return now() - start;
}

static double epilogue(const struct xqk_epilogue *e, const int32_t *acc, void *memory)
{
	const struct xqk_isa *isa = xqk_isa_select(NULL);
	uint8_t *rows[ROWS];
	struct xqk_prepared prepared;
	const double start = now();

	xqk_epilogue_prepare(e, 0, N, memory, &prepared);
	for (uint32_t n = 0; n < N; n += COLUMNS)
		for (uint32_t m = 0; m < M; m += ROWS) {
			const struct xqk_epilogue_block b = { .acc = acc, .acc_stride = COLUMNS, .m0 = m, .rows = ROWS, .column = n,
							      .columns = COLUMNS, .out = rows };

			for (uint32_t r = 0; r < ROWS; r++)
				rows[r] = y + (m + r) * N + n;
			xqk_epilogue_rows(isa, &prepared, &b);
		}
	return now() - start;
}

static void epilogue_row(const char *name, unsigned int profile)
{
	static int32_t bias[N], multiplier[N], shift[N], acc[ROWS * COLUMNS];
	static float scale[N];
	struct xqk_epilogue e = { .dims = { .kind = XQ_EPILOGUE_REQUANT, .profile = (__u8)profile, .format = XQACCEL_FMT_S8, .channels = 1,
				  .zero_point = 3, .act_min = -128, .act_max = 127 } };
	double best = 1e9, whole = 1e9, t;
	void *memory;

	for (size_t i = 0; i < N; i++) {
		bias[i] = (int32_t)random_bits() % 1000;
		multiplier[i] = 1 << 30 | (int32_t)(random_bits() & 0xfffffff);
		shift[i] = -8 - (int32_t)(i % 3);
		scale[i] = 1e-3f + 1e-6f * (float)i;
	}
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		acc[i] = (int32_t)random_bits() % 100000;
	e.view[XQ_EPILOGUE_BIAS].flat = (uint8_t *)bias;
	e.view[XQ_EPILOGUE_MULTIPLIER].flat = (uint8_t *)multiplier;
	e.view[XQ_EPILOGUE_SHIFT].flat = (uint8_t *)shift;
	e.view[XQ_EPILOGUE_SCALE].flat = (uint8_t *)scale;
	memory = aligned_alloc(64, (xqk_epilogue_bytes(&e, N) + 63) & ~(size_t)63);
	for (int round = 0; round < ROUNDS; round++) {
		t = epilogue(&e, acc, memory);
		best = t < best ? t : best;
		t = product();
		whole = t < whole ? t : whole;
	}
	free(memory);
	printf("%-44s %8.1f us, the product %8.1f us %7.1f %%\n", name, best * 1e6, whole * 1e6, 100 * best / whole);
}

int main(void)
{
	bool right;

	x = aligned_alloc(4096, MOST);
	other = aligned_alloc(4096, MOST);
	y = aligned_alloc(4096, MOST);
	want = aligned_alloc(4096, MOST);
	if (!x || !other || !y || !want)
		return 1;
	for (size_t i = 0; i < MOST; i += 8) {
		const uint64_t a = random_bits(), b = random_bits();

		memcpy(x + i, &a, 8);
		memcpy(other + i, &b, 8);
	}
	memset(y, 1, MOST);
	memset(want, 1, MOST);
	printf("%-44s %11s %13s %10s\n", "operator, one thread", "", "moved", "of memcpy");
	right = pool("max pool 2x2/2 112x112x64", XQ_POOL_MAX, 112, 64, 2, 2, 0) &&
		pool("max pool 3x3/2 112x112x64", XQ_POOL_MAX, 112, 64, 3, 2, 1) &&
		pool("max pool 3x3/1 28x28x192", XQ_POOL_MAX, 28, 192, 3, 1, 1) &&
		pool("average pool 2x2/2 56x56x128", XQ_POOL_AVERAGE, 56, 128, 2, 2, 0) &&
		pool("average pool 3x3/1 28x28x192", XQ_POOL_AVERAGE, 28, 192, 3, 1, 1) &&
		pool("global average pool 7x7x2048", XQ_POOL_AVERAGE, 7, 2048, 7, 1, 0) &&
		pair("add tflite 56x56x256", XQ_ELEMENTWISE_ADD, XQ_PROFILE_TFLITE) &&
		pair("add onnx 56x56x256", XQ_ELEMENTWISE_ADD, XQ_PROFILE_ONNX) &&
		pair("add floor-shift 56x56x256", XQ_ELEMENTWISE_ADD, XQ_PROFILE_FLOOR_SHIFT) &&
		pair("mul tflite 56x56x256", XQ_ELEMENTWISE_MUL, XQ_PROFILE_TFLITE) &&
		pair("mul onnx 56x56x256", XQ_ELEMENTWISE_MUL, XQ_PROFILE_ONNX) && copies();
	if (!right)
		return 1;
	epilogue_row("epilogue tflite of 128x3072x768 to s8", XQ_PROFILE_TFLITE);
	epilogue_row("epilogue onnx of 128x3072x768 to s8", XQ_PROFILE_ONNX);
	return 0;
}
