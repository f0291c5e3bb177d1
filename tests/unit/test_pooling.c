// SPDX-License-Identifier: GPL-2.0
/*
 * Pools against a reference that looks at each element of each window, on every instruction set: strides
 * past the window, pads beyond it, windows all of padding, pixels with gaps between them.
 */
#include "operator_case.h"

static struct {
	struct xqk_operator job;
	struct case_memory x, y;
} c;

static uint64_t at(const struct xqk_view *v, uint64_t image, uint64_t row, uint64_t pixel)
{
	return image * v->batch_stride + row * v->stride + pixel * v->group_stride;
}

/* Strides of images with so many bytes between pixels, rows and images at least; their bytes. */
static size_t strides(struct xqk_view *v, uint32_t batch, uint32_t h, uint32_t w, uint32_t channels)
{
	const bool gaps = !ktap_range(0, 3);

	v->group_stride = channels + (gaps ? (uint64_t)ktap_range(0, 5) : 0);
	v->stride = v->group_stride * w + (gaps ? (uint64_t)ktap_range(0, 5) : 0);
	v->batch_stride = v->stride * h + (gaps ? (uint64_t)ktap_range(0, 5) : 0);
	return v->batch_stride * batch;
}

static void random_case(void)
{
	struct xq_pool_dims *d = &c.job.pooling.dims;
	struct xqk_view x = { 0 }, y = { 0 };
	const bool global = !ktap_range(0, 9), wide = !ktap_range(0, 7);
	int32_t least, greatest;

	memset(&c, 0, sizeof(c));
	c.job.kind = XQK_POOLING;
	d->kind = (uint8_t)ktap_range(0, 1);
	d->format = (uint8_t)(ktap_range(0, 1) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
	d->batch = (uint32_t)ktap_range(0, 2);
	d->in_h = (uint32_t)ktap_range(0, wide ? 4 : 20);
	d->in_w = (uint32_t)ktap_range(0, wide ? 300 : 20);
	d->channels = (uint32_t)(ktap_range(0, 2) ? ktap_range(0, 9) : ktap_range(0, wide ? 70 : 300));
	d->kernel_h = (uint32_t)ktap_range(1, 5);
	d->kernel_w = (uint32_t)ktap_range(1, ktap_range(0, 9) ? 5 : 80);
	d->stride_h = (uint32_t)ktap_range(1, 7);
	d->stride_w = (uint32_t)ktap_range(1, 7);
	d->pad_top = (uint32_t)ktap_range(0, 6);
	d->pad_left = (uint32_t)ktap_range(0, ktap_range(0, 9) ? 6 : 100);
	if (global && d->in_h && d->in_w) {
		d->kernel_h = d->in_h;
		d->kernel_w = d->in_w;
		d->pad_top = d->pad_left = 0;
		d->out_h = d->out_w = 1;
	} else {
		d->out_h = (uint32_t)ktap_range(0, 8);
		d->out_w = (uint32_t)ktap_range(0, wide ? 100 : 8);
	}
	xq_format_range(d->format, &least, &greatest);
	d->act_min = ktap_range(0, 2) ? INT32_MIN : (int32_t)ktap_range(least, greatest);
	d->act_max = ktap_range(0, 2) ? INT32_MAX : (int32_t)ktap_range(d->act_min < least ? least : d->act_min, greatest);
	EXPECT(xq_pool_valid(d), "valid");
	case_alloc(&c.x, strides(&x, d->batch, d->in_h, d->in_w, d->channels), 1);
	case_alloc(&c.y, strides(&y, d->batch, d->out_h, d->out_w, d->channels), 1);
	if (!ktap_range(0, 3))
		memset(c.x.bytes, (int)ktap_range(0, 255), c.x.size);
	case_share(&c.x);
	c.job.pooling.x = c.x.view;
	c.job.pooling.x.stride = x.stride;
	c.job.pooling.x.group_stride = x.group_stride;
	c.job.pooling.x.batch_stride = x.batch_stride;
	c.job.pooling.y = y;
}

static int32_t expected(uint32_t image, uint32_t oy, uint32_t ox, uint32_t channel)
{
	const struct xq_pool_dims *d = &c.job.pooling.dims;
	const bool is_signed = d->format == XQACCEL_FMT_S8;
	int32_t most = is_signed ? -128 : 0, v, least, greatest;
	int64_t sum = 0, count = 0;

	for (uint32_t ky = 0; ky < d->kernel_h; ky++)
		for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
			const int64_t iy = (int64_t)oy * d->stride_h + ky - d->pad_top;
			const int64_t ix = (int64_t)ox * d->stride_w + kx - d->pad_left;

			if (iy < 0 || ix < 0 || iy >= d->in_h || ix >= d->in_w)
				continue;
			v = c.x.bytes[at(&c.job.pooling.x, image, (uint64_t)iy, (uint64_t)ix) + channel];
			v = is_signed ? (int8_t)v : v;
			most = v > most ? v : most;
			sum += v;
			count++;
		}
	v = most;
	if (d->kind == XQ_POOL_AVERAGE)
		v = !count ? 0 : (int32_t)(sum < 0 ? -((-2 * sum + count) / (2 * count)) : (2 * sum + count) / (2 * count));
	xq_clamp_range(d->format, d->act_min, d->act_max, &least, &greatest);
	return v < least ? least : v > greatest ? greatest : v;
}

static void check(const char *isa)
{
	const struct xq_pool_dims *d = &c.job.pooling.dims;
	uint8_t *bytes = malloc(c.y.size + 1);

	memset(bytes, 0xa5, c.y.size);
	for (uint32_t n = 0; n < d->batch; n++)
		for (uint32_t y = 0; y < d->out_h; y++)
			for (uint32_t x = 0; x < d->out_w; x++)
				for (uint32_t ch = 0; ch < d->channels; ch++)
					bytes[at(&c.job.pooling.y, n, y, x) + ch] = (uint8_t)expected(n, y, x, ch);
	for (size_t i = 0; i < c.y.size; i++)
		if (!EXPECT(bytes[i] == c.y.bytes[i], "%s: kind %u format %u %ux%ux%u kernel %ux%u strides %u,%u pads %u,%u "
			    "out %ux%u: byte %zu is %u, not %u", isa, d->kind, d->format, d->in_h, d->in_w, d->channels,
			    d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->pad_top, d->pad_left, d->out_h,
			    d->out_w, i, c.y.bytes[i], bytes[i]))
			break;
	free(bytes);
}

static void run_all(void)
{
	const struct xqk_view y = c.job.pooling.y;

	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		memset(c.y.bytes, 0xa5, c.y.size);
		case_share(&c.y);
		c.job.pooling.y = c.y.view;
		c.job.pooling.y.stride = y.stride;
		c.job.pooling.y.group_stride = y.group_stride;
		c.job.pooling.y.batch_stride = y.batch_stride;
		case_run(&c.job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
		case_take(&c.y);
		check(xqk_isa_list(i));
	}
	case_free(&c.x);
	case_free(&c.y);
}

static void random_pools(void)
{
	for (int round = 0; round < 3000 && ktap.failures < 5; round++) {
		random_case();
		run_all();
	}
}

/* Reduced rows that fill a piece, rows too long for one, and sums beyond 16 bits. */
static void large_pools(void)
{
	static const struct xq_pool_dims cases[] = {
		{ .kind = XQ_POOL_AVERAGE, .format = XQACCEL_FMT_S8, .batch = 1, .in_h = 17, .in_w = 17, .channels = 65,
		  .out_h = 1, .out_w = 1, .kernel_h = 17, .kernel_w = 17, .stride_h = 1, .stride_w = 1 },
		{ .kind = XQ_POOL_AVERAGE, .format = XQACCEL_FMT_U8, .batch = 1, .in_h = 20, .in_w = 3000, .channels = 3,
		  .out_h = 2, .out_w = 2999, .kernel_h = 19, .kernel_w = 15, .stride_h = 1, .stride_w = 1, .pad_left = 7 },
		{ .kind = XQ_POOL_MAX, .format = XQACCEL_FMT_S8, .batch = 1, .in_h = 3, .in_w = 5, .channels = 30000,
		  .out_h = 2, .out_w = 3, .kernel_h = 2, .kernel_w = 3, .stride_h = 1, .stride_w = 2, .pad_left = 1 },
		{ .kind = XQ_POOL_AVERAGE, .format = XQACCEL_FMT_S8, .batch = 1, .in_h = 2, .in_w = 9, .channels = 20000,
		  .out_h = 1, .out_w = 2, .kernel_h = 2, .kernel_w = 8, .stride_h = 1, .stride_w = 1 },
		{ .kind = XQ_POOL_MAX, .format = XQACCEL_FMT_U8, .batch = 1, .in_h = 2, .in_w = 70000, .channels = 1,
		  .out_h = 1, .out_w = 2, .kernel_h = 2, .kernel_w = 69999, .stride_h = 1, .stride_w = 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xqk_view x = { 0 }, y = { 0 };
		const struct xq_pool_dims *d = &cases[i];

		memset(&c, 0, sizeof(c));
		c.job.kind = XQK_POOLING;
		c.job.pooling.dims = *d;
		c.job.pooling.dims.act_min = INT32_MIN;
		c.job.pooling.dims.act_max = INT32_MAX;
		case_alloc(&c.x, strides(&x, d->batch, d->in_h, d->in_w, d->channels), 1);
		case_alloc(&c.y, strides(&y, d->batch, d->out_h, d->out_w, d->channels), 1);
		case_share(&c.x);
		x.flat = c.x.view.flat;
		x.page = c.x.view.page;
		x.head = c.x.view.head;
		c.job.pooling.x = x;
		c.job.pooling.y = y;
		run_all();
	}
}

/* Averages of every count that may go by 16 bits, in a row and in up to three, of sums at, just below and just above a half. */
static void every_count(void)
{
	for (uint32_t n = 1; n <= 3 * 258 && ktap.failures < 5; n++)
		for (uint32_t format = XQACCEL_FMT_S8; format <= XQACCEL_FMT_U8; format++) {
			const uint32_t count = (n + 2) / 3, height = (n - 1) % 3 + 1, width = count / height;
			struct xq_pool_dims *d = &c.job.pooling.dims;

			if (count % height)
				continue;
			memset(&c, 0, sizeof(c));
			c.job.kind = XQK_POOLING;
			*d = (struct xq_pool_dims){ .kind = XQ_POOL_AVERAGE, .format = (uint8_t)format, .batch = 1, .in_h = height, .in_w = width,
						    .channels = 3 * 255, .out_h = 1, .out_w = 1, .kernel_h = height, .kernel_w = width,
						    .stride_h = 1, .stride_w = 1, .act_min = INT32_MIN, .act_max = INT32_MAX };
			c.x.size = (size_t)count * d->channels;
			c.x.bytes = malloc(c.x.size);
			c.y.size = d->channels;
			c.y.bytes = malloc(c.y.size);
			for (uint32_t channel = 0; channel < d->channels; channel++) {
				/* Of unsigned elements; signed ones are 128 less each, the sum 128 count less. */
				const uint32_t sum = channel / 3 * count + count / 2 + channel % 3 - (channel > 0);

				for (uint32_t i = 0; i < count; i++)
					c.x.bytes[i * d->channels + channel] =
						(uint8_t)((sum / count + (i < sum % count)) - (format == XQACCEL_FMT_S8 ? 128 : 0));
			}
			case_share(&c.x);
			c.job.pooling.x = c.x.view;
			c.job.pooling.x.group_stride = c.job.pooling.y.group_stride = d->channels;
			c.job.pooling.x.stride = (uint64_t)width * d->channels;
			run_all();
		}
}

static void limits(void)
{
	const struct xq_pool_dims good = { .kind = XQ_POOL_MAX, .format = XQACCEL_FMT_S8, .batch = 1, .in_h = 1, .in_w = 1,
					   .channels = 1, .out_h = 1, .out_w = 1, .kernel_h = 1, .kernel_w = 1, .stride_h = 1,
					   .stride_w = 1, .act_min = -128, .act_max = 127 };
	struct xq_pool_dims d;

	EXPECT(xq_pool_valid(&good), "good");
#define REFUSED(...)	EXPECT((d = good, __VA_ARGS__, !xq_pool_valid(&d)), #__VA_ARGS__)
	REFUSED(d.kind = XQ_POOL_KINDS);
	REFUSED(d.format = XQACCEL_FMT_S4);
	REFUSED(d.kernel_h = 0);
	REFUSED(d.kernel_w = 0);
	REFUSED(d.kernel_h = 4096, d.kernel_w = 4096);
	REFUSED(d.stride_h = 0);
	REFUSED(d.stride_w = 0);
	REFUSED(d.act_min = 128);
	REFUSED(d.act_max = -129);
	REFUSED(d.batch = XQ_MAX_DIM + 1);
	REFUSED(d.in_h = XQ_MAX_DIM + 1);
	REFUSED(d.in_w = XQ_MAX_DIM + 1);
	REFUSED(d.channels = XQ_MAX_DIM + 1);
	REFUSED(d.out_h = XQ_MAX_DIM + 1);
	REFUSED(d.out_w = XQ_MAX_DIM + 1);
	REFUSED(d.stride_h = XQ_MAX_DIM + 1);
	REFUSED(d.pad_top = XQ_MAX_DIM + 1);
	REFUSED(d.pad_left = XQ_MAX_DIM + 1);
}

KTAP_MAIN({ "random pools on every instruction set", random_pools },
	  { "pools that go in pieces", large_pools },
	  { "averages of every count", every_count },
	  { "what is refused", limits })
