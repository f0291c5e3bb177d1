/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: what an instruction set provides for convolutions that are no products.
 *
 * Depthwise: each output channel sees one input channel. A kernel computes pixels of an output
 * row for up to XQK_DEPTHWISE_CHANNELS channels; the taps of a pixel are the same channels of
 * other pixels, so that vectors of channels are multiplied by vectors of weights. Rows of X are
 * given one by one, and may be missing: then they are padding, as are columns outside of X.
 */
#ifndef XQK_CONVOLUTION_MICRO_KERNELS_H
#define XQK_CONVOLUTION_MICRO_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epilogue/micro_kernels.h"
#include "xq_convolution.h"

#define XQK_DEPTHWISE_CHANNELS	64	/* in one call */
#define XQK_DEPTHWISE_TAPS	256	/* most of a kernel */
#define XQK_DEPTHWISE_ROWS	16	/* most of a kernel */
#define XQK_DEPTHWISE_COLUMNS	96	/* of X that the outputs of one call may see */

/**
 * struct xqk_depthwise - outputs of a row, or of two that follow each other
 * @rows: of outputs: 1, or 2 if xqk_depthwise_pairs()
 * @row: [xqk_depthwise_rows()] where X's column 0 is in the rows that the taps see, NULL if outside
 * @column: bytes from one column of X to the next
 * @width: columns of X
 * @first: the column that the first output sees by its first tap; maybe outside
 * @flip: 0x80 or 0: what X's bytes are exclusive-ored with
 * @pad: what padding is after that
 * @kernel_h: @kernel_w: @stride: @dilation: of columns
 * @stride_h: of rows, if rows of outputs come in pairs
 * @again: the call before was for the two rows of outputs above, or for these; its @line is still there. With a
 *	stride_h of 2 what it made of the last four of its eight rows need not be made again for the first four of this
 * @turn: how many pairs of rows of outputs came before
 * @channels: 1..XQK_DEPTHWISE_CHANNELS
 * @w: weights as arranged, 64-byte aligned
 * @start: [XQK_DEPTHWISE_CHANNELS] what sums start from
 * @outputs: of a row, at least 1; they see at most XQK_DEPTHWISE_COLUMNS columns
 * @y: channels of the first one are written, of the next ones y_stride bytes further each
 * @y_row: bytes from a row of outputs to the next
 * @line: memory of xqk_depthwise_kernels.line_bytes, 64-byte aligned
 */
struct xqk_depthwise {
	uint32_t rows;
	const uint8_t *const *row;
	size_t column;
	uint32_t width;
	int64_t first;
	uint8_t flip, pad;
	uint32_t kernel_h, kernel_w, stride, dilation, stride_h;
	bool again;
	uint32_t turn;
	uint32_t channels;
	const int8_t *w;
	const int32_t *start;
	uint32_t outputs;
	uint8_t *y;
	size_t y_stride, y_row;
	void *line;
};

/**
 * struct xqk_depthwise_kernels - an instruction set's
 * @takes_unsigned: X is unsigned once it is flipped, else it is signed
 * @pairs: two rows of outputs at once are faster, where xqk_depthwise_pairs()
 * @line_bytes: memory that @run needs at @line, given the rows of the kernel
 * @arrange: rows of taps ([kernel_h][kernel_w], one row a channel, rows[c]) to the order of @w,
 *	which takes xqk_depthwise_w_bytes()
 * @sum: optional: sums of the taps of XQK_DEPTHWISE_CHANNELS channels of @w
 */
struct xqk_depthwise_kernels {
	bool takes_unsigned, pairs;
	size_t (*line_bytes)(uint32_t kernel_h);
	void (*arrange)(int8_t *w, const int8_t *const *rows, uint32_t channels, uint32_t kernel_h,
			uint32_t kernel_w);
	void (*sum)(const int8_t *w, uint32_t kernel_h, uint32_t kernel_w, int32_t *sums);
	void (*run)(const struct xqk_depthwise *job);
};

/*
 * Kernels of which two rows of outputs see so many rows of X in common that both are made of the same vectors. With
 * a stride of 2 what is the second row's last tap begins the four rows of the next two.
 */
static inline bool xqk_depthwise_pairs(const struct xqk_depthwise_kernels *kernels, const struct xq_conv_dims *d)
{
	return kernels->pairs && d->kernel_h <= 3 && d->kernel_w == 3 && d->dilation_h == 1 && d->stride_h <= 2;
}

#define XQK_DEPTHWISE_PAIR_ROWS	8	/* most rows of X that two rows of outputs name */

static inline uint32_t xqk_depthwise_rows(const struct xqk_depthwise *job)
{
	return job->rows == 1 ? job->kernel_h : job->stride_h == 1 ? job->kernel_h + 1 : XQK_DEPTHWISE_PAIR_ROWS;
}

/* Taps of a column are taken by fours at most, or those of a row by pairs of 16 bits. */
static inline size_t xqk_depthwise_w_bytes(uint32_t kernel_h, uint32_t kernel_w)
{
	return (size_t)((kernel_h + 3) / 4 * 4) * (kernel_w + 1) * 2 * XQK_DEPTHWISE_CHANNELS;
}

/*
 * Direct: X is staged with its padding, once for many outputs, as unsigned bytes. The patch of an
 * output pixel then is a few pieces of it, the same distances apart for all pixels, and is
 * multiplied where it is: a row of A that nobody copied. B is as for dots, see
 * product/micro_kernels.h, each piece from a step of its own on.
 */

#define XQK_DIRECT_STRIPS	4	/* most of a call */

/**
 * struct xqk_direct_run - steps whose A and B follow each other
 * @a: distance of A from the start of the patch
 * @tile, @first: B starts at step @first of tile @tile of each strip
 */
struct xqk_direct_run {
	uint32_t a, steps, tile, first;
};

/**
 * struct xqk_direct - pixels by strips of 16 channels
 * @x: where the patch of each pixel starts
 * @y: where the pixels' first channel goes
 * @pixels: how many
 * @run, @runs: pieces of patches
 * @b: tile t of strip s is at b[t * XQK_DIRECT_STRIPS + s]
 * @start: [XQK_DIRECT_STRIPS * 16] what sums start from
 * @last: channels of the last strip, 1..16
 */
struct xqk_direct {
	const uint8_t *const *x;
	uint8_t *const *y;
	uint32_t pixels;
	const struct xqk_direct_run *run;
	uint32_t runs;
	const uint8_t *const *b;
	const int32_t *start;
	uint32_t last;
};

/**
 * struct xqk_direct_kernels - an instruction set's; NULL if it has none
 * @run: compute
 * @run_bytes: optional: the same through an epilogue by scales in f32, where y[] are bytes of Y
 * @run_bytes_steps: where a patch has at most so many, that is faster
 * @sum: [16] sums of a strip's channels over all runs
 */
struct xqk_direct_kernels {
	void (*run)(const struct xqk_direct *job, unsigned int strips);
	void (*run_bytes)(const struct xqk_direct *job, unsigned int strips, const struct xqk_bounded *bounded);
	uint32_t run_bytes_steps;
	void (*sum)(const struct xqk_direct *job, unsigned int strip, int32_t *sums);
};

#if defined(__x86_64__)
extern const struct xqk_direct_kernels xqk_direct_avx512;
#endif

extern const struct xqk_depthwise_kernels xqk_depthwise_scalar;
#if defined(__x86_64__)
extern const struct xqk_depthwise_kernels xqk_depthwise_avx2;
extern const struct xqk_depthwise_kernels xqk_depthwise_avx512;
#elif defined(__aarch64__)
extern const struct xqk_depthwise_kernels xqk_depthwise_neon;
#endif

#endif
