/* SPDX-License-Identifier: MIT */
/*
 * The graph of a model file: tensors and operators, as a reader (tflite/, onnx/) found them, passes (passes/)
 * transform them, and compile/ makes a network of them for a device. Internal.
 *
 * A graph is flat: what a file has in functions or in subgraphs that are always taken is inlined by the
 * reader, and state is in the form of a function: a tensor that is read and one that takes its place
 * after the run (struct xqm_state).
 *
 * Tensors and operators are named by numbers; tensors count from 1, so that 0 says "none", as in an
 * optional operand that is left out. Operators stand in an order in which they can be computed.
 *
 * Names, shapes, quantization and parameters lie in memory of the graph; constants lie where the reader points
 * to, in the mapped file or in memory of the graph.
 */
#ifndef XQ_MODEL_GRAPH_H
#define XQ_MODEL_GRAPH_H

#include <xqaccel/model.h>

#include "operator.h"

#define XQM_ERROR_BYTES		512

/* Numbers that a file may not exceed, so that products of two fit into 64 bits. */
#define XQM_MAX_SIZE		0x7fffffff	/* of a dimension */
#define XQM_MAX_BYTES		(1ULL << 40)	/* of a tensor, unpacked */

/* A dimension that is known when the model is given its inputs. */
#define XQM_UNKNOWN		(-1)

/**
 * struct xqm_shape - sizes of a tensor
 * @known: the number of dimensions is known
 * @dims: how many; 0 is a scalar
 * @dim: 0 to XQM_MAX_SIZE, or XQM_UNKNOWN
 */
struct xqm_shape {
	bool known;
	unsigned int dims;
	int64_t dim[XQ_MODEL_DIMS];
};

/**
 * struct xqm_quantization - what the integers of a tensor stand for: scale * (q - zero_point)
 * @count: how many scales there are: 0 for none, 1 for the tensor, else one for each index of dimension @axis
 * @scale: [count], finite and not below 0
 * @zero_point: [count]; NULL for zeros
 */
struct xqm_quantization {
	size_t count;
	unsigned int axis;
	const float *scale;
	const int32_t *zero_point;
};

/**
 * struct xqm_tensor - a tensor
 * @number: its own
 * @name: as in the file; "" if it has none there
 * @type: enum xq_type or enum xq_model_type; XQ_NONE as long as nobody knows
 * @shape: as in the file; inference replaces it
 * @quantization: of an integer type
 * @data: NULL, or it is a constant, aligned for its type unless it is @unaligned. Elements in
 *	C order
 * @bytes: there
 * @unaligned: a matrix of float32 in the file that is not aligned, see xqm_align()
 * @order: how types of less than 8 bits lie there (xqaccel/network.h)
 * @codebook: [16] or [256] values of c4 and c8, else NULL
 * @producer: number of the operator that makes it, or -1; by xqm_link()
 * @uses: operands that it is, plus 1 if it is an output of the graph or the end of a state; by xqm_link()
 * @end: it is one of the latter; by xqm_link()
 */
struct xqm_tensor {
	int number;
	const char *name;
	int type;
	struct xqm_shape shape;
	struct xqm_quantization quantization;
	const void *data;
	size_t bytes;
	bool unaligned;
	enum xq_constant_order order;
	const int8_t *codebook;
	int producer;
	unsigned int uses;
	bool end;
};

/**
 * struct xqm_guard - a branch that operators were in
 * @condition: tensor of a bool; @value: with which they are computed
 * @outer: the branch around it, or NULL
 */
struct xqm_guard {
	int condition;
	bool value;
	const struct xqm_guard *outer;
};

/**
 * struct xqm_operator - an operator
 * @number: its place in the graph's order
 * @op: what it does
 * @params: of @op, see operator.h
 * @arithmetic: of integer tensors that have a quantization: XQ_REQUANT_TFLITE or XQ_REQUANT_ONNX
 * @inputs: @input: tensors that it reads, 0 for one that is left out
 * @outputs: @output: tensors that it makes, 0 for one that nobody asked for
 * @name: of this operator in the file, "" if it has none there
 * @domain: @type: its kind, as the file calls it: "" or "com.microsoft", "Conv"; "", "CONV_2D"
 * @place: where it stands in the file, for messages: "operator 3 of subgraph 0, byte 1234"
 * @guard: the branch that it was in, or NULL. Where the condition is a constant that says no, it is taken out; else it
 *	is computed, whatever the condition is
 */
struct xqm_operator {
	unsigned int number;
	enum xqm_op op;
	union xqm_params params;
	enum xq_requant_profile arithmetic;
	unsigned int inputs, outputs;
	int *input, *output;
	const char *name, *domain, *type, *place;
	const struct xqm_guard *guard;
};

/**
 * struct xqm_state - a variable that keeps its value from one run to the next
 * @in: the tensor that has its value in a run; no operator makes it
 * @out: the tensor that is its value in the next; may be @in
 * @initial: a constant of the same type and shape; 0 for zeros: of the integers, not of what they stand for
 */
struct xqm_state {
	const char *name;
	int in, out, initial;
};

/* Memory that lives as long as the graph. */
struct xqm_block {
	struct xqm_block *next;
	max_align_t data[];
};

/* A file beside the model's that constants point into; it is unmapped with the graph. */
struct xqm_map {
	struct xqm_map *next;
	const char *name;
	void *data;
	size_t bytes;
};

/**
 * struct xqm_graph - a graph
 * @input: @output: tensors; of an input, name, type and shape are known, but for dimensions that are unknown
 * @lowered: xqm_lower() is over: quantized constants may be folded to real numbers
 * @inferred: xqm_infer() has begun, and constants that it computes may take @may_fold bytes more
 * @unrolled: what loops have become by now: passes, operators and their operands
 * @origin: the graph that it is a copy of, or NULL
 * @file: @file_bytes: the mapping that constants of the model's own file point into, or NULL
 * @format: "TFLite" or "ONNX", for people
 * @error: a sentence on the last function that failed
 */
struct xqm_graph {
	struct xqm_tensor *tensor;	/* number n is tensor[n - 1] */
	struct xqm_operator **operator;
	struct xqm_state *state;
	int *input, *output;
	unsigned int tensors, operators, states, inputs, outputs;
	unsigned int tensor_room, operator_room, input_room, output_room, state_room;
	bool lowered, inferred;
	uint64_t may_fold;
	unsigned int unrolled;
	const struct xqm_graph *origin;
	const void *file;
	size_t file_bytes;
	const char *format;
	struct xqm_block *blocks;
	struct xqm_map *maps;
	char error[XQM_ERROR_BYTES];
};

/* ---- life ---------------------------------------------------------------------------------------- */

/* NULL if there is no memory. */
struct xqm_graph *xqm_create(const char *format);

/* NULL is allowed. What constants point to outside of the graph is the reader's. */
void xqm_destroy(struct xqm_graph *graph);

/*
 * A copy with memory of its own, which still points to the same constants, so that the other has
 * to live as long; NULL if there is no memory.
 */
struct xqm_graph *xqm_copy(const struct xqm_graph *graph);

/* Memory that lives as long as the graph: filled with zeros; a copy; a string. NULL if there is none. */
void *xqm_alloc(struct xqm_graph *graph, size_t bytes);
void *xqm_keep(struct xqm_graph *graph, const void *from, size_t bytes);
const char *xqm_keep_text(struct xqm_graph *graph, const char *text, size_t length);

/* Gives the graph a mapped file to be unmapped with it, by a name; -ENOMEM. A copy of the graph does not get it. */
int xqm_keep_map(struct xqm_graph *graph, const char *name, void *data, size_t bytes);

/* Such a file by its name; false if there is none. */
bool xqm_find_map(const struct xqm_graph *graph, const char *name, const void **data, size_t *bytes);

/*
 * Takes the pages of a constant out of the process's memory if they are those of a mapped file: for
 * who has made something of it that is used instead. They come back from the file when read again.
 */
void xqm_let_go(const struct xqm_graph *graph, const void *data, size_t bytes);

/* The same of all pages of the mapped files. */
void xqm_let_all_go(const struct xqm_graph *graph);

/* Whether a constant is in a mapped file. */
bool xqm_is_mapped(const struct xqm_graph *graph, const void *data);

/* ---- errors: each sets the sentence, unless graph is NULL, and returns the error --------------------- */

int xqm_fail(struct xqm_graph *graph, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, beginning with the operator's kind, name and place. */
int xqm_fail_at(struct xqm_graph *graph, const struct xqm_operator *op, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Out of memory. */
int xqm_no_memory(struct xqm_graph *graph);

/* ---- building -------------------------------------------------------------------------------------- */

/*
 * Adds a tensor without type, shape and constant; its number, or -ENOMEM. Pointers to tensors are valid until
 * the next is added.
 */
int xqm_add_tensor(struct xqm_graph *graph, const char *name);

/* Adds a constant of s64 [count], with a copy of the values; its number, or -ENOMEM. */
int xqm_add_integers(struct xqm_graph *graph, const char *name, const int64_t *value, unsigned int count);

/*
 * Adds an operator at the end. Operands are 0 at first, names "", parameters zero. NULL if there is no memory.
 */
struct xqm_operator *xqm_add_operator(struct xqm_graph *graph, enum xqm_op op, unsigned int inputs,
				      unsigned int outputs);

/* Puts an operator that is of no graph, but in memory of this one, at the end. -ENOMEM */
int xqm_append_operator(struct xqm_graph *graph, struct xqm_operator *op);

/* Gives one operator the name, kind and place of another: for what a pass makes of it. */
void xqm_same_place(struct xqm_operator *op, const struct xqm_operator *as);

/* Takes operators out of the order that a pass has marked so by XQM_REMOVED, and numbers the others anew. */
void xqm_sweep(struct xqm_graph *graph);

/**
 * struct xqm_rewrite - a pass through all operators that puts others between them
 * @rest: those to come, the next one last
 *
 * The graph has only those that were passed, so that what is added stands before the operator that the pass is at.
 * Moving all that come behind with each one that is added would take a time that grows with the square of the graph.
 */
struct xqm_rewrite {
	struct xqm_operator **rest;
	unsigned int left, room;
};

/* Begins before the first operator. -ENOMEM; then the graph is as it was. */
int xqm_rewrite_begin(struct xqm_graph *graph, struct xqm_rewrite *rewrite);

/* Takes the next operator, which is of no graph until it is kept; NULL behind the last. */
struct xqm_operator *xqm_rewrite_next(struct xqm_rewrite *rewrite);

/* The operator stands behind all that were added, and makes its outputs. -ENOMEM */
int xqm_rewrite_keep(struct xqm_graph *graph, struct xqm_operator *op);

/* Operators of the graph from number @from on come next, then @op. -ENOMEM */
int xqm_rewrite_again(struct xqm_graph *graph, struct xqm_rewrite *rewrite, unsigned int from, struct xqm_operator *op);

/* The graph has all operators again, the pass being over or given up after an error, which is returned. */
int xqm_rewrite_end(struct xqm_graph *graph, struct xqm_rewrite *rewrite, int err);

/* Appends to the inputs, outputs and states; -ENOMEM. */
int xqm_add_input(struct xqm_graph *graph, int tensor);
int xqm_add_output(struct xqm_graph *graph, int tensor);
int xqm_add_state(struct xqm_graph *graph, const struct xqm_state *state);

/* ---- looking up -------------------------------------------------------------------------------------- */

/* NULL if there is no such tensor, as for 0. */
struct xqm_tensor *xqm_tensor(const struct xqm_graph *graph, int number);

/* The tensor of an operand; NULL if it is left out. */
struct xqm_tensor *xqm_input(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i);
struct xqm_tensor *xqm_output(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i);

/* Sets producer, uses and end of all tensors. */
void xqm_link(struct xqm_graph *graph);

/* Counts what an operator that a pass has added, or takes out again, reads; with the first it makes its outputs. */
void xqm_link_operator(struct xqm_graph *graph, const struct xqm_operator *op);
void xqm_unlink_operator(struct xqm_graph *graph, const struct xqm_operator *op);

/* The operator that makes a tensor, by xqm_link(); NULL if none does, or it was removed since. */
struct xqm_operator *xqm_maker(const struct xqm_graph *graph, int tensor);

/* Elements of a shape, or -1 if a dimension is unknown; INT64_MAX for more, which xqm_check() refuses. */
int64_t xqm_elements(const struct xqm_shape *shape);

/* Whether all dimensions are known. */
bool xqm_fixed(const struct xqm_shape *shape);

bool xqm_same_shape(const struct xqm_shape *a, const struct xqm_shape *b);

/* A shape for people, "[1][?][3]"; text of XQM_SHAPE_TEXT bytes. */
#define XQM_SHAPE_TEXT		128
const char *xqm_shape_text(const struct xqm_shape *shape, char *text);

/* Zero point of an index along the axis; the only one counts for all. */
static inline int32_t xqm_zero_point(const struct xqm_tensor *t, size_t index)
{
	if (!t->quantization.zero_point)
		return 0;
	return t->quantization.zero_point[t->quantization.count > 1 ? index : 0];
}

/* Name of an operator's kind for people, of domain and type. */
const char *xqm_kind(const struct xqm_operator *op);

/*
 * Checks what readers and passes promise: numbers, sizes, that constants are as long as their shapes say, scales,
 * that a tensor is made once and before it is used. -EINVAL, -EOVERFLOW with a sentence.
 */
int xqm_check(struct xqm_graph *graph);

#endif
