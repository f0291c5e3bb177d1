/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: the dispatch table, what an instruction set provides for each kind of
 * work. The kinds have a folder each, and a folder for each instruction set in it; which
 * members are for what is said at the head of the kind's micro_kernels.h.
 *
 * To add an instruction set: one file that defines a struct xqk_isa and includes
 * product/template.h for all it does not do better by hand; a declaration at the end of this
 * file and a line in isa.c; a folder of its own and its flags in
 * emulator/build.mk. Start from product/scalar, which has little more than is needed. Tests
 * run all that the CPU has. The benchmark takes its limits from loops in tests/bench/peak.c.
 *
 * To add a format: its code in linux/xqaccel.h, its bits and range in xq_geometry.h; for A
 * widen_a and xqk_pairs(), for B an entry in struct xqk_isa's b of every instruction set, with
 * unpack unless the dot takes its bytes as they are, and B_FORMATS in isa.c. Of each pair that
 * xqk_pairs() offers every instruction set has a dot: nobody checks for it.
 */
#ifndef XQK_ISA_H
#define XQK_ISA_H

#include "product/micro_kernels.h"

/**
 * struct xqk_isa - an instruction set's kernels
 *
 * Always there: name, available, rows, a dot in b for each format, widen_a, arrange_a,
 * interleave_b, fold. Wide formats need arrange_wide_a, start_a and start_b, tiles_rows goes
 * with dot_tiles, panel_steps with dot_panel. All else may be left out.
 */
struct xqk_isa {
	const char *name;
	bool (*available)(void);
	unsigned int rows;	/* most rows of a dot */
	unsigned int tiles_rows;	/* most rows of a dot of tiles */
	bool natural;		/* panels of narrow elements are in the order of K */

	/* By format of B. */
	struct xqk_b_format b[XQACCEL_FMT_COUNT];

	/* Optional: dots of the same where A is u8 in place. */
	struct xqk_b_format b_by_u8[XQACCEL_FMT_COUNT];

	/*
	 * B1 x B1: a and b are words of 32 elements as stored, a step is a word, the last
	 * one may be partly used; c = k - 2 * (number of bits that differ). Both may
	 * be NULL: then bits are widened like any other format. dot_panel_bits and unpack_bits
	 * are optional; the latter makes two steps of B from a word.
	 */
	xqk_dot_fn *dot_bits;
	xqk_dot_fold_fn *dot_fold_bits;
	xqk_dot_panel_fn *dot_panel_bits;
	xqk_unpack_fn *unpack_bits;

	uint32_t panel_steps;	/* fewest steps of a panel */
	xqk_thin_fn *thin_s8;	/* optional */

	/*
	 * Elements of A that start at a byte, to a - a_bias as signed bytes in the order
	 * of K. Returns their sum.
	 */
	int32_t (*widen_a)(int8_t *dst, const uint8_t *src, size_t n, uint32_t format);

	/* Sum of s8 or u8; NULL if A is never used where it is. */
	int32_t (*sum_a)(const uint8_t *src, size_t n, uint32_t format);

	/*
	 * From the order of K to that of the steps: words of 4 * steps elements each
	 * become that many steps. For steps = 1, which would be a copy, only the wide one is
	 * called; with natural panels, only for dots of tiles.
	 */
	xqk_arrange_fn *arrange_a, *arrange_wide_a;

	/* For wide formats: row_start of a piece of a row, column_start of a piece of B. */
	int32_t (*start_a)(const void *a, uint32_t steps);
	void (*start_b)(const struct xqk_dot *dot, int32_t *column_start, unsigned int strips);

	/* Words of 16 rows into the tile order: word w of row r to byte 4 * (16 * w + r). */
	void (*interleave_b)(uint8_t *dst, const uint8_t *const *rows, size_t words);

	void (*fold)(const struct xqk_fold *fold, unsigned int rows, unsigned int strips);
};

extern const struct xqk_isa xqk_isa_scalar;
#if defined(__x86_64__)
extern const struct xqk_isa xqk_isa_avx2;
extern const struct xqk_isa xqk_isa_avx512vnni;
#elif defined(__aarch64__)
extern const struct xqk_isa xqk_isa_neon;
extern const struct xqk_isa xqk_isa_neondot;
extern const struct xqk_isa xqk_isa_neoni8mm;
#endif

#endif
