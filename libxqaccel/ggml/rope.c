// SPDX-License-Identifier: MIT
/* ROPE: pairs of a row's elements are rotated by angles that its position gives. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define ROPE_NORMAL	0	/* pairs are neighbours */
#define ROPE_NEOX	2	/* pairs are half of the dimensions apart */

enum {
	ROPE_DIMS = 1,
	ROPE_MODE = 2,
	ROPE_BASE = 5,
	ROPE_SCALE = 6,
	ROPE_EXTEND = 7,
	ROPE_FACTOR = 8,
	ROPE_FIRST = 15
};

bool xqg_rope_supported(const struct xqg_tensor *op)
{
	const int32_t mode = op->op_params[ROPE_MODE], dims = op->op_params[ROPE_DIMS];
	const int32_t first = op->op_params[ROPE_FIRST];
	const struct xqg_tensor *factors = op->src[2];

	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) &&
	       op->src[1]->type == XQG_TYPE_I32 && op->src[1]->ne[0] == op->ne[2] &&
	       (mode == ROPE_NORMAL || mode == ROPE_NEOX) && dims % 2 == 0 && dims > 0 &&
	       first >= 0 && first <= op->ne[0] - dims && xqg_float_param(op, ROPE_EXTEND) == 0 &&
	       (!factors || xqg_float_rows(factors));
}

/* ---- angles ---------------------------------------------------------------------------------- */

/* The rotations of a position: cosine and sine of each pair. */
static void find_angles(const struct xqg_tensor *op, int32_t position, float *cosine, float *sine)
{
	const int32_t dims = op->op_params[ROPE_DIMS];
	const float step = powf(xqg_float_param(op, ROPE_BASE), -2.f / (float)dims);
	const float *factors = op->src[2] ? op->src[2]->data : NULL;
	float angle = (float)position;
	int32_t i;

	for (i = 0; i < dims / 2; i++, angle *= step) {
		const float turned =
			xqg_float_param(op, ROPE_SCALE) * (factors ? angle / factors[i] : angle);

		cosine[i] = cosf(turned) * xqg_float_param(op, ROPE_FACTOR);
		sine[i] = sinf(turned) * xqg_float_param(op, ROPE_FACTOR);
	}
}

/**
 * struct rope - an operation and the rotations of its positions
 */
struct rope {
	const struct xqg_tensor *op;
	float *cosine, *sine;
	size_t pairs;
};

static int find_all(const void *arg, size_t first, size_t last)
{
	const struct rope *r = arg;
	size_t i;

	for (i = first; i < last; i++)
		find_angles(r->op, ((const int32_t *)r->op->src[1]->data)[i],
			    r->cosine + i * r->pairs, r->sine + i * r->pairs);
	return 0;
}

/*
 * Parameters, positions, factors: whether they are those of the last operation, of which then is a
 * copy.
 */
static bool same_key(struct xqg_angles *angles, const struct xqg_tensor *op)
{
	const struct {
		const void *from;
		size_t bytes;
	} parts[] = {
		{ op->op_params, sizeof(op->op_params) },
		{ op->src[1]->data, (size_t)op->ne[2] * sizeof(int32_t) },
		{ op->src[2] ? op->src[2]->data : NULL,
		  op->src[2] ? (size_t)op->op_params[ROPE_DIMS] / 2 * sizeof(float) : 0 },
	};
	const size_t bytes = parts[0].bytes + parts[1].bytes + parts[2].bytes;
	bool same = bytes == angles->key_bytes && parts[1].bytes == angles->position_bytes;
	uint8_t *at = angles->key;
	size_t i;

	for (i = 0; i < 3 && same; at += parts[i++].bytes)
		same = !parts[i].bytes || !memcmp(at, parts[i].from, parts[i].bytes);
	if (same || bytes > angles->key_room)
		return same;
	for (at = angles->key, i = 0; i < 3; at += parts[i++].bytes)
		if (parts[i].bytes)
			memcpy(at, parts[i].from, parts[i].bytes);
	angles->key_bytes = bytes;
	angles->position_bytes = parts[1].bytes;
	return false;
}

/* Room for the key and the angles; what there was is lost if there was less. */
static int make_room(struct xqg_angles *angles, const struct xqg_tensor *op, size_t pairs)
{
	const size_t key = sizeof(op->op_params) + ((size_t)op->ne[2] + pairs) * 4;
	const size_t room = 2 * (size_t)op->ne[2] * pairs;

	if (key <= angles->key_room && room <= angles->room)
		return 0;
	free(angles->key);
	free(angles->cosine);
	*angles = (struct xqg_angles){ .key = malloc(key), .cosine = malloc(room * sizeof(float)) };
	if (!angles->key || !angles->cosine)
		return -ENOMEM;
	angles->key_room = key;
	angles->room = room;
	return 0;
}

/* ---- rotations ------------------------------------------------------------------------------- */

XQG_VECTORS static void rotate_neighbours(float *y, const float *x, const float *cosine,
					  const float *sine, size_t pairs)
{
	size_t i;

	XQG_SAME_PLACE
	for (i = 0; i < pairs; i++) {
		const float a = x[2 * i], b = x[2 * i + 1];

		y[2 * i] = a * cosine[i] - b * sine[i];
		y[2 * i + 1] = a * sine[i] + b * cosine[i];
	}
}

XQG_VECTORS static void rotate_apart(float *y, const float *x, const float *cosine,
				     const float *sine, size_t pairs)
{
	size_t i;

	XQG_SAME_PLACE
	for (i = 0; i < pairs; i++) {
		const float a = x[i], b = x[i + pairs];

		y[i] = a * cosine[i] - b * sine[i];
		y[i + pairs] = a * sine[i] + b * cosine[i];
	}
}

static void rotate_row(const struct rope *r, const float *x, float *y, size_t position)
{
	const size_t first = (size_t)r->op->op_params[ROPE_FIRST], behind = first + 2 * r->pairs;
	const float *cosine = r->cosine + position * r->pairs,
		    *sine = r->sine + position * r->pairs;

	if (r->op->op_params[ROPE_MODE] == ROPE_NEOX)
		rotate_apart(y + first, x + first, cosine, sine, r->pairs);
	else
		rotate_neighbours(y + first, x + first, cosine, sine, r->pairs);
	if (x == y)
		return;
	memcpy(y, x, first * sizeof(*y));
	memcpy(y + behind, x + behind, ((size_t)r->op->ne[0] - behind) * sizeof(*y));
}

static int rotate_rows(const void *arg, size_t first, size_t last)
{
	const struct rope *r = arg;
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(r->op, i);

		rotate_row(r, (const float *)xqg_row_at(r->op->src[0], at),
			   (float *)xqg_row_at(r->op, at), (size_t)at.i2);
	}
	return 0;
}

int xqg_rope(struct xqg_host *host, const struct xqg_tensor *op)
{
	const size_t pairs = (size_t)op->op_params[ROPE_DIMS] / 2, positions = (size_t)op->ne[2];
	int err = make_room(&host->angles, op, pairs);
	const struct rope r = { .op = op, .cosine = host->angles.cosine,
				.sine = host->angles.cosine + positions * pairs, .pairs = pairs };

	/* A cosine and a sine take as long as some ten elements elsewhere. */
	if (!err && !same_key(&host->angles, op))
		err = xqg_host_rows(host, positions, 16 * pairs, find_all, &r);
	return err ? err :
		     xqg_host_rows(host, xqg_row_count(op), (size_t)op->ne[0], rotate_rows, &r);
}
