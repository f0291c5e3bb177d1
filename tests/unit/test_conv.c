// SPDX-License-Identifier: MIT
/*
 * Convolution against loops that follow its definition, on the in-process device with portable
 * and with the best kernels and on /dev/xqaccel0 where it is there, for random shapes, types,
 * layouts and zero points.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <xqaccel/conv.h>

#include "ktap.h"

#define MOST_X 40000
#define MOST_Y 60000

#define DEVICE "/dev/xqaccel0"
#define MOST_DEVICES 3

static struct xq_device *devices[MOST_DEVICES];
static struct xq_workspace *workspaces[MOST_DEVICES], *best;
static int count;

static uint8_t x[MOST_X], w[MOST_X];
static int32_t zps[64], bias[64], y[MOST_Y + 1], want[MOST_Y], other[MOST_Y];

static bool open_one(const char *name, const char *isa)
{
	if (isa)
		setenv("XQ_ISA", isa, 1);
	else
		unsetenv("XQ_ISA");
	if (!EXPECT(!xq_device_open(name, &devices[count]), "%s", name) ||
	    !EXPECT(!xq_workspace_create(devices[count], &workspaces[count]), "workspace"))
		return false;
	best = workspaces[count++];
	return true;
}

static bool open_devices(void)
{
	if (count)
		return best;
	return open_one("soft", "scalar") && open_one("soft", NULL) &&
	       (access(DEVICE, F_OK) || open_one(DEVICE, NULL));
}

static void close_devices(void)
{
	while (count) {
		count--;
		xq_workspace_destroy(workspaces[count]);
		xq_device_close(devices[count]);
	}
}

/* Emulation is slow: of a guest, and of another architecture. */
static int rounds(int many)
{
#if !defined(__x86_64__)
	many /= 4;
#endif
	return count == MOST_DEVICES ? many / 8 : many;
}

/* ---- the definition ------------------------------------------------------------------------------ */

static int element(const uint8_t *t, enum xq_type type, size_t i)
{
	return xq_type_signed(type) ? (int8_t)t[i] : t[i];
}

static size_t at4(bool nchw, size_t n, size_t h, size_t wi, size_t c, size_t hs, size_t ws, size_t cs)
{
	return nchw ? ((n * cs + c) * hs + h) * ws + wi : ((n * hs + h) * ws + wi) * cs + c;
}

static size_t one(size_t v)
{
	return v ? v : 1;
}

/* Every input element is multiplied with every tap, and lands where that pair says. */
static void reference(const struct xq_conv *c, size_t oh, size_t ow, int32_t *acc)
{
	size_t groups = one(c->groups), gi = c->in_c / groups, go = c->out_c / groups;
	bool nchw = c->layout == XQ_NCHW;

	for (size_t i = 0; i < c->batch * oh * ow * c->out_c; i++) {
		size_t o = nchw ? i / (oh * ow) % c->out_c : i % c->out_c;

		acc[i] = c->bias ? c->bias[o] : 0;
	}
	for (size_t i = 0; i < c->batch * c->in_h * c->in_w * c->in_c * c->kernel_h * c->kernel_w * go; i++) {
		size_t o = i % go, r = i / go, kx = r % c->kernel_w, ky = (r /= c->kernel_w) % c->kernel_h;
		size_t ci = (r /= c->kernel_h) % c->in_c, ix = (r /= c->in_c) % c->in_w;
		size_t iy = (r /= c->in_w) % c->in_h, n = r / c->in_h;
		long long sh = (long long)one(c->stride_h), sw = (long long)one(c->stride_w), ty, tx;
		size_t oc = ci / gi * go + o, to;
		long long v, u;

		if (c->transposed) {
			ty = sh * (long long)iy + (long long)(one(c->dilation_h) * ky) - (long long)c->pad_top;
			tx = sw * (long long)ix + (long long)(one(c->dilation_w) * kx) - (long long)c->pad_left;
		} else {
			ty = (long long)(iy + c->pad_top) - (long long)(one(c->dilation_h) * ky);
			tx = (long long)(ix + c->pad_left) - (long long)(one(c->dilation_w) * kx);
			if (ty % sh || tx % sw)
				continue;
			ty /= sh;
			tx /= sw;
		}
		if (ty < 0 || tx < 0 || ty >= (long long)oh || tx >= (long long)ow)
			continue;
		v = element(c->x, c->x_type, at4(nchw, n, iy, ix, ci, c->in_h, c->in_w, c->in_c)) - (long long)c->x_zp;
		u = element(c->w, c->w_type, at4(nchw, oc, ky, kx, ci % gi, c->kernel_h, c->kernel_w, gi)) -
		    (c->w_zps ? (long long)c->w_zp[c->w_zps == 1 ? 0 : oc] : 0);
		to = at4(nchw, n, (size_t)ty, (size_t)tx, oc, oh, ow, c->out_c);
		acc[to] = (int32_t)((uint32_t)acc[to] + (uint32_t)(v * u));
	}
}

/* ---- random convolutions ------------------------------------------------------------------------- */

static const enum xq_type types[] = { XQ_S8, XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_B1 };

static size_t some(const size_t *from, size_t n)
{
	return from[ktap_range(0, (int64_t)n - 1)];
}
#define SOME(...) some((const size_t[]){ __VA_ARGS__ }, sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

static void random_elements(uint8_t *t, enum xq_type type, size_t n)
{
	bool ends = type == XQ_B1 || !ktap_range(0, 4);

	for (size_t i = 0; i < n; i++) {
		int64_t low = xq_type_min(type), high = xq_type_max(type);

		t[i] = (uint8_t)(ends ? (ktap_range(0, 1) ? low : high) : ktap_range(low, high));
	}
}

static int32_t random_zero_point(enum xq_type type)
{
	switch (ktap_range(0, 5)) {
	case 0:
		return (int32_t)ktap_range(-2000, 2000);
	case 1:
		return (int32_t)ktap_random();
	case 2:
	case 3:
		return 0;
	default:
		return (int32_t)ktap_range(xq_type_min(type), xq_type_max(type));
	}
}

static void random_conv(struct xq_conv *c)
{
	size_t oh, ow;

	do {
		memset(c, 0, sizeof(*c));
		c->layout = ktap_range(0, 1) ? XQ_NCHW : XQ_NHWC;
		c->batch = SOME(0, 1, 1, 1, 1, 2, 3);
		c->in_h = SOME(0, 1, 2, 3, 5, 6, 7, 9, 12);
		c->in_w = SOME(1, 2, 3, 4, 5, 7, 8, 13);
		c->groups = SOME(0, 1, 1, 1, 2, 3, 5);
		c->in_c = one(c->groups) * SOME(0, 1, 1, 2, 3, 5, 8, 17);
		c->out_c = one(c->groups) * SOME(0, 1, 1, 2, 3, 7, 10);
		if (!ktap_range(0, 5))
			c->groups = c->out_c = c->in_c = SOME(1, 3, 16, 33);
		c->kernel_h = SOME(1, 1, 2, 3, 5);
		c->kernel_w = SOME(1, 1, 2, 3, 4);
		c->stride_h = SOME(0, 1, 2, 3);
		c->stride_w = SOME(0, 1, 1, 2, 5);
		c->dilation_h = SOME(0, 1, 1, 2);
		c->dilation_w = SOME(0, 1, 1, 3);
		if (ktap_range(0, 1)) {
			c->pad_top = SOME(0, 1, 2, 4);
			c->pad_left = SOME(0, 1, 3);
			c->pad_bottom = SOME(0, 1, 2);
			c->pad_right = SOME(0, 1, 2, 6);
		}
		c->transposed = !ktap_range(0, 2);
		if (c->transposed) {
			c->output_pad_h = SOME(0, 0, 1, 2);
			c->output_pad_w = SOME(0, 0, 1);
		}
	} while (xq_conv_output(c, &oh, &ow) || c->batch * oh * ow * c->out_c > MOST_Y);
	c->x_type = types[ktap_range(0, 8)];
	c->w_type = types[ktap_range(0, 8)];
	c->x_zp = random_zero_point(c->x_type);
	c->w_zps = SOME(0, 0, 1, c->out_c);
	c->w_zp = zps;
	for (size_t i = 0; i < 64; i++) {
		zps[i] = random_zero_point(c->w_type);
		bias[i] = (int32_t)ktap_random();
	}
	c->bias = ktap_range(0, 1) ? bias : NULL;
	c->x = x;
	c->w = w;
	c->y = y;
	random_elements(x, c->x_type, c->batch * c->in_h * c->in_w * c->in_c);
	random_elements(w, c->w_type, c->out_c * c->kernel_h * c->kernel_w * (c->in_c / one(c->groups)));
}

static void describe(const struct xq_conv *c)
{
	printf("# layout %d x [%zu %zu %zu %zu] %s out %zu kernel %zu %zu groups %zu stride %zu %zu dilation %zu %zu "
	       "pads %zu %zu %zu %zu transposed %d + %zu %zu %s x %s zp %d, %zu\n", c->layout, c->batch, c->in_h,
	       c->in_w, c->in_c, "nhwc", c->out_c, c->kernel_h, c->kernel_w, c->groups, c->stride_h, c->stride_w,
	       c->dilation_h, c->dilation_w, c->pad_top, c->pad_left, c->pad_bottom, c->pad_right, c->transposed,
	       c->output_pad_h, c->output_pad_w, xq_type_name(c->x_type), xq_type_name(c->w_type), c->x_zp,
	       c->w_zps);
}

static void random_shapes(void)
{
	if (!open_devices())
		return;
	for (int round = 0; round < rounds(2500) && ktap.failures < 3; round++) {
		struct xq_conv c;
		size_t oh, ow, n;

		random_conv(&c);
		xq_conv_output(&c, &oh, &ow);
		n = c.batch * oh * ow * c.out_c;
		reference(&c, oh, ow, want);
		for (int d = 0; d < count; d++) {
			int err;

			memset(y, 0xa5, (n + 1) * sizeof(*y));
			err = xq_conv(workspaces[d], &c);
			EXPECT(!err, "error %d", err);
			if (!EXPECT(!memcmp(y, want, n * sizeof(*y)), "device %d", d))
				describe(&c);
			EXPECT((uint32_t)y[n] == 0xa5a5a5a5, "wrote past the end");
		}
	}
}

static void random_requantization(void)
{
	static const enum xq_type out[] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S16 };
	static int32_t m[64], shift[64];

	if (!open_devices())
		return;
	for (int round = 0; round < rounds(400) && ktap.failures < 3; round++) {
		struct xqaccel_info *info = (struct xqaccel_info *)xq_device_info(xq_workspace_device(best));
		const uint64_t features = info->features;
		struct xq_requant rq = { .profile = XQ_REQUANT_TFLITE, .multiplier = m, .shift = shift,
					 .zero_point = (int32_t)ktap_range(-9, 9) };
		struct xq_channels shape;
		struct xq_conv c;
		size_t oh, ow, n;
		int err;

		random_conv(&c);
		xq_conv_output(&c, &oh, &ow);
		n = c.batch * oh * ow * c.out_c;
		rq.type = out[ktap_range(0, 4)];
		rq.params = ktap_range(0, 1) ? c.out_c : 1;
		for (int i = 0; i < 64; i++) {
			m[i] = (int32_t)ktap_range(1 << 30, INT32_MAX);
			shift[i] = (int32_t)ktap_range(-25, 0);
		}
		reference(&c, oh, ow, want);
		shape = c.layout == XQ_NCHW ? (struct xq_channels){ c.batch, c.out_c, oh * ow } :
			(struct xq_channels){ c.batch * oh * ow, c.out_c, 1 };
		EXPECT(!xq_requantize(want, &shape, NULL, &rq, other), "requantize");
		c.requant = &rq;
		/* The same of a device without epilogues. */
		if (round % 2)
			info->features &= ~XQACCEL_FEATURE_EPILOGUE;
		err = xq_conv(best, &c);
		info->features = features;
		EXPECT(!err, "error %d", err);
		if (!EXPECT(!memcmp(y, other, n * xq_type_unpacked_bytes(rq.type)), "type %s",
			    xq_type_name(rq.type)))
			describe(&c);
	}
}

/* As one job where the device has convolutions; else larger than a block, so that slots alternate. */
static void many_blocks(void)
{
	struct xqaccel_info *info;
	static uint8_t big[80 * 90 * 24];
	static int32_t got[80 * 90 * 24];

	if (!open_devices())
		return;
	info = (struct xqaccel_info *)xq_device_info(xq_workspace_device(best));
	for (int i = 0; i < 12; i++) {
		const int round = i % 6;
		const bool one = (info->features & XQACCEL_FEATURE_CONV) && i < 6 && round != 4;
		const uint64_t features = info->features;
		struct xq_conv c = {
			.layout = round & 1 ? XQ_NCHW : XQ_NHWC, .batch = 1, .in_h = 80, .in_w = 90, .in_c = 24,
			.out_c = 24, .kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1,
			.pad_right = 1, .x_type = round == 3 ? XQ_B1 : XQ_S8, .w_type = round == 2 ? XQ_T2 : XQ_S4,
			.x = big, .w = w, .x_zp = round == 4 ? 1000 : 0, .y = got, .groups = round == 5 ? 24 : 1,
		};
		struct xq_matmul_stats stats = { 0 };
		int32_t *expected = malloc(sizeof(got));
		int err;

		random_elements(big, c.x_type, sizeof(big));
		random_elements(w, c.w_type, 24 * 24 * 9);
		reference(&c, 80, 90, expected);
		c.stats = &stats;
		/* The same device without convolutions. */
		if (i >= 6)
			info->features &= ~XQACCEL_FEATURE_CONV;
		err = xq_conv(best, &c);
		info->features = features;
		EXPECT(!err, "error %d", err);
		EXPECT(!memcmp(got, expected, sizeof(got)), "round %d", i);
		EXPECT(one ? stats.jobs == 1 : stats.jobs > 1, "round %d: %llu jobs", i, (unsigned long long)stats.jobs);
		free(expected);
	}
}

static void shapes(void)
{
	struct xq_conv c = { .in_h = 5, .in_w = 7, .in_c = 4, .out_c = 6, .kernel_h = 3, .kernel_w = 3 };
	size_t h = 0, wi = 0;

	EXPECT(!xq_conv_output(&c, &h, &wi) && h == 3 && wi == 5, "%zu x %zu", h, wi);
	c.stride_h = c.stride_w = 2;
	c.pad_bottom = 1;
	EXPECT(!xq_conv_output(&c, &h, &wi) && h == 2 && wi == 3, "%zu x %zu", h, wi);
	c.dilation_h = 3;
	EXPECT(xq_conv_output(&c, &h, &wi) == -EINVAL, "kernel too large");
	c.dilation_h = 1;
	c.output_pad_h = 1;
	EXPECT(xq_conv_output(&c, &h, &wi) == -EINVAL, "output padding");
	c.transposed = true;
	EXPECT(!xq_conv_output(&c, &h, &wi) && h == 11 && wi == 15, "%zu x %zu", h, wi);
	c.groups = 3;
	EXPECT(xq_conv_output(&c, &h, &wi) == -EINVAL, "groups");
	c.groups = 2;
	c.in_h = SIZE_MAX;
	EXPECT(xq_conv_output(&c, &h, &wi) == -EOVERFLOW, "huge");
	c.in_h = c.in_w = 1 << 30;
	c.transposed = false;
	c.output_pad_h = 0;
	c.stride_h = c.stride_w = 1;
	c.batch = SIZE_MAX / 16;
	c.y = y;
	c.x = x;
	c.w = w;
	c.x_type = c.w_type = XQ_S8;
	if (!open_devices())
		return;
	EXPECT(xq_conv(best, &c) == -EOVERFLOW, "huge");
	c.batch = 1;
	c.in_c = 0;
	c.in_h = c.in_w = c.kernel_h = c.kernel_w = 1 << 29;
	y[0] = 7;
	EXPECT(!xq_conv(best, &c) && !y[0], "many taps of nothing");
}

static void refused(void)
{
	struct xq_conv c = { .batch = 1, .in_h = 2, .in_w = 2, .in_c = 1, .out_c = 1, .kernel_h = 1, .kernel_w = 1,
			     .x_type = XQ_S4, .w_type = XQ_S8, .x = x, .w = w, .y = y }, bad;

	if (!open_devices())
		return;
	memset(x, 0, 16);
	memset(w, 0, 16);
	c.bad_x = c.bad_w = 7;
	EXPECT(!xq_conv(best, &c) && c.bad_x == 7 && c.bad_w == 7, "good, or written without an error");
	x[2] = 8;
	EXPECT(xq_conv(best, &c) == -ERANGE && c.bad_x == 2 && c.bad_w == SIZE_MAX, "8 in s4");
	c.x_type = XQ_S8;
	c.w_type = XQ_B1;
	EXPECT(xq_conv(best, &c) == -ERANGE && c.bad_w == 0 && c.bad_x == SIZE_MAX, "0 in b1");
	c.w_type = XQ_S8;
	bad = c;
	bad.w_type = XQ_C8;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "codebook");
	bad = c;
	bad.w_zps = 2;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "zero points");
	bad.w_zps = 1;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "a zero point that is nowhere");
	bad = c;
	bad.x = NULL;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "no input");
	bad = c;
	bad.kernel_h = 0;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "no kernel");
	bad = c;
	bad.x_type = XQ_S16;
	EXPECT(xq_conv(best, &bad) == -EINVAL, "s16");
	close_devices();
}

KTAP_MAIN({ "shapes", shapes },
	  { "random shapes on every device", random_shapes },
	  { "requantization and layouts", random_requantization },
	  { "one job or many blocks", many_blocks },
	  { "what is refused", refused })
