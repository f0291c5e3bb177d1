/* SPDX-License-Identifier: MIT */
#ifndef XQ_PACK_ROWS_H
#define XQ_PACK_ROWS_H

#include "codes.h"

/* Packs k elements; the last byte is padded with zeros. False: *bad is the first bad column. */
bool xq_pack_row(const struct xq_codes *codes, const uint8_t *src, size_t k, uint8_t *dst,
		 size_t *bad);

void xq_unpack_row(const struct xq_codes *codes, const uint8_t *src, size_t k, uint8_t *dst);

/* Packs an [n][k] matrix into tiles; *bad is row * k + column. */
bool xq_pack_tiles(const struct xq_codes *codes, const uint8_t *rows, size_t n, size_t k,
		   size_t src_stride, uint8_t *tile, size_t *bad);

#endif
