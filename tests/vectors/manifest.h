/* SPDX-License-Identifier: GPL-2.0 */
/*
 * manifest.tsv: case, kind, name, dtype, shape, value or file. Kinds are op, attr, node_inputs, and
 * input, param and output for tensors.
 */
#ifndef XQ_TESTS_VECTORS_MANIFEST_H
#define XQ_TESTS_VECTORS_MANIFEST_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#include "libxqaccel/tools/tensor.h"

/* A tensor's logical type may be narrower than its file's: int4, uint2, ... */
struct entry {
	char name[64], kind[16], dtype[16], value[128];
	struct tensor tensor;
	bool loaded;
};

struct vector_case {
	char folder[16], name[96], op[160], inputs[256];
	struct entry *entry;
	unsigned int entries;
};

struct manifest {
	struct vector_case *cases;
	size_t count;
};

/* False if the file is not there. */
bool manifest_read(const char *folder, struct manifest *m);
void manifest_free(struct manifest *m);

/* Tensors, read on first use. NULL if the case has none of that name, or after a failure noted. */
struct entry *case_entry(struct vector_case *c, const char *name);
struct tensor *case_tensor(struct vector_case *c, const char *name);

/* The node's input i, NULL if it is left out; output i. */
struct tensor *case_input(struct vector_case *c, unsigned int i);
struct entry *case_output(struct vector_case *c, unsigned int i);

bool case_has(struct vector_case *c, const char *name);
/* An attribute's number, or number i of a list; the fallback where it is absent. */
long case_number(struct vector_case *c, const char *name, unsigned int i, long fallback);

/* Whether op begins with that. */
bool case_op(const struct vector_case *c, const char *prefix);

/* The library's type of a logical one, XQ_NONE for floats. */
enum xq_type case_type(const char *dtype);

/* Notes the first difference of two arrays of the tensor's type. */
void case_compare(const void *got, const struct tensor *want);

/* Runs one case; by op. */
void run_onnx(struct xq_workspace *ws, struct vector_case *c);
void run_tflite(struct xq_workspace *ws, struct vector_case *c);
void run_ds_cnn(struct xq_workspace *ws, struct vector_case *c);
void run_dory(struct xq_workspace *ws, struct vector_case *c);

#endif
