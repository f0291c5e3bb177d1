/* SPDX-License-Identifier: MIT */
/* See direct_rows.h. */
#include "direct_rows.h"

#define STEP_BYTES	64

#define JOB		%rdi
#define RUN		%rsi	/* struct xqk_direct_run */
#define Y		%rsi	/* at the end of a part, where there is no run any more */
#define B0		%rax
#define B1		%rbx
#define B2		%rcx
#define B3		%rdx
#define A0		%r8
#define A1		%r9
#define A2		%r10
#define A3		%r11
#define A4		%r12
#define A5		%r13
#define AT		%r14	/* from the start of a patch */
#define AT32		%r14d
#define TURNS		%r15d
#define SCRATCH		%rbp
#define SCRATCH32	%ebp

/* On the stack. */
#define PARTS		0(%rsp)	/* left */
#define RUNS		8(%rsp)	/* left of the part */
#define X_PIXELS	16(%rsp)
#define Y_PIXELS	24(%rsp)
#define ROOM		32

/* Vectors 0..23 are the sums, four a row; 24..27 a step of B; 28 four bytes of a row of A. */
.macro LOAD_B step
	vmovdqu32 \step*STEP_BYTES(B0), %zmm24
	vmovdqu32 \step*STEP_BYTES(B1), %zmm25
	vmovdqu32 \step*STEP_BYTES(B2), %zmm26
	vmovdqu32 \step*STEP_BYTES(B3), %zmm27
.endm

.macro MULTIPLY_ROW row, a, s0, s1, s2, s3, step
.if rows > \row
	vpbroadcastd 4*\step(\a, AT), %zmm28
	vpdpbusd %zmm24, %zmm28, %zmm\s0
	vpdpbusd %zmm25, %zmm28, %zmm\s1
	vpdpbusd %zmm26, %zmm28, %zmm\s2
	vpdpbusd %zmm27, %zmm28, %zmm\s3
.endif
.endm

.macro STEP step
	LOAD_B	\step
	MULTIPLY_ROW 0, A0,  0,  1,  2,  3, \step
	MULTIPLY_ROW 1, A1,  4,  5,  6,  7, \step
	MULTIPLY_ROW 2, A2,  8,  9, 10, 11, \step
	MULTIPLY_ROW 3, A3, 12, 13, 14, 15, \step
	MULTIPLY_ROW 4, A4, 16, 17, 18, 19, \step
	MULTIPLY_ROW 5, A5, 20, 21, 22, 23, \step
.endm

.macro NEXT steps
	add	$4*\steps, AT
	add	$\steps*STEP_BYTES, B0
	add	$\steps*STEP_BYTES, B1
	add	$\steps*STEP_BYTES, B2
	add	$\steps*STEP_BYTES, B3
.endm

.macro START_ROW row, s0, s1, s2, s3
.if rows > \row
	vmovdqa64 %zmm0, %zmm\s0
	vmovdqa64 %zmm1, %zmm\s1
	vmovdqa64 %zmm2, %zmm\s2
	vmovdqa64 %zmm3, %zmm\s3
.endif
.endm

.macro POINT_TO row, a
.if rows > \row
	mov	8*\row(SCRATCH), \a
.endif
.endm

/* The last steps of one row after the other, each followed by the stores of the one before. */
.macro END_ROW row, a, s0, s1, s2, s3
.if rows > \row
	.irp	step, 0, 1, 2, 3
	LOAD_B	\step
	MULTIPLY_ROW \row, \a, \s0, \s1, \s2, \s3, \step
	.endr
.endif
.endm

.macro STORE_ROW row, s0, s1, s2, s3
.if rows > \row
	mov	8*\row(Y), SCRATCH
	vmovdqu32 %zmm\s0, 0*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s1, 1*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s2, 2*STEP_BYTES(SCRATCH)
	vmovdqu32 %zmm\s3, 3*STEP_BYTES(SCRATCH){%k1}
.endif
.endm

.macro DEFINE_ROWS name, rows_of_a
	rows = \rows_of_a
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
	sub	$ROOM, %rsp
	.cfi_adjust_cfa_offset ROOM
	mov	%rdx, PARTS
	mov	XQK_DIRECT_X(JOB), SCRATCH
	lea	(SCRATCH, %rsi, 8), SCRATCH
	mov	SCRATCH, X_PIXELS
	mov	XQK_DIRECT_Y(JOB), SCRATCH
	lea	(SCRATCH, %rsi, 8), SCRATCH
	mov	SCRATCH, Y_PIXELS
	mov	$-1, SCRATCH32
	mov	XQK_DIRECT_LAST(JOB), %ecx
	bzhi	%ecx, SCRATCH32, SCRATCH32
	kmovw	SCRATCH32, %k1

	/* A part. */
0:	mov	XQK_DIRECT_START(JOB), SCRATCH
	vmovdqu32 0*STEP_BYTES(SCRATCH), %zmm0
	vmovdqu32 1*STEP_BYTES(SCRATCH), %zmm1
	vmovdqu32 2*STEP_BYTES(SCRATCH), %zmm2
	vmovdqu32 3*STEP_BYTES(SCRATCH), %zmm3
	START_ROW 1,  4,  5,  6,  7
	START_ROW 2,  8,  9, 10, 11
	START_ROW 3, 12, 13, 14, 15
	START_ROW 4, 16, 17, 18, 19
	START_ROW 5, 20, 21, 22, 23
	mov	X_PIXELS, SCRATCH
	POINT_TO 0, A0
	POINT_TO 1, A1
	POINT_TO 2, A2
	POINT_TO 3, A3
	POINT_TO 4, A4
	POINT_TO 5, A5
	add	$8*rows, SCRATCH
	mov	SCRATCH, X_PIXELS
	mov	XQK_DIRECT_RUN(JOB), RUN
	mov	XQK_DIRECT_RUNS(JOB), SCRATCH32
	mov	SCRATCH, RUNS

	/* A run: what is left of whole turns comes first. */
1:	mov	XQK_DIRECT_RUN_TILE(RUN), SCRATCH32
	shl	$5, SCRATCH
	add	XQK_DIRECT_B(JOB), SCRATCH
	mov	0(SCRATCH), B0
	mov	8(SCRATCH), B1
	mov	16(SCRATCH), B2
	mov	24(SCRATCH), B3
	mov	XQK_DIRECT_RUN_FIRST(RUN), SCRATCH32
	shl	$6, SCRATCH
	add	SCRATCH, B0
	add	SCRATCH, B1
	add	SCRATCH, B2
	add	SCRATCH, B3
	mov	XQK_DIRECT_RUN_A(RUN), AT32
	mov	XQK_DIRECT_RUN_STEPS(RUN), SCRATCH32
	mov	SCRATCH32, TURNS
	shr	$2, TURNS
	and	$3, SCRATCH32
	je	3f
2:	STEP	0
	NEXT	1
	dec	SCRATCH32
	jne	2b

3:	decq	RUNS
	je	6f
	test	TURNS, TURNS
	je	5f
	.p2align 5
4:	STEP	0
	STEP	1
	STEP	2
	STEP	3
	NEXT	4
	dec	TURNS
	jne	4b
5:	add	$XQK_DIRECT_RUN_BYTES, RUN
	jmp	1b

	/* The last run: its last turn is left to the rows one after the other. */
6:	mov	Y_PIXELS, Y
	lea	8*rows(Y), SCRATCH
	mov	SCRATCH, Y_PIXELS
	sub	$1, TURNS
	jb	9f
	je	8f
	.p2align 5
7:	STEP	0
	STEP	1
	STEP	2
	STEP	3
	NEXT	4
	dec	TURNS
	jne	7b
8:	END_ROW	0, A0,  0,  1,  2,  3
	END_ROW	1, A1,  4,  5,  6,  7
	STORE_ROW 0,  0,  1,  2,  3
	END_ROW	2, A2,  8,  9, 10, 11
	STORE_ROW 1,  4,  5,  6,  7
	END_ROW	3, A3, 12, 13, 14, 15
	STORE_ROW 2,  8,  9, 10, 11
	END_ROW	4, A4, 16, 17, 18, 19
	STORE_ROW 3, 12, 13, 14, 15
	END_ROW	5, A5, 20, 21, 22, 23
	STORE_ROW 4, 16, 17, 18, 19
	STORE_ROW 5, 20, 21, 22, 23
	decq	PARTS
	jne	0b
	jmp	10f
9:	STORE_ROW 0,  0,  1,  2,  3
	STORE_ROW 1,  4,  5,  6,  7
	STORE_ROW 2,  8,  9, 10, 11
	STORE_ROW 3, 12, 13, 14, 15
	STORE_ROW 4, 16, 17, 18, 19
	STORE_ROW 5, 20, 21, 22, 23
	decq	PARTS
	jne	0b
10:	add	$ROOM, %rsp
	.cfi_adjust_cfa_offset -ROOM
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
	DEFINE_ROWS xqk_direct_rows_1_avx512, 1
	DEFINE_ROWS xqk_direct_rows_2_avx512, 2
	DEFINE_ROWS xqk_direct_rows_3_avx512, 3
	DEFINE_ROWS xqk_direct_rows_4_avx512, 4
	DEFINE_ROWS xqk_direct_rows_5_avx512, 5
	DEFINE_ROWS xqk_direct_rows_6_avx512, 6

	.section .note.GNU-stack, "", @progbits
