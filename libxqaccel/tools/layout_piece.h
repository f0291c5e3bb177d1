/* SPDX-License-Identifier: MIT */
/*
 * A large tensor in pieces that the library can work on one after the other.
 */
#ifndef XQ_TOOL_LAYOUT_PIECE_H
#define XQ_TOOL_LAYOUT_PIECE_H

#include <xqaccel/quantize.h>

/**
 * struct layout_piece - consecutive elements with whole parameters
 * @layout: of the piece
 * @first: its first element in the tensor
 * @elements: how many it has
 * @param: its first parameter
 */
struct layout_piece {
	struct xq_layout layout;
	size_t first, elements, param;
};

/*
 * The piece after this one, which is all zero before the first; false behind the last. A piece has
 * about a million elements, more only if one block has.
 */
bool layout_next_piece(const struct xq_layout *layout, struct layout_piece *piece);

/* The parameter of an element, as xqaccel/quantize.h defines layouts. */
size_t layout_param(const struct xq_layout *layout, size_t element);

#endif
