// SPDX-License-Identifier: MIT
#include "layout_piece.h"

#define MOST	((size_t)1 << 20)

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many units of so many elements make a piece: at least one, at most what is left. */
static size_t units(size_t unit, size_t left)
{
	return smaller(left, unit < MOST ? MOST / unit : 1);
}

/* A part of one channel. */
static void part_of_channel(const struct xq_layout *l, struct layout_piece *p, size_t o, size_t a, size_t i)
{
	p->layout = (struct xq_layout){ .per = XQ_PER_CHANNEL, .outer = 1, .axis = 1, .block = 1 };
	p->layout.inner = smaller(l->inner - i, MOST);
	p->first = (o * l->axis + a) * l->inner + i;
	p->elements = p->layout.inner;
	p->param = a;
}

/* Some indices of the axis: whole blocks, or channels. */
static void part_of_axis(const struct xq_layout *l, struct layout_piece *p, size_t o, size_t a)
{
	const bool blocks = l->per == XQ_PER_BLOCK;
	const size_t per_block = blocks ? l->block : 1;

	p->layout = *l;
	p->layout.outer = 1;
	p->layout.axis = smaller(l->axis - a, units(per_block * l->inner, l->axis) * per_block);
	p->first = (o * l->axis + a) * l->inner;
	p->elements = p->layout.axis * l->inner;
	p->param = blocks ? (o * (l->axis / l->block + !!(l->axis % l->block)) + a / l->block) * l->inner : a;
}

bool layout_next_piece(const struct xq_layout *l, struct layout_piece *p)
{
	const size_t at = p->first + p->elements, all = xq_layout_elements(l), row = l->axis * l->inner;
	size_t o, a, i;

	if (at >= all)
		return false;
	if (l->per == XQ_PER_TENSOR) {
		*p = (struct layout_piece){ .layout = { .per = XQ_PER_TENSOR, .outer = 1, .axis = 1, .block = 1 },
					      .first = at };
		p->layout.inner = p->elements = smaller(all - at, MOST);
		return true;
	}
	o = at / row;
	a = at % row / l->inner;
	i = at % l->inner;
	if (row <= MOST) {
		p->layout = *l;
		p->layout.outer = units(row, l->outer - o);
		p->first = at;
		p->elements = p->layout.outer * row;
		p->param = l->per == XQ_PER_BLOCK ? o * (l->axis / l->block + !!(l->axis % l->block)) * l->inner : 0;
	} else if (l->per == XQ_PER_CHANNEL && l->inner > MOST) {
		part_of_channel(l, p, o, a, i);
	} else {
		part_of_axis(l, p, o, a);
	}
	return true;
}

size_t layout_param(const struct xq_layout *l, size_t element)
{
	const size_t a = element / l->inner % l->axis, o = element / l->inner / l->axis;

	switch (l->per) {
	case XQ_PER_CHANNEL:
		return a;
	case XQ_PER_BLOCK:
		return (o * (l->axis / l->block + !!(l->axis % l->block)) + a / l->block) * l->inner + element % l->inner;
	default:
		return 0;
	}
}
