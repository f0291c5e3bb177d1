/* SPDX-License-Identifier: MIT */
/* See panel_rows.h. */
#include "panel.inc"

/* The loop takes so many steps a turn, and as many are left for the end. */
#define TURN		4

/* On the stack, with the registers that have another use in the loop. */
#define PARTS		0(%rsp)	/* left */
#define FIRST		8(%rsp)	/* row of A of the part */
#define SAVED_C		16(%rsp)
#define SAVED_ROW	24(%rsp)
#define SAVED_AHEAD_B	32(%rsp)
#define AHEAD_C_END	40(%rsp)
#define ROOM		48

/*
 * Fetched ahead, a little a turn: C of the next part, which is written to, and B of the next
 * panel. A burst of either would keep the loads of this part waiting.
 */
#define AHEAD_C		%rbp	/* pointer to a row of C */
#define AHEAD_B		%r12

/*
 * Vector 31 is what B is flipped with. That is done even if it is nothing: a vector that comes
 * by a plain load and is used by few instructions makes them wait on Zen 4, one that an
 * operation loads does not. For bits, where it would be one operation of 20, it is K.
 */
.macro LOAD_B step
.if bits
	vmovdqu32 \step*STEP_BYTES(B0), %zmm24
	vmovdqu32 \step*STEP_BYTES(B1), %zmm25
	vmovdqu32 \step*STEP_BYTES(B2), %zmm26
	vmovdqu32 \step*STEP_BYTES(B3), %zmm27
.else
	vpxord	\step*STEP_BYTES(B0), %zmm31, %zmm24
	vpxord	\step*STEP_BYTES(B1), %zmm31, %zmm25
	vpxord	\step*STEP_BYTES(B2), %zmm31, %zmm26
	vpxord	\step*STEP_BYTES(B3), %zmm31, %zmm27
.endif
.endm

.macro STEP step
	LOAD_B \step
	MULTIPLY_ROWS 4*\step
.endm

/* The last steps of one row after the other, each followed by the stores of the one before. */
.macro END_ROW row, s0, s1, s2, s3, address:vararg
.if rows > \row
	.irp	step, 0, 1, 2, 3
	LOAD_B	\step
	MULTIPLY_ROW \row, \s0, \s1, \s2, \s3, 4*\step+0\address
	.endr
	COUNT_ROW \row, \s0, \s1, \s2, \s3
.endif
.endm

.macro CLEAR sum
	vpxord	%zmm\sum, %zmm\sum, %zmm\sum
.endm

/* From bits that differ to K - 2 * bits, less what the row and the columns take off. */
.macro COUNTED sum, strip
	vpaddd	%zmm\sum, %zmm\sum, %zmm\sum
	vpaddd	STEP_BYTES*\strip(SCRATCH), %zmm\sum, %zmm\sum
	vpsubd	%zmm\sum, %zmm30, %zmm\sum
.endm

.macro COUNT_ROW row, s0, s1, s2, s3
.if bits
	vpbroadcastd 4*\row(ROW), %zmm30
	vpsubd	%zmm30, %zmm31, %zmm30
	mov	XQK_ROWS_COLUMN(ARGUMENT), SCRATCH
	COUNTED	\s0, 0
	COUNTED	\s1, 1
	COUNTED	\s2, 2
	COUNTED	\s3, 3
	cmpl	$0, XQK_ROWS_ADD(ARGUMENT)
	je	9f
	ADD_ROW	\row, \s0, \s1, \s2, \s3
9:
.endif
.endm

.macro FETCH_AHEAD
	mov	(AHEAD_C), SCRATCH
	prefetchw 0*STEP_BYTES(SCRATCH)
	prefetchw 1*STEP_BYTES(SCRATCH)
	prefetchw 2*STEP_BYTES(SCRATCH)
	prefetchw 3*STEP_BYTES(SCRATCH)
	lea	8(AHEAD_C), SCRATCH
	cmp	AHEAD_C_END, SCRATCH
	cmovb	SCRATCH, AHEAD_C
	prefetcht1 0*STEP_BYTES(AHEAD_B)
	prefetcht1 1*STEP_BYTES(AHEAD_B)
	add	XQK_ROWS_AHEAD_STEP(ARGUMENT), AHEAD_B
.endm

.macro DEFINE_ROWS name, rows_of_a, is_unsigned, are_bits=0
	rows = \rows_of_a
	unsigned_a = \is_unsigned
	bits = \are_bits
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 6
\name:
	ENTER	ROOM
	mov	XQK_ROWS_PARTS(ARGUMENT), SCRATCH32
	mov	SCRATCH, PARTS
	mov	XQK_ROWS_AHEAD(ARGUMENT), SCRATCH
	mov	SCRATCH, SAVED_AHEAD_B
	mov	XQK_ROWS_A(ARGUMENT), A
	mov	A, FIRST
	mov	XQK_ROWS_A_STRIDE(ARGUMENT), STRIDE
	mov	XQK_ROWS_C(ARGUMENT), C
	mov	XQK_ROWS_ROW(ARGUMENT), ROW
	lea	(STRIDE, STRIDE, 2), STRIDE3
	lea	(STRIDE, STRIDE, 4), STRIDE5
.if bits
	mov	XQK_ROWS_STEPS(ARGUMENT), SCRATCH32
	shl	$5, SCRATCH32			/* bits of a step */
	vpbroadcastd SCRATCH32, %zmm31
.else
	vpbroadcastd XQK_ROWS_FLIP(ARGUMENT), %zmm31
.endif

0:	mov	XQK_ROWS_B(ARGUMENT), B
	mov	XQK_ROWS_STEPS(ARGUMENT), LEFT
.if bits
	.irp	sum, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23
	CLEAR	\sum
	.endr
.else
	START_SUMS
.endif
	mov	C, SAVED_C
	mov	ROW, SAVED_ROW
	lea	8 * rows(C), AHEAD_C
	lea	16 * rows(C), SCRATCH
	mov	SCRATCH, AHEAD_C_END
	mov	SAVED_AHEAD_B, AHEAD_B

	/* What is left of whole turns comes first: the last of the steps, one by one. */
	mov	LEFT, TURNS
	and	$TURN - 1, TURNS
	je	3f
	sub	TURNS, LEFT
	mov	LEFT, SCRATCH32
	lea	(A, SCRATCH, 4), A
	shr	$6, SCRATCH32			/* of TILE_STEPS */
	shl	$5, SCRATCH32			/* of ENTRY_BYTES */
	add	SCRATCH, B
	ENTER_TILE
	mov	LEFT, SCRATCH32
	and	$TILE_STEPS - 1, SCRATCH32
	shl	$6, SCRATCH32			/* of STEP_BYTES */
	add	SCRATCH, B0
	add	SCRATCH, B1
	add	SCRATCH, B2
	add	SCRATCH, B3
2:	STEP	0
	add	$4, A
	add	$STEP_BYTES, B0
	add	$STEP_BYTES, B1
	add	$STEP_BYTES, B2
	add	$STEP_BYTES, B3
	dec	TURNS
	jne	2b
	mov	FIRST, A
	mov	XQK_ROWS_B(ARGUMENT), B

	/* Whole turns but the last, which is left to the rows one after the other. */
3:	ENTER_TILE
	mov	$TILE_STEPS / TURN, TURNS
	.p2align 5
4:	sub	$TURN, LEFT
	je	5f
	FETCH_AHEAD
	STEP	0
	STEP	1
	STEP	2
	STEP	3
	add	$4 * TURN, A
	add	$TURN * STEP_BYTES, B0
	add	$TURN * STEP_BYTES, B1
	add	$TURN * STEP_BYTES, B2
	add	$TURN * STEP_BYTES, B3
	dec	TURNS
	jne	4b
	jmp	3b

5:	mov	AHEAD_B, SAVED_AHEAD_B
	mov	SAVED_C, C
	mov	SAVED_ROW, ROW
	END_ROW	0,  0,  1,  2,  3, (A)
	END_ROW	1,  4,  5,  6,  7, (A, STRIDE)
	STORE_ROW 0,  0,  1,  2,  3
	END_ROW	2,  8,  9, 10, 11, (A, STRIDE, 2)
	STORE_ROW 1,  4,  5,  6,  7
	END_ROW	3, 12, 13, 14, 15, (A, STRIDE3)
	STORE_ROW 2,  8,  9, 10, 11
	END_ROW	4, 16, 17, 18, 19, (A, STRIDE, 4)
	STORE_ROW 3, 12, 13, 14, 15
	END_ROW	5, 20, 21, 22, 23, (A, STRIDE5)
	STORE_ROW 4, 16, 17, 18, 19
	STORE_ROW 5, 20, 21, 22, 23

	mov	STRIDE, SCRATCH
	imul	$rows, SCRATCH
	add	FIRST, SCRATCH
	mov	SCRATCH, FIRST
	mov	SCRATCH, A
	add	$8 * rows, C
	add	$4 * rows, ROW
	decq	PARTS
	jne	0b

	LEAVE	ROOM
	.size	\name, . - \name
.endm

	.text
	DEFINE_ROWS xqk_panel_rows_1_avx512, 1, 0
	DEFINE_ROWS xqk_panel_rows_2_avx512, 2, 0
	DEFINE_ROWS xqk_panel_rows_3_avx512, 3, 0
	DEFINE_ROWS xqk_panel_rows_4_avx512, 4, 0
	DEFINE_ROWS xqk_panel_rows_5_avx512, 5, 0
	DEFINE_ROWS xqk_panel_rows_6_avx512, 6, 0
	DEFINE_ROWS xqk_panel_rows_1_by_u8_avx512, 1, 1
	DEFINE_ROWS xqk_panel_rows_2_by_u8_avx512, 2, 1
	DEFINE_ROWS xqk_panel_rows_3_by_u8_avx512, 3, 1
	DEFINE_ROWS xqk_panel_rows_4_by_u8_avx512, 4, 1
	DEFINE_ROWS xqk_panel_rows_5_by_u8_avx512, 5, 1
	DEFINE_ROWS xqk_panel_rows_6_by_u8_avx512, 6, 1
	DEFINE_ROWS xqk_panel_rows_1_b1_avx512, 1, 0, 1
	DEFINE_ROWS xqk_panel_rows_2_b1_avx512, 2, 0, 1
	DEFINE_ROWS xqk_panel_rows_3_b1_avx512, 3, 0, 1
	DEFINE_ROWS xqk_panel_rows_4_b1_avx512, 4, 0, 1
	DEFINE_ROWS xqk_panel_rows_5_b1_avx512, 5, 0, 1
	DEFINE_ROWS xqk_panel_rows_6_b1_avx512, 6, 0, 1

	.section .note.GNU-stack, "", @progbits
