// SPDX-License-Identifier: MIT
/*
 * xq unpack: a tensor from the bytes of one of the orders in which packed tensors lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byte_source.h"
#include "command.h"
#include "npy.h"
#include "options.h"
#include "order.h"
#include "output.h"
#include "progress.h"

/**
 * struct unpack - arguments and tensors
 * @file: what was read; the packed bytes are part of it
 * @t: what comes out: elements, or float32
 * @codes: of ggml: int8 instead of the floats, with the scales and what goes with them
 */
struct unpack {
	const char *path, *output, *order, *shape, *scale_out, *offset_out, *codebook_out;
	enum xq_type type;

	uint8_t *file;
	size_t size;
	struct packed packed;
	struct tensor t, holder, scales, offsets, table;
};

static int parse(struct unpack *u, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &u->output, "X.npy", "where the tensor goes", NULL },
		{ "order", 0, OPTION_WORD, &u->order, ORDER_NAMES, "see below", NULL },
		{ "shape", 0, OPTION_STRING, &u->shape, "D,D,..", "of the tensor", NULL },
		{ "type", 0, OPTION_TYPE, &u->type, OPTION_TYPES_RIGHT, "of the elements; needed for rows, tiled and onnx", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL, "ggml's blocks as codes instead of floats:", NULL },
		{ "scale-out", 0, OPTION_STRING, &u->scale_out, "S.npy", "float32, one a block; -o then gets int8 codes", NULL },
		{ "offset-out", 0, OPTION_STRING, &u->offset_out, "M.npy", "of q4_1: float32, one a block, to be added", NULL },
		{ "codebook-out", 0, OPTION_STRING, &u->codebook_out, "T.npy", "of mxfp4: int8 [16], into which codes are indices", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL, ORDER_HELP, NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &u->path, 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!u->output)
		return usage("-o X.npy is missing");
	if (!u->order)
		return usage("--order is missing");
	if (!u->shape)
		return usage("--shape is missing");
	return OPTIONS_DONE;
}

/* What options go with the order, before anything is read. */
static int check(const struct unpack *u, const struct order *order)
{
	if (order->kind != ORDER_GGML) {
		if (u->scale_out || u->offset_out || u->codebook_out)
			return usage("--scale-out, --offset-out and --codebook-out are of ggml's blocks (--order %s)", order->name);
		if (!u->type && !order->type)
			return usage("--type is missing, which --order %s needs", order->name);
		return 0;
	}
	if (u->offset_out && order->ggml != XQ_GGML_Q4_1)
		return usage("--offset-out is of q4_1 (--order %s)", order->name);
	if (u->codebook_out && order->ggml != XQ_GGML_MXFP4)
		return usage("--codebook-out is of mxfp4 (--order %s)", order->name);
	if ((u->offset_out || u->codebook_out) && !u->scale_out)
		return usage("--%s needs --scale-out", u->offset_out ? "offset-out" : "codebook-out");
	return 0;
}

static int read_shape(const char *text, struct tensor *t)
{
	const char *at = text;

	for (t->ndim = 0; t->ndim < TENSOR_MAX_DIMS; at++) {
		char *end;
		long long value;

		errno = 0;
		value = strtoll(at, &end, 10);
		if (end == at || errno || value < 0 || (*end && *end != ','))
			break;
		t->dim[t->ndim++] = (size_t)value;
		at = end;
		if (!*at)
			return tensor_count(t) ? 0 : fail("--shape is too large (%s)", text);
	}
	return usage("--shape takes 1 to %d dimensions with commas between them (%s)", TENSOR_MAX_DIMS, text);
}

/* "-" is standard input. */
static const char *read_file(const char *path, uint8_t **data, size_t *bytes)
{
	const int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	struct byte_source from;
	const char *wrong;

	if (fd < 0)
		return strerror(errno);
	from = byte_source_fd(fd);
	wrong = byte_source_all(&from, data, bytes);
	if (fd != STDIN_FILENO)
		close(fd);
	return wrong;
}

/* The whole file; what a .npy file of uint8 holds, or all of another. */
static int read_bytes(struct unpack *u)
{
	const char *wrong = read_file(u->path, &u->file, &u->size);

	if (wrong)
		return fail("cannot read %s: %s", u->path, wrong);
	if (u->size < NPY_START_BYTES || memcmp(u->file, NPY_MAGIC, NPY_MAGIC_BYTES))
		return 0;
	wrong = npy_parse(u->file, u->size, &u->holder);
	if (wrong)
		return fail("cannot read %s: %s", u->path, wrong);
	if (u->holder.kind != 'u' || u->holder.bytes != 1)
		return fail("%s must hold uint8, the packed bytes (it is %s)", u->path, tensor_type_name(&u->holder));
	free(u->file);
	u->file = u->holder.data;
	u->size = u->holder.count;
	u->holder.data = NULL;
	return 0;
}

static int alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim, const size_t *dim)
{
	const struct tensor wanted = { .kind = kind, .bytes = bytes };

	return tensor_alloc(t, kind, bytes, ndim, dim) ? 0 :
	       fail("there is not enough memory for %s", tensor_type_name(&wanted));
}

static int prepare(struct unpack *u, const struct order *order)
{
	struct tensor shape = { .kind = 'i', .bytes = 1 };
	int status = read_shape(u->shape, &shape);

	if (status)
		return status;
	if (order_shape(order, u->type, &shape, &u->packed) || read_bytes(u))
		return EXIT_ERROR;
	if (!tensor_count(&u->packed.bytes) || u->packed.bytes.count != u->size)
		return fail("--shape %s takes %zu bytes in the order %s, and %s has %zu", u->shape, u->packed.bytes.count,
			    order->name, u->path, u->size);
	u->packed.bytes.data = u->file;
	if (order->kind == ORDER_GGML && !u->scale_out)
		return alloc(&u->t, 'f', 4, shape.ndim, shape.dim);
	return alloc(&u->t, order->kind == ORDER_GGML || xq_type_signed(u->packed.type) ? 'i' : 'u', 1, shape.ndim, shape.dim);
}

/* Codes, and for each block a scale and what else it has. */
static int split(struct unpack *u)
{
	const struct packed *p = &u->packed;
	const size_t entries = 16;
	int err;

	if (alloc(&u->scales, 'f', 4, p->bytes.ndim - 1, p->bytes.dim) ||
	    alloc(&u->offsets, 'f', 4, p->bytes.ndim - 1, p->bytes.dim) || alloc(&u->table, 'i', 1, 1, &entries))
		return EXIT_ERROR;
	memcpy(u->table.data, xq_ggml_mxfp4_table(), entries);
	err = xq_ggml_split(p->order->ggml, p->bytes.data, p->bytes.count, u->t.count, u->t.data, u->scales.data,
			    u->offsets.data);
	return err ? fail("%s", strerror(-err)) : 0;
}

static int write_if(const char *path, const struct tensor *t)
{
	return path ? output_tensor(path, t) : 0;
}

static int write_results(const struct unpack *u)
{
	return output_tensor(u->output, &u->t) || write_if(u->scale_out, &u->scales) ||
	       write_if(u->offset_out, &u->offsets) || write_if(u->codebook_out, &u->table) || output_commit();
}

int cmd_unpack(int argc, char **argv)
{
	struct unpack u = { 0 };
	const struct order *order;
	int status = parse(&u, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	order = order_find(u.order);
	status = check(&u, order);
	if (!status)
		status = output_prepare(u.output) || output_prepare(u.scale_out) || output_prepare(u.offset_out) ||
			 output_prepare(u.codebook_out);
	if (!status)
		status = prepare(&u, order);
	if (!status) {
		progress_start("unpack", NULL, 0);
		status = u.scale_out ? split(&u) : order_unpack(&u.packed, &u.t);
		progress_stop();
	}
	if (!status && write_results(&u))
		status = EXIT_ERROR;
	free(u.file);
	tensor_free(&u.t);
	tensor_free(&u.holder);
	tensor_free(&u.scales);
	tensor_free(&u.offsets);
	tensor_free(&u.table);
	return status;
}
