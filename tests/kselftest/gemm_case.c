// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "device.h"
#include "gemm_case.h"

#define PAIR(a, b) { XQACCEL_FMT_##a, XQACCEL_FMT_##b, #a " x " #b }

const struct format_pair format_pairs[] = {
	PAIR(S8, S8), PAIR(U8, S8), PAIR(S8, S4), PAIR(U8, S4), PAIR(S4, S4), PAIR(S8, S2),
	PAIR(S8, T2), PAIR(S8, B1), PAIR(B1, B1), PAIR(S8, C4), PAIR(S8, C8),
};

const unsigned int format_pair_count = ARRAY_SIZE(format_pairs);

/* ---- numbers ------------------------------------------------------------- */

uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t random_below(struct random *r, uint32_t limit)
{
	return random_next(r) % limit;
}

bool random_one_in(struct random *r, uint32_t n)
{
	return !random_below(r, n);
}

void random_bytes(struct random *r, void *to, uint64_t bytes)
{
	uint8_t *p = to;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		const uint64_t v = random_next(r);

		memcpy(p, &v, 8);
	}
	while (bytes--)
		*p++ = random_next(r);
}

/* ---- elements -------------------------------------------------------------- */

static unsigned int element_bits(uint8_t format)
{
	switch (format) {
	case XQACCEL_FMT_B1:
		return 1;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_U2:
	case XQACCEL_FMT_T2:
		return 2;
	case XQACCEL_FMT_S4:
	case XQACCEL_FMT_U4:
	case XQACCEL_FMT_C4:
		return 4;
	case XQACCEL_FMT_S32:
		return 32;
	default:
		return 8;
	}
}

static uint64_t packed_bytes(uint8_t format, uint64_t elements)
{
	return (elements * element_bits(format) + 7) / 8;
}

static uint32_t load32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

/* The value of a code; wider than needed, as all arithmetic is modulo 2^32. */
static uint32_t element_value(uint8_t format, uint32_t code, const uint8_t *codebook)
{
	switch (format) {
	case XQACCEL_FMT_S8:
		return (int32_t)(int8_t)code;
	case XQACCEL_FMT_S4:
		return code < 8 ? code : code - 16;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return code < 2 ? code : code - 4;
	case XQACCEL_FMT_B1:
		return code ? 1 : -1;
	case XQACCEL_FMT_C4:
	case XQACCEL_FMT_C8:
		return (int32_t)(int8_t)codebook[code];
	default:
		return code;
	}
}

static uint32_t code_at(const uint8_t *row, uint8_t format, uint64_t i)
{
	const unsigned int bits = element_bits(format);
	const uint64_t first = i * bits;

	if (bits == 32)
		return load32(row + 4 * i);
	return row[first / 8] >> first % 8 & ((1U << bits) - 1);
}

/* Bit string of a row in the tile order: word w of row r at 4 * (16 * w + r) of its tile. */
static uint32_t tiled_code_at(const uint8_t *tiles, uint8_t format, uint64_t row, uint64_t i,
			      uint64_t k)
{
	const unsigned int bits = element_bits(format);
	const uint64_t words = (packed_bytes(format, k) + 3) / 4;
	const uint64_t tiles_k = (words + 63) / 64;
	const uint64_t word = i * bits / 32, shift = i * bits % 32;
	const uint8_t *tile = tiles + 4096 * (row / 16 * tiles_k + word / 64);
	const uint32_t value = load32(tile + 4 * (16 * (word % 64) + row % 16));

	return value >> shift & (bits == 32 ? ~0U : (1U << bits) - 1);
}

/* ---- making a case ----------------------------------------------------------- */

static void random_group(struct gemm_case *g, struct random *r, uint32_t max_k)
{
	const uint32_t groups = 1 + random_below(r, 4);

	g->group = 1 + random_below(r, max_k / groups);
	g->k = groups * g->group;
	switch (random_below(r, 3)) {
	case 0:
		g->flags |= XQACCEL_JOB_GROUP_ACC;
		break;
	case 1:
		g->scale_format = XQACCEL_FMT_U8;
		break;
	default:
		g->scale_format = XQACCEL_FMT_S32;
		break;
	}
}

/* Anything that the interface allows, in one of the pairs of formats. */
void gemm_random(struct gemm_case *g, struct random *r, uint32_t max_mn, uint32_t max_k)
{
	const struct format_pair *pair = &format_pairs[random_below(r, format_pair_count)];

	memset(g, 0, sizeof(*g));
	g->a_format = pair->a;
	g->b_format = pair->b;
	g->m = random_below(r, max_mn + 1);
	g->n = random_below(r, max_mn + 1);
	g->k = random_one_in(r, 16) ? 0 : 1 + random_below(r, max_k);
	g->batch = random_one_in(r, 4) ? 1 + random_below(r, 3) : 1;
	if (random_one_in(r, 3))
		random_group(g, r, max_k);
	if (random_one_in(r, 3))
		g->flags |= XQACCEL_JOB_ACCUMULATE;
	if (random_one_in(r, 3))
		g->flags |= XQACCEL_JOB_B_TILED;
	g->a_zp_rows = random_one_in(r, 4);
	g->b_zp_rows = random_one_in(r, 4);
	if (random_one_in(r, 2))
		g->a_zp = (int32_t)random_below(r, 256) - 128;
	if (random_one_in(r, 4))
		g->b_zp = random_next(r);
}

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* Rows of row_bytes at the next free place; both strides get a random slack. */
static void place(struct gemm_case *g, struct random *r, unsigned int index, uint64_t row_bytes,
		  uint64_t rows, uint64_t planes, uint64_t align, bool matrix)
{
	struct xqaccel_operand *op = &g->operand[index];
	uint64_t plane;

	op->handle = 1;
	op->offset = round_up(g->total + random_below(r, 70), align);
	if (matrix)
		op->stride = round_up(row_bytes + random_below(r, 20), align);
	plane = matrix ? rows * op->stride : row_bytes;
	if (planes > 1) {
		g->group_stride = round_up(plane + random_below(r, 20), align);
		plane = planes * g->group_stride;
	} else if (g->flags & XQACCEL_JOB_GROUP_ACC && index == XQACCEL_C) {
		g->group_stride = round_up(plane, 4);
	}
	op->batch_stride = round_up(plane + random_below(r, 20), align);
	if (index != XQACCEL_C && random_one_in(r, 4))
		op->batch_stride = 0;
	g->total = op->offset + g->batch * (op->batch_stride > plane ? op->batch_stride : plane);
}

static void place_scales(struct gemm_case *g, struct random *r)
{
	const uint64_t groups = g->k / g->group;
	const uint64_t bytes = packed_bytes(g->scale_format, groups);
	const uint64_t align = g->scale_format == XQACCEL_FMT_S32 ? 4 : 1;
	const uint32_t which = 1 + random_below(r, 3);

	if (which & 1)
		place(g, r, XQACCEL_A_SCALE, bytes, g->m, 1, align, true);
	if (which & 2)
		place(g, r, XQACCEL_B_SCALE, bytes, g->n, 1, align, true);
}

void gemm_place(struct gemm_case *g, struct random *r)
{
	const uint64_t words = (packed_bytes(g->b_format, g->k) + 3) / 4;
	const uint64_t planes = g->flags & XQACCEL_JOB_GROUP_ACC ? g->k / g->group : 1;

	memset(g->operand, 0, sizeof(g->operand));
	g->group_stride = 0;
	g->total = 0;
	place(g, r, XQACCEL_A, packed_bytes(g->a_format, g->k), g->m, 1, 1, true);
	if (g->flags & XQACCEL_JOB_B_TILED)
		place(g, r, XQACCEL_B, (g->n + 15) / 16 * ((words + 63) / 64) * 4096, 1, 1, 4096,
		      false);
	else
		place(g, r, XQACCEL_B, packed_bytes(g->b_format, g->k), g->n, 1, 1, true);
	place(g, r, XQACCEL_C, 4 * g->n, g->m, planes, 4, true);
	if (g->a_zp_rows)
		place(g, r, XQACCEL_A_ZP, 4 * g->m, 1, 1, 4, false);
	if (g->b_zp_rows)
		place(g, r, XQACCEL_B_ZP, 4 * g->n, 1, 1, 4, false);
	if (g->scale_format)
		place_scales(g, r);
	if (g->b_format == XQACCEL_FMT_C4 || g->b_format == XQACCEL_FMT_C8)
		place(g, r, XQACCEL_CODEBOOK, g->b_format == XQACCEL_FMT_C4 ? 16 : 256, 1, 1, 1,
		      false);
	g->total = round_up(g->total, 4096);
}

/* The job with its memory at base of a buffer. */
void gemm_job(const struct gemm_case *g, uint32_t handle, uint64_t base,
	      struct xqaccel_job_desc *job)
{
	unsigned int i;

	memset(job, 0, sizeof(*job));
	job->work.op = XQACCEL_OP_GEMM;
	job->work.flags = g->flags;
	job->work.gemm.m = g->m;
	job->work.gemm.n = g->n;
	job->work.gemm.k = g->k;
	job->work.gemm.batch = g->batch;
	job->work.gemm.group = g->group;
	job->work.gemm.a_format = g->a_format;
	job->work.gemm.b_format = g->b_format;
	job->work.gemm.a_scale_format = g->scale_format;
	job->work.gemm.b_scale_format = g->scale_format;
	job->work.gemm.a_zp = g->a_zp;
	job->work.gemm.b_zp = g->b_zp;
	for (i = 0; i < GEMM_OPERANDS; i++) {
		if (!g->operand[i].handle)
			continue;
		job->operand[i] = g->operand[i];
		job->operand[i].handle = handle;
		job->operand[i].offset += base;
	}
	job->operand[XQACCEL_C].plane_stride = g->group_stride;
}

/* ---- the answer ----------------------------------------------------------------- */

/* Where a row of an operand begins, NULL without the operand. */
static uint8_t *row_of(const struct gemm_case *g, uint8_t *memory, unsigned int index,
		       uint64_t batch, uint64_t row)
{
	const struct xqaccel_operand *op = &g->operand[index];

	return op->handle ? memory + op->offset + batch * op->batch_stride + row * op->stride
			  : NULL;
}

static uint32_t zero_point(const struct gemm_case *g, uint8_t *memory, unsigned int index,
			   uint64_t batch, uint64_t i, int32_t otherwise)
{
	const uint8_t *vector = row_of(g, memory, index, batch, 0);

	return vector ? load32(vector + 4 * i) : (uint32_t)otherwise;
}

static uint32_t scale_of(const struct gemm_case *g, uint8_t *memory, unsigned int index,
			 uint64_t batch, uint64_t row, uint64_t group)
{
	const uint8_t *scales = row_of(g, memory, index, batch, row);

	return scales ? code_at(scales, g->scale_format, group) : 1;
}

/* Sum over elements first .. end of K for one element of C. */
static uint32_t dot(const struct gemm_case *g, uint8_t *memory, uint64_t batch, uint64_t m,
		    uint64_t n, uint64_t first, uint64_t end)
{
	const bool tiled = g->flags & XQACCEL_JOB_B_TILED;
	const uint8_t *a = row_of(g, memory, XQACCEL_A, batch, m);
	const uint8_t *b = row_of(g, memory, XQACCEL_B, batch, tiled ? 0 : n);
	const uint8_t *codebook = row_of(g, memory, XQACCEL_CODEBOOK, batch, 0);
	const uint32_t za = zero_point(g, memory, XQACCEL_A_ZP, batch, m, g->a_zp);
	const uint32_t zb = zero_point(g, memory, XQACCEL_B_ZP, batch, n, g->b_zp);
	uint32_t sum = 0;
	uint64_t k;

	for (k = first; k < end; k++) {
		const uint32_t cb = tiled ? tiled_code_at(b, g->b_format, n, k, g->k) :
					    code_at(b, g->b_format, k);

		sum += (element_value(g->a_format, code_at(a, g->a_format, k), NULL) - za) *
		       (element_value(g->b_format, cb, codebook) - zb);
	}
	return sum;
}

static void put(const struct gemm_case *g, uint8_t *c, uint32_t value)
{
	store32(c, g->flags & XQACCEL_JOB_ACCUMULATE ? load32(c) + value : value);
}

static void element(const struct gemm_case *g, uint8_t *memory, uint64_t batch, uint64_t m,
		    uint64_t n)
{
	uint8_t *c = row_of(g, memory, XQACCEL_C, batch, m) + 4 * n;
	const uint64_t step = g->group ? g->group : g->k;
	uint32_t sum = 0;
	uint64_t k;

	for (k = 0; k < g->k; k += step) {
		uint32_t part = dot(g, memory, batch, m, n, k, k + step);

		if (g->scale_format)
			part *= scale_of(g, memory, XQACCEL_A_SCALE, batch, m, k / step) *
				scale_of(g, memory, XQACCEL_B_SCALE, batch, n, k / step);
		if (g->flags & XQACCEL_JOB_GROUP_ACC)
			put(g, c + k / step * g->group_stride, part);
		sum += part;
	}
	if (!(g->flags & XQACCEL_JOB_GROUP_ACC))
		put(g, c, sum);
}

/* Does to memory what the device must do. */
void gemm_reference(const struct gemm_case *g, uint8_t *memory)
{
	uint64_t batch, m, n;

	for (batch = 0; batch < g->batch; batch++)
		for (m = 0; m < g->m; m++)
			for (n = 0; n < g->n; n++)
				element(g, memory, batch, m, n);
}
