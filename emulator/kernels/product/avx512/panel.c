// SPDX-License-Identifier: MIT
/* Panels on AVX-512: rows are divided evenly over parts, for a rest of one would be slow. */
#include <string.h>

#include "kernels.h"
#include "panel_rows.h"

static xqk_panel_rows_fn *const by_s8[XQK_ROWS_MOST] = {
	xqk_panel_rows_1_avx512, xqk_panel_rows_2_avx512, xqk_panel_rows_3_avx512,
	xqk_panel_rows_4_avx512, xqk_panel_rows_5_avx512, xqk_panel_rows_6_avx512,
};

static xqk_panel_rows_fn *const by_u8[XQK_ROWS_MOST] = {
	xqk_panel_rows_1_by_u8_avx512, xqk_panel_rows_2_by_u8_avx512,
	xqk_panel_rows_3_by_u8_avx512, xqk_panel_rows_4_by_u8_avx512,
	xqk_panel_rows_5_by_u8_avx512, xqk_panel_rows_6_by_u8_avx512,
};

static xqk_panel_rows_fn *const by_bits[XQK_ROWS_MOST] = {
	xqk_panel_rows_1_b1_avx512, xqk_panel_rows_2_b1_avx512, xqk_panel_rows_3_b1_avx512,
	xqk_panel_rows_4_b1_avx512, xqk_panel_rows_5_b1_avx512, xqk_panel_rows_6_b1_avx512,
};

static void run(struct xqk_panel_rows *rows, xqk_panel_rows_fn *function, uint32_t rows_of_part,
		uint32_t parts)
{
	if (!parts)
		return;
	rows->parts = parts;
	function(rows);
	rows->ahead += (uint64_t)parts * (rows->steps / 4) * rows->ahead_step;
	rows->a += (size_t)parts * rows_of_part * rows->a_stride;
	rows->c += parts * rows_of_part;
	rows->row += parts * rows_of_part;
}

#ifdef __has_feature
#define SANITIZED	__has_feature(address_sanitizer)	/* clang's way to say so */
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

#if SANITIZED
/* The sanitizer does not see what assembler reads and writes: do so at both ends. */
static void touch(const struct xqk_panel *p, uint32_t bits)
{
	const uint32_t words = (p->steps * bits + 7) / 8;
	volatile uint8_t byte;
	volatile int32_t sum;
	uint32_t r, s, step, last;

	for (r = 0; r < p->rows; r++) {
		byte = p->a[r * p->a_stride];
		byte = p->a[r * p->a_stride + 4 * (size_t)p->steps - 1];
		sum = p->row[r];
		sum = p->c[r][0];
		sum = p->c[r][XQK_COLUMNS - 1];
	}
	for (step = 0; !p->words && step < p->steps; step += XQK_TILE_STEPS) {
		last = p->steps - step < XQK_TILE_STEPS ? p->steps - step : XQK_TILE_STEPS;
		for (s = 0; s < XQK_STRIPS; s++) {
			byte = p->b[step / XQK_TILE_STEPS * XQK_STRIPS + s][0];
			byte = p->b[step / XQK_TILE_STEPS * XQK_STRIPS + s]
				   [last * XQK_STEP_BYTES - 1];
		}
	}
	for (step = 0; p->words && step < words; step += XQK_TILE_STEPS) {
		last = words - step < XQK_TILE_STEPS ? words - step : XQK_TILE_STEPS;
		for (s = 0; s < XQK_STRIPS; s++) {
			byte = p->words[step / XQK_TILE_STEPS * XQK_STRIPS + s][0];
			byte = p->words[step / XQK_TILE_STEPS * XQK_STRIPS + s]
				       [last * XQK_STEP_BYTES - 1];
		}
	}
	(void)byte;
	(void)sum;
}
#else
static inline void touch(const struct xqk_panel *p, uint32_t bits)
{
	(void)p;
	(void)bits;
}
#endif

/*
 * How B of a format comes to be the operand, and the micro-kernels by rows. Of a narrow one:
 * its codes' bits, how they are unpacked if the first part has few rows, and by a first part
 * of five and of six.
 */
struct operand {
	uint8_t flip, less, mask, bits;
	xqk_panel_rows_fn *const *by_rows;
	xqk_unpack_fn *unpack;
	xqk_panel_rows_fn *first[2];
};

static void unpack(const struct xqk_panel *p, const struct operand *o)
{
	const uint32_t word_steps = 8 / o->bits, words = (p->steps + word_steps - 1) / word_steps;
	uint32_t s, word, some;

	for (s = 0; s < XQK_STRIPS; s++) {
		for (word = 0; word < words; word += some) {
			some = words - word < XQK_TILE_STEPS ? words - word : XQK_TILE_STEPS;
			o->unpack((uint8_t *)p->b[s] + (size_t)word * word_steps * XQK_STEP_BYTES,
				  p->words[word / XQK_TILE_STEPS * XQK_STRIPS + s], some, p->table);
		}
	}
}

static void panel(const struct xqk_panel *p, const struct operand *o)
{
	const uint32_t parts = (p->rows + XQK_ROWS_MOST - 1) / XQK_ROWS_MOST;
	const uint32_t rest = p->rows % parts, most = p->rows / parts + (rest ? 1 : 0);
	uint32_t larger = rest ? rest : parts;
	struct xqk_panel_rows rows = {
		.a = p->a, .a_stride = p->a_stride, .b = p->b, .c = p->c, .row = p->row,
		.column = p->column, .steps = p->steps, .flip = o->flip * 0x01010101U,
		.add = p->add, .words = p->words, .codebook = p->table,
		.mask = o->mask * 0x01010101U,
		/* Nothing is read there: anything that is mapped will do. */
		.ahead = p->ahead ? p->ahead : p->a,
	};
	static const int32_t nothing[XQK_COLUMNS];
	const uint64_t turns = (uint64_t)parts * (p->steps / 4) + 1;

	rows.ahead_step = (p->ahead_bytes + turns - 1) / turns;
	if (rows.ahead_step > 2 * XQK_STEP_BYTES)
		rows.ahead_step = 2 * XQK_STEP_BYTES;

	if (!rows.column && o->by_rows == by_bits)
		rows.column = nothing;
	touch(p, o->bits);
	if (p->words && most < XQK_ROWS_MOST - 1) {
		unpack(p, o);
	} else if (p->words) {
		memset(rows.less, o->less, sizeof(rows.less));
		run(&rows, o->first[most == XQK_ROWS_MOST], most, 1);
		larger--;
	}
	/* What is unpacked is flipped. */
	if (o->unpack)
		rows.flip = 0;
	run(&rows, o->by_rows[most - 1], most, larger);
	if (rest)
		run(&rows, o->by_rows[most - 2], most - 1, parts - rest);
}

/* Bytes, whose sign flipped adds 128, and bits by bits. */
#define XQK_PANEL_BYTES(name, flip_bits, functions)				\
	void xqk_dot_panel_##name##_avx512(const struct xqk_panel *p)		\
	{									\
		static const struct operand o = {				\
			.flip = (flip_bits), .by_rows = (functions), .bits = 8,	\
		};								\
										\
		panel(p, &o);							\
	}

XQK_PANEL_BYTES(s8, 0x80, by_s8)
XQK_PANEL_BYTES(u8, 0, by_s8)
XQK_PANEL_BYTES(by_u8, 0, by_u8)
XQK_PANEL_BYTES(bits, 0, by_bits)

/* Narrower, for both signs of A. What is flipped is taken off where the operand is signed. */
#define XQK_PANEL_ONE(name, as, unpacker, width, code, flip_bits, off, suffix, functions)	\
	void xqk_dot_panel_##name##suffix##_avx512(const struct xqk_panel *p)		\
	{										\
		static const struct operand o = {					\
			.flip = (flip_bits), .less = (off), .mask = (code), .bits = (width),	\
			.by_rows = (functions), .unpack = xqk_unpack_##unpacker##_avx512,	\
			.first = { xqk_panel_unpack_5_##as##suffix##_avx512,		\
				   xqk_panel_unpack_6_##as##suffix##_avx512 },		\
		};									\
											\
		panel(p, &o);								\
	}
#define XQK_PANEL_NARROW(name, as, to_unsigned, to_signed, width, code, flip, off)		\
	XQK_PANEL_ONE(name, as, to_unsigned, width, code, flip, 0, , by_s8)			\
	XQK_PANEL_ONE(name, as, to_signed, width, code, flip, off, _by_u8, by_u8)

XQK_PANEL_NARROW(s4, 4bit, s4, signed_s4, 4, 15, 8, 8)
XQK_PANEL_NARROW(u4, 4bit, u4, u4, 4, 15, 0, 0)
XQK_PANEL_NARROW(s2, 2bit, s2, signed_s2, 2, 3, 2, 2)
XQK_PANEL_NARROW(u2, 2bit, u2, u2, 2, 3, 0, 0)
XQK_PANEL_NARROW(b1, 1bit, b1, signed_b1, 1, 2, 0, 1)
XQK_PANEL_NARROW(c4, c4, c4, c4, 4, 15, 0, 0)
