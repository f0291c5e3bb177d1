// SPDX-License-Identifier: MIT
/*
 * The tile order: 16 rows side by side, word by word, so that one vector register holds the
 * same four bytes of K of 16 output channels.
 */
#include <errno.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "rows.h"

#define TILE_ROW_BYTES	(4 * XQACCEL_TILE_WORDS)

size_t xq_tiled_size(enum xq_type type, size_t n, size_t k)
{
	const size_t row = xq_row_size(type, k);
	const size_t tiles_k = row / TILE_ROW_BYTES + (row % TILE_ROW_BYTES != 0);
	const size_t tiles_n = n / XQACCEL_TILE_ROWS + (n % XQACCEL_TILE_ROWS != 0);
	size_t tiles, bytes;

	if (__builtin_mul_overflow(tiles_k, tiles_n, &tiles) ||
	    __builtin_mul_overflow(tiles, (size_t)XQACCEL_TILE_BYTES, &bytes))
		return 0;
	return bytes;
}

static void put_row(uint8_t *tile, unsigned int row, const uint8_t *packed)
{
	unsigned int word;

	for (word = 0; word < XQACCEL_TILE_WORDS; word++)
		memcpy(tile + 4 * (XQACCEL_TILE_ROWS * word + row), packed + 4 * word, 4);
}

static void get_row(const uint8_t *tile, unsigned int row, uint8_t *packed)
{
	unsigned int word;

	for (word = 0; word < XQACCEL_TILE_WORDS; word++)
		memcpy(packed + 4 * word, tile + 4 * (XQACCEL_TILE_ROWS * word + row), 4);
}

/* Tiles are packed in another order than rows, so the first bad value needs a search. */
static size_t first_bad(const struct xq_codes *codes, const uint8_t *rows, size_t k, size_t stride)
{
	size_t row = 0, column = 0;

	while (codes->code[rows[row * stride + column]] != XQ_BAD_CODE)
		if (++column == k) {
			column = 0;
			row++;
		}
	return row * k + column;
}

/* Elements of K in a tile. */
static size_t tile_k(unsigned int bits)
{
	return 8 * TILE_ROW_BYTES / bits;
}

bool xq_pack_tiles(const struct xq_codes *codes, const uint8_t *rows, size_t n, size_t k,
		   size_t src_stride, uint8_t *tile, size_t *bad)
{
	uint8_t packed[TILE_ROW_BYTES];
	size_t first, at, row, column;

	for (first = 0; first < n; first += XQACCEL_TILE_ROWS) {
		for (at = 0; at < k; at += tile_k(codes->bits), tile += XQACCEL_TILE_BYTES) {
			const size_t count = k - at < tile_k(codes->bits) ? k - at : tile_k(codes->bits);

			if (n - first < XQACCEL_TILE_ROWS)
				memset(tile, 0, XQACCEL_TILE_BYTES);
			memset(packed, 0, sizeof(packed));
			for (row = first; row < n && row < first + XQACCEL_TILE_ROWS; row++) {
				if (!xq_pack_row(codes, rows + row * src_stride + at, count, packed,
						 &column)) {
					*bad = first_bad(codes, rows, k, src_stride);
					return false;
				}
				put_row(tile, (unsigned int)(row - first), packed);
			}
		}
	}
	return true;
}

int xq_pack_tiled(enum xq_type type, const void *src, size_t n, size_t k, size_t src_stride,
		  void *dst, size_t *bad)
{
	struct xq_codes codes;
	size_t at;

	if (xq_codes_init(&codes, type) || src_stride < k)
		return -EINVAL;
	if (xq_pack_tiles(&codes, src, n, k, src_stride, dst, &at))
		return 0;
	if (bad)
		*bad = at;
	return -ERANGE;
}

int xq_unpack_tiled(enum xq_type type, const void *src, size_t n, size_t k, void *dst,
		    size_t dst_stride)
{
	const uint8_t *tile = src;
	uint8_t packed[TILE_ROW_BYTES], *rows = dst;
	struct xq_codes codes;
	size_t first, at, row;

	if (xq_codes_init(&codes, type) || dst_stride < k)
		return -EINVAL;
	for (first = 0; first < n; first += XQACCEL_TILE_ROWS) {
		for (at = 0; at < k; at += tile_k(codes.bits), tile += XQACCEL_TILE_BYTES) {
			const size_t count = k - at < tile_k(codes.bits) ? k - at : tile_k(codes.bits);

			for (row = first; row < n && row < first + XQACCEL_TILE_ROWS; row++) {
				get_row(tile, (unsigned int)(row - first), packed);
				xq_unpack_row(&codes, packed, count, rows + row * dst_stride + at);
			}
		}
	}
	return 0;
}
