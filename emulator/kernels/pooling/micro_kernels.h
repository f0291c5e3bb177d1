/* SPDX-License-Identifier: MIT */
/*
 * The loops of pools. A window is reduced in two steps: its rows into one, for a whole row of
 * pixels at once, then the columns of that. Bytes are unsigned in between: flip is 0x80 where they
 * are not.
 */
#ifndef XQK_POOLING_MICRO_KERNELS_H
#define XQK_POOLING_MICRO_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of one call. */
#define XQK_POOLING_ROWS	8

/* Rows and columns of a small window, at most. */
#define XQK_POOLING_SMALL	3

/**
 * struct xqk_pixels - output pixels and what they are made of
 * @y: the first one
 * @y_pitch: bytes from one to the next
 * @step: elements of the reduced row from one's first column to the next's
 * @pixels: how many
 * @taps: columns of each, at least 1
 * @channels: of a pixel
 * @outputs: @y_row: of small windows: 2 if those of the next row of pixels, y_row bytes behind, whose
 *	windows begin a row below, are to be made as well; else 1
 * @count: elements inside, that a sum is divided by
 * @flip: as above
 * @least: @greatest: bounds of results
 */
struct xqk_pixels {
	uint8_t *y;
	size_t y_pitch, step, pixels, taps, channels, outputs, y_row;
	uint32_t count;
	uint8_t flip;
	int32_t least, greatest;
};

/**
 * struct xqk_pooling_kernels - an instruction set's loops
 *
 * @max_rows, @sum_rows16, @sum_rows32: 1 to XQK_POOLING_ROWS rows of n bytes into one, which has
 * results already if more is set. The sums of 16 bits are of at most 256 elements in the end.
 * @max_pixels, @mean_pixels16, @mean_pixels32: the columns of that row
 * @max_windows, @mean_windows: small windows in one step, `count` rows high: the rows from the
 * first pixel's first column on, as they are; or NULL
 */
struct xqk_pooling_kernels {
	void (*max_rows)(uint8_t *dst, const uint8_t *const *rows, size_t count, size_t n, uint8_t flip, bool more);
	void (*sum_rows16)(uint16_t *dst, const uint8_t *const *rows, size_t count, size_t n, uint8_t flip,
			   bool more);
	void (*sum_rows32)(uint32_t *dst, const uint8_t *const *rows, size_t count, size_t n, uint8_t flip,
			   bool more);
	void (*max_pixels)(const struct xqk_pixels *p, const uint8_t *src);
	void (*mean_pixels16)(const struct xqk_pixels *p, const uint16_t *src);
	void (*mean_pixels32)(const struct xqk_pixels *p, const uint32_t *src);
	void (*max_windows)(const struct xqk_pixels *p, const uint8_t *const *rows, size_t count);
	void (*mean_windows)(const struct xqk_pixels *p, const uint8_t *const *rows, size_t count);
};

extern const struct xqk_pooling_kernels xqk_pooling_scalar;
extern const struct xqk_pooling_kernels xqk_pooling_avx2;
extern const struct xqk_pooling_kernels xqk_pooling_avx512;

#endif
