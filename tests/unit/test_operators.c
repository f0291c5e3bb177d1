// SPDX-License-Identifier: GPL-2.0
/*
 * The library's operators between products: shapes that become fewer dimensions, factors from scales, and what
 * is refused. The arithmetic is the kernels' and has its own tests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/copy.h>
#include <xqaccel/elementwise.h>
#include <xqaccel/pool.h>
#include <xqaccel/softmax.h>

#include "ktap.h"

static struct xq_workspace *workspace;
static struct xq_device *device;

static bool begin(void)
{
	return EXPECT(workspace || (!xq_device_open("soft", &device) && !xq_workspace_create(device, &workspace)), "no device");
}

/* Any order of dimensions, some of size 1, against a walk over all indices. */
static void copies(void)
{
	for (int round = 0; begin() && round < 2000 && ktap.failures < 5; round++) {
		static const enum xq_type types[] = { XQ_S8, XQ_S16, XQ_F32 };
		struct xq_copy copy = { .x_type = types[ktap_range(0, 2)], .dims = (unsigned int)ktap_range(1, XQ_COPY_DIMS) };
		const size_t bytes = xq_type_unpacked_bytes(copy.x_type);
		size_t index[XQ_COPY_DIMS] = { 0 }, order[XQ_COPY_DIMS], all = bytes, count = 1;
		uint8_t *x, *y, *want;

		copy.y_type = copy.x_type;
		for (size_t i = 0; i < copy.dims; i++) {
			copy.dim[i] = (size_t)(ktap_range(0, 30) ? ktap_range(1, ktap_range(0, 3) ? 5 : 1) : 0);
			count *= copy.dim[i];
			order[i] = i;
		}
		for (size_t i = copy.dims; i--;) {
			copy.y_stride[i] = all;
			all *= copy.dim[i];
		}
		for (size_t i = 0; i < copy.dims && ktap_range(0, 2); i++) {
			size_t other = i + (size_t)ktap_range(0, (int64_t)(copy.dims - 1 - i)), kept = order[i];

			order[i] = order[other];
			order[other] = kept;
		}
		all = bytes;
		for (size_t i = copy.dims; i--;) {
			copy.x_stride[order[i]] = all;
			all *= copy.dim[order[i]];
		}
		x = malloc(all + 1);
		y = calloc(all + 1, 1);
		want = calloc(all + 1, 1);
		for (size_t i = 0; i < all; i++)
			x[i] = (uint8_t)ktap_random();
		for (size_t n = 0; n < count; n++) {
			size_t from = 0, i = copy.dims;

			for (size_t d = 0; d < copy.dims; d++)
				from += index[d] * copy.x_stride[d];
			memcpy(want + n * bytes, x + from, bytes);
			while (i-- && ++index[i] == copy.dim[i])
				index[i] = 0;
		}
		copy.x = x;
		copy.y = y;
		EXPECT(!xq_copy(workspace, &copy), "error");
		EXPECT(!memcmp(y, want, all), "%u dimensions of %zu elements", copy.dims, count);
		free(x);
		free(y);
		free(want);
	}
}

static void conversions(void)
{
	static const float x[] = { 0.5f, 1.5f, -2.5f, 100, -0.25f, 0, 0.75f, 1 };
	static const int8_t want[] = { 0, 2, -2, 7, 0, 0, 1, 1 };
	struct xq_copy copy = { .conversion = XQ_QUANTIZE, .x_type = XQ_F32, .y_type = XQ_S4, .dims = 2, .dim = { 2, 4 },
				.x_stride = { 16, 4 }, .y_stride = { 2, 1 }, .x = x, .scale = 1 };
	uint8_t y[16];
	float back[8], scale[2];
	int32_t zp[2];

	if (!begin())
		return;
	copy.y = y;
	EXPECT(!xq_copy(workspace, &copy), "error");
	for (size_t i = 0; i < 8; i++)
		EXPECT(((int8_t)(y[i / 2] << (i % 2 ? 0 : 4)) >> 4) == want[i], "%zu", i);
	copy = (struct xq_copy){ .conversion = XQ_DEQUANTIZE, .x_type = XQ_S4, .y_type = XQ_F32, .dims = 2, .dim = { 2, 4 },
				 .x_stride = { 2, 1 }, .y_stride = { 16, 4 }, .x = y, .y = back, .x_zp = 1, .scale = 0.5f };
	EXPECT(!xq_copy(workspace, &copy), "error");
	for (size_t i = 0; i < 8; i++)
		EXPECT(back[i] == 0.5f * (float)(want[i] - 1), "%zu: %f", i, (double)back[i]);
	copy = (struct xq_copy){ .conversion = XQ_QUANTIZE_ROWS, .x_type = XQ_F32, .y_type = XQ_U8, .dims = 2, .dim = { 2, 4 },
				 .x_stride = { 16, 4 }, .y_stride = { 4, 1 }, .x = x, .y = y, .row_scale = scale, .row_zp = zp };
	EXPECT(!xq_copy(workspace, &copy), "error");
	EXPECT(scale[0] == 102.5f / 255 && zp[0] == 6 && y[3] == 255 && y[2] == 0, "%f %d", (double)scale[0], zp[0]);
	EXPECT(scale[1] == 1.25f / 255 && zp[1] == 51 && y[7] == 255 && y[4] == 0 && y[5] == 51, "%f %d", (double)scale[1], zp[1]);
	copy.conversion = XQ_QUANTIZE;
	EXPECT(xq_copy(workspace, &copy) == -EDOM, "no scale");
	copy.scale = 1;
	copy.y_zp = 40000;
	EXPECT(xq_copy(workspace, &copy) == -EINVAL, "zero point");
	copy.conversion = XQ_REQUANTIZE;
	EXPECT(xq_copy(workspace, &copy) == -EINVAL, "no parameters");
	copy.conversion = XQ_MOVE;
	EXPECT(xq_copy(workspace, &copy) == -EINVAL, "sizes differ");
	copy.dims = 7;
	EXPECT(xq_copy(workspace, &copy) == -EINVAL, "dimensions");
}

static void factors(void)
{
	struct xq_elementwise_args e = { 0 };
	struct xq_softmax s = { 0 };
	int32_t multiplier = 1 << 30, shift = 1;

	/* 0.5 and 0.25 of twice the larger, which is 1; 1 / (2^20 * 2) = 2^-21 */
	EXPECT(!xq_add_factors(0.5f, 0.25f, 2, &e), "error");
	EXPECT(e.left_shift == 20 && e.a.factor.multiplier == 1 << 30 && e.a.factor.shift == 0 && e.b.factor.shift == -1 &&
	       e.y_factor.multiplier == 1 << 30 && e.y_factor.shift == -20, "%d %d %d", e.a.factor.shift, e.b.factor.shift,
	       e.y_factor.shift);
	EXPECT(xq_add_factors(0, 1, 1, &e) == -EDOM, "zero");
	EXPECT(!xq_mul_factors(0.5f, 0.5f, 1, &e) && e.y_factor.multiplier == 1 << 30 && e.y_factor.shift == -1, "%d", e.y_factor.shift);
	/* 2^-10 * 2^26 = 2^16 = 2^30 / 2^31 * 2^17; 31 * 2^26 / 2^17 */
	EXPECT(!xq_softmax_factors(0x1p-10f, 1, &s) && s.multiplier == 1 << 30 && s.shift == 17 && s.diff_min == -15872, "%d %d",
	       s.shift, s.diff_min);
	EXPECT(xq_softmax_factors(0x1p-27f, 1, &s) == -EDOM, "too small");
	/* 49 has six bits: 2^30 * 2^5 / 49, the shift 5 less */
	EXPECT(!xq_mean_factors(49, &multiplier, &shift) && multiplier == (int32_t)((1LL << 35) / 49) && shift == -4, "%d %d",
	       multiplier, shift);
	EXPECT(xq_mean_factors(0, &multiplier, &shift) == -EINVAL, "nothing");
}

static void means(void)
{
	static const int8_t x[] = { 1, 2, 3, 4, 5, 6, -7, -8 };
	int8_t y[4];
	int32_t multiplier = 1 << 30, shift = 1;
	struct xq_requant rq = { .profile = XQ_REQUANT_TFLITE, .type = XQ_S8, .params = 1, .multiplier = &multiplier, .shift = &shift,
				 .zero_point = 1 };
	struct xq_mean mean = { .type = XQ_S8, .x_zp = 1, .outer = 2, .count = 2, .inner = 2, .requant = &rq, .x = x, .y = y };

	if (!begin())
		return;
	/* (1 + 3) / 2 - 1 + 1 and so on: the same zero point and scale on both sides */
	EXPECT(!xq_mean_factors(2, &multiplier, &shift) && !xq_mean(workspace, &mean), "error");
	EXPECT(y[0] == 2 && y[1] == 3 && y[2] == -1 && y[3] == -1, "%d %d %d %d", y[0], y[1], y[2], y[3]);
	mean.type = XQ_S4;
	EXPECT(xq_mean(workspace, &mean) == -EINVAL, "type");
	mean.type = XQ_S8;
	mean.outer = (size_t)1 << 25;
	EXPECT(xq_mean(workspace, &mean) == -EOVERFLOW, "too many");
}

static void refused(void)
{
	struct xq_pool pool = { .type = XQ_S8, .layout = XQ_NHWC, .batch = 1, .in_h = 2, .in_w = 2, .channels = 1, .kernel_h = 2,
				.kernel_w = 2 };
	struct xq_elementwise_args e = { .profile = XQ_REQUANT_ONNX, .y_type = XQ_S8 };
	struct xq_shape a = { 2, { 2, 3 } }, b = { 1, { 2 } }, y;

	if (!begin())
		return;
	EXPECT(xq_pool(workspace, &pool) == -EINVAL, "no data");
	pool.type = XQ_S4;
	EXPECT(xq_pool(workspace, &pool) == -EINVAL, "type");
	pool.kernel_h = 3;
	EXPECT(xq_pool(workspace, &pool) == -EINVAL, "kernel");
	pool.pad_top = SIZE_MAX;
	EXPECT(xq_pool(workspace, &pool) == -EOVERFLOW, "padding");
	EXPECT(xq_broadcast(&a, &b, &y) == -EINVAL, "shapes");
	b.dim[0] = 1;
	EXPECT(!xq_broadcast(&a, &b, &y) && y.dims == 2 && y.dim[0] == 2 && y.dim[1] == 3, "shapes");
	a.dims = XQ_ELEMENTWISE_DIMS + 1;
	EXPECT(xq_broadcast(&a, &b, &y) == -EINVAL, "dimensions");
	EXPECT(xq_add(workspace, &e) == -EDOM, "scales");
	e.profile = XQ_REQUANT_TFLITE;
	EXPECT(xq_add(workspace, &e) == -EINVAL, "types");
}

static void end(void)
{
	xq_workspace_destroy(workspace);
	xq_device_close(device);
	workspace = NULL;
}

KTAP_MAIN({ "copies in any order", copies },
	  { "conversions", conversions },
	  { "factors from scales", factors },
	  { "means", means },
	  { "what is refused", refused },
	  { "the device closes", end })
