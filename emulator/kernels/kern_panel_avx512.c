// SPDX-License-Identifier: MIT
/* Panels on AVX-512: rows are divided evenly over parts, for a rest of one would be slow. */
#include "kern_avx512.h"
#include "kern_panel_rows_avx512.h"

static xqk_panel_rows_fn *const by_s8[XQK_ROWS_MOST] = {
	xqk_panel_rows_1_avx512, xqk_panel_rows_2_avx512, xqk_panel_rows_3_avx512,
	xqk_panel_rows_4_avx512, xqk_panel_rows_5_avx512, xqk_panel_rows_6_avx512,
};

static xqk_panel_rows_fn *const by_u8[XQK_ROWS_MOST] = {
	xqk_panel_rows_1_by_u8_avx512, xqk_panel_rows_2_by_u8_avx512,
	xqk_panel_rows_3_by_u8_avx512, xqk_panel_rows_4_by_u8_avx512,
	xqk_panel_rows_5_by_u8_avx512, xqk_panel_rows_6_by_u8_avx512,
};

static void run(struct xqk_panel_rows *rows, xqk_panel_rows_fn *const *functions,
		uint32_t rows_of_part, uint32_t parts)
{
	if (!parts)
		return;
	rows->parts = parts;
	functions[rows_of_part - 1](rows);
	rows->a += (size_t)parts * rows_of_part * rows->a_stride;
	rows->c += parts * rows_of_part;
	rows->row += parts * rows_of_part;
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer does not see what assembler reads and writes: do so at both ends. */
static void touch(const struct xqk_panel *p)
{
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
	for (step = 0; step < p->steps; step += XQK_TILE_STEPS) {
		last = p->steps - step < XQK_TILE_STEPS ? p->steps - step : XQK_TILE_STEPS;
		for (s = 0; s < XQK_STRIPS; s++) {
			byte = p->b[step / XQK_TILE_STEPS * XQK_STRIPS + s][0];
			byte = p->b[step / XQK_TILE_STEPS * XQK_STRIPS + s]
				   [last * XQK_STEP_BYTES - 1];
		}
	}
	(void)byte;
	(void)sum;
}
#else
static inline void touch(const struct xqk_panel *p)
{
	(void)p;
}
#endif

static void panel(const struct xqk_panel *p, uint8_t flip, xqk_panel_rows_fn *const *functions)
{
	const uint32_t parts = (p->rows + XQK_ROWS_MOST - 1) / XQK_ROWS_MOST;
	const uint32_t larger = p->rows % parts;
	struct xqk_panel_rows rows = {
		.a = p->a, .a_stride = p->a_stride, .b = p->b, .c = p->c, .row = p->row,
		.column = p->column, .steps = p->steps, .flip = flip * 0x01010101U, .add = p->add,
	};

	touch(p);
	run(&rows, functions, p->rows / parts + 1, larger);
	run(&rows, functions, p->rows / parts, parts - larger);
}

void xqk_dot_panel_s8_avx512(const struct xqk_panel *p)
{
	panel(p, 0x80, by_s8);
}

void xqk_dot_panel_u8_avx512(const struct xqk_panel *p)
{
	panel(p, 0, by_s8);
}

void xqk_dot_panel_by_u8_avx512(const struct xqk_panel *p)
{
	panel(p, 0, by_u8);
}
