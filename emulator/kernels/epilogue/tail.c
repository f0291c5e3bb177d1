// SPDX-License-Identifier: MIT
/* From blocks of accumulators to rows of an output that may lie in scattered pages. */
#include "epilogue/tail.h"

#define REST_BYTES	(4 * XQK_TAIL_COLUMNS)	/* of a row */

size_t xqk_tail_bytes(const struct xqk_epilogue *e)
{
	if (!e->dims.kind)
		return 0;
	return xqk_epilogue_bytes(e, XQK_TAIL_COLUMNS) + XQK_TAIL_ROWS * REST_BYTES;
}

void xqk_tail_start(struct xqk_tail *tail, const struct xqk_isa *isa, const struct xqk_epilogue *e,
		    uint64_t most, const struct xqk_view *y, void *memory)
{
	tail->epilogue = e->dims.kind ? e : NULL;
	if (!tail->epilogue)
		return;
	tail->isa = isa;
	tail->y = y;
	tail->most = most;
	tail->columns = 0;
	tail->rest = memory;
	tail->memory = tail->rest + XQK_TAIL_ROWS * REST_BYTES;
}

void xqk_tail_columns(struct xqk_tail *tail, uint32_t n0, uint32_t columns)
{
	if (tail->n0 == n0 && tail->columns == columns)
		return;
	tail->n0 = n0;
	tail->columns = columns;
	xqk_epilogue_prepare(tail->isa, tail->epilogue, n0, columns, tail->most, tail->memory,
			     &tail->prepared);
}

/* Of an element less its zero point. */
static uint64_t magnitude(uint32_t format, int32_t zero_point)
{
	const uint32_t bits = xq_format_codebook(format) ? 8 : xq_format_bits(format);
	const bool is_unsigned = format == XQACCEL_FMT_U8 || format == XQACCEL_FMT_U4 || format == XQACCEL_FMT_U2;
	const int64_t all = (int64_t)1 << bits, least = format == XQACCEL_FMT_B1 ? -1 : is_unsigned ? 0 : -all / 2;
	const int64_t below = zero_point - least, above = least + all - (format == XQACCEL_FMT_B1 ? 0 : 1) - zero_point;

	return (uint64_t)(below > above ? below : above);
}

uint64_t xqk_acc_most(uint64_t k, uint32_t a_format, int32_t a_zp, uint32_t b_format, int32_t b_zp)
{
	uint64_t most;

	if (__builtin_mul_overflow(magnitude(a_format, a_zp) * magnitude(b_format, b_zp), k, &most))
		return XQK_ACC_MOST;
	return most < XQK_ACC_MOST ? most : XQK_ACC_MOST;
}

/* Bits from a byte on to the shift-th one of another, whose lower ones stay. */
static void insert_bits(uint8_t *dst, const uint8_t *src, size_t bits, unsigned int shift)
{
	unsigned int carry = dst[0] & ((1U << shift) - 1);
	size_t i, bytes = (bits + shift + 7) / 8;

	for (i = 0; i < bytes; i++) {
		if (8 * i < bits)
			carry |= (unsigned int)src[i] << shift;
		dst[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

/* A row that was computed apart, to its place. */
static void put_row(const struct xqk_tail *tail, const struct xqk_place *place, const uint8_t *row)
{
	const uint32_t bits = xq_format_bits(tail->epilogue->dims.format);
	const uint64_t first = (uint64_t)tail->n0 * bits;
	const size_t all = (size_t)tail->columns * bits, bytes = (first % 8 + all + 7) / 8;
	uint8_t shifted[REST_BYTES + 1];
	size_t done, run;

	if (first % 8) {
		shifted[0] = *xqk_at(tail->y, place->line, place->distance, first / 8, &run);
		insert_bits(shifted, row, all, first % 8);
		row = shifted;
	}
	for (done = 0; done < bytes; done += run) {
		uint8_t *to = xqk_at(tail->y, place->line, place->distance, first / 8 + done, &run);

		run = run < bytes - done ? run : bytes - done;
		memcpy(to, row + done, run);
	}
}

/* Whether rows of these columns are in one piece, and begin with a byte. */
static bool is_plain(const struct xqk_tail *tail, uint64_t first)
{
	return tail->y->flat && first % 8 == 0;
}

static void put_rows(struct xqk_tail *tail, const struct xqk_epilogue_block *block, uint64_t first, uint8_t **out)
{
	const size_t bytes = xq_row_bytes(tail->epilogue->dims.format, tail->columns);
	uint32_t r;
	size_t run;

	for (r = 0; r < block->rows; r++) {
		out[r] = xqk_at(tail->y, tail->place[r].line, tail->place[r].distance, first / 8, &run);
		if (run < bytes || first % 8)
			out[r] = tail->rest + r * REST_BYTES;
	}
	xqk_epilogue_rows(tail->isa, &tail->prepared, block);
	for (r = 0; r < block->rows; r++)
		if (out[r] == tail->rest + r * REST_BYTES)
			put_row(tail, &tail->place[r], out[r]);
}

void xqk_tail_rows(struct xqk_tail *tail, const int32_t *acc, size_t acc_stride, uint32_t m0, uint32_t rows,
		   bool biased)
{
	const uint64_t first = (uint64_t)tail->n0 * xq_format_bits(tail->epilogue->dims.format);
	uint8_t *out[XQK_TAIL_ROWS];
	const struct xqk_epilogue_block block = {
		.acc = acc, .acc_stride = acc_stride, .m0 = m0, .rows = rows, .columns = tail->columns,
		.biased = biased && xqk_tail_bias(tail), .out = out,
	};
	uint32_t r;

	if (!is_plain(tail, first)) {
		put_rows(tail, &block, first, out);
		return;
	}
	for (r = 0; r < rows; r++)
		out[r] = tail->y->flat + tail->place[r].distance + first / 8;
	xqk_epilogue_rows(tail->isa, &tail->prepared, &block);
}

void xqk_tail_line(struct xqk_tail *tail, const int32_t *acc, size_t acc_stride, uint32_t m0, uint32_t rows,
		   struct xqk_place first, uint64_t step, bool biased)
{
	const uint64_t bit = (uint64_t)tail->n0 * xq_format_bits(tail->epilogue->dims.format);
	uint8_t *out[XQK_TAIL_ROWS], *at;
	const struct xqk_epilogue_block block = {
		.acc = acc, .acc_stride = acc_stride, .m0 = m0, .rows = rows, .columns = tail->columns,
		.biased = biased && xqk_tail_bias(tail), .out = out,
	};
	uint32_t r;

	if (!is_plain(tail, bit)) {
		for (r = 0; r < rows; r++, first.line++, first.distance += step)
			tail->place[r] = first;
		put_rows(tail, &block, bit, out);
		return;
	}
	at = tail->y->flat + first.distance + bit / 8;
	for (r = 0; r < rows; r++, at += step)
		out[r] = at;
	xqk_epilogue_rows(tail->isa, &tail->prepared, &block);
}
