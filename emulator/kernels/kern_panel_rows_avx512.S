/* SPDX-License-Identifier: MIT */
/* See kern_panel_rows_avx512.h. */
#include "kern_panel_rows_avx512.h"

/* As in xqk_isa.h. */
#define TILE_STEPS	64
#define STEP_BYTES	64
#define ENTRY_BYTES	32	/* of the table: pointers of four strips */

/* The loop takes so many steps a turn, and as many are left for the end. */
#define TURN		4

#define ARGUMENT	%rdi
#define B		%rsi	/* the table's next entry */
#define B0		%rax
#define B1		%rbx
#define B2		%rcx
#define B3		%rdx
#define A		%r8
#define STRIDE		%r9
#define STRIDE3		%r10
#define STRIDE5		%r11
#define C		%r12	/* pointers to rows */
#define ROW		%rbp
#define LEFT		%r13d	/* steps */
#define TURNS		%r14d	/* left in the tile */
#define SCRATCH		%r15
#define SCRATCH32	%r15d
#define PARTS		(%rsp)	/* left */
#define FIRST		8(%rsp)	/* row of the part */

/*
 * Vectors 0..23 are the sums, four a row; 24..27 a step of B; 28 and 29 a row of A; 31 what B
 * is flipped with. That is done even if it is nothing: a vector that comes by a plain load and
 * is used by few instructions makes them wait on Zen 4, one that an operation loads does not.
 *
 * The macros take `rows` and `unsigned_a` from the function that they are used in.
 */
.macro LOAD_B step
	vpxord	\step*STEP_BYTES(B0), %zmm31, %zmm24
	vpxord	\step*STEP_BYTES(B1), %zmm31, %zmm25
	vpxord	\step*STEP_BYTES(B2), %zmm31, %zmm26
	vpxord	\step*STEP_BYTES(B3), %zmm31, %zmm27
.endm

.macro MULTIPLY a, b, sum
.if unsigned_a
	vpdpbusd %zmm\b, %zmm\a, %zmm\sum
.else
	vpdpbusd %zmm\a, %zmm\b, %zmm\sum
.endif
.endm

.macro MULTIPLY_ROW row, a, s0, s1, s2, s3, address:vararg
.if rows > \row
	vpbroadcastd \address, %zmm\a
	MULTIPLY \a, 24, \s0
	MULTIPLY \a, 25, \s1
	MULTIPLY \a, 26, \s2
	MULTIPLY \a, 27, \s3
.endif
.endm

.macro STEP step
	LOAD_B \step
	MULTIPLY_ROW 0, 28,  0,  1,  2,  3, 4*\step(A)
	MULTIPLY_ROW 1, 29,  4,  5,  6,  7, 4*\step(A, STRIDE)
	MULTIPLY_ROW 2, 28,  8,  9, 10, 11, 4*\step(A, STRIDE, 2)
	MULTIPLY_ROW 3, 29, 12, 13, 14, 15, 4*\step(A, STRIDE3)
	MULTIPLY_ROW 4, 28, 16, 17, 18, 19, 4*\step(A, STRIDE, 4)
	MULTIPLY_ROW 5, 29, 20, 21, 22, 23, 4*\step(A, STRIDE5)
.endm

.macro ENTER_TILE
	mov	0(B), B0
	mov	8(B), B1
	mov	16(B), B2
	mov	24(B), B3
	add	$ENTRY_BYTES, B
.endm

.macro START_ROW row, s0, s1, s2, s3
.if rows > \row
	vpsubd	4*\row(ROW){1to16}, %zmm24, %zmm\s0
	vpsubd	4*\row(ROW){1to16}, %zmm25, %zmm\s1
	vpsubd	4*\row(ROW){1to16}, %zmm26, %zmm\s2
	vpsubd	4*\row(ROW){1to16}, %zmm27, %zmm\s3
.endif
.endm

.macro ADD_ROW row, s0, s1, s2, s3
.if rows > \row
	mov	8*\row(C), SCRATCH
	vpaddd	0*STEP_BYTES(SCRATCH), %zmm\s0, %zmm\s0
	vpaddd	1*STEP_BYTES(SCRATCH), %zmm\s1, %zmm\s1
	vpaddd	2*STEP_BYTES(SCRATCH), %zmm\s2, %zmm\s2
	vpaddd	3*STEP_BYTES(SCRATCH), %zmm\s3, %zmm\s3
.endif
.endm

/* The last steps of one row after the other, each followed by the stores of the one before. */
.macro END_ROW row, a, s0, s1, s2, s3, address:vararg
	LOAD_B	0
	MULTIPLY_ROW \row, \a, \s0, \s1, \s2, \s3, 0\address
	LOAD_B	1
	MULTIPLY_ROW \row, \a, \s0, \s1, \s2, \s3, 4\address
	LOAD_B	2
	MULTIPLY_ROW \row, \a, \s0, \s1, \s2, \s3, 8\address
	LOAD_B	3
	MULTIPLY_ROW \row, \a, \s0, \s1, \s2, \s3, 12\address
.endm

.macro STORE_ROW row, s0, s1, s2, s3
	mov	8*\row(C), SCRATCH
	vmovdqu32 %zmm\s0, 0*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s1, 1*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s2, 2*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s3, 3*STEP_BYTES(SCRATCH)
.endm

.macro DEFINE_ROWS name, rows_of_a, is_unsigned
	rows = \rows_of_a
	unsigned_a = \is_unsigned
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 6
\name:
	.cfi_startproc
	.irp	register, rbx, rbp, r12, r13, r14, r15
	push	%\register
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \register, 0
	.endr
	sub	$16, %rsp
	.cfi_adjust_cfa_offset 16
	mov	XQK_ROWS_PARTS(ARGUMENT), SCRATCH32
	mov	SCRATCH, PARTS
	mov	XQK_ROWS_A(ARGUMENT), A
	mov	A, FIRST
	mov	XQK_ROWS_A_STRIDE(ARGUMENT), STRIDE
	mov	XQK_ROWS_C(ARGUMENT), C
	mov	XQK_ROWS_ROW(ARGUMENT), ROW
	lea	(STRIDE, STRIDE, 2), STRIDE3
	lea	(STRIDE, STRIDE, 4), STRIDE5
	vpbroadcastd XQK_ROWS_FLIP(ARGUMENT), %zmm31

0:	mov	XQK_ROWS_B(ARGUMENT), B
	mov	XQK_ROWS_STEPS(ARGUMENT), LEFT
	mov	XQK_ROWS_COLUMN(ARGUMENT), SCRATCH
	vpxor	%xmm0, %xmm0, %xmm0
	vpsubd	0*STEP_BYTES(SCRATCH), %zmm0, %zmm24
	vpsubd	1*STEP_BYTES(SCRATCH), %zmm0, %zmm25
	vpsubd	2*STEP_BYTES(SCRATCH), %zmm0, %zmm26
	vpsubd	3*STEP_BYTES(SCRATCH), %zmm0, %zmm27
	START_ROW 0,  0,  1,  2,  3
	START_ROW 1,  4,  5,  6,  7
	START_ROW 2,  8,  9, 10, 11
	START_ROW 3, 12, 13, 14, 15
	START_ROW 4, 16, 17, 18, 19
	START_ROW 5, 20, 21, 22, 23
	cmpl	$0, XQK_ROWS_ADD(ARGUMENT)
	je	1f
	ADD_ROW	0,  0,  1,  2,  3
	ADD_ROW	1,  4,  5,  6,  7
	ADD_ROW	2,  8,  9, 10, 11
	ADD_ROW	3, 12, 13, 14, 15
	ADD_ROW	4, 16, 17, 18, 19
	ADD_ROW	5, 20, 21, 22, 23

	/* What is left of whole turns comes first: the last of the steps, one by one. */
1:	mov	LEFT, TURNS
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

5:	END_ROW	0, 28,  0,  1,  2,  3, (A)
.if rows > 1
	END_ROW	1, 29,  4,  5,  6,  7, (A, STRIDE)
.endif
	STORE_ROW 0,  0,  1,  2,  3
.if rows > 2
	END_ROW	2, 28,  8,  9, 10, 11, (A, STRIDE, 2)
.endif
.if rows > 1
	STORE_ROW 1,  4,  5,  6,  7
.endif
.if rows > 3
	END_ROW	3, 29, 12, 13, 14, 15, (A, STRIDE3)
.endif
.if rows > 2
	STORE_ROW 2,  8,  9, 10, 11
.endif
.if rows > 4
	END_ROW	4, 28, 16, 17, 18, 19, (A, STRIDE, 4)
.endif
.if rows > 3
	STORE_ROW 3, 12, 13, 14, 15
.endif
.if rows > 5
	END_ROW	5, 29, 20, 21, 22, 23, (A, STRIDE5)
.endif
.if rows > 4
	STORE_ROW 4, 16, 17, 18, 19
.endif
.if rows > 5
	STORE_ROW 5, 20, 21, 22, 23
.endif

	mov	STRIDE, SCRATCH
	imul	$rows, SCRATCH
	add	FIRST, SCRATCH
	mov	SCRATCH, FIRST
	mov	SCRATCH, A
	add	$8 * rows, C
	add	$4 * rows, ROW
	decq	PARTS
	jne	0b

	add	$16, %rsp
	.cfi_adjust_cfa_offset -16
	.irp	register, r15, r14, r13, r12, rbp, rbx
	pop	%\register
	.cfi_adjust_cfa_offset -8
	.cfi_restore \register
	.endr
	vzeroupper
	ret
	.cfi_endproc
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

	.section .note.GNU-stack, "", @progbits
