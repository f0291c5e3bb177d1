/* SPDX-License-Identifier: MIT */
/*
 * Packing: from one element a byte to the device's row order and tile order, and back.
 * linux/xqaccel.h defines both orders.
 */
#ifndef XQACCEL_PACK_H
#define XQACCEL_PACK_H

#include <xqaccel/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** xq_row_size() - bytes of a packed row of @k elements */
size_t xq_row_size(enum xq_type type, size_t k);

/** xq_tiled_size() - bytes of an [n][k] matrix in the tile order; 0 if that overflows */
size_t xq_tiled_size(enum xq_type type, size_t n, size_t k);

/**
 * xq_pack() - pack rows
 * @type: of at most 8 bits
 * @src: [rows][k] unpacked elements, rows @src_stride elements apart
 * @dst: rows of xq_row_size() bytes, @dst_stride bytes apart; unused bits of a row's
 *	last byte are set to 0
 * @bad: if not NULL, set to the index (row * k + column) of the first value that is out
 *	of the type's range
 *
 * @dst and @src do not overlap. Return: 0, -EINVAL no such type or a stride shorter than
 * a row, -ERANGE a value out of range (@dst is then partly written).
 */
int xq_pack(enum xq_type type, const void *src, size_t rows, size_t k, size_t src_stride,
	    void *dst, size_t dst_stride, size_t *bad);

/** xq_unpack() - the way back; every code has a value (t2's unused one reads as -2) */
int xq_unpack(enum xq_type type, const void *src, size_t rows, size_t k, size_t src_stride,
	      void *dst, size_t dst_stride);

/**
 * xq_pack_tiled() - pack an [n][k] matrix into the tile order
 * @dst: xq_tiled_size() bytes; padding is set to 0. Others as in xq_pack().
 */
int xq_pack_tiled(enum xq_type type, const void *src, size_t n, size_t k, size_t src_stride,
		  void *dst, size_t *bad);

/** xq_unpack_tiled() - the way back; @dst_stride in elements */
int xq_unpack_tiled(enum xq_type type, const void *src, size_t n, size_t k, void *dst,
		    size_t dst_stride);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
