// SPDX-License-Identifier: GPL-2.0
/*
 * Products with real group scales against their definition in linux/xqaccel.h, bit for bit: on the
 * in-process device with every kernel and on /dev/xqaccel0 where it is there, for random shapes,
 * types, formats of scales and places; and each way of describing such a job wrongly.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <xqaccel/device.h>
#include <xqaccel/grouped.h>

#include "ktap.h"

#define DEVICE		"/dev/xqaccel0"
#define MOST_DEVICES	8
#define BYTES		(4UL << 20)

static struct target {
	char name[32];
	struct xq_device *dev;
	struct xq_queue *queue;
	struct xq_buffer *buffer;
} targets[MOST_DEVICES];
static int count;
static bool in_guest;

/* The memory of a job, before the device sees it; C as it should be. */
static uint8_t memory[BYTES];
static uint32_t want[1 << 16];
static size_t used;

static bool open_one(const char *name, const char *isa)
{
	struct target *t = &targets[count];

	if (isa)
		setenv("XQ_ISA", isa, 1);
	else
		unsetenv("XQ_ISA");
	if (xq_device_open(name, &t->dev))
		return false;
	snprintf(t->name, sizeof(t->name), "%s %s", name, isa ? isa : "");
	if (!EXPECT(!xq_queue_create(t->dev, NULL, &t->queue) &&
		    !xq_buffer_create(t->dev, BYTES, &t->buffer), "%s", t->name))
		return false;
	count++;
	return true;
}

/* In a guest its own device alone: the host has done the rest. */
static void open_devices(void)
{
	static const char *const isas[] = {
		"amx", "avx512vnni", "avx2", "neoni8mm", "neondot", "neon", "scalar",
	};

	if (count)
		return;
	in_guest = !access(DEVICE, F_OK);
	if (in_guest) {
		EXPECT(open_one(DEVICE, NULL), "%s", DEVICE);
		return;
	}
	for (size_t i = 0; i < sizeof(isas) / sizeof(isas[0]); i++)
		open_one("soft", isas[i]);
	EXPECT(count, "no device");
}

static void close_devices(void)
{
	while (count) {
		struct target *t = &targets[--count];

		xq_buffer_destroy(t->buffer);
		xq_queue_destroy(t->queue);
		xq_device_close(t->dev);
	}
}

/* ---- numbers --------------------------------------------------------------------------------- */

static int64_t element(const uint8_t *row, enum xq_type type, size_t i, const uint8_t *codebook)
{
	const unsigned int bits = xq_type_bits(type);
	const unsigned int code = row[i * bits / 8] >> i * bits % 8 & ((1U << bits) - 1);

	switch (type) {
	case XQ_B1:
		return code ? 1 : -1;
	case XQ_C4:
	case XQ_C8:
		return (int8_t)codebook[code];
	case XQ_S8:
	case XQ_S4:
	case XQ_S2:
	case XQ_T2:
		return code >> (bits - 1) ? (int64_t)code - (1 << bits) : code;
	default:
		return code;
	}
}

static float real(const uint8_t *at, enum xq_type type)
{
	const uint32_t bits = at[0] | (xq_type_bits(type) > 8 ? at[1] << 8 : 0);
	const int exponent = bits >> 10 & 31;
	uint32_t word;
	float value;

	switch (type) {
	case XQ_U8:
		return at[0];
	case XQ_S8:
		return (int8_t)at[0];
	case XQ_E8M0:
		return at[0] == 255 ? NAN : (float)ldexp(1, at[0] - 127);
	case XQ_F16:
		value = exponent == 31 ? (bits & 1023 ? NAN : INFINITY) :
			(float)ldexp((exponent ? 1024 : 0) + (bits & 1023), (exponent ? exponent : 1) - 25);
		return bits & 0x8000 ? -value : value;
	case XQ_BF16:
		word = bits << 16;
		memcpy(&value, &word, 4);
		return value;
	default:
		memcpy(&value, at, 4);
		return value;
	}
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct job {
	struct xq_gemm g;
	size_t a_row, b_row;	/* where rows of A and B are, and how far apart */
	size_t a_at, b_at;
	size_t a_stride, b_stride;
};

static size_t room(size_t bytes, size_t align)
{
	size_t at;

	used += (size_t)ktap_range(0, 3) * align;
	at = used = (used + align - 1) / align * align;
	used += bytes;
	return at;
}

static enum xq_type any_of(const enum xq_type *types, size_t n)
{
	return types[ktap_range(0, (int64_t)n - 1)];
}

/* Random bytes; as numbers they are moderate, or anything. */
static void fill(uint8_t *to, size_t bytes, enum xq_type type, bool wild)
{
	for (size_t i = 0; i < bytes; i++) {
		const uint8_t byte = (uint8_t)ktap_random();
		const unsigned int place = i % (xq_type_bits(type) / 8 ? xq_type_bits(type) / 8 : 1);

		to[i] = byte;
		if (wild)
			continue;
		if (type == XQ_F16 && place == 1)
			to[i] = (byte & 0x8f) | 0x30;
		if ((type == XQ_BF16 && place == 1) || (type == XQ_F32 && place == 3))
			to[i] = (byte & 0x81) | 0x3e;
		if (type == XQ_E8M0)
			to[i] = 120 + byte % 16;
	}
}

/* An operand with elements of whole bytes for each group or supergroup. */
static void give_scales(struct xq_gemm *g, struct xq_operand *op, enum xq_type type, uint32_t elements,
			bool of_b, bool wild)
{
	const size_t bytes = xq_type_bits(type) / 8;
	const bool tiled = of_b && (g->flags & XQACCEL_JOB_B_TILED);
	const size_t rows = !of_b ? g->m : tiled ? (g->n + 15) / 16 : g->n;
	const size_t row = elements * bytes * (tiled ? 16 : 1);

	if (!bytes)
		return;
	op->stride = row + (size_t)ktap_range(0, 2) * bytes;
	op->batch_stride = ktap_range(0, 1) ? rows * op->stride : 0;
	op->offset = room(op->stride * rows * g->batch, bytes);
	fill(memory + op->offset, op->stride * rows * g->batch, type, wild);
}

static float level(const struct xq_gemm *g, const struct xq_operand *op, enum xq_type type, bool of_b,
		   size_t batch, size_t row, size_t column)
{
	const size_t bytes = xq_type_bits(type) / 8;
	const uint8_t *at = memory + op->offset + batch * op->batch_stride;

	if (!bytes)
		return 1;
	if (of_b && (g->flags & XQACCEL_JOB_B_TILED))
		return real(at + row / 16 * op->stride + (column * 16 + row % 16) * bytes, type);
	return real(at + row * op->stride + column * bytes, type);
}

static void place_b(struct job *j)
{
	struct xq_gemm *g = &j->g;
	const size_t row = xq_type_bits(g->b_type) * g->k / 8 + 1;

	j->b_stride = row;
	j->b_at = room(row * g->n * g->batch, 1);
	fill(memory + j->b_at, row * g->n * g->batch, XQ_NONE, true);
	if (!(g->flags & XQACCEL_JOB_B_TILED)) {
		g->b.offset = j->b_at;
		g->b.stride = row;
		g->b.batch_stride = row * g->n;
		return;
	}
	const size_t need = (xq_type_bits(g->b_type) * (size_t)g->k + 7) / 8;
	const size_t tiles_k = (need + 255) / 256, tiles_n = (g->n + 15) / 16;

	g->b.batch_stride = tiles_k * tiles_n * 4096;
	g->b.offset = room(g->b.batch_stride * g->batch, 4096);
	for (size_t b = 0; b < g->batch; b++)
		for (size_t n = 0; n < g->n; n++)
			for (size_t i = 0; i < need; i++)
				memory[g->b.offset + b * g->b.batch_stride +
				       (n / 16 * tiles_k + i / 256) * 4096 + i % 256 / 4 * 64 + n % 16 * 4 + i % 4] =
					memory[j->b_at + (b * g->n + n) * row + i];
}

/* Integer sums of supergroups instead. */
static void sum_supergroups(struct xq_gemm *g)
{
	static const enum xq_type bytes[] = { XQ_U8, XQ_S8 };
	static const enum xq_type seconds[] = { XQ_F16, XQ_BF16, XQ_F32, XQ_E8M0 };

	g->flags |= XQACCEL_JOB_SUPERGROUP_SUM;
	g->a_scale_type = XQ_NONE;
	g->a_scale2_type = any_of(seconds, 4);
	g->b_scale_type = any_of(bytes, 2);
	g->b_scale2_type = any_of(seconds, 4);
	g->b_min_type = g->b_min2_type ? any_of(bytes, 2) : XQ_NONE;
}

static void make(struct job *j, bool wild)
{
	static const enum xq_type as[] = { XQ_S8, XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_T2, XQ_B1 };
	static const enum xq_type bs[] = { XQ_S8, XQ_S4, XQ_U4, XQ_U2, XQ_T2, XQ_B1, XQ_C4, XQ_C8, XQ_U8 };
	static const enum xq_type firsts[] = { XQ_NONE, XQ_F16, XQ_BF16, XQ_F32, XQ_E8M0, XQ_U8, XQ_S8 };
	static const uint32_t groups[] = { 16, 32, 64, 128, 256, 1, 7 };
	struct xq_gemm *g = &j->g;
	uint32_t wide;

	*j = (struct job){ 0 };
	used = 4096;
	g->m = (uint32_t)ktap_range(0, ktap_range(0, 3) ? 5 : 20);
	g->n = (uint32_t)ktap_range(0, ktap_range(0, 3) ? 40 : 150);
	g->batch = (uint32_t)ktap_range(1, 2);
	g->a_type = any_of(as, 8);
	g->b_type = any_of(bs, 9);
	g->flags = XQACCEL_JOB_GROUP_REAL | (ktap_range(0, 1) ? XQACCEL_JOB_B_TILED : 0) |
		   (ktap_range(0, 3) ? 0 : XQACCEL_JOB_ACCUMULATE);
	g->group = groups[ktap_range(0, 6)];
	wide = g->group * (uint32_t)ktap_range(1, 4);
	g->k = wide * (uint32_t)ktap_range(0, 900 / wide + 1);
	g->a_zp = ktap_range(0, 1) ? (int32_t)ktap_range(-200, 200) : 0;
	g->b_zp = ktap_range(0, 1) ? (int32_t)ktap_range(-200, 200) : 0;
	g->a_scale_type = any_of(firsts, 7);
	g->b_scale_type = any_of(firsts, 7);
	g->a_scale2_type = any_of(firsts, 5);
	g->b_scale2_type = any_of(firsts, 5);
	g->b_min_type = any_of(firsts, 7);
	g->b_min2_type = any_of(firsts, 5);
	if (!ktap_range(0, 2))
		sum_supergroups(g);
	g->a_supergroup = g->a_scale2_type ? wide : 0;
	g->b_supergroup = g->b_scale2_type || g->b_min2_type ? wide : 0;
	j->a_stride = (xq_type_bits(g->a_type) * g->k + 7) / 8 + (size_t)ktap_range(0, 2);
	j->a_at = g->a.offset = room(j->a_stride * g->m * g->batch + 1, 1);
	fill(memory + j->a_at, j->a_stride * g->m * g->batch, XQ_NONE, true);
	g->a.stride = j->a_stride;
	g->a.batch_stride = j->a_stride * g->m;
	place_b(j);
	give_scales(g, &g->a_scale, g->a_scale_type, g->k / g->group, false, wild);
	give_scales(g, &g->b_scale, g->b_scale_type, g->k / g->group, true, wild);
	give_scales(g, &g->b_min, g->b_min_type, g->k / g->group, true, wild);
	give_scales(g, &g->a_scale2, g->a_scale2_type, g->k / wide, false, wild);
	give_scales(g, &g->b_scale2, g->b_scale2_type, g->k / wide, true, wild);
	give_scales(g, &g->b_min2, g->b_min2_type, g->k / wide, true, wild);
	if (g->b_type == XQ_C4 || g->b_type == XQ_C8) {
		g->codebook.offset = room(256, 1);
		fill(memory + g->codebook.offset, 256, XQ_NONE, true);
	}
	used = (used + 4095) / 4096 * 4096;	/* C is apart from the inputs */
	g->c.stride = 4 * ((size_t)g->n + (size_t)ktap_range(0, 2));
	g->c.batch_stride = g->c.stride * g->m;
	g->c.offset = room(g->c.batch_stride * g->batch, 4);
	fill(memory + g->c.offset, g->c.batch_stride * g->batch, XQ_F32, wild);
}

static uint32_t reference(const struct job *j, size_t batch, size_t m, size_t n, float start)
{
	const struct xq_gemm *g = &j->g;
	const uint8_t *a = memory + j->a_at + (batch * g->m + m) * j->a_stride;
	const uint8_t *b = memory + j->b_at + (batch * g->n + n) * j->b_stride;
	volatile float c = start;
	uint32_t bits;

	for (size_t i = 0; i < g->k / g->group; i++) {
		const size_t sa = g->a_supergroup ? i * g->group / g->a_supergroup : 0;
		const size_t sb = g->b_supergroup ? i * g->group / g->b_supergroup : 0;
		int64_t s = 0, t = 0;

		for (size_t k = i * g->group; k < (i + 1) * g->group; k++) {
			const int64_t x = element(a, g->a_type, k, NULL) - g->a_zp;

			s += x * (element(b, g->b_type, k, memory + g->codebook.offset) - g->b_zp);
			t += x;
		}
		const volatile float as = level(g, &g->a_scale, g->a_scale_type, false, batch, m, i) *
					  level(g, &g->a_scale2, g->a_scale2_type, false, batch, m, sa);
		const volatile float bs = level(g, &g->b_scale, g->b_scale_type, true, batch, n, i) *
					  level(g, &g->b_scale2, g->b_scale2_type, true, batch, n, sb);
		const volatile float scale = as * bs;

		c = fmaf((float)s, scale, c);
		if (g->b_min_type || g->b_min2_type) {
			const volatile float row = (float)t * as;
			const volatile float min =
				level(g, &g->b_min, g->b_min_type, true, batch, n, i) *
				level(g, &g->b_min2, g->b_min2_type, true, batch, n, sb);

			c = fmaf(-row, min, c);
		}
	}
	memcpy(&bits, (const void *)&c, 4);
	return isnan(c) ? 0x7fc00000 : bits;
}

static uint32_t summed_reference(const struct job *j, size_t batch, size_t m, size_t n, float start)
{
	const struct xq_gemm *g = &j->g;
	const uint8_t *a = memory + j->a_at + (batch * g->m + m) * j->a_stride;
	const uint8_t *b = memory + j->b_at + (batch * g->n + n) * j->b_stride;
	volatile float c = start;
	uint32_t bits;

	for (size_t i = 0; i < g->k / g->b_supergroup; i++) {
		const volatile float as = level(g, &g->a_scale2, g->a_scale2_type, false, batch, m, i);
		const volatile float scale =
			as * level(g, &g->b_scale2, g->b_scale2_type, true, batch, n, i);
		int64_t s = 0, t = 0;

		for (size_t k = i * g->b_supergroup; k < (i + 1) * g->b_supergroup; k++) {
			const int64_t x = element(a, g->a_type, k, NULL) - g->a_zp;
			const int64_t w = element(b, g->b_type, k, memory + g->codebook.offset) - g->b_zp;

			s += x * w * (int64_t)level(g, &g->b_scale, g->b_scale_type, true, batch, n, k / g->group);
			if (g->b_min_type)
				t += x * (int64_t)level(g, &g->b_min, g->b_min_type, true, batch, n, k / g->group);
		}
		c = fmaf((float)(int32_t)s, scale, c);
		if (g->b_min_type) {
			const volatile float row = (float)(int32_t)t * as;

			c = fmaf(-row, level(g, &g->b_min2, g->b_min2_type, true, batch, n, i), c);
		}
	}
	memcpy(&bits, (const void *)&c, 4);
	return isnan(c) ? 0x7fc00000 : bits;
}

static void references(const struct job *j)
{
	const struct xq_gemm *g = &j->g;
	uint32_t *to = want;

	for (size_t batch = 0; batch < g->batch; batch++) {
		for (size_t m = 0; m < g->m; m++) {
			for (size_t n = 0; n < g->n; n++, to++) {
				const uint8_t *c = memory + g->c.offset + batch * g->c.batch_stride +
						   m * g->c.stride + 4 * n;
				float start = 0;

				if (g->flags & XQACCEL_JOB_ACCUMULATE)
					memcpy(&start, c, 4);
				memcpy(to, c, 4);
				if (g->k && g->flags & XQACCEL_JOB_SUPERGROUP_SUM)
					*to = summed_reference(j, batch, m, n, start);
				else if (g->k)
					*to = reference(j, batch, m, n, start);
				else if (!(g->flags & XQACCEL_JOB_ACCUMULATE))
					*to = 0;
			}
		}
	}
}

static void name_buffer(struct xq_gemm *g, struct xq_buffer *buffer)
{
	g->a.buffer = g->b.buffer = g->c.buffer = buffer;
	g->a_scale.buffer = g->a_scale_type ? buffer : NULL;
	g->b_scale.buffer = g->b_scale_type ? buffer : NULL;
	g->b_min.buffer = g->b_min_type ? buffer : NULL;
	g->a_scale2.buffer = g->a_scale2_type ? buffer : NULL;
	g->b_scale2.buffer = g->b_scale2_type ? buffer : NULL;
	g->b_min2.buffer = g->b_min2_type ? buffer : NULL;
	g->codebook.buffer = g->b_type == XQ_C4 || g->b_type == XQ_C8 ? buffer : NULL;
}

/* Differences, in C and in what lies around it. */
static size_t run(const struct target *t, struct job *j)
{
	struct xq_gemm *g = &j->g;
	uint8_t *data = xq_buffer_data(t->buffer);
	const uint32_t *from = want;
	size_t wrong = 0;
	int err;

	name_buffer(g, t->buffer);
	memcpy(data, memory, used);
	err = xq_gemm_run(t->queue, g, NULL);
	if (!EXPECT(!err, "%s: %s", t->name, strerror(-err)))
		return 1;
	for (size_t batch = 0; batch < g->batch; batch++) {
		for (size_t m = 0; m < g->m; m++) {
			const size_t at = g->c.offset + batch * g->c.batch_stride + m * g->c.stride;

			for (size_t n = 0; n < g->n; n++)
				wrong += memcmp(data + at + 4 * n, from++, 4) != 0;
			memcpy(data + at, memory + at, 4 * (size_t)g->n);
		}
	}
	for (size_t i = 0; i < used; i++)
		wrong += data[i] != memory[i];
	return wrong;
}

static void check(bool wild, int times)
{
	open_devices();
	for (int i = 0; i < (in_guest ? times / 8 : times); i++) {
		struct job j;
		const struct xq_gemm *g = &j.g;

		make(&j, wild);
		references(&j);
		for (int t = 0; t < count; t++) {
			const size_t wrong = run(&targets[t], &j);

			EXPECT(!wrong, "%s: %u x %u x %u of %u, %s x %s, group %u, flags %u, scales %s %s, "
			       "%s %s, minima %s %s: %zu differ", targets[t].name, g->m, g->n, g->k, g->batch,
			       xq_type_name(g->a_type), xq_type_name(g->b_type), g->group, g->flags,
			       xq_type_name(g->a_scale_type), xq_type_name(g->b_scale_type),
			       xq_type_name(g->a_scale2_type), xq_type_name(g->b_scale2_type),
			       xq_type_name(g->b_min_type), xq_type_name(g->b_min2_type), wrong);
		}
	}
}

static void moderate(void) { check(false, 800); }
static void anything(void) { check(true, 400); }

/* ---- refusals --------------------------------------------------------------------------------- */

static void no_group(struct xq_gemm *g) { g->group = 0; }
static void large_group(struct xq_gemm *g) { g->k = g->group = 2 * XQACCEL_MAX_GROUP_REAL; }
static void odd_group(struct xq_gemm *g) { g->group = 24; }
static void two_kinds(struct xq_gemm *g) { g->flags |= XQACCEL_JOB_GROUP_ACC; }
static void not_real(struct xq_gemm *g) { g->flags = 0; }
static void s32_a(struct xq_gemm *g) { g->a_scale_type = XQ_S32; }
static void s32_b(struct xq_gemm *g) { g->b_scale_type = XQ_S32; }
static void s4_min(struct xq_gemm *g) { g->b_min_type = XQ_S4; }
static void u8_second_a(struct xq_gemm *g) { g->a_scale2_type = XQ_U8; }
static void u8_second_b(struct xq_gemm *g) { g->b_scale2_type = XQ_U8; }
static void s8_second_min(struct xq_gemm *g) { g->b_min2_type = XQ_S8; }
static void unknown_a(struct xq_gemm *g) { g->a_scale_type = (enum xq_type)99; }
static void unknown_b(struct xq_gemm *g) { g->b_scale_type = (enum xq_type)99; }
static void unknown_a2(struct xq_gemm *g) { g->a_scale2_type = (enum xq_type)300; }
static void unknown_b2(struct xq_gemm *g) { g->b_scale2_type = (enum xq_type)300; }
static void unknown_min(struct xq_gemm *g) { g->b_min_type = (enum xq_type)256; }
static void unknown_min2(struct xq_gemm *g) { g->b_min2_type = (enum xq_type)256; }
static void no_supergroup_a(struct xq_gemm *g) { g->a_supergroup = 0; }
static void no_supergroup_b(struct xq_gemm *g) { g->b_supergroup = 0; }
static void broken_supergroup(struct xq_gemm *g) { g->b_supergroup = 48; }
static void long_supergroup(struct xq_gemm *g) { g->a_supergroup = 512; }
static void uneven_supergroup(struct xq_gemm *g) { g->k = 192; g->a_supergroup = 128; }
static void idle_supergroup(struct xq_gemm *g) { g->a_scale2_type = XQ_NONE; g->a_scale2.buffer = NULL; g->a_scale2.offset = g->a_scale2.stride = 0; }
static void absent_format(struct xq_gemm *g) { g->b_min_type = XQ_NONE; }
static void odd_f16(struct xq_gemm *g) { g->b_scale2.offset++; }
static void odd_f32(struct xq_gemm *g) { g->a_scale2.stride += 2; }
static void scale_past_end(struct xq_gemm *g) { g->b_scale.offset = BYTES - 8; }
static void second_past_end(struct xq_gemm *g) { g->b_min2.offset = BYTES - 2; }
static void endless_min(struct xq_gemm *g) { g->b_min.stride = UINT64_MAX; }
static void c_in_scales(struct xq_gemm *g) { g->c.offset = g->b_scale.offset / 4 * 4; }
static void c_in_minima(struct xq_gemm *g) { g->c.offset = g->b_min2.offset / 4 * 4; }

/**
 * struct refusal - one thing of an acceptable job that is spoilt, and what is said of it
 * @error: 0 if it is acceptable still
 */
struct refusal {
	const char *what;
	void (*spoil)(struct xq_gemm *g);
	int error;
};

/* @job: acceptable, but for the buffer of its operands */
static void expect_refusals(const struct xq_gemm *job, const struct refusal *cases, size_t n)
{
	open_devices();
	for (int t = 0; t < count; t++) {
		for (size_t i = 0; i < n; i++) {
			struct xq_gemm g = *job;
			struct xq_operand *const operands[] = {
				&g.a, &g.b, &g.c, &g.a_scale, &g.b_scale, &g.b_min, &g.a_scale2, &g.b_scale2, &g.b_min2,
			};
			int err;

			for (size_t k = 0; k < sizeof(operands) / sizeof(operands[0]); k++)
				if (operands[k]->stride)
					operands[k]->buffer = targets[t].buffer;
			err = xq_gemm_run(targets[t].queue, &g, NULL);
			EXPECT(!err, "%s: as it is: %s", targets[t].name, strerror(-err));
			cases[i].spoil(&g);
			err = xq_gemm_run(targets[t].queue, &g, NULL);
			EXPECT(err == cases[i].error, "%s: %s: %s", targets[t].name, cases[i].what, strerror(-err));
		}
	}
}

/* ---- of sums of supergroups, one thing of an acceptable job each ------------------------------------ */

static void sum_of_no_reals(struct xq_gemm *g) { g->flags &= ~(uint32_t)XQACCEL_JOB_GROUP_REAL; }
static void sum_first_a(struct xq_gemm *g) { g->a_scale_type = XQ_U8; }
static void sum_no_second_a(struct xq_gemm *g) { g->a_scale2_type = XQ_NONE; g->a_supergroup = 0; }
static void sum_other_supergroup(struct xq_gemm *g) { g->a_supergroup = 128; }
static void sum_no_first_b(struct xq_gemm *g) { g->b_scale_type = XQ_NONE; }
static void sum_real_first_b(struct xq_gemm *g) { g->b_scale_type = XQ_E8M0; }
static void sum_no_second_b(struct xq_gemm *g) { g->b_scale2_type = XQ_NONE; }
static void sum_no_first_min(struct xq_gemm *g) { g->b_min_type = XQ_NONE; }
static void sum_real_first_min(struct xq_gemm *g) { g->b_min_type = XQ_E8M0; }
static void sum_no_second_min(struct xq_gemm *g) { g->b_min2_type = XQ_NONE; }
static void sum_absent_a(struct xq_gemm *g) { g->a_scale2 = (struct xq_operand){ 0 }; }
static void sum_absent_b(struct xq_gemm *g) { g->b_scale = (struct xq_operand){ 0 }; }
static void sum_absent_min2(struct xq_gemm *g) { g->b_min2 = (struct xq_operand){ 0 }; }

/* K of 8192 by rows that repeat. */
static void long_rows(struct xq_gemm *g, uint32_t group, uint32_t supergroup)
{
	g->m = g->n = 1;
	g->k = 8192;
	g->group = group;
	g->a_supergroup = g->b_supergroup = supergroup;
	g->a.offset = 65536;
	g->b.offset = 131072;
	g->b_scale.offset = 262144;
	g->b_min.offset = 300000;
}

static void sum_longest(struct xq_gemm *g) { long_rows(g, 32, 4096); }
static void sum_too_long(struct xq_gemm *g) { long_rows(g, 64, 8192); }
static void sum_too_many(struct xq_gemm *g) { long_rows(g, 16, 4096); }

static void sums_refused(void)
{
	static const struct refusal cases[] = {
		{ "without real scales", sum_of_no_reals, -EINVAL }, { "a first level of A", sum_first_a, -EINVAL },
		{ "no second level of A", sum_no_second_a, -EINVAL },
		{ "another supergroup of A", sum_other_supergroup, -EINVAL },
		{ "no first level of B", sum_no_first_b, -EINVAL },
		{ "a first level that is no integer", sum_real_first_b, -EINVAL },
		{ "no second level of B", sum_no_second_b, -EINVAL },
		{ "no first level of minima", sum_no_first_min, -EINVAL },
		{ "a first level of minima that is no integer", sum_real_first_min, -EINVAL },
		{ "no second level of minima", sum_no_second_min, -EINVAL },
		{ "scales of A absent", sum_absent_a, -EINVAL }, { "scales of B absent", sum_absent_b, -EINVAL },
		{ "minima's second level absent", sum_absent_min2, -EINVAL },
		{ "the longest supergroup", sum_longest, 0 },
		{ "a longer supergroup", sum_too_long, -EINVAL },
		{ "more groups", sum_too_many, -EINVAL },
	};
	static const struct xq_gemm job = {
		.m = 3, .n = 5, .k = 256, .batch = 1, .a_type = XQ_S8, .b_type = XQ_S4,
		.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM, .group = 32,
		.b_scale_type = XQ_U8, .b_min_type = XQ_S8, .a_scale2_type = XQ_F32,
		.b_scale2_type = XQ_F16, .b_min2_type = XQ_F16,
		.a_supergroup = 256, .b_supergroup = 256,
		.a = { NULL, 0, 256, 0 }, .b = { NULL, 1024, 128, 0 },
		.c = { NULL, 2048, 20, 0 }, .b_scale = { NULL, 3200, 8, 0 },
		.b_min = { NULL, 3300, 8, 0 }, .a_scale2 = { NULL, 3400, 4, 0 },
		.b_scale2 = { NULL, 3500, 2, 0 }, .b_min2 = { NULL, 3600, 2, 0 },
	};

	expect_refusals(&job, cases, sizeof(cases) / sizeof(cases[0]));
}

static void refused(void)
{
	static const struct refusal cases[] = {
		{ "no group", no_group, -EINVAL }, { "a large group", large_group, -EINVAL },
		{ "a group that does not divide k", odd_group, -EINVAL },
		{ "an accumulator per group, too", two_kinds, -EINVAL },
		{ "real scales without the flag", not_real, -EINVAL },
		{ "s32 scales of A", s32_a, -EINVAL }, { "s32 scales of B", s32_b, -EINVAL },
		{ "s4 minima", s4_min, -EINVAL }, { "u8 second level of A", u8_second_a, -EINVAL },
		{ "u8 second level of B", u8_second_b, -EINVAL },
		{ "s8 second level of minima", s8_second_min, -EINVAL },
		{ "an unknown format of A's scales", unknown_a, -EOPNOTSUPP },
		{ "an unknown format of B's scales", unknown_b, -EOPNOTSUPP },
		{ "an unknown format of A's second level", unknown_a2, -EOPNOTSUPP },
		{ "an unknown format of B's second level", unknown_b2, -EOPNOTSUPP },
		{ "an unknown format of minima", unknown_min, -EOPNOTSUPP },
		{ "an unknown format of the minima's second level", unknown_min2, -EOPNOTSUPP },
		{ "no supergroup of A", no_supergroup_a, -EINVAL },
		{ "no supergroup of B", no_supergroup_b, -EINVAL },
		{ "a supergroup of parts of groups", broken_supergroup, -EINVAL },
		{ "a supergroup longer than K", long_supergroup, -EINVAL },
		{ "a supergroup that does not divide K", uneven_supergroup, -EINVAL },
		{ "a supergroup of nothing", idle_supergroup, -EINVAL },
		{ "minima without a format", absent_format, -EINVAL },
		{ "an odd place of f16", odd_f16, -EINVAL }, { "an odd stride of f32", odd_f32, -EINVAL },
		{ "scales past the end", scale_past_end, -ERANGE },
		{ "a second level past the end", second_past_end, -ERANGE },
		{ "rows that leave 64 bits", endless_min, -EOVERFLOW },
		{ "C over scales", c_in_scales, -EINVAL }, { "C over minima", c_in_minima, -EINVAL },
	};
	static const struct xq_gemm job = {
		.m = 3, .n = 5, .k = 256, .batch = 1, .a_type = XQ_S8, .b_type = XQ_S4,
		.flags = XQACCEL_JOB_GROUP_REAL, .group = 32,
		.a_scale_type = XQ_F16, .b_scale_type = XQ_U8, .b_min_type = XQ_U8,
		.a_scale2_type = XQ_F32, .b_scale2_type = XQ_F16, .b_min2_type = XQ_F16,
		.a_supergroup = 128, .b_supergroup = 256,
		.a = { NULL, 0, 256, 0 }, .b = { NULL, 1024, 128, 0 },
		.c = { NULL, 2048, 20, 0 }, .a_scale = { NULL, 3072, 16, 0 },
		.b_scale = { NULL, 3200, 8, 0 }, .b_min = { NULL, 3300, 8, 0 },
		.a_scale2 = { NULL, 3400, 8, 0 }, .b_scale2 = { NULL, 3500, 2, 0 },
		.b_min2 = { NULL, 3600, 2, 0 },
	};

	expect_refusals(&job, cases, sizeof(cases) / sizeof(cases[0]));
}

/* The completion tells if a group's sum may have left 32 bits, whatever the scales. */
static void overflow(void)
{
	open_devices();
	for (int t = 0; t < count; t++) {
		struct xq_buffer *const buffer = targets[t].buffer;
		struct xq_gemm g = {
			.m = 1, .n = 1, .k = 8192, .batch = 1, .a_type = XQ_S8, .b_type = XQ_S8,
			.flags = XQACCEL_JOB_GROUP_REAL, .group = 4096, .b_scale_type = XQ_F16,
			.a = { buffer, 0, 8192, 0 }, .b = { buffer, 8192, 8192, 0 },
			.c = { buffer, 65536, 4, 0 }, .b_scale = { buffer, 32768, 4, 0 },
		};
		struct xq_completion done;

		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && !done.overflow, "%s", targets[t].name);
		g.a_zp = 4000;
		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && done.overflow, "%s", targets[t].name);
		EXPECT(done.macs == 8192, "%llu", (unsigned long long)done.macs);
	}
}

/* The same of a supergroup's sums: 128 * 128 * 255 * K leaves 32 bits beyond 514 elements, with s8 from 1024 on. */
static void summed_overflow(void)
{
	open_devices();
	for (int t = 0; t < count; t++) {
		struct xq_buffer *const buffer = targets[t].buffer;
		struct xq_gemm g = {
			.m = 1, .n = 1, .k = 1024, .batch = 1, .a_type = XQ_S8, .b_type = XQ_S8,
			.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM, .group = 32,
			.a_scale2_type = XQ_F32, .b_scale_type = XQ_U8, .b_scale2_type = XQ_F32,
			.a_supergroup = 512, .b_supergroup = 512,
			.a = { buffer, 0, 1024, 0 }, .b = { buffer, 8192, 1024, 0 },
			.c = { buffer, 65536, 4, 0 }, .a_scale2 = { buffer, 32768, 8, 0 },
			.b_scale = { buffer, 32800, 32, 0 }, .b_scale2 = { buffer, 32848, 8, 0 },
		};
		struct xq_completion done;

		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && !done.overflow, "%s", targets[t].name);
		g.a_supergroup = g.b_supergroup = 1024;
		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && done.overflow, "%s", targets[t].name);
		g.b_scale_type = XQ_S8;
		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && done.overflow, "%s", targets[t].name);
		g.a_supergroup = g.b_supergroup = 512;
		EXPECT(!xq_gemm_run(targets[t].queue, &g, &done) && !done.overflow, "%s", targets[t].name);
	}
}

/* ---- packed weights --------------------------------------------------------------------------- */

#define MOST	4096

static int8_t x_values[MOST], w_values[8 * MOST];
static uint8_t x_scale[4 * MOST], x_scale2[4 * MOST], w_level[4][4 * MOST];
static float y[MOST];

static const void *some(uint8_t *to, enum xq_type type)
{
	fill(to, 4 * MOST, type, false);
	return type ? to : NULL;
}

static float scale_at(const struct xq_group_scales *s, size_t row, size_t groups, size_t supergroups, size_t g)
{
	const size_t bytes = xq_type_bits(s->type) / 8, bytes2 = xq_type_bits(s->type2) / 8;
	const float first = bytes ? real((const uint8_t *)s->scale + (row * groups + g) * bytes, s->type) : 1;

	return first * (bytes2 ? real((const uint8_t *)s->scale2 +
				      (row * supergroups + g * supergroups / groups) * bytes2, s->type2) : 1);
}

/* Elements of x and of w with their zero points taken off. */
static int32_t packed_x(const struct xq_grouped_config *c, size_t m, size_t k)
{
	return x_values[m * c->inputs + k] - c->x_zp;
}

static int32_t packed_w(const struct xq_grouped_config *c, size_t n, size_t k)
{
	const uint8_t code = (uint8_t)w_values[n * c->inputs + k];

	return (c->w_type == XQ_C4 ? c->codebook[code] : xq_type_signed(c->w_type) ? (int8_t)code : code) - c->w_zp;
}

static float packed_summed(const struct xq_grouped_config *c, const struct xq_group_scales *xs, size_t m, size_t n)
{
	const struct xq_group_scales first = { .type = c->w_scales.type, .scale = c->w_scales.scale };
	const struct xq_group_scales first_min = { .type = c->w_minima.type, .scale = c->w_minima.scale };
	const struct xq_group_scales second = { .type = c->w_scales.type2, .scale = c->w_scales.scale2 };
	const struct xq_group_scales second_min = { .type = c->w_minima.type2, .scale = c->w_minima.scale2 };
	const struct xq_group_scales of_x = { .type = xs->type2, .scale = xs->scale2 };
	const size_t groups = c->inputs / c->group, supergroups = c->inputs / c->w_supergroup;
	volatile float sum = 0;

	for (size_t s = 0; s < supergroups; s++) {
		const volatile float a = scale_at(&of_x, m, supergroups, 0, s);
		const volatile float scale = a * scale_at(&second, n, supergroups, 0, s);
		int64_t all = 0, minima = 0;

		for (size_t k = s * c->w_supergroup; k < (s + 1) * c->w_supergroup; k++) {
			const int64_t x = packed_x(c, m, k);

			all += x * packed_w(c, n, k) * (int64_t)scale_at(&first, n, groups, 0, k / c->group);
			if (first_min.type)
				minima += x * (int64_t)scale_at(&first_min, n, groups, 0, k / c->group);
		}
		sum = fmaf((float)(int32_t)all, scale, sum);
		if (first_min.type) {
			const volatile float row = (float)(int32_t)minima * a;

			sum = fmaf(-row, scale_at(&second_min, n, supergroups, 0, s), sum);
		}
	}
	return sum;
}

static float packed_reference(const struct xq_grouped_config *c, const struct xq_group_scales *xs, size_t m, size_t n)
{
	const size_t groups = c->inputs / c->group;
	const size_t sx = c->x_supergroup ? c->inputs / c->x_supergroup : 0;
	const size_t sw = c->w_supergroup ? c->inputs / c->w_supergroup : 0;
	volatile float sum = 0;

	if (c->supergroup_sum)
		return packed_summed(c, xs, m, n);
	for (size_t g = 0; g < groups; g++) {
		const volatile float a = scale_at(xs, m, groups, sx, g);
		const volatile float b = scale_at(&c->w_scales, n, groups, sw, g), scale = a * b;
		int32_t s = 0, t = 0;

		for (size_t k = g * c->group; k < (g + 1) * c->group; k++) {
			s += packed_x(c, m, k) * packed_w(c, n, k);
			t += packed_x(c, m, k);
		}
		sum = fmaf((float)s, scale, sum);
		if (c->w_minima.type || c->w_minima.type2) {
			const volatile float row = (float)t * a, min = scale_at(&c->w_minima, n, groups, sw, g);

			sum = fmaf(-row, min, sum);
		}
	}
	return sum;
}

/* What files have, and some that none has. */
static const struct {
	const char *name;
	enum xq_type w;
	uint32_t group, x_supergroup, w_supergroup;
	enum xq_type x1, x2, w1, w2, m1, m2;
	bool summed;
} files[] = {
	{ "Q4_0", XQ_S4, 32, 0, 0, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, false },
	{ "Q4_1", XQ_U4, 32, 0, 0, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, false },
	{ "Q4_K", XQ_U4, 32, 256, 256, XQ_NONE, XQ_F32, XQ_U8, XQ_F16, XQ_U8, XQ_F16, false },
	{ "Q6_K", XQ_S8, 16, 256, 256, XQ_NONE, XQ_F32, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, false },
	{ "Q2_K", XQ_U2, 16, 256, 256, XQ_NONE, XQ_F32, XQ_U8, XQ_F16, XQ_U8, XQ_F16, false },
	{ "MXFP4", XQ_C4, 32, 0, 0, XQ_F16, XQ_NONE, XQ_E8M0, XQ_NONE, XQ_NONE, XQ_NONE, false },
	{ "GPTQ", XQ_U4, 128, 0, 128, XQ_F32, XQ_NONE, XQ_F16, XQ_NONE, XQ_U8, XQ_F16, false },
	{ "VS-Quant", XQ_S4, 16, 512, 512, XQ_U8, XQ_F32, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, false },
	{ "Q4_K, summed", XQ_U4, 32, 256, 256, XQ_NONE, XQ_F32, XQ_U8, XQ_F16, XQ_U8, XQ_F16, true },
	{ "Q6_K, summed", XQ_S8, 16, 256, 256, XQ_NONE, XQ_F32, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, true },
	{ "Q2_K, summed", XQ_U2, 16, 256, 256, XQ_NONE, XQ_F32, XQ_U8, XQ_F16, XQ_U8, XQ_F16, true },
	{ "IQ4_XS, summed", XQ_C4, 32, 256, 256, XQ_NONE, XQ_F32, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, true },
	{ "bits", XQ_B1, 64, 0, 0, XQ_BF16, XQ_NONE, XQ_BF16, XQ_NONE, XQ_NONE, XQ_NONE, false },
};

static void packed_case(const struct target *t, size_t file, size_t rows, size_t outputs)
{
	static int8_t codebook[16];
	struct xq_group_scales xs = {
		.type = files[file].x1, .type2 = files[file].x2, .scale = some(x_scale, files[file].x1),
		.scale2 = some(x_scale2, files[file].x2),
	};
	const struct xq_grouped_config c = {
		.inputs = 512, .outputs = outputs, .group = files[file].group, .x_type = XQ_S8,
		.w_type = files[file].w, .x_supergroup = files[file].x_supergroup,
		.w_supergroup = files[file].w_supergroup, .weights = w_values, .codebook = codebook,
		.x_zp = (int32_t)ktap_range(-3, 3), .w_zp = (int32_t)ktap_range(-3, 3), .x_scales = xs,
		.w_scales = { files[file].w1, files[file].w2, some(w_level[0], files[file].w1),
			      some(w_level[1], files[file].w2) },
		.w_minima = { files[file].m1, files[file].m2, some(w_level[2], files[file].m1),
			      some(w_level[3], files[file].m2) },
		.supergroup_sum = files[file].summed,
	};
	struct xq_matmul_stats stats = { 0 };
	struct xq_workspace *ws;
	struct xq_grouped *g;
	size_t wrong = 0;
	int err;

	for (size_t i = 0; i < sizeof(w_values); i++)
		w_values[i] = c.w_type == XQ_B1 ? 2 * (int8_t)ktap_range(0, 1) - 1 :
			      (int8_t)ktap_range(xq_type_min(c.w_type), xq_type_max(c.w_type));
	for (size_t i = 0; i < sizeof(x_values); i++)
		x_values[i] = (int8_t)ktap_random();
	for (size_t i = 0; i < sizeof(codebook); i++)
		codebook[i] = (int8_t)ktap_random();
	if (!EXPECT(!xq_workspace_create(t->dev, &ws), "workspace"))
		return;
	err = xq_grouped_create(t->dev, &c, &g);
	if (EXPECT(!err, "%s: %s: %s", t->name, files[file].name, strerror(-err))) {
		err = xq_grouped_run(g, ws, x_values, &xs, rows, y, &stats);
		EXPECT(!err && stats.macs == rows * outputs * 512, "%s: %s", files[file].name, strerror(-err));
		for (size_t i = 0; i < rows * outputs; i++)
			wrong += y[i] != packed_reference(&c, &xs, i / outputs, i % outputs);
		EXPECT(!wrong, "%s: %s, %zu x %zu: %zu differ", t->name, files[file].name, rows, outputs, wrong);
		xs.type = XQ_S8;
		EXPECT(xq_grouped_run(g, ws, x_values, &xs, rows, y, NULL) == -EINVAL, "other scales");
		EXPECT(xq_grouped_bytes(g) >= outputs * 512 * xq_type_bits(c.w_type) / 8, "bytes");
		xq_grouped_destroy(g);
	}
	xq_workspace_destroy(ws);
}

static void packed(void)
{
	open_devices();
	for (int t = 0; t < count; t++)
		for (size_t file = 0; file < sizeof(files) / sizeof(files[0]); file++) {
			packed_case(&targets[t], file, 1, 16);
			packed_case(&targets[t], file, 7, 60);
			packed_case(&targets[t], file, 0, 5);
			packed_case(&targets[t], file, 8, 3);
		}
}

static void packed_refusals(void)
{
	struct xq_grouped_config c = { .inputs = 64, .outputs = 2, .group = 32, .x_type = XQ_S8, .w_type = XQ_S4,
				       .weights = w_values, .w_scales = { .type = XQ_F16, .scale = w_level[0] } };
	struct xq_grouped *g;

	open_devices();
	memset(w_values, 0, sizeof(w_values));
	c.group = 0;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EINVAL, "no group");
	c.group = 24;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EINVAL, "a group that does not divide K");
	c.group = 32;
	c.w_supergroup = 64;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EINVAL, "a supergroup of nothing");
	c.w_supergroup = 0;
	c.supergroup_sum = true;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EINVAL, "sums of no supergroups");
	c.supergroup_sum = false;
	c.w_scales.type = (enum xq_type)77;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EINVAL, "an unknown type");
	c.w_scales.type = XQ_F16;
	w_values[5] = 9;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -ERANGE, "a weight that is not of its type");
	c.inputs = 1UL << 40;
	EXPECT(xq_grouped_create(targets[0].dev, &c, &g) == -EOVERFLOW, "too long rows");
	close_devices();
}

KTAP_MAIN(
	{ "moderate scales", moderate },
	{ "scales that are infinite, denormal or no numbers", anything },
	{ "refusals", refused },
	{ "refusals of sums of supergroups", sums_refused },
	{ "overflow of a group's sum", overflow },
	{ "overflow of a supergroup's sum", summed_overflow },
	{ "packed weights of model files", packed },
	{ "packed weights refused", packed_refusals },
)
