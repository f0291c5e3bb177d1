// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "queue_case.h"

enum { A, B, C, A_ZP, B_ZP, A_SCALE, B_SCALE, CODEBOOK };

uint64_t case_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
	return (uint32_t)(case_random(seed) % limit);
}

static struct xq_operand *operand(struct xq_gemm *job, int i)
{
	struct xq_operand *all[] = { &job->a, &job->b, &job->c, &job->a_zps, &job->b_zps,
				     &job->a_scale, &job->b_scale, &job->codebook };

	return all[i];
}

/* An operand of batch x rows x bytes, with gaps, in a buffer full of random bytes. */
static int place(struct queue_case *c, struct xq_device *dev, uint64_t *seed, int i, size_t rows,
		 size_t bytes, size_t align, bool matrix)
{
	struct xq_operand *op = operand(&c->job, i);
	const size_t stride = (bytes + align * below(seed, 3) + align - 1) / align * align;
	const size_t matrix_bytes = matrix ? rows * stride : (bytes + align - 1) / align * align;
	uint8_t *data;
	size_t at;
	int err;

	op->offset = align * below(seed, 40);
	op->stride = matrix ? stride : 0;
	op->batch_stride = matrix_bytes;
	if (i != C && !below(seed, 4))
		op->batch_stride = 0;
	err = xq_buffer_create(dev, op->offset + c->job.batch * matrix_bytes + 1, &c->buffer[i]);
	if (err)
		return err;
	op->buffer = c->buffer[i];
	data = xq_buffer_data(c->buffer[i]);
	for (at = 0; at + 8 <= xq_buffer_size(c->buffer[i]); at += 8) {
		const uint64_t r = case_random(seed);

		memcpy(data + at, &r, 8);
	}
	return 0;
}

static int place_all(struct queue_case *c, struct xq_device *dev, uint64_t *seed)
{
	struct xq_gemm *j = &c->job;
	const size_t groups = j->group ? j->k / j->group : 0, scale = j->a_scale_type == XQ_U8 ? 1 : 4;
	const bool tiled = j->flags & XQACCEL_JOB_B_TILED, planes = j->flags & XQACCEL_JOB_GROUP_ACC;
	int err;

	err = place(c, dev, seed, A, j->m, xq_row_size(j->a_type, j->k), 1, true);
	if (!err && tiled)
		err = place(c, dev, seed, B, 1, xq_tiled_size(j->b_type, j->n, j->k), 4096, false);
	else if (!err)
		err = place(c, dev, seed, B, j->n, xq_row_size(j->b_type, j->k), 1, true);
	if (!err)
		err = place(c, dev, seed, C, (planes ? groups : 1) * j->m, 4 * j->n, 4, true);
	if (planes)
		j->group_stride = j->m * j->c.stride;
	if (!err && below(seed, 2))
		err = place(c, dev, seed, A_ZP, 1, 4 * j->m, 4, false);
	if (!err && below(seed, 2))
		err = place(c, dev, seed, B_ZP, 1, 4 * j->n, 4, false);
	if (!err && j->a_scale_type && below(seed, 4))
		err = place(c, dev, seed, A_SCALE, j->m, groups * scale, scale, true);
	if (!err && j->a_scale_type && below(seed, 4))
		err = place(c, dev, seed, B_SCALE, j->n, groups * scale, scale, true);
	if (!err && (j->b_type == XQ_C4 || j->b_type == XQ_C8))
		err = place(c, dev, seed, CODEBOOK, 1, j->b_type == XQ_C4 ? 16 : 256, 1, false);
	return err;
}

/* ---- the reference ------------------------------------------------------------------------------- */

static const uint8_t *address(const struct xq_operand *op, size_t batch, size_t row)
{
	return (const uint8_t *)xq_buffer_data(op->buffer) + op->offset + batch * op->batch_stride +
	       row * op->stride;
}

static int32_t element(enum xq_type type, const uint8_t *row, size_t i, const int8_t *codebook)
{
	const unsigned int bits = xq_type_bits(type);
	const int code = row[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1);

	if (type == XQ_B1)
		return code ? 1 : -1;
	if (codebook)
		return codebook[code];
	return xq_type_signed(type) && code >> (bits - 1) ? code - (1 << bits) : code;
}

static uint32_t int_at(const struct xq_operand *op, size_t batch, size_t row, size_t i, uint32_t otherwise)
{
	uint32_t value;

	if (!op->buffer)
		return otherwise;
	memcpy(&value, address(op, batch, row) + 4 * i, 4);
	return value;
}

static uint32_t scale_at(const struct xq_gemm *j, const struct xq_operand *op, size_t batch,
			 size_t row, size_t g)
{
	if (op->buffer && j->a_scale_type == XQ_U8)
		return address(op, batch, row)[g];
	return int_at(op, batch, row, g, 1);
}

static uint8_t b_byte_row(const struct xq_gemm *j, size_t batch, size_t n, size_t byte)
{
	const size_t tiles_k = (xq_row_size(j->b_type, j->k) + 255) / 256;
	const size_t tile = n / 16 * tiles_k + byte / 256;

	if (!(j->flags & XQACCEL_JOB_B_TILED))
		return address(&j->b, batch, n)[byte];
	return address(&j->b, batch, 0)[tile * 4096 + 4 * (16 * (byte % 256 / 4) + n % 16) + byte % 4];
}

/* The sum of one group (or of all of K) of one element of C. */
static uint32_t group_sum(const struct xq_gemm *j, size_t batch, size_t m, size_t n, size_t first,
			  size_t count)
{
	const int8_t *codebook = j->codebook.buffer ? (const int8_t *)address(&j->codebook, batch, 0) : NULL;
	const uint32_t za = int_at(&j->a_zps, batch, 0, m, (uint32_t)j->a_zp);
	const uint32_t zb = int_at(&j->b_zps, batch, 0, n, (uint32_t)j->b_zp);
	const unsigned int bits = xq_type_bits(j->b_type);
	uint32_t sum = 0;
	size_t k;

	for (k = first; k < first + count; k++) {
		const uint8_t byte = b_byte_row(j, batch, n, k * bits / 8);
		const int32_t b = element(j->b_type, &byte, k % (8 / bits), codebook);

		sum += ((uint32_t)element(j->a_type, address(&j->a, batch, m), k, NULL) - za) *
		       ((uint32_t)b - zb);
	}
	return sum;
}

static void put(struct queue_case *c, size_t batch, size_t row, size_t n, uint32_t value)
{
	const struct xq_operand *op = &c->job.c;
	uint8_t *at = c->want + op->offset + batch * op->batch_stride + row * op->stride + 4 * n;
	uint32_t old = 0;

	if (c->job.flags & XQACCEL_JOB_ACCUMULATE)
		memcpy(&old, at, 4);
	value += old;
	memcpy(at, &value, 4);
}

static void reference(struct queue_case *c)
{
	const struct xq_gemm *j = &c->job;
	const size_t group = j->group ? j->group : j->k ? j->k : 1, groups = j->k / group;
	const bool planes = j->flags & XQACCEL_JOB_GROUP_ACC;
	size_t batch, m, n, g;

	for (batch = 0; batch < j->batch; batch++) {
		for (m = 0; m < j->m; m++) {
			for (n = 0; n < j->n; n++) {
				uint32_t sum = 0;

				for (g = 0; g < groups; g++) {
					const uint32_t part = group_sum(j, batch, m, n, g * group, group) *
						scale_at(j, &j->a_scale, batch, m, g) *
						scale_at(j, &j->b_scale, batch, n, g);

					sum += part;
					if (planes)
						put(c, batch, g * j->m + m, n, part);
				}
				if (!planes)
					put(c, batch, m, n, sum);
			}
		}
	}
}

/* ---- making and checking ------------------------------------------------------------------------- */

static void random_shape(struct xq_gemm *j, const struct xq_device *dev, uint64_t *seed)
{
	static const uint32_t sizes[] = { 0, 1, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100 };
	const uint32_t count = sizeof(sizes) / sizeof(*sizes);

	do {
		j->a_type = (enum xq_type)(1 + below(seed, XQ_TYPE_COUNT - 1));
		j->b_type = (enum xq_type)(1 + below(seed, XQ_TYPE_COUNT - 1));
	} while (!xq_device_has_pair(dev, j->a_type, j->b_type));
	j->m = sizes[below(seed, count)];
	j->n = sizes[below(seed, count)];
	j->k = below(seed, 300);
	j->batch = 1 + (below(seed, 4) ? 0 : below(seed, 4));
	if (!below(seed, 3)) {
		j->group = 1 + below(seed, 40);
		j->k = j->k / j->group * j->group;
		if (below(seed, 2))
			j->a_scale_type = j->b_scale_type = below(seed, 2) ? XQ_U8 : XQ_S32;
		else if (j->k && below(seed, 2))
			j->flags |= XQACCEL_JOB_GROUP_ACC;
	}
	if (!below(seed, 3))
		j->flags |= XQACCEL_JOB_ACCUMULATE;
	if (xq_device_has_tiled(dev, j->b_type) && below(seed, 2))
		j->flags |= XQACCEL_JOB_B_TILED;
	j->a_zp = below(seed, 2) ? (int32_t)below(seed, 400) - 200 : 0;
	j->b_zp = below(seed, 2) ? (int32_t)below(seed, 400) - 200 : 0;
}

static int keep_want(struct queue_case *c)
{
	c->c_bytes = xq_buffer_size(c->job.c.buffer);
	c->want = malloc(c->c_bytes);
	if (!c->want)
		return -ENOMEM;
	memcpy(c->want, xq_buffer_data(c->job.c.buffer), c->c_bytes);
	if (!(c->job.flags & XQACCEL_JOB_ACCUMULATE) || c->job.k)
		reference(c);
	return 0;
}

int case_make(struct queue_case *c, struct xq_device *dev, uint64_t *seed)
{
	int err;

	*c = (struct queue_case){ 0 };
	random_shape(&c->job, dev, seed);
	err = place_all(c, dev, seed);
	return err ? err : keep_want(c);
}

int case_plain(struct queue_case *c, struct xq_device *dev, uint32_t m, uint32_t n, uint32_t k)
{
	uint32_t value = k;
	size_t i;
	int err;

	*c = (struct queue_case){ .job = { .m = m, .n = n, .k = k, .batch = 1, .a_type = XQ_S8, .b_type = XQ_S8 } };
	err = xq_buffer_create(dev, (size_t)m * k, &c->buffer[A]);
	if (!err)
		err = xq_buffer_create(dev, (size_t)n * k, &c->buffer[B]);
	if (!err)
		err = xq_buffer_create(dev, (size_t)m * n * 4, &c->buffer[C]);
	if (err)
		return err;
	memset(xq_buffer_data(c->buffer[A]), 1, (size_t)m * k);
	memset(xq_buffer_data(c->buffer[B]), 1, (size_t)n * k);
	c->job.a = (struct xq_operand){ c->buffer[A], 0, k, 0 };
	c->job.b = (struct xq_operand){ c->buffer[B], 0, k, 0 };
	c->job.c = (struct xq_operand){ c->buffer[C], 0, 4 * (uint64_t)n, 0 };
	c->c_bytes = (size_t)m * n * 4;
	c->want = malloc(c->c_bytes);
	for (i = 0; c->want && i < c->c_bytes; i += 4)
		memcpy(c->want + i, &value, 4);
	return c->want ? 0 : -ENOMEM;
}

bool case_right(const struct queue_case *c)
{
	return !memcmp(c->want, xq_buffer_data(c->job.c.buffer), c->c_bytes);
}

void case_free(struct queue_case *c)
{
	int i;

	for (i = 0; i < 8; i++)
		xq_buffer_destroy(c->buffer[i]);
	free(c->want);
}
