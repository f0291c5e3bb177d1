// SPDX-License-Identifier: MIT
/* GET_ROWS and SET_ROWS: rows that numbers name. */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "symbols.h"

/* Places by their number's remainder, which are divided among threads. */
#define CLASSES		16

/* Each thread looks at all numbers, so many of them have to be for long rows. */
#define SHORT_ROW	16
#define MOST_SHORT	32768

static int64_t index_at(const struct xqg_tensor *t, int64_t i0, int64_t i1, int64_t i2)
{
	const uint8_t *at = (const uint8_t *)t->data + (size_t)i0 * t->nb[0] +
			    (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2];
	int32_t small;
	int64_t index;

	if (t->type == XQG_TYPE_I64) {
		memcpy(&index, at, sizeof(index));
		return index;
	}
	memcpy(&small, at, sizeof(small));
	return small;
}

/*
 * What expands rows of a quantized tensor, NULL if nothing does: those of a model's words, with
 * which each token begins.
 */
static const struct xqg_type_traits *expander(const struct xqg_tensor *from)
{
	const struct xqg_type_traits *traits = xqg.type_traits ? xqg.type_traits(from->type) : NULL;

	return traits && traits->quantized && traits->expand && traits->bytes == from->nb[0] &&
	       from->ne[0] % traits->elements == 0 ? traits : NULL;
}

bool xqg_get_rows_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && op->src[1]->type == XQG_TYPE_I32 &&
	       (xqg_float_rows(op->src[0]) || expander(op->src[0]));
}

static int get_rows(const void *arg, size_t first, size_t last)
{
	const struct xqg_tensor *op = arg, *from = op->src[0];
	const struct xqg_type_traits *traits = xqg_float_rows(from) ? NULL : expander(from);
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(op, i);
		const int64_t row = index_at(op->src[1], at.i1, at.i2, at.i3);

		if (row < 0 || row >= from->ne[1])
			return -ERANGE;
		if (traits)
			traits->expand(xqg_row(from, row, at.i2, at.i3),
				       (float *)xqg_row_at(op, at), op->ne[0]);
		else
			memmove(xqg_row_at(op, at), xqg_row(from, row, at.i2, at.i3),
				(size_t)op->ne[0] * 4);
	}
	return 0;
}

int xqg_get_rows(struct xqg_host *host, const struct xqg_tensor *op)
{
	return xqg_host_rows(host, xqg_row_count(op), (size_t)op->ne[0], get_rows, op);
}

/* ---- SET_ROWS -------------------------------------------------------------------------------- */

bool xqg_set_rows_supported(const struct xqg_tensor *op)
{
	const int index = op->src[1]->type;

	if (op->src[0]->ne[0] < SHORT_ROW && xqg_elements(op->src[0]) > MOST_SHORT)
		return false;
	return xqg_float_rows(op->src[0]) && (index == XQG_TYPE_I32 || index == XQG_TYPE_I64) &&
	       (xqg_float_rows(op) || (op->type == XQG_TYPE_F16 && op->nb[0] == 2));
}

static void set_row(const struct xqg_tensor *op, struct xqg_place at, int64_t row)
{
	const struct xqg_tensor *from = op->src[0];
	const float *x = (const float *)xqg_row_at(from, at);
	uint8_t *y = xqg_row(op, row, at.i2, at.i3);

	if (op->type == XQG_TYPE_F16)
		xqg_to_halves((uint16_t *)y, x, (size_t)from->ne[0]);
	else
		memcpy(y, x, (size_t)from->ne[0] * 4);
}

/*
 * Of all sources those whose place is of the classes [first, last): the same place may be named
 * twice, and the last one stays, however many threads there are.
 */
static int set_rows(const void *arg, size_t first, size_t last)
{
	const struct xqg_tensor *op = arg, *from = op->src[0], *index = op->src[1];
	const size_t count = xqg_row_count(from);
	size_t i;

	for (i = 0; i < count; i++) {
		const struct xqg_place at = xqg_place(from, i);
		const int64_t row =
			index_at(index, at.i1, at.i2 % index->ne[1], at.i3 % index->ne[2]);

		if (row < 0 || row >= op->ne[1])
			return -ERANGE;
		if ((size_t)row % CLASSES >= first && (size_t)row % CLASSES < last)
			set_row(op, at, row);
	}
	return 0;
}

int xqg_set_rows(struct xqg_host *host, const struct xqg_tensor *op)
{
	return xqg_host_rows(host, CLASSES, (size_t)xqg_elements(op->src[0]) / CLASSES, set_rows,
			     op);
}
