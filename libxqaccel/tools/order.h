/* SPDX-License-Identifier: MIT */
/*
 * The orders in which packed tensors lie, for xq pack and xq unpack.
 */
#ifndef XQ_TOOL_ORDER_H
#define XQ_TOOL_ORDER_H

#include <xqaccel/convert.h>
#include <xqaccel/types.h>

#include "tensor.h"

#define ORDER_NAMES	"rows|tiled|onnx|cmsis-s4|offset8|q8_0|q4_0|q4_1|tq2_0|mxfp4"

/* What --help of both commands says of them. */
#define ORDER_HELP											\
	"Orders (linux/xqaccel.h, xqaccel/convert.h):\n"						\
	"  rows      the device's: elements from the lowest bit up, each row of the last axis starts at a byte\n" \
	"  tiled     the device's, of a matrix B: tiles of 16 rows and 64 words\n"			\
	"  onnx      ONNX's INT4, UINT4, INT2, UINT2: from the lowest bit up, rows run on\n"		\
	"  cmsis-s4  CMSIS-NN's s4 weights: low nibble first, rows run on\n"				\
	"  offset8   s4 plus 8, the even column in the high nibble, each row starts at a byte\n"	\
	"  q8_0 q4_0 q4_1 tq2_0 mxfp4  ggml's blocks of floats along the last axis"

enum order_kind {
	ORDER_ROWS,
	ORDER_TILED,
	ORDER_FOREIGN,		/* xqaccel/convert.h: narrow integers */
	ORDER_GGML,		/* blocks of floats */
};

/**
 * struct order - one of them
 * @type: what it holds if it is of one type only, else XQ_NONE
 * @ggml: the format of ORDER_GGML
 */
struct order {
	const char *name;
	enum order_kind kind;
	enum xq_type type;
	enum xq_ggml ggml;
};

/**
 * struct packed - a packed tensor
 * @rows: @k: the unpacked tensor as a matrix; k is its last dimension
 * @bytes: uint8, shaped like the unpacked tensor with its last axis packed; [size] where rows run on
 *	or are tiled; [.., blocks, bytes of one] for ggml
 */
struct packed {
	const struct order *order;
	enum xq_type type;
	size_t rows, k;
	struct tensor bytes;
};

/* One of ORDER_NAMES. */
const struct order *order_find(const char *name);

/*
 * Sets the type (from the order, or the wanted one), rows, k and the shape of the bytes, which are not
 * allocated. 0, or EXIT_ERROR after printing.
 */
int order_shape(const struct order *order, enum xq_type wanted, const struct tensor *unpacked, struct packed *p);

/* Packs elements, or float32 of ORDER_GGML, into bytes that are there. 0, or EXIT_ERROR after printing. */
int order_pack(struct packed *p, const struct tensor *unpacked);

/* The way back, into elements that are there. */
int order_unpack(const struct packed *p, struct tensor *unpacked);

#endif
