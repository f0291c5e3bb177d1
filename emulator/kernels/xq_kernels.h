/* SPDX-License-Identifier: MIT */
/*
 * The interface of the kernels. A job whose operands the caller has translated to host
 * memory is planned, cut into chunks that are independent of each other, and computed by
 * a pool of threads. Nothing here knows of registers, rings or page tables.
 *
 * Every path computes C (+)= (A - a_zp) (B - b_zp)^T exactly modulo 2^32, so that all
 * instruction sets give the same bits. struct xqaccel_job_desc says what the members mean.
 */
#ifndef XQ_KERNELS_H
#define XQ_KERNELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xq_convolution.h"
#include "xq_geometry.h"
#include "xq_operators.h"

#define XQK_PAGE_SHIFT	12
#define XQK_PAGE_BYTES	(1U << XQK_PAGE_SHIFT)

/**
 * struct xqk_view - an operand in host memory
 * @flat: host address of the operand's first byte if all of its span is contiguous in
 *	host memory, else NULL
 * @page: if not flat: host addresses of the 4096-byte pages that the span touches
 * @head: offset of the first byte in its page; the byte at distance d from the first is
 *	in page[(head + d) >> 12]. If line_pages is not 0, distances are those of a row's
 *	first byte instead, see there.
 * @line_pages: 0, or the rows are so far apart that only the pages which they touch are
 *	listed: row l (counted batch first, then group planes, then rows) has the pages
 *	page[l * line_pages ..], and starts in the first of them at
 *	(head + its distance from the operand's first byte) & 4095
 * @stride: bytes from one row to the next
 * @group_stride: bytes from one group plane to the next, only in C
 * @batch_stride: bytes from one batch element to the next
 *
 * A page that the caller maps for C may be written only in the bytes of C.
 * An absent optional operand has flat and page NULL.
 */
struct xqk_view {
	uint8_t *flat;
	uint8_t *const *page;
	uint32_t head;
	uint32_t line_pages;
	uint64_t stride;
	uint64_t group_stride;
	uint64_t batch_stride;
};

static inline bool xqk_present(const struct xqk_view *v)
{
	return v->flat || v->page;
}

/**
 * xqk_at() - host address of a byte of an operand
 * @v: the operand
 * @line: number of the row if the view is by lines: (batch * planes + plane) * rows + row
 * @distance: of the row's first byte from the operand's: batch * batch_stride + plane *
 *	group_stride + row * stride
 * @column: byte within the row
 * @run: set to the bytes that follow contiguously, at least 1
 */
static inline uint8_t *xqk_at(const struct xqk_view *v, uint64_t line, uint64_t distance,
			      uint64_t column, size_t *run)
{
	uint64_t at;

	if (v->flat) {
		*run = SIZE_MAX;
		return v->flat + distance + column;
	}
	if (v->line_pages)
		at = ((v->head + distance) & (XQK_PAGE_BYTES - 1)) + column;
	else
		at = v->head + distance + column;
	*run = XQK_PAGE_BYTES - (at & (XQK_PAGE_BYTES - 1));
	return v->page[(v->line_pages ? line * v->line_pages : 0) + (at >> XQK_PAGE_SHIFT)] +
	       (at & (XQK_PAGE_BYTES - 1));
}

/**
 * struct xqk_epilogue - what follows accumulators; epilogue/epilogue.h says how it is called
 * @dims: valid by xq_epilogue_valid(), or of the kind NONE
 * @real: accumulators are float32, those of groups with real scales; the kind is FLOAT
 * @view: by enum xq_epilogue_operand, strides are not used. Those that are required are present
 */
struct xqk_epilogue {
	struct xq_epilogue dims;
	bool real;
	struct xqk_view view[XQ_EPILOGUE_OPERANDS];
};

/**
 * struct xqk_gemm - a job
 * @dims: valid by xq_dims_valid(), and the pair of formats one of xqk_pairs()
 * @a_zp: zero point of A where view XQACCEL_A_ZP is absent
 * @b_zp: zero point of B where view XQACCEL_B_ZP is absent
 * @epilogue: of columns n and rows batch * m; if there is one, C has its format, and there is neither
 *	ACCUMULATE nor GROUP_ACC. Its @real is xqk_plan()'s
 * @view: by XQACCEL_A .. XQACCEL_CODEBOOK
 */
struct xqk_gemm {
	struct xq_dims dims;
	int32_t a_zp;
	int32_t b_zp;
	struct xqk_epilogue epilogue;
	struct xqk_view view[XQ_GEMM_OPERANDS];
};

/* Operands of a convolution */
enum xqk_conv_operand {
	XQK_CONV_X,
	XQK_CONV_W,
	XQK_CONV_Y,
	XQK_CONV_W_ZP,		/* int32 [out_c], or absent */
	XQK_CONV_CODEBOOK,
	XQK_CONV_OPERANDS
};

/**
 * struct xqk_conv - a convolution
 * @dims: valid by xq_conv_valid(), and the pair of formats one of xqk_pairs()
 * @x_zp: zero point of X
 * @w_zp: zero point of W where view XQK_CONV_W_ZP is absent
 * @epilogue: of columns out_c and a row for each output pixel
 * @view: by enum xqk_conv_operand. Of X and Y stride is from pixel to pixel, group_stride from
 *	row to row, batch_stride from image to image; a view by lines has one for each pixel. Of W
 *	stride is from output channel to output channel; in the tile order each group is packed
 *	by itself, batch_stride apart. Y is int32, or of the epilogue's format. A view by lines is
 *	none of the last two
 */
struct xqk_conv {
	struct xq_conv_dims dims;
	int32_t x_zp;
	int32_t w_zp;
	struct xqk_epilogue epilogue;
	struct xqk_view view[XQK_CONV_OPERANDS];
};

/**
 * struct xqk_finish - an epilogue on a matrix of accumulators that is in memory
 * @m: @n: its shape
 * @acc: its rows, aligned to 4 bytes
 * @y: rows of xq_row_bytes(format, n), aligned to an element
 */
struct xqk_finish {
	struct xqk_epilogue epilogue;
	uint32_t m, n;
	struct xqk_view acc, y;
};

/**
 * struct xqk_pooling - a pool
 * @dims: valid by xq_pool_valid()
 * @x: @y: stride is from row to row of pixels, group_stride from pixel to pixel, batch_stride from
 *	image to image
 */
struct xqk_pooling {
	struct xq_pool_dims dims;
	struct xqk_view x, y;
};

/**
 * struct xqk_elementwise - a sum or product
 * @dims: valid by xq_elementwise_valid(); has the strides
 */
struct xqk_elementwise {
	struct xq_elementwise dims;
	struct xqk_view a, b, y;
};

/** struct xqk_softmax - rows stride bytes apart; @dims valid by xq_softmax_valid() */
struct xqk_softmax {
	struct xq_softmax_dims dims;
	struct xqk_view x, y;
};

/**
 * struct xqk_mean - a mean
 * @dims: valid by xq_mean_valid()
 * @x: stride is from one index of the middle dimension to the next, batch_stride of the outer one
 * @y: rows of inner elements, stride bytes apart
 */
struct xqk_mean {
	struct xq_mean_dims dims;
	struct xqk_view x, y;
};

/**
 * struct xqk_copy - a copy
 * @dims: valid by xq_copy_valid(); has the strides
 * @scale: @zero_point: of DYNAMIC, f32 and s32 for each row in the order of indices; may be absent
 */
struct xqk_copy {
	struct xq_copy_dims dims;
	struct xqk_view x, y, scale, zero_point;
};

/** enum xqk_kind - kinds of jobs that are neither products nor convolutions */
enum xqk_kind {
	XQK_FINISH,
	XQK_POOLING,
	XQK_ELEMENTWISE,
	XQK_SOFTMAX,
	XQK_MEAN,
	XQK_COPY,
	XQK_KINDS
};

/** struct xqk_operator - such a job; none of its views is by lines */
struct xqk_operator {
	enum xqk_kind kind;
	union {
		struct xqk_finish finish;
		struct xqk_pooling pooling;
		struct xqk_elementwise elementwise;
		struct xqk_softmax softmax;
		struct xqk_mean mean;
		struct xqk_copy copy;
	};
};

/* ---- what this host can do ---------------------------------------------- */

/* An instruction set's kernels; private to this folder. */
struct xqk_isa;

/**
 * xqk_isa_select() - choose the kernels
 * @name: "scalar", "avx2", "avx512vnni", "amx", "neon", "neondot", "neoni8mm"; NULL takes the
 *	environment's XQ_ISA, and if that is unset the best that the CPU has
 *
 * Return: NULL if the name is unknown or the CPU lacks it. The result is constant for
 * the life of the process and may be used by any thread.
 */
const struct xqk_isa *xqk_isa_select(const char *name);

/** xqk_isa_name() - its name as above */
const char *xqk_isa_name(const struct xqk_isa *isa);

/** xqk_isa_list() - names of those that this CPU has, best first; NULL past the last */
const char *xqk_isa_list(unsigned int index);

/** xqk_pairs() - bit b is set if A in format a times B in format b is computed */
uint32_t xqk_pairs(uint32_t a_format);

/** xqk_tiled() - bit b is set if B in format b may come in the tile order */
uint32_t xqk_tiled(void);

/* ---- plan and chunks ------------------------------------------------------ */

/**
 * struct xqk_plan - how a job is cut up; members are private to the kernels except
 * @chunks: how many there are, 0 for a job without output
 * @scratch_bytes: scratch memory that a thread needs, 64-byte aligned
 */
struct xqk_plan {
	const struct xqk_isa *isa;
	const struct xqk_operator_kind *kind;	/* NULL: a product or convolution */
	struct xqk_gemm gemm;
	union {
		struct xqk_conv conv;
		struct xqk_operator operator;
	};
	enum xqk_way {
		XQK_WAY_PRODUCT,
		XQK_WAY_PATCHES,	/* a convolution, as product whose A is gathered */
		XQK_WAY_DEPTHWISE,
		XQK_WAY_DIRECT,
	} way;
	uint32_t chunks;
	size_t scratch_bytes;
	uint32_t block_m, block_n, block_k;
	uint32_t chunks_m, chunks_n;
	bool whole_rows;	/* units have the rows of all batch elements, in order */
	uint64_t units;
	atomic_uint_fast64_t bytes_copied;
};

/**
 * xqk_plan() - plan a job for so many threads
 * @plan: filled in; the views are copied, the pages that they point to are not and must
 *	stay until the last chunk has ended
 *
 * Does no allocation and touches no operand. Always succeeds for a valid job.
 */
void xqk_plan(struct xqk_plan *plan, const struct xqk_isa *isa, const struct xqk_gemm *gemm,
	      unsigned int threads);

/** xqk_plan_conv() - the same for a convolution */
void xqk_plan_conv(struct xqk_plan *plan, const struct xqk_isa *isa, const struct xqk_conv *conv,
		   unsigned int threads);

/** xqk_plan_operator() - the same for a job that is not a product */
void xqk_plan_operator(struct xqk_plan *plan, const struct xqk_isa *isa,
		       const struct xqk_operator *operator, unsigned int threads);

/**
 * xqk_run_chunk() - compute one chunk
 * @scratch: plan->scratch_bytes, 64-byte aligned, of this thread alone
 * @cancel: polled every millisecond or so; may be NULL
 *
 * Chunks may run in any order and at the same time; each writes a part of C of its own,
 * and reads it only with ACCUMULATE.
 *
 * Return: false if it stopped early because of @cancel.
 */
bool xqk_run_chunk(struct xqk_plan *plan, uint32_t chunk, void *scratch,
		   const atomic_bool *cancel);

/* ---- a pool of threads ----------------------------------------------------- */

struct xqk_pool;

/**
 * struct xqk_task - one job in a pool; zero it before use
 * @plan: planned by the owner before submission
 * @cancel: set to stop it early; done is still called
 * @done: called once on a pool thread or by who helps, after the last access to any operand.
 *	From then on the task is the owner's again. It may not wait for the pool.
 * @arg: for @done
 *
 * The other members are the pool's.
 */
struct xqk_task {
	struct xqk_plan plan;
	atomic_bool cancel;
	void (*done)(struct xqk_task *task, void *arg);
	void *arg;
	struct xqk_task *next;
	atomic_uint next_chunk;
	atomic_uint left;
};

/**
 * xqk_pool_create() - start threads
 * @threads: at least 1
 * @pin: whether each stays on a processor of its own, if there are as many as the calling
 *	thread may run on
 *
 * Signals are blocked in them. Return: NULL if memory or threads are short.
 */
struct xqk_pool *xqk_pool_create(unsigned int threads, bool pin);

/** xqk_pool_destroy() - wait for all tasks, then stop the threads */
void xqk_pool_destroy(struct xqk_pool *pool);

/** xqk_pool_threads() - how many it has */
unsigned int xqk_pool_threads(const struct xqk_pool *pool);

/**
 * xqk_pool_submit() - queue a task
 *
 * Any thread may call it. Tasks start in the order of submission; idle threads take
 * chunks of the next task, so small tasks run side by side. Allocates nothing; a
 * thread's scratch memory grows to the largest task that it has met, and a thread that
 * can't get it leaves the chunk to be computed with less (the plan's smallest blocks).
 */
void xqk_pool_submit(struct xqk_pool *pool, struct xqk_task *task);

/**
 * xqk_pool_help_begin() - from now on the calling thread computes, too, until xqk_pool_help_end()
 *
 * The pool leaves one of its threads asleep for it, so it should ask for chunks all the time. One can help at a
 * time: false if someone does. A task's done may be called by who helps.
 */
bool xqk_pool_help_begin(struct xqk_pool *pool);

/**
 * xqk_pool_help() - compute one chunk
 * @seen: the caller's, 0 at first: it is no use to look again before something is posted
 *
 * Return: false if there was none.
 */
bool xqk_pool_help(struct xqk_pool *pool, unsigned int *seen);
void xqk_pool_help_end(struct xqk_pool *pool);

/** xqk_pool_run() - submit a task and wait for its end */
void xqk_pool_run(struct xqk_pool *pool, struct xqk_task *task);

#endif
