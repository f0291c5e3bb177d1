// SPDX-License-Identifier: MIT
/*
 * Products of arrays and linear layers on "soft" against three loops.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/linear.h>

#include "libxqaccel/src/device/backend.h"
#include "libxqaccel/src/ops/workspace.h"

#include "ktap.h"

static struct xq_device *dev;
static struct xq_workspace *ws;

static void setup(void)
{
	EXPECT(!xq_device_open("soft", &dev) && !xq_workspace_create(dev, &ws), "open");
}

static void teardown(void)
{
	xq_workspace_destroy(ws);
	xq_device_close(dev);
}

static uint8_t *random_elements(enum xq_type type, size_t n)
{
	uint8_t *e = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		e[i] = type == XQ_B1 ? (ktap_random() & 1 ? 1 : 0xff) :
		       (uint8_t)ktap_range(xq_type_min(type), xq_type_max(type));
	return e;
}

static int32_t *random_ints(size_t n, int64_t low, int64_t high)
{
	int32_t *v = malloc(4 * n + 4);

	for (size_t i = 0; i < n; i++)
		v[i] = (int32_t)ktap_range(low, high);
	return v;
}

static uint32_t value(enum xq_type type, const int8_t *table, uint8_t byte)
{
	if (type == XQ_C4 || type == XQ_C8)
		return (uint32_t)table[byte];
	return xq_type_signed(type) ? (uint32_t)(int8_t)byte : byte;
}

struct product {
	struct xq_matmul mm;
	int32_t *got, *want;
	size_t planes, batch, count;
};

static uint32_t zero_point(const int32_t *zp, size_t zps, size_t i)
{
	return zps ? (uint32_t)zp[zps > 1 ? i : 0] : 0;
}

/* One matrix of C, all its groups. */
static void reference(const struct product *p, const uint8_t *a, const uint8_t *b, uint32_t *c)
{
	const struct xq_matmul *mm = &p->mm;
	const size_t group = mm->group ? mm->group : mm->k, groups = group ? mm->k / group : 0;

	for (size_t m = 0; m < mm->m; m++) {
		for (size_t n = 0; n < mm->n; n++) {
			for (size_t g = 0; g < p->planes; g++)
				c[(g * mm->m + m) * mm->n + n] = mm->bias ? (uint32_t)mm->bias[n] : 0;
			for (size_t g = 0; g < groups; g++) {
				uint32_t sum = 0;

				for (size_t k = g * group; k < (g + 1) * group; k++)
					sum += (value(mm->a_type, NULL, a[m * mm->k + k]) -
						zero_point(mm->a_zp, mm->a_zps, m)) *
					       (value(mm->b_type, mm->codebook, mm->b_transposed ?
						      b[n * mm->k + k] : b[k * mm->n + n]) -
						zero_point(mm->b_zp, mm->b_zps, n));
				sum *= mm->a_scale ? (uint32_t)mm->a_scale[m * groups + g] : 1;
				sum *= mm->b_scale ? (uint32_t)mm->b_scale[n * groups + g] : 1;
				c[((p->planes > 1 ? g : 0) * mm->m + m) * mm->n + n] += sum;
			}
		}
	}
}

static void reference_all(const struct product *p)
{
	const struct xq_matmul *mm = &p->mm;

	for (size_t i = 0; i < p->batch; i++) {
		size_t rest = i, a = 0, b = 0;

		for (unsigned int d = mm->dims; d-- > 0;) {
			a += rest % mm->dim[d] * mm->a_step[d];
			b += rest % mm->dim[d] * mm->b_step[d];
			rest /= mm->dim[d];
		}
		reference(p, (const uint8_t *)mm->a + a * mm->m * mm->k,
			  (const uint8_t *)mm->b + b * mm->n * mm->k,
			  (uint32_t *)p->want + i * p->planes * mm->m * mm->n);
	}
}

/* Random leading dimensions, each of which either operand may repeat. */
static void random_dims(struct xq_matmul *mm, size_t *batch, size_t *as, size_t *bs)
{
	*batch = *as = *bs = 1;
	mm->dims = (unsigned int)ktap_range(0, 3);
	for (unsigned int d = mm->dims; d-- > 0;) {
		mm->dim[d] = (size_t)ktap_range(1, 3);
		mm->a_step[d] = ktap_range(0, 2) ? *as : 0;
		mm->b_step[d] = ktap_range(0, 2) ? *bs : 0;
		*as *= mm->a_step[d] ? mm->dim[d] : 1;
		*bs *= mm->b_step[d] ? mm->dim[d] : 1;
		*batch *= mm->dim[d];
	}
}

static void random_product(struct product *p, enum xq_type a, enum xq_type b)
{
	struct xq_matmul *mm = &p->mm;
	static int8_t table[256];
	size_t groups, as, bs;

	*p = (struct product){ .planes = 1 };
	mm->a_type = a;
	mm->b_type = b;
	mm->m = (size_t)ktap_range(0, 20);
	mm->n = (size_t)ktap_range(0, 40);
	mm->k = (size_t)ktap_range(0, 150);
	mm->b_transposed = ktap_random() & 1;
	if (!ktap_range(0, 2)) {
		mm->group = (size_t)ktap_range(1, 30);
		mm->k -= mm->k % mm->group;
	}
	groups = mm->group ? mm->k / mm->group : 0;
	random_dims(mm, &p->batch, &as, &bs);
	mm->a = random_elements(a, as * mm->m * mm->k);
	mm->b = random_elements(b, bs * mm->n * mm->k);
	for (int i = 0; i < 256; i++)
		table[i] = (int8_t)ktap_range(-128, 127);
	mm->codebook = table;
	if (ktap_random() & 1)
		mm->a_zp = random_ints(mm->a_zps = ktap_random() & 1 ? mm->m : 1, -300, 300);
	if (ktap_random() & 1)
		mm->b_zp = random_ints(mm->b_zps = ktap_random() & 1 ? mm->n : 1, -300, 300);
	if (mm->group && ktap_random() & 1)
		mm->a_scale = random_ints(mm->m * groups, 0, 300);
	if (mm->group && ktap_random() & 1)
		mm->b_scale = random_ints(mm->n * groups, INT32_MIN, INT32_MAX);
	if (mm->group && !mm->a_scale && !mm->b_scale)
		p->planes = groups;
	else if (ktap_random() & 1)
		mm->bias = random_ints(mm->n, INT32_MIN, INT32_MAX);
	p->count = p->batch * p->planes * mm->m * mm->n;
	p->got = malloc(4 * p->count + 4);
	p->want = malloc(4 * p->count + 4);
	p->got[p->count] = 0x5a5a5a5a;
	mm->c = p->got;
}

static void free_product(struct product *p)
{
	free((void *)p->mm.a);
	free((void *)p->mm.b);
	free((void *)p->mm.a_zp);
	free((void *)p->mm.b_zp);
	free((void *)p->mm.a_scale);
	free((void *)p->mm.b_scale);
	free((void *)p->mm.bias);
	free(p->got);
	free(p->want);
}

static void every_pair(void)
{
	setup();
	for (int a = XQ_S8; a <= XQ_B1; a++) {
		for (int b = XQ_S8; b <= XQ_C8; b++) {
			for (int round = 0; round < 12; round++) {
				struct product p;
				int err;

				random_product(&p, (enum xq_type)a, (enum xq_type)b);
				err = xq_matmul(ws, &p.mm);
				reference_all(&p);
				EXPECT(!err && !memcmp(p.got, p.want, 4 * p.count),
				       "%s x %s: %d, %zux%zux%zu group %zu batch %zu", xq_type_name((enum xq_type)a),
				       xq_type_name((enum xq_type)b), err, p.mm.m, p.mm.n, p.mm.k, p.mm.group, p.batch);
				EXPECT(p.got[p.count] == 0x5a5a5a5a, "wrote past C");
				free_product(&p);
			}
		}
	}
	teardown();
}

/* The same for s8, fast enough for the large ones. */
static uint8_t *random_bytes(size_t n)
{
	uint8_t *e = malloc(n + 8);

	for (size_t i = 0; i < n; i += 8) {
		const uint64_t r = ktap_random();

		memcpy(e + i, &r, 8);
	}
	return e;
}

/* Larger than what is staged at once: cut along rows, columns and the batch. */
static void cut_up(void)
{
	static const size_t shapes[][4] = {	/* m, n, k, batch; C is 4 m n bytes, staged by 64 MiB */
		{ 20000, 1000, 3, 1 }, { 9, 4000000, 2, 1 }, { 1000, 100, 5, 200 },
#ifndef __SANITIZE_ADDRESS__
		{ 30, 70000, 2100, 1 },
#endif
	};

	setup();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2], batch = shapes[i][3];
		uint8_t *a = random_bytes(batch * m * k), *b = random_bytes(batch * n * k);
		int32_t *c = malloc(4 * batch * m * n), *zp = random_ints(n, -9, 9);
		struct xq_matmul_stats stats = { 0 };
		struct xq_matmul mm = {
			.m = m, .n = n, .k = k, .dims = 1, .dim = { batch }, .a_step = { 1 }, .b_step = { 1 },
			.a_type = XQ_S8, .b_type = XQ_S8, .a = a, .b = b, .c = c, .b_transposed = true,
			.b_zp = zp, .b_zps = n, .stats = &stats,
		};
		const int err = xq_matmul(ws, &mm);

		EXPECT(!err, "%d", err);
		EXPECT(stats.jobs > 1 && stats.macs == (uint64_t)batch * m * n * k, "%lu jobs",
		       (unsigned long)stats.jobs);
		for (int round = 0; round < 3000; round++) {
			const size_t at = (size_t)ktap_random() % (batch * m * n);
			const int8_t *x = (int8_t *)a + at / n * k, *y = (int8_t *)b + (at / n / m * n + at % n) * k;
			int32_t sum = 0;

			for (size_t j = 0; j < k; j++)
				sum += x[j] * (y[j] - zp[at % n]);
			EXPECT(c[at] == sum, "shape %zu, element %zu: %d, not %d", i, at, c[at], sum);
		}
		free(a);
		free(b);
		free(c);
		free(zp);
	}
	teardown();
}

/* What is staged fits a client that may have little memory, also where tiles are mostly padding. */
static void little_memory(void)
{
	static const size_t shapes[][3] = { { 50, 3000, 1000 }, { 3, 20000, 1 }, { 20000, 16, 1 } };	/* m, n, k */
	const size_t limit = 1 << 20;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
		uint8_t *a = random_bytes(m * k), *b = random_bytes(n * k);
		int32_t *c = malloc(4 * m * n);
		struct xq_matmul mm = { .m = m, .n = n, .k = k, .a_type = XQ_S8, .b_type = XQ_S8, .a = a, .b = b,
					.c = c, .b_transposed = true };
		size_t staged = 0;

		setup();
		dev->info.client_bytes = limit;
		EXPECT(!xq_matmul(ws, &mm), "shape %zu", i);
		for (size_t o = 0; o < XQ_GEMM_OPERANDS; o++)
			staged += ws->stage[o] ? xq_buffer_size(ws->stage[o]) : 0;
		EXPECT(staged <= limit, "shape %zu: %zu bytes", i, staged);
		for (size_t at = 0; at < m * n; at += 97) {
			int32_t sum = 0;

			for (size_t j = 0; j < k; j++)
				sum += ((int8_t *)a)[at / n * k + j] * ((int8_t *)b)[at % n * k + j];
			EXPECT(c[at] == sum, "shape %zu, element %zu: %d, not %d", i, at, c[at], sum);
		}
		teardown();
		free(a);
		free(b);
		free(c);
	}
}

/* 2^18 products of 2^14 are 2^32, which is 0 in an int32; the flag tells that it may be so. */
static void wraps_and_tells(void)
{
	const size_t k = 1 << 18;
	struct xq_matmul_stats stats = { 0 };
	int32_t c = 7;
	int8_t *a = malloc(k);
	struct xq_matmul mm = { .m = 1, .n = 1, .k = 4, .a_type = XQ_S8, .b_type = XQ_S8, .a = a, .b = a, .c = &c,
				.stats = &stats };

	setup();
	memset(a, -128, k);
	EXPECT(!xq_matmul(ws, &mm) && c == 4 << 14 && !stats.overflow, "short: %d", c);
	mm.k = k;
	EXPECT(!xq_matmul(ws, &mm) && !c && stats.overflow, "long: %d", c);
	teardown();
	free(a);
}

static void refusals(void)
{
	int8_t a[12] = { 1, 2, 3 }, b[12] = { 0, 0, 0, 0, 0, 9 };
	int32_t c[16], zp[4] = { 0 };
	const struct xq_matmul good = { .m = 3, .n = 3, .k = 4, .a_type = XQ_S4, .b_type = XQ_S4, .a = a,
					.b = b, .c = c };
	struct xq_matmul mm;

	setup();
	mm = good;
	EXPECT(xq_matmul(ws, &mm) == -ERANGE && mm.bad_b == 5 && mm.bad_a == SIZE_MAX, "%zu", mm.bad_b);
	mm = good;
	mm.b_transposed = true;
	EXPECT(xq_matmul(ws, &mm) == -ERANGE && mm.bad_b == 5, "%zu", mm.bad_b);
	b[5] = 0;
	a[11] = -9;
	mm = good;
	EXPECT(xq_matmul(ws, &mm) == -ERANGE && mm.bad_a == 11, "%zu", mm.bad_a);
	a[11] = 0;
	mm = good;
	mm.group = 3;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "group");
	mm = good;
	mm.a_scale = zp;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "scale without group");
	mm = good;
	mm.a_zp = zp;
	mm.a_zps = 2;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "zero points");
	mm = good;
	mm.b_zps = 1;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "a zero point that is nowhere");
	mm = good;
	mm.bad_a = mm.bad_b = 7;
	EXPECT(!xq_matmul(ws, &mm) && mm.bad_a == 7 && mm.bad_b == 7, "written without an error");
	mm = good;
	mm.b_type = XQ_C4;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "no codebook");
	mm = good;
	mm.a_type = XQ_S16;
	EXPECT(xq_matmul(ws, &mm) == -EINVAL, "s16");
	mm = good;
	mm.m = mm.n = SIZE_MAX / 2;
	EXPECT(xq_matmul(ws, &mm) == -EOVERFLOW, "size");
	mm = good;
	mm.k = (size_t)1 << 40;
	EXPECT(xq_matmul(ws, &mm) == -EOVERFLOW, "k");
	mm = good;
	EXPECT(!xq_matmul(ws, &mm), "the good one");
	teardown();
}

/* ---- layers ---------------------------------------------------------------------------------------- */

static void layers(void)
{
	static const enum xq_type results[] = { XQ_U8, XQ_S8, XQ_S4, XQ_U2, XQ_T2, XQ_S16 };
	struct xqaccel_info *info;
	uint64_t features;

	setup();
	info = (struct xqaccel_info *)xq_device_info(dev);
	features = info->features;
	for (int round = 0; round < 150; round++) {
		const size_t rows = (size_t)ktap_range(0, 20), in = (size_t)ktap_range(0, 300), out = (size_t)ktap_range(1, 40);
		const enum xq_type xt = (enum xq_type)ktap_range(XQ_S8, XQ_B1), wt = (enum xq_type)ktap_range(XQ_S8, XQ_C8);
		int8_t table[256];
		int32_t *zp = random_ints(out, -200, 200), *bias = random_ints(out, -9999, 9999);
		float *scale = malloc(4 * out);
		const enum xq_type yt = results[ktap_range(0, 5)];
		struct xq_requant rq = { .profile = XQ_REQUANT_ONNX, .type = yt, .params = out, .scale = scale, .zero_point = 7,
					 .clamp = round % 3 == 1, .act_min = 0, .act_max = 1 };
		struct product p = { .planes = 1, .batch = 1 };
		struct xq_linear_config config = {
			.inputs = in, .outputs = out, .x_type = xt, .w_type = wt, .x_zp = (int32_t)ktap_range(-99, 99),
			.w_zp = zp, .w_zps = round % 3 ? out : 1, .codebook = table, .bias = bias,
			.requant = round % 2 ? &rq : NULL,
		};
		uint8_t *y8 = malloc(2 * rows * out + 1), *want8 = malloc(2 * rows * out + 1);
		struct xq_linear *layer;
		int err;

		for (int i = 0; i < 256; i++)
			table[i] = (int8_t)(i * 7);
		for (size_t i = 0; i < out; i++)
			scale[i] = (float)(ktap_unit() * 0.01 + 1e-6);
		p.mm = (struct xq_matmul){
			.m = rows, .n = out, .k = in, .a_type = xt, .b_type = wt, .b_transposed = true, .codebook = table,
			.a = random_elements(xt, rows * in), .b = random_elements(wt, out * in),
			.a_zp = &config.x_zp, .a_zps = 1, .b_zp = zp, .b_zps = config.w_zps, .bias = bias,
		};
		config.weights = p.mm.b;
		p.got = malloc(4 * rows * out + 4);
		p.want = malloc(4 * rows * out + 4);
		reference_all(&p);
		/* The same of a device without epilogues. */
		if (round % 4 == 3)
			info->features &= ~XQACCEL_FEATURE_EPILOGUE;
		err = xq_linear_create(dev, &config, &layer);
		info->features = features;
		if (EXPECT(!err, "create: %d, %s x %s", err, xq_type_name(xt), xq_type_name(wt))) {
			err = xq_linear_run(layer, ws, p.mm.a, rows, round % 2 ? (void *)y8 : p.got, NULL);
			EXPECT(!err, "run: %d", err);
			if (round % 2) {
				const struct xq_channels shape = { rows, out, 1 };

				xq_requantize(p.want, &shape, NULL, &rq, want8);
				EXPECT(!memcmp(y8, want8, rows * out * xq_type_unpacked_bytes(yt)), "%s x %s %zux%zux%zu", xq_type_name(xt),
				       xq_type_name(wt), rows, out, in);
			} else {
				EXPECT(!memcmp(p.got, p.want, 4 * rows * out), "%s x %s %zux%zux%zu", xq_type_name(xt),
				       xq_type_name(wt), rows, out, in);
			}
			xq_linear_destroy(layer);
		}
		free((void *)p.mm.a);
		free((void *)p.mm.b);
		free(p.got);
		free(p.want);
		free(zp);
		free(bias);
		free(scale);
		free(y8);
		free(want8);
	}
	teardown();
}

static void bad_layers(void)
{
	int8_t w[64] = { 0 }, x[64] = { 0 };
	int32_t zp[8] = { 0 }, y[64];
	struct xq_linear_config config = { .inputs = 8, .outputs = 8, .x_type = XQ_S4, .w_type = XQ_S4, .weights = w,
					   .w_zp = zp, .w_zps = 3 };
	struct xq_device *other;
	struct xq_workspace *foreign = NULL;
	struct xq_linear *layer;

	setup();
	EXPECT(xq_linear_create(dev, &config, &layer) == -EINVAL, "zero points");
	config.w_zp = NULL;
	w[3] = 8;
	EXPECT(xq_linear_create(dev, &config, &layer) == -ERANGE, "a weight");
	w[3] = 7;
	config.requant = &(struct xq_requant){ .profile = XQ_REQUANT_ONNX, .type = XQ_S8, .params = 3 };
	EXPECT(xq_linear_create(dev, &config, &layer) == -EINVAL, "requantization");
	config.requant = NULL;
	EXPECT(!xq_linear_create(dev, &config, &layer), "good");
	x[9] = 100;
	EXPECT(xq_linear_run(layer, ws, x, 8, y, NULL) == -ERANGE, "an input");
	x[9] = 0;
	EXPECT(!xq_linear_run(layer, ws, x, 8, y, NULL), "good");
	EXPECT(!xq_device_open("soft", &other) && !xq_workspace_create(other, &foreign), "open");
	EXPECT(xq_linear_run(layer, foreign, x, 8, y, NULL) == -EINVAL, "another device");
	xq_workspace_destroy(foreign);
	xq_device_close(other);
	xq_linear_destroy(layer);
	xq_linear_destroy(NULL);
	teardown();
}

KTAP_MAIN({ "every pair, any options", every_pair }, { "products that are cut up", cut_up },
	  { "a client with little memory", little_memory }, { "accumulators wrap", wraps_and_tells },
	  { "what is refused", refusals }, { "linear layers", layers },
	  { "layers that are refused", bad_layers })
