/* SPDX-License-Identifier: MIT */
/*
 * An ONNX file that is edited: its nodes and constants as lists, over messages that stay as they were read. Internal.
 */
#ifndef XQ_MODEL_CONVERT_DOCUMENT_H
#define XQ_MODEL_CONVERT_DOCUMENT_H

#include "libxqaccel/src/model/onnx/proto.h"

/**
 * struct xqc_document - a file
 * @memory: of everything that is added, and the sentence on what went wrong
 * @model: as it was read, with raw data of constants where they are in the file
 * @file: @bytes: which stays mapped
 * @node: @constant: what there is now; entries may be replaced, not written to
 * @opset: of ONNX's own domain
 */
struct xqc_document {
	struct xqm_graph *memory;
	Onnx__ModelProto *model;
	const uint8_t *file;
	size_t bytes;
	Onnx__NodeProto **node;
	Onnx__TensorProto **constant;
	unsigned int nodes, constants, node_room, constant_room;
	int64_t opset;
};

/* Reads a file that is mapped. 0, or an error with a sentence. */
int xqc_open(struct xqc_document *doc, const void *file, size_t bytes);
void xqc_close(struct xqc_document *doc);

/* The constant of a name, or NULL. */
Onnx__TensorProto *xqc_constant(const struct xqc_document *doc, const char *name);

/* Number of the node that makes a tensor, -1 for none; how many inputs of nodes and outputs of the graph a tensor is. */
int xqc_producer(const struct xqc_document *doc, const char *name);
unsigned int xqc_uses(const struct xqc_document *doc, const char *name);

/* Number of the only node that reads a tensor, which is no output of the graph; else -1. */
int xqc_only_user(const struct xqc_document *doc, const char *name);

bool xqc_is_output(const struct xqc_document *doc, const char *name);
bool xqc_is_input(const struct xqc_document *doc, const char *name);

static inline bool xqc_is(const Onnx__NodeProto *node, const char *type)
{
	return node->op_type && !strcmp(node->op_type, type) &&
	       (!node->domain || !*node->domain || !strcmp(node->domain, "ai.onnx"));
}

bool xqc_has(const Onnx__NodeProto *node, const char *name);

/* An integer or float attribute, or what is meant without it. */
int64_t xqc_int(const Onnx__NodeProto *node, const char *name, int64_t otherwise);
const int64_t *xqc_ints(const Onnx__NodeProto *node, const char *name, size_t *count);
bool xqc_text_is(const Onnx__NodeProto *node, const char *name, const char *text);
float xqc_float(const Onnx__NodeProto *node, const char *name, float otherwise);

/*
 * float32 elements of a constant, in memory of the document; NULL if it is not of that type, lies in another file or is
 * cut off.
 */
const float *xqc_floats(struct xqc_document *doc, const Onnx__TensorProto *t, size_t *count);

/* ---- editing: memory that is missing shows in doc->memory, by xqc_failed() ------------------------------- */

bool xqc_failed(const struct xqc_document *doc);

const char *xqc_text(struct xqc_document *doc, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A node to be put somewhere; inputs may be "" for one that is left out. */
Onnx__NodeProto *xqc_node(struct xqc_document *doc, const char *type, const char *name, unsigned int inputs,
			  const char *const *input, const char *output);
void xqc_add_int(struct xqc_document *doc, Onnx__NodeProto *node, const char *name, int64_t value);
void xqc_add_ints(struct xqc_document *doc, Onnx__NodeProto *node, const char *name, const int64_t *value, size_t count);

/**
 * struct xqc_state - the lists of a document at one time, to go back to
 */
struct xqc_state {
	Onnx__NodeProto **node;
	Onnx__TensorProto **constant;
	unsigned int nodes, constants;
	int64_t opset;
};

/* Remembers the lists, or puts them back as often as wanted. */
void xqc_save(struct xqc_document *doc, struct xqc_state *state);
void xqc_restore(struct xqc_document *doc, const struct xqc_state *state);

/* Puts a node into the domain of operators of our own, which the file then names. */
void xqc_use_domain(Onnx__NodeProto *node);

/* Puts nodes into the list, before number @at. */
void xqc_insert(struct xqc_document *doc, unsigned int at, Onnx__NodeProto *node);
void xqc_remove(struct xqc_document *doc, unsigned int at);

/* Replaces a node by a copy whose inputs and outputs may be written to. */
Onnx__NodeProto *xqc_edit(struct xqc_document *doc, unsigned int at);

/* The same without a copy: the bytes stay where they are for as long as the document is used. */
void xqc_refer_constant(struct xqc_document *doc, const char *name, int32_t type, unsigned int dims, const int64_t *dim,
			const void *data, size_t bytes);

/* Adds a constant of an ONNX type, with a copy of its bytes, or puts it in the place of one of its name. */
void xqc_set_constant(struct xqc_document *doc, const char *name, int32_t type, unsigned int dims, const int64_t *dim,
		      const void *data, size_t bytes);
void xqc_add_constant(struct xqc_document *doc, const char *name, const Onnx__TensorProto *from);
void xqc_drop_constant(struct xqc_document *doc, const char *name);

/* A name that nothing has yet. */
const char *xqc_new_name(struct xqc_document *doc, const char *stem, const char *suffix);

/*
 * The file as it is now, with more tensors as outputs of the graph; malloc()ed. NULL if there is no memory.
 */
void *xqc_pack(const struct xqc_document *doc, const char *const *more, unsigned int count, size_t *bytes);

#endif
