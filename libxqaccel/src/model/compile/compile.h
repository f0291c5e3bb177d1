/* SPDX-License-Identifier: MIT */
/*
 * From a graph to a network: operators that the device has become the network's own, the others functions that it
 * calls. Internal.
 */
#ifndef XQ_MODEL_COMPILE_H
#define XQ_MODEL_COMPILE_H

#include "libxqaccel/src/model/cpu/kernel.h"

/* Operands of an operator that the CPU computes, constants too. */
#define XQM_OPERANDS		256

/**
 * struct xqm_call - an operator that the CPU computes
 * @in: @out: values without data of what is computed, with the batch in their shapes; constants have data
 * @slot: which input of the network's operator each is, -1 for a constant or one left out
 */
struct xqm_call {
	const struct xqm_operator *op;
	const struct xqm_kernel *kernel;
	struct xqm_value *in, *out;
	int *in_slot, *out_slot;
};

/**
 * struct xqm_compiler - work in progress
 * @batch: elements that a run computes
 * @batched: first dimensions grow with the batch
 * @device: for each operator, how the device does it, or NULL
 * @native: for each tensor, whether an operator of the device reads or makes it
 * @tensor: for each tensor, its number in the network, 0 as long as it has none
 * @zero_point: for each tensor that is a zero point which others read, one of the network with it
 *	as s32 [1], or 0
 * @first: for each operator, its first one in the network; one more at the end
 * @operators: of the network by now
 */
struct xqm_compiler {
	struct xqm_graph *graph;
	struct xq_network *network;
	size_t batch;
	bool batched;
	const struct xqm_device_operator **device;
	bool *native;
	int *tensor, *zero_point;
	unsigned int *first, operators;
};

/**
 * struct xqm_device_operator - how operators of a kind are done by the device
 * @takes: whether it can be; types and shapes are known, and no check of the network may fail afterwards
 * @add: adds it to the network
 */
struct xqm_device_operator {
	enum xqm_op op;
	bool (*takes)(const struct xqm_graph *graph, const struct xqm_operator *op);
	int (*add)(struct xqm_compiler *c, const struct xqm_operator *op);
};

/* ---- shapes and constants --------------------------------------------------------------------------- */

/*
 * Finds all types and shapes, those of the inputs being known, and computes what depends on constants
 * only. Operators that are computed are removed.
 */
int xqm_infer(struct xqm_graph *graph);

/* A constant that is not aligned is copied to where it is. NULL is allowed. -ENOMEM. */
int xqm_align(struct xqm_graph *graph, struct xqm_tensor *t);

/* A constant is copied to memory of the graph, where it is aligned, and its pages of the file are let go. -ENOMEM. */
int xqm_take_from_file(struct xqm_graph *graph, struct xqm_tensor *t);

/* A tensor as a value; its data unpacked if it is a constant, but not aligned. -ENOMEM. */
int xqm_value_of(struct xqm_graph *graph, struct xqm_tensor *t, struct xqm_value *value);

/*
 * The kernel of an operator on the CPU, which means its tensors as they are quantized; NULL with a sentence.
 */
const struct xqm_kernel *xqm_processor_kernel(struct xqm_graph *graph, const struct xqm_operator *op);

/* ---- the network -------------------------------------------------------------------------------------- */

/* Makes the network of a graph with shapes. c->graph, batch and batched are set; the rest is zero. */
int xqm_compile(struct xqm_compiler *c);

/* Frees all but graph and network. */
void xqm_compiler_end(struct xqm_compiler *c);

/* Whether elements of a batch do not meet in any operator. */
bool xqm_rows_apart(const struct xqm_graph *graph);

/* How the device does an operator, or NULL. */
const struct xqm_device_operator *xqm_on_device(const struct xqm_graph *graph, const struct xqm_operator *op);

/* The tensor of an operand in the network, which is added if it is not there yet; an error, or 0 for none. */
int xqm_network_tensor(struct xqm_compiler *c, int tensor);

/* A tensor of the network between operators: like one of the graph with another type, shape or quantization. */
int xqm_network_between(struct xqm_compiler *c, enum xq_type type, const struct xqm_shape *shape,
			const struct xqm_quantization *quantization);

/*
 * A tensor of the graph in another shape, or as integers that stand for something else: its number
 * in the network.
 */
int xqm_network_seen_as(struct xqm_compiler *c, const struct xqm_operator *op, int tensor,
			const struct xqm_shape *shape, const struct xqm_quantization *quantization);

/* Takes the number of an operator that was added to the network, or fails with the network's sentence. */
int xqm_added(struct xqm_compiler *c, const struct xqm_operator *op, int result);

/* Adds a function that the CPU computes. */
int xqm_add_call(struct xqm_compiler *c, const struct xqm_operator *op);

/* A name for the network: as short as it can be, unique. Memory of the graph. */
const char *xqm_operator_name(struct xqm_graph *graph, const struct xqm_operator *op);

/* ---- for those who look whether the device can do it ------------------------------------------------------ */

/* Operand i is there, its shape has 1 to XQ_NETWORK_DIMS dimensions, none of them 0, and it is of one of the types. */
bool xqm_is(const struct xqm_graph *graph, int tensor, uint32_t types);

#define XQM_BIT(type)	(1U << (type))
#define XQM_BYTES	(XQM_BIT(XQ_S8) | XQM_BIT(XQ_U8))
#define XQM_WEIGHTS	(XQM_BYTES | XQM_BIT(XQ_S4) | XQM_BIT(XQ_U4) | XQM_BIT(XQ_S2) | XQM_BIT(XQ_U2) | \
			 XQM_BIT(XQ_T2) | XQM_BIT(XQ_B1) | XQM_BIT(XQ_C4) | XQM_BIT(XQ_C8))

/* It is computed, not constant. */
bool xqm_moves(const struct xqm_graph *graph, int tensor);

/* One scale above 0 for the whole tensor. */
bool xqm_one_scale(const struct xqm_graph *graph, int tensor);

/* Same scale and zero point, or neither has one. */
bool xqm_same_scale(const struct xqm_graph *graph, int a, int b);

/* Integers of a constant operand: how many, or -1 if it is none, or more than room. 0 for one that is left out. */
int xqm_constant_integers(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int operand,
			  int64_t *to, unsigned int room);

/* Bounds of real numbers as integers of a tensor. False if there are none. */
bool xqm_bounds(const struct xqm_tensor *y, enum xq_requant_profile arithmetic, float low, float high, int32_t *min,
		int32_t *max);

/* Pads and size of the output of a window over an image; false if nothing is left. */
bool xqm_geometry(const struct xqm_window *w, unsigned int dim, int64_t in, int64_t kernel, int64_t *begin,
		  int64_t *end, int64_t *out);

/* An image of two dimensions with channels last, under the kernel of a convolution. */
struct xqm_image {
	int64_t kernel[2], begin[2], end[2], out[2], channels;
};

/*
 * That of a convolution, whose output has the sizes that follow; false if it is none, or the
 * weights are in an unknown order.
 */
bool xqm_conv_image(const struct xqm_graph *graph, const struct xqm_operator *op,
		    struct xqm_image *image);
/* One for the network, with all but its tensors and what becomes of its sums; and its image. */
struct xq_network_convolution xqm_convolution(struct xqm_graph *graph,
					      const struct xqm_operator *op,
					      struct xqm_image *image);

/* A table of 256 elements for a function of a quantized tensor of 8 bits; false for one that has none. */
bool xqm_table(const struct xqm_graph *graph, const struct xqm_operator *op, uint8_t *table);

extern const struct xqm_device_operator xqm_device_products[], xqm_device_integers[],
	xqm_device_arithmetic[], xqm_device_moves[];

#endif
