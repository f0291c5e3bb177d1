/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: what an instruction set provides, a table for each kind of work. A
 * kind has a folder, and in it one for each instruction set; its tables are described in its
 * micro_kernels.h.
 *
 * To add an instruction set: its tables, in a folder of its own in each kind of work (start from
 * those in scalar/, which have little more than is needed); a row in isa.c; its flags in
 * emulator/build.mk. Tests run all that the CPU has. The benchmark takes its limits from loops
 * in tests/bench/peak.c.
 *
 * To add a format: its code in linux/xqaccel.h, its bits and range in xq_geometry.h; for A
 * widen_a and xqk_pairs(), for B an entry in struct xqk_product's b of every instruction set,
 * with unpack unless the dot takes its bytes as they are, and B_FORMATS in isa.c. Of each pair
 * that xqk_pairs() offers every instruction set has a dot: nobody checks for it.
 */
#ifndef XQK_ISA_H
#define XQK_ISA_H

#include "convolution/micro_kernels.h"
#include "copy/micro_kernels.h"
#include "elementwise/micro_kernels.h"
#include "epilogue/micro_kernels.h"
#include "pooling/micro_kernels.h"
#include "product/micro_kernels.h"

/**
 * struct xqk_operators - loops of all that is not a product. The portable ones are the compiler's
 *	vector code where vectors are part of the architecture.
 */
struct xqk_operators {
	const struct xqk_epilogue_kernels *epilogue;
	const struct xqk_pooling_kernels *pooling;
	const struct xqk_elementwise_kernels *elementwise;
	const struct xqk_copy_kernels *copy;
};

/**
 * struct xqk_isa - an instruction set
 * @name: as for xqk_isa_select()
 * @available: whether this CPU has it
 * @product: products of matrices
 * @depthwise: depthwise convolutions
 * @direct: convolutions by pieces of staged X; may be NULL
 * @operators: everything else
 */
struct xqk_isa {
	const char *name;
	bool (*available)(void);
	const struct xqk_product *product;
	const struct xqk_depthwise_kernels *depthwise;
	const struct xqk_direct_kernels *direct;
	const struct xqk_operators *operators;
};

#endif
