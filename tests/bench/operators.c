// SPDX-License-Identifier: MIT
/*
 * Kernels of what comes between products, one thread, beside memcpy that moves as many bytes: a row reads
 * its inputs and writes its output once, memcpy reads and writes half of that sum each. Sizes are those
 * of layers. memcpy and the row take turns, the best time of each counts. Results are compared with plain
 * loops, or with the portable kernels, before anything is printed; exit status 1 if one differs.
 *
 * The last rows are a product of 128 x 3072 x 768 with an epilogue, over the same one to int32.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xq_kernels.h"

#define MOST	((size_t)16 << 20)
#define ROUNDS	15

static uint8_t *x, *other, *y, *want;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
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

/* ---- products with an epilogue ------------------------------------------------------------------------ */

#define M	128
#define N	3072
#define K	768
#define TURNS	101

static struct xqk_gemm gemm;
static void *gemm_scratch;

static double product(void)
{
	struct xqk_plan plan;
	const double start = now();

	xqk_plan(&plan, xqk_isa_select(NULL), &gemm, 1);
	for (uint32_t chunk = 0; chunk < plan.chunks; chunk++)
		xqk_run_chunk(&plan, chunk, gemm_scratch, NULL);
	return now() - start;
}

static int compare(const void *a, const void *b)
{
	const double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

/* Whether the product with its epilogue gives what the portable epilogue makes of the accumulators. */
static bool fused_right(const struct xqk_epilogue *e)
{
	struct xqk_operator finish = { .kind = XQK_FINISH, .finish = { .epilogue = *e, .m = M, .n = N } };

	gemm.epilogue = (struct xqk_epilogue){ 0 };
	gemm.view[XQACCEL_C] = (struct xqk_view){ .flat = y, .stride = 4 * N };
	product();
	finish.finish.acc = gemm.view[XQACCEL_C];
	finish.finish.y = (struct xqk_view){ .flat = want, .stride = N };
	run(xqk_isa_select("scalar"), &finish);
	gemm.epilogue = *e;
	gemm.view[XQACCEL_C].stride = N;
	product();
	return !memcmp(y, want, (size_t)M * N);
}

/* Both take turns; the medians of times and of ratios count. */
static bool epilogue_row(const char *name, const struct xqk_epilogue *e)
{
	static double with[TURNS], ratio[TURNS];

	if (!fused_right(e)) {
		printf("%s: the result differs\n", name);
		return false;
	}
	for (int turn = 0; turn < TURNS; turn++) {
		double without;

		gemm.epilogue.dims.kind = XQ_EPILOGUE_NONE;
		gemm.view[XQACCEL_C].stride = 4 * N;
		product();
		without = product();
		gemm.epilogue.dims.kind = e->dims.kind;
		gemm.view[XQACCEL_C].stride = N;
		product();
		with[turn] = product();
		ratio[turn] = with[turn] / without - 1;
	}
	qsort(with, TURNS, sizeof(double), compare);
	qsort(ratio, TURNS, sizeof(double), compare);
	printf("%-44s %8.1f us, over the product alone %7.1f %%\n", name, with[TURNS / 2] * 1e6, 100 * ratio[TURNS / 2]);
	return true;
}

static bool epilogues(void)
{
	static int32_t bias[N], multiplier[N], shift[N], threshold[3 * N];
	static float scale[N];
	struct xqk_epilogue e = { .dims = { .kind = XQ_EPILOGUE_REQUANT, .format = XQACCEL_FMT_S8, .channels = 1,
				  .thresholds = 3, .zero_point = 3, .act_min = -128, .act_max = 127 } };
	struct xqk_plan plan;
	bool right;

	gemm.dims = (struct xq_dims){ .flags = XQACCEL_JOB_B_TILED, .m = M, .n = N, .k = K, .batch = 1,
				      .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 };
	gemm.view[XQACCEL_A] = (struct xqk_view){ .flat = x, .stride = K };
	gemm.view[XQACCEL_B] = (struct xqk_view){ .flat = other };
	for (size_t i = 0; i < N; i++) {
		bias[i] = (int32_t)random_bits() % 1000;
		multiplier[i] = 1 << 30 | (int32_t)(random_bits() & 0xfffffff);
		shift[i] = -11 - (int32_t)(i % 3);
		scale[i] = 1e-4f + 1e-7f * (float)i;
		for (int t = 0; t < 3; t++)
			threshold[3 * i + t] = (int32_t)random_bits() % 100000;
	}
	e.view[XQ_EPILOGUE_BIAS].flat = (uint8_t *)bias;
	e.view[XQ_EPILOGUE_MULTIPLIER].flat = (uint8_t *)multiplier;
	e.view[XQ_EPILOGUE_SHIFT].flat = (uint8_t *)shift;
	e.view[XQ_EPILOGUE_SCALE].flat = (uint8_t *)scale;
	e.view[XQ_EPILOGUE_THRESHOLD].flat = (uint8_t *)threshold;
	gemm.epilogue = e;
	xqk_plan(&plan, xqk_isa_select(NULL), &gemm, 1);
	gemm_scratch = aligned_alloc(4096, (plan.scratch_bytes + 4095) & ~(size_t)4095);
	e.dims.profile = XQ_PROFILE_TFLITE;
	right = gemm_scratch && epilogue_row("128x3072x768 s8, tflite to s8", &e);
	e.dims.profile = XQ_PROFILE_ONNX;
	right = right && epilogue_row("128x3072x768 s8, onnx to s8", &e);
	e.dims.kind = XQ_EPILOGUE_THRESHOLDS;
	e.dims.format = XQACCEL_FMT_S8;
	right = right && epilogue_row("128x3072x768 s8, 3 thresholds to s8", &e);
	free(gemm_scratch);
	return right;
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
	return right && epilogues() ? 0 : 1;
}
