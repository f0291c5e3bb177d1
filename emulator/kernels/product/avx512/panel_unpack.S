/* SPDX-License-Identifier: MIT */
/*
 * The first part of a panel of narrow weights: rows are multiplied while the words of B are
 * unpacked for all the others, which costs nothing then: the multipliers are the bottleneck,
 * and what unpacks and stores is idle. By itself, the way of a panel through the level 2 cache
 * takes as long as 2 to 10 % of a job.
 */
#include "panel.inc"

#define PANEL		%rbp	/* step of the first strip, once ROW is not needed */
#define NEXT		%r15	/* from strip to strip, as soon as SCRATCH is not */
#define NEXT3		%r12	/* the same, as long as C is not */

/* VPTERNLOG of (a & b) ^ c */
#define AND_XOR		0x6a

/*
 * Where in 64 bits, which are two words, the elements of a step start, so that they come to
 * stand at bit `left` of a byte.
 */
.macro PLACES bits, left
	.balign	64
	step = 0
	.rept	8 / \bits
	.rept	8
	word = 0
	.rept	2
	byte = 0
	.rept	4
	.byte	(32 * word + (4 * step + byte) * \bits - \left) & 63
	byte = byte + 1
	.endr
	word = word + 1
	.endr
	.endr
	step = step + 1
	.endr
.endm

	.section .rodata
places_4:
	PLACES	4, 0
places_2:
	PLACES	2, 0
places_1:
	PLACES	1, 1

/*
 * Vector 30 has the places of the step, 31 the mask of a code, 29 a codebook. The operand is
 * the code exclusive-ored with what turns two's complement into an unsigned number, less that
 * again where it has to be signed, or what the codebook says.
 */
.macro UNPACK vector, from, to:vararg
	vpmultishiftqb (\from), %zmm30, %zmm\vector
.if codebook
	vpandd	%zmm31, %zmm\vector, %zmm\vector
	vpshufb	%zmm\vector, %zmm29, %zmm\vector
.else
	vpternlogd $AND_XOR, XQK_ROWS_FLIP(ARGUMENT){1to16}, %zmm31, %zmm\vector
.if unsigned_a
	vpsubb	XQK_ROWS_LESS(ARGUMENT), %zmm\vector, %zmm\vector
.endif
.endif
	vmovdqu32 %zmm\vector, \to
.endm

/* Of a word, by the symbol `step`. */
.macro STEP places
	vmovdqa64 \places + STEP_BYTES * step(%rip), %zmm30
	UNPACK	24, B0, STEP_BYTES*step(PANEL)
	UNPACK	25, B1, STEP_BYTES*step(PANEL, NEXT)
	UNPACK	26, B2, STEP_BYTES*step(PANEL, NEXT, 2)
	UNPACK	27, B3, STEP_BYTES*step(PANEL, NEXT3)
	MULTIPLY_ROWS 4*step
.endm

.macro DEFINE_UNPACK name, rows_of_a, is_unsigned, bits, has_codebook=0
	rows = \rows_of_a
	bits = 0
	unsigned_a = \is_unsigned
	codebook = \has_codebook
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 6
\name:
	ENTER	0
	mov	XQK_ROWS_A(ARGUMENT), A
	mov	XQK_ROWS_A_STRIDE(ARGUMENT), STRIDE
	mov	XQK_ROWS_C(ARGUMENT), C
	mov	XQK_ROWS_ROW(ARGUMENT), ROW
	lea	(STRIDE, STRIDE, 2), STRIDE3
	lea	(STRIDE, STRIDE, 4), STRIDE5
	mov	XQK_ROWS_WORDS(ARGUMENT), B
	mov	XQK_ROWS_STEPS(ARGUMENT), LEFT
	vpbroadcastd XQK_ROWS_MASK(ARGUMENT), %zmm31
.if codebook
	mov	XQK_ROWS_CODEBOOK(ARGUMENT), SCRATCH
	vbroadcasti32x4 (SCRATCH), %zmm29
.endif
	START_SUMS
	mov	XQK_ROWS_B(ARGUMENT), NEXT3
	mov	(NEXT3), PANEL
	mov	8(NEXT3), NEXT
	sub	PANEL, NEXT
	lea	(NEXT, NEXT, 2), NEXT3

2:	ENTER_TILE
	mov	$TILE_STEPS, TURNS		/* as many words */
	.p2align 5
3:
	step = 0
	.rept	8 / \bits
	STEP	places_\bits
	dec	LEFT
	je	4f
	step = step + 1
	.endr
	add	$4 * 8 / \bits, A
	add	$STEP_BYTES * 8 / \bits, PANEL
	add	$STEP_BYTES, B0
	add	$STEP_BYTES, B1
	add	$STEP_BYTES, B2
	add	$STEP_BYTES, B3
	dec	TURNS
	jne	3b
	jmp	2b

4:	mov	XQK_ROWS_C(ARGUMENT), C
	EACH_ROW STORE_ROW
	LEAVE	0
	.size	\name, . - \name
.endm

	.text
	DEFINE_UNPACK xqk_panel_unpack_5_4bit_avx512, 5, 0, 4
	DEFINE_UNPACK xqk_panel_unpack_6_4bit_avx512, 6, 0, 4
	DEFINE_UNPACK xqk_panel_unpack_5_2bit_avx512, 5, 0, 2
	DEFINE_UNPACK xqk_panel_unpack_6_2bit_avx512, 6, 0, 2
	DEFINE_UNPACK xqk_panel_unpack_5_1bit_avx512, 5, 0, 1
	DEFINE_UNPACK xqk_panel_unpack_6_1bit_avx512, 6, 0, 1
	DEFINE_UNPACK xqk_panel_unpack_5_c4_avx512, 5, 0, 4, 1
	DEFINE_UNPACK xqk_panel_unpack_6_c4_avx512, 6, 0, 4, 1
	DEFINE_UNPACK xqk_panel_unpack_5_4bit_by_u8_avx512, 5, 1, 4
	DEFINE_UNPACK xqk_panel_unpack_6_4bit_by_u8_avx512, 6, 1, 4
	DEFINE_UNPACK xqk_panel_unpack_5_2bit_by_u8_avx512, 5, 1, 2
	DEFINE_UNPACK xqk_panel_unpack_6_2bit_by_u8_avx512, 6, 1, 2
	DEFINE_UNPACK xqk_panel_unpack_5_1bit_by_u8_avx512, 5, 1, 1
	DEFINE_UNPACK xqk_panel_unpack_6_1bit_by_u8_avx512, 6, 1, 1
	DEFINE_UNPACK xqk_panel_unpack_5_c4_by_u8_avx512, 5, 1, 4, 1
	DEFINE_UNPACK xqk_panel_unpack_6_c4_by_u8_avx512, 6, 1, 4, 1

	.section .note.GNU-stack, "", @progbits
