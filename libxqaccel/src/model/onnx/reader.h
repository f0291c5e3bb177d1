/* SPDX-License-Identifier: MIT */
/*
 * An ONNX file as a graph: what the parts of the reader share. Internal.
 */
#ifndef XQ_MODEL_ONNX_READER_H
#define XQ_MODEL_ONNX_READER_H

#include "names.h"
#include "proto.h"

/* Operands of a node. */
#define XQO_OPERANDS		4096

/**
 * struct xqo_reader - work in progress
 * @folder: where files with weights may be, or NULL
 * @opset: of ONNX's own domain
 * @names: tensors by name
 * @depth: graphs in graphs
 * @guard: the branch that nodes are in, or NULL
 */
struct xqo_reader {
	struct xqm_graph *graph;
	const uint8_t *file;
	size_t bytes;
	const char *folder;
	int64_t opset;
	struct xqo_names names;
	unsigned int depth;
	const struct xqm_guard *guard;
};

/* Graphs in nodes of graphs in nodes. */
#define XQO_DEPTH		12

struct xqo_node;

/**
 * struct xqo_kind - how nodes of a kind become operators
 * @domain: "" for ONNX's own
 * @build: adds the operators
 * @op: what @build makes, where it makes several kinds
 * @least: @most: inputs; so many may be, and those up to the least must be there
 * @outputs: at most
 * @since: opset that brought it
 */
struct xqo_kind {
	const char *domain, *type;
	int (*build)(struct xqo_node *node);
	enum xqm_op op;
	unsigned int least, most, outputs;
	int64_t since;
};

/**
 * struct xqo_node - a node on its way
 * @inputs: @input: tensors, 0 for one that is left out; as many as the kind may have
 * @outputs: @output: the same
 * @error: of an attribute that has not the type that it should have
 */
struct xqo_node {
	struct xqo_reader *reader;
	struct xqm_graph *graph;
	const Onnx__NodeProto *proto;
	const struct xqo_kind *kind;
	const char *name, *domain, *type, *place;
	unsigned int inputs, outputs;
	int *input, *output;
	int error;
};

/* The kind of a node, or NULL. */
const struct xqo_kind *xqo_kind(const char *domain, const char *type);

/* All kinds, for who wants to list them. */
extern const struct xqo_kind xqo_kinds[];
extern const unsigned int xqo_kind_count;

/* ---- tensors ----------------------------------------------------------------------------- */

/*
 * The type of elements of an ONNX code, XQ_NONE for one that isn't known; and its name for people.
 */
int xqo_type(int32_t code);
const char *xqo_type_name(int32_t code, char *text, size_t room);

/* A constant as a new tensor of the graph. Its number, or an error with a sentence. */
int xqo_constant(struct xqo_reader *reader, const Onnx__TensorProto *proto, const char *name);

/* Type and shape of a value, as far as the file says them. */
int xqo_value_type(struct xqo_reader *reader, const char *name, const Onnx__TypeProto *type,
		   struct xqm_tensor *to);

/* Bytes of another file; -errno with a sentence. */
int xqo_external(struct xqo_reader *reader, const Onnx__TensorProto *proto, const void **data,
		 size_t *bytes);

/* ---- nodes ------------------------------------------------------------------------------- */

/* A sentence that begins with the node. */
int xqo_refuse(struct xqo_node *node, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* All constants of a graph, all nodes. */
int xqo_constants(struct xqo_reader *reader, const Onnx__GraphProto *proto);
int xqo_nodes(struct xqo_reader *reader, const Onnx__GraphProto *proto);

/*
 * An operator with the node's name and place, its first inputs and its outputs; NULL after -ENOMEM.
 */
struct xqm_operator *xqo_add(struct xqo_node *node, enum xqm_op op, unsigned int inputs);

/* The same with operands of the caller. */
struct xqm_operator *xqo_add_with(struct xqo_node *node, enum xqm_op op, const int *input,
				  unsigned int inputs, const int *output, unsigned int outputs);

/*
 * An operator that a kernel computes and nobody else knows, with a copy of its parameters; 0 or
 * -ENOMEM.
 */
int xqo_add_other(struct xqo_node *node, const struct xqm_kernel *kernel, const void *data,
		  size_t bytes);

/* A tensor that the file does not have, of a type (XQ_NONE if that is found later); its number. */
int xqo_between(struct xqo_node *node, int type);

/* An input, 0 if it is left out. */
static inline int xqo_in(const struct xqo_node *node, unsigned int i)
{
	return i < node->inputs ? node->input[i] : 0;
}

/* The constant that an input is, or NULL. */
const struct xqm_tensor *xqo_known(const struct xqo_node *node, unsigned int i);

/* ---- attributes: those of another type set node->error ----------------------------------- */

const Onnx__AttributeProto *xqo_attribute(const struct xqo_node *node, const char *name);
int64_t xqo_int(struct xqo_node *node, const char *name, int64_t otherwise);
float xqo_float(struct xqo_node *node, const char *name, float otherwise);

/* Integers; NULL and 0 if there are none. */
const int64_t *xqo_ints(struct xqo_node *node, const char *name, size_t *count);

/* Whether a text is that; otherwise is what is meant if there is none. */
bool xqo_text_is(struct xqo_node *node, const char *name, const char *otherwise, const char *text);

/* Integers of an attribute as a constant operand; 0 if there are none, or an error. */
int xqo_ints_operand(struct xqo_node *node, const char *name);

/* A number as a constant of a type. */
int xqo_number_operand(struct xqo_node *node, int type, double value);

/* ---- builders ---------------------------------------------------------------------------- */

/* build_plain.c */
int xqo_build_plain(struct xqo_node *node);
int xqo_build_elementwise(struct xqo_node *node);
int xqo_build_alpha(struct xqo_node *node);
int xqo_build_clip(struct xqo_node *node);
int xqo_build_gelu(struct xqo_node *node);
int xqo_build_cast(struct xqo_node *node);
int xqo_build_cast_like(struct xqo_node *node);
int xqo_build_constant(struct xqo_node *node);
int xqo_build_dropout(struct xqo_node *node);
int xqo_build_mod(struct xqo_node *node);
int xqo_build_is_inf(struct xqo_node *node);
int xqo_build_shift(struct xqo_node *node);

/* build_windows.c */
int xqo_build_conv(struct xqo_node *node);
int xqo_build_conv_transpose(struct xqo_node *node);
int xqo_build_pool(struct xqo_node *node);
int xqo_build_global_pool(struct xqo_node *node);
int xqo_window(struct xqo_node *node, unsigned int dims, struct xqm_window *window);

/* build_products.c */
int xqo_build_matmul(struct xqo_node *node);
int xqo_build_gemm(struct xqo_node *node);

/* build_axes.c */
int xqo_build_softmax(struct xqo_node *node);
int xqo_build_arg(struct xqo_node *node);
int xqo_build_cum_sum(struct xqo_node *node);
int xqo_build_top_k(struct xqo_node *node);
int xqo_build_reduce(struct xqo_node *node);
int xqo_build_batch_norm(struct xqo_node *node);
int xqo_build_norm(struct xqo_node *node);
int xqo_build_lrn(struct xqo_node *node);

/* build_moves.c */
int xqo_build_reshape(struct xqo_node *node);
int xqo_build_flatten(struct xqo_node *node);
int xqo_build_squeeze(struct xqo_node *node);
int xqo_build_transpose(struct xqo_node *node);
int xqo_build_concat(struct xqo_node *node);
int xqo_build_split(struct xqo_node *node);
int xqo_build_slice(struct xqo_node *node);
int xqo_build_pad(struct xqo_node *node);
int xqo_build_gather(struct xqo_node *node);
int xqo_build_block(struct xqo_node *node);
int xqo_build_shape(struct xqo_node *node);
int xqo_build_constant_of_shape(struct xqo_node *node);

/* build_other.c */
int xqo_build_scatter_elements(struct xqo_node *node);
int xqo_build_scatter_nd(struct xqo_node *node);
int xqo_build_trilu(struct xqo_node *node);
int xqo_build_eye(struct xqo_node *node);
int xqo_build_one_hot(struct xqo_node *node);
int xqo_build_hardmax(struct xqo_node *node);
int xqo_build_compress(struct xqo_node *node);
int xqo_build_non_zero(struct xqo_node *node);
int xqo_build_det(struct xqo_node *node);
int xqo_build_rms_norm(struct xqo_node *node);
int xqo_build_group_norm(struct xqo_node *node);
int xqo_build_lp_norm(struct xqo_node *node);

/* build_fused.c */
int xqo_build_bias_gelu(struct xqo_node *node);
int xqo_build_quick_gelu(struct xqo_node *node);
int xqo_build_skip_norm(struct xqo_node *node);
int xqo_build_matmul_to_float(struct xqo_node *node);
int xqo_build_dynamic_matmul(struct xqo_node *node);
int xqo_build_fused_matmul(struct xqo_node *node);

/* build_resize.c */
int xqo_build_resize(struct xqo_node *node);

/* build_narrow.c */
int xqo_build_codebook(struct xqo_node *node);
int xqo_build_binary(struct xqo_node *node);

/* build_branches.c */
int xqo_build_if(struct xqo_node *node);

/* build_loops.c */
int xqo_build_loop(struct xqo_node *node);
int xqo_build_scan(struct xqo_node *node);

/* build_recurrent.c */
int xqo_build_recurrent(struct xqo_node *node);

/* build_quantized.c */
int xqo_build_quantize(struct xqo_node *node);
int xqo_build_dequantize(struct xqo_node *node);
int xqo_build_qlinear_conv(struct xqo_node *node);
int xqo_build_qlinear_matmul(struct xqo_node *node);
int xqo_build_qgemm(struct xqo_node *node);
int xqo_build_qlinear_pair(struct xqo_node *node);
int xqo_build_qlinear_function(struct xqo_node *node);
int xqo_build_qlinear_softmax(struct xqo_node *node);
int xqo_build_qlinear_concat(struct xqo_node *node);
int xqo_build_qlinear_pool(struct xqo_node *node);

#endif
