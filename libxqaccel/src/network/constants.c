// SPDX-License-Identifier: MIT
/*
 * Constants of a plan: parameters, and weights that are packed from where they lie, block by block, so that no
 * copy of all is made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "libxqaccel/src/pack/rows.h"

static struct xqn_constant *new_constant(struct xqn_compiler *c, size_t bytes, size_t align)
{
	struct xqn_constant *more = xqn_grown(c->constant, c->constants, sizeof(*more));
	const int storage = xqn_new_storage(c, XQN_CONSTANT, bytes, align);

	if (more)
		c->constant = more;
	else
		c->error = -ENOMEM;
	if (!more || storage < 0)
		return NULL;
	more[c->constants] = (struct xqn_constant){ .storage = storage };
	return &more[c->constants++];
}

int xqn_constant_bytes(struct xqn_compiler *c, const void *from, size_t bytes)
{
	struct xqn_constant *k = new_constant(c, bytes, XQN_ALIGN);

	if (!k)
		return -1;
	k->bytes = malloc(bytes);
	if (!k->bytes) {
		c->error = -ENOMEM;
		return -1;
	}
	memcpy(k->bytes, from, bytes);
	k->byte_count = bytes;
	return k->storage;
}

int xqn_constant_tensor(struct xqn_compiler *c, const struct xqn_tensor *t)
{
	const size_t last = t->shape.dim[t->shape.dims - 1];
	struct xqn_constant *k = new_constant(c, xqn_elements(&t->shape) / last * xq_row_size(t->config.type, last),
					      XQN_ALIGN);

	if (!k)
		return -1;
	k->tensor = t;
	return k->storage;
}

size_t xqn_matrix_row(const struct xqn_matrix *m)
{
	return xq_row_size(m->type, m->k[0] * m->k[1] * m->k[2]);
}

size_t xqn_matrix_group(const struct xqn_matrix *m)
{
	return m->tiled ? xq_tiled_size(m->type, m->rows, m->k[0] * m->k[1] * m->k[2]) :
	       m->rows * xqn_matrix_row(m);
}

int xqn_constant_weights(struct xqn_compiler *c, const struct xqn_matrix *m)
{
	const size_t bytes = m->groups * xqn_matrix_group(m);
	struct xqn_constant *k = new_constant(c, bytes, m->tiled ? XQACCEL_TILE_BYTES : XQN_ALIGN);

	if (!k)
		return -1;
	k->weights = true;
	k->matrix = *m;
	c->plan->memory.weights += bytes;
	return k->storage;
}

/* ---- reading them ------------------------------------------------------------------------------------- */

/* Elements of at most 8 bits, wherever a constant has them. */
struct source {
	const uint8_t *data;
	unsigned int bits;
	size_t row, row_bytes;		/* elements and bytes of a row, if rows are packed one by one */
	bool packed;
	struct xq_codes codes;
};

static void open_source(const struct xqn_tensor *t, struct source *s)
{
	*s = (struct source){ .data = t->config.data, .bits = xq_type_bits(t->config.type) };
	s->packed = s->bits < 8 && t->config.order != XQ_UNPACKED;
	xq_codes_init(&s->codes, t->config.type);
	s->row = t->config.order == XQ_PACKED_ROWS ? t->shape.dim[t->shape.dims - 1] : xqn_elements(&t->shape);
	s->row_bytes = xq_row_size(t->config.type, s->row);
}

/* The unpacked byte of an element. */
static uint8_t element(const struct source *s, size_t i)
{
	size_t bit;

	if (!s->packed)
		return s->data[i];
	bit = i % s->row * s->bits;
	return s->codes.value[s->data[i / s->row * s->row_bytes + bit / 8] >> bit % 8 & ((1U << s->bits) - 1)];
}

static void gather(const struct xqn_matrix *m, const struct source *s, size_t at, uint8_t *row)
{
	size_t a, b, k;

	for (a = 0; a < m->k[0]; a++)
		for (b = 0; b < m->k[1]; b++)
			for (k = 0; k < m->k[2]; k++)
				*row++ = element(s, at + a * m->stride[0] + b * m->stride[1] + k * m->stride[2]);
}

static bool in_order(const struct xqn_matrix *m)
{
	return (m->k[2] == 1 || m->stride[2] == 1) && (m->k[1] == 1 || m->stride[1] == m->k[2]) &&
	       (m->k[0] == 1 || m->stride[0] == m->k[1] * m->k[2]);
}

/* Up to 16 rows, a row of tiles. */
static bool fill_rows(const struct xqn_matrix *m, const struct source *s, uint8_t *gathered, size_t first, size_t count,
		      uint8_t *to)
{
	const size_t k = m->k[0] * m->k[1] * m->k[2];
	const bool direct = !s->packed && in_order(m);
	const uint8_t *rows = direct ? s->data + first * m->row_stride : gathered;
	const size_t stride = direct ? m->row_stride : k;
	size_t r, bad;

	for (r = 0; r < count && !direct; r++)
		gather(m, s, (first + r) * m->row_stride, gathered + r * k);
	if (m->tiled)
		return xq_pack_tiles(&m->codes, rows, count, k, stride, to, &bad);
	for (r = 0; r < count; r++)
		if (!xq_pack_row(&m->codes, rows + r * stride, k, to + r * xqn_matrix_row(m), &bad))
			return false;
	return true;
}

static int fill_weights(const struct xqn_matrix *m, uint8_t *to)
{
	const size_t k = m->k[0] * m->k[1] * m->k[2], step = XQACCEL_TILE_ROWS;
	const size_t block = m->tiled ? xq_tiled_size(m->type, step, k) : step * xqn_matrix_row(m);
	uint8_t *gathered = malloc(step * k);
	struct source s;
	size_t g, r;
	bool good = gathered;

	open_source(m->tensor, &s);
	for (g = 0; g < m->groups && good; g++) {
		for (r = 0; r < m->rows && good; r += step)
			good = fill_rows(m, &s, gathered, g * m->rows + r,
					 m->rows - r < step ? m->rows - r : step, to + r / step * block);
		to += xqn_matrix_group(m);
	}
	free(gathered);
	return good ? 0 : gathered ? -ERANGE : -ENOMEM;
}

static int fill_tensor(const struct xqn_tensor *t, uint8_t *to)
{
	const unsigned int bits = xq_type_bits(t->config.type);
	const size_t last = t->shape.dim[t->shape.dims - 1], row = xq_row_size(t->config.type, last);
	const size_t elements = xqn_elements(&t->shape);
	struct source s;
	uint8_t *gathered;
	size_t at, i, bad;
	bool good = true;

	if (bits >= 8) {
		memcpy(to, t->config.data, elements * (bits / 8));
		return 0;
	}
	gathered = malloc(last);
	if (!gathered)
		return -ENOMEM;
	open_source(t, &s);
	for (at = 0; at < elements && good; at += last, to += row) {
		for (i = 0; i < last; i++)
			gathered[i] = element(&s, at + i);
		good = xq_pack_row(&s.codes, gathered, last, to, &bad);
	}
	free(gathered);
	return good ? 0 : -ERANGE;
}

int xqn_fill_constant(struct xq_network *net, const struct xqn_constant *k, uint8_t *to)
{
	const struct xqn_tensor *t = k->weights ? k->matrix.tensor : k->tensor;
	int err;

	if (k->bytes) {
		memcpy(to, k->bytes, k->byte_count);
		return 0;
	}
	err = k->weights ? fill_weights(&k->matrix, to) : fill_tensor(t, to);
	if (err == -ERANGE)
		return xqn_fail(net, err, "constant %s has a value that is not of type %s", t->config.name,
				xq_type_name(t->config.type));
	return err ? xqn_fail(net, err, "no memory to pack constant %s", t->config.name) : 0;
}
