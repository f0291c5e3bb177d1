/* SPDX-License-Identifier: MIT */
/* How real scales, or minima, of groups of weights lie beside the weights. Internal. */
#ifndef XQ_OPS_GROUP_SCALES_H
#define XQ_OPS_GROUP_SCALES_H

#include <xqaccel/types.h>

/* From one row, or 16 rows beside each other, to the next, for so many scales a row. */
size_t xq_group_scales_stride(enum xq_type type, size_t elements, bool tiled);

/* All of n rows. */
size_t xq_group_scales_bytes(enum xq_type type, size_t n, size_t elements, bool tiled);

/* [n][elements] to that order; rows that only fill the last 16 are 0. */
void xq_group_scales_pack(enum xq_type type, const void *from, size_t n, size_t elements, bool tiled, void *to);

#endif
