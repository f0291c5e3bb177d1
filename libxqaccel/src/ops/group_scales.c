// SPDX-License-Identifier: MIT
#include <string.h>

#include "driver/xq_geometry.h"
#include "group_scales.h"

static size_t lanes(bool tiled)
{
	return tiled ? XQACCEL_TILE_ROWS : 1;
}

size_t xq_group_scales_stride(enum xq_type type, size_t elements, bool tiled)
{
	return elements * xq_type_bits(type) / 8 * lanes(tiled);
}

size_t xq_group_scales_bytes(enum xq_type type, size_t n, size_t elements, bool tiled)
{
	return (n + lanes(tiled) - 1) / lanes(tiled) * xq_group_scales_stride(type, elements, tiled);
}

void xq_group_scales_pack(enum xq_type type, const void *from, size_t n, size_t elements, bool tiled, void *to)
{
	const size_t bytes = xq_type_bits(type) / 8, rows = lanes(tiled);
	const uint8_t *at = from;
	size_t row, i;

	memset(to, 0, xq_group_scales_bytes(type, n, elements, tiled));
	for (row = 0; row < n; row++)
		for (i = 0; i < elements; i++, at += bytes)
			memcpy((uint8_t *)to + ((row / rows * elements + i) * rows + row % rows) * bytes, at, bytes);
}
