/* SPDX-License-Identifier: MIT */
/*
 * A TensorFlow Lite file as a graph. Internal.
 */
#ifndef XQ_TFLITE_READER_H
#define XQ_TFLITE_READER_H

#include "flatbuffer.h"
#include "schema.h"

/**
 * struct xqt_variable - a variable of the file
 * @container: @name: what it is known by
 * @in: tensor that has its value in a run, 0 before it is read
 * @value: tensor that is its value at this point of the order, 0 before it is read or assigned to
 * @initial: constant that it begins with, or 0
 */
struct xqt_variable {
	const char *container, *name;
	size_t container_length, name_length;
	int in, value, initial;
};

/**
 * struct xqt_reader - work in progress
 * @buffers: of the file
 * @codes: kinds of operators
 * @subgraphs: of the file
 * @alias: for each tensor of the graph, 0 or the tensor that it stands for
 * @handle: for each tensor of the graph, 0 or the number of a variable from 1 on
 * @room: elements of @alias and @handle
 */
struct xqt_reader {
	struct xqt_file file;
	struct xqm_graph *graph;
	struct xqt_vector buffers, codes, subgraphs;
	struct xqt_variable *variable;
	unsigned int variables;
	int *alias, *handle;
	unsigned int room;
};

/**
 * struct xqt_scope - a subgraph
 * @index: in the file
 * @first: number of its first tensor in the graph
 * @tensors: how many it has
 * @initial: it only sets variables before the first run
 */
struct xqt_scope {
	struct xqt_reader *reader;
	unsigned int index;
	int first;
	size_t tensors;
	bool initial;
};

/**
 * struct xqt_call - an operator of the file
 * @kind: its entry in the table
 * @options: a table that may be absent
 * @inputs: @input: tensors of the graph, 0 for one that is left out
 * @place: for messages
 */
struct xqt_call {
	struct xqt_scope *scope;
	struct xqt_reader *reader;
	struct xqm_graph *graph;
	const struct xqt_kind *kind;
	struct xqt_table options;
	unsigned int inputs, outputs;
	int *input, *output;
	const char *place;
};

/**
 * struct xqt_kind - how an operator becomes one or more of the graph
 * @op: what it is in the graph
 * @least: @most: inputs
 * @build: adds it
 */
struct xqt_kind {
	enum tflite_operator code;
	enum xqm_op op;
	unsigned int least, most;
	int (*build)(struct xqt_call *call);
};

/* Adds the tensors of a subgraph. */
int xqt_read_tensors(struct xqt_scope *scope, const struct xqt_table *subgraph);

/* "CONV_2D"; NULL for a number that no operator has. */
const char *xqt_operator_name(int64_t code);

/* The entry of a kind, or NULL. */
const struct xqt_kind *xqt_kind(int64_t code);

/* ---- for those who build -------------------------------------------------------------------------- */

/* Fails with a sentence that begins with the operator. */
int xqt_refuse(struct xqt_call *call, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds an operator of the call's kind, or another; its operands are yet to be set. NULL if there is no memory. */
struct xqm_operator *xqt_add(struct xqt_call *call, enum xqm_op op, unsigned int inputs, unsigned int outputs);

/* A tensor between operators like tensor number like, with another shape; its number, or an error. */
int xqt_between(struct xqt_call *call, int like, const struct xqm_shape *shape);

/* Integers of a constant operand, at most room. How many there are, or an error. */
int xqt_integers(struct xqt_call *call, unsigned int operand, const char *what, int64_t *to, unsigned int room);

/* The shape of an operand, which has to be known. */
int xqt_shape(struct xqt_call *call, unsigned int operand, struct xqm_shape *shape);

/* Bounds of a fused activation, the option of that number. */
int xqt_activation(struct xqt_call *call, unsigned int field, float *low, float *high);

/* Builders: operands as they are, without parameters; and with those that the name says. */
int xqt_build_plain(struct xqt_call *call);
int xqt_build_arithmetic(struct xqt_call *call);
int xqt_build_conv(struct xqt_call *call);
int xqt_build_depthwise(struct xqt_call *call);
int xqt_build_transpose_conv(struct xqt_call *call);
int xqt_build_fully_connected(struct xqt_call *call);
int xqt_build_batch_matmul(struct xqt_call *call);
int xqt_build_pool(struct xqt_call *call);
int xqt_build_softmax(struct xqt_call *call);
int xqt_build_clip(struct xqt_call *call);
int xqt_build_leaky_relu(struct xqt_call *call);
int xqt_build_elu(struct xqt_call *call);
int xqt_build_gelu(struct xqt_call *call);
int xqt_build_reduce(struct xqt_call *call);
int xqt_build_reshape(struct xqt_call *call);
int xqt_build_expand_dims(struct xqt_call *call);
int xqt_build_squeeze(struct xqt_call *call);
int xqt_build_transpose(struct xqt_call *call);
int xqt_build_concatenation(struct xqt_call *call);
int xqt_build_pack(struct xqt_call *call);
int xqt_build_unpack(struct xqt_call *call);
int xqt_build_split(struct xqt_call *call);
int xqt_build_split_v(struct xqt_call *call);
int xqt_build_slice(struct xqt_call *call);
int xqt_build_strided_slice(struct xqt_call *call);
int xqt_build_pad(struct xqt_call *call);
int xqt_build_gather(struct xqt_call *call);
int xqt_build_resize(struct xqt_call *call);
int xqt_build_block(struct xqt_call *call);

/* ---- state ------------------------------------------------------------------------------------------ */

int xqt_build_call_once(struct xqt_call *call);
int xqt_build_var_handle(struct xqt_call *call);
int xqt_build_read_variable(struct xqt_call *call);
int xqt_build_assign_variable(struct xqt_call *call);

/* The variables as states of the graph. */
int xqt_end_variables(struct xqt_reader *reader);

/* Reads the operators of a subgraph. */
int xqt_read_operators(struct xqt_scope *scope, const struct xqt_table *subgraph);

#endif
