// SPDX-License-Identifier: MIT
/* Reads the float models: a table of tensors and operations beside .npy files, or mnist-8. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/tools/npy.h"
#include "model.h"

static const char *load_floats(const char *path, size_t count, float **out)
{
	struct tensor t;
	const char *error = npy_read(path, &t);

	if (error)
		return error;
	if (t.kind != 'f' || t.bytes != 4 || t.count != count) {
		tensor_free(&t);
		return "weights have another type or size than the graph says";
	}
	*out = t.data;
	return NULL;
}

static void output_shape(struct lab_model *m, const struct lab_op *op)
{
	struct lab_shape in = m->shape[op->in[0]], *out = &m->shape[op->out];

	if (op->kind != LAB_CONV)
		out->channels = in.channels;
	else
		out->channels = (int)op->rows;
	if (op->kind == LAB_ADD) {
		out->height = in.height;
		out->width = in.width;
	}
}

/* mnist-8 of the ONNX model zoo; its weights were written as [out][height][width][in]. */
const char *lab_load_mnist8(const char *vectors, struct lab_model *m)
{
	static const struct lab_op ops[] = {
		{ LAB_CONV, { 0 }, 1, { 5, 5 }, { 1, 1 }, { 2, 2 }, true, NULL, NULL, 8, 25 },
		{ LAB_MAX_POOL, { 1 }, 2, { 2, 2 }, { 2, 2 }, { 0, 0 }, false, NULL, NULL, 0, 0 },
		{ LAB_CONV, { 2 }, 3, { 5, 5 }, { 1, 1 }, { 2, 2 }, true, NULL, NULL, 16, 200 },
		{ LAB_MAX_POOL, { 3 }, 4, { 3, 3 }, { 3, 3 }, { 0, 0 }, false, NULL, NULL, 0, 0 },
		{ LAB_CONV, { 4 }, 5, { 4, 4 }, { 1, 1 }, { 0, 0 }, false, NULL, NULL, 10, 256 },
	};
	static const struct lab_shape shapes[] = { { 1, 28, 28 }, { 8, 28, 28 }, { 8, 14, 14 }, { 16, 14, 14 },
						   { 16, 4, 4 }, { 10, 1, 1 } };
	static const char *const files[][2] = { { "conv1_weights_ohwi", "conv1_bias" },
						{ "conv2_weights_ohwi", "conv2_bias" },
						{ "fc_weights_out_by_hwc", "fc_bias" } };
	const char *error = NULL;

	*m = (struct lab_model){ .name = "mnist-8", .title = "mnist-8 (MNIST, 10,000 images)", .ops = 5,
				 .input = 0, .output = 5, .input_scale = 1 };
	memcpy(m->op, ops, sizeof(ops));
	memcpy(m->shape, shapes, sizeof(shapes));
	for (int i = 0; i < 3 && !error; i++) {
		struct lab_op *op = &m->op[2 * i];
		char path[4096];

		snprintf(path, sizeof(path), "%s/models/float/mnist-8/%s.npy", vectors, files[i][0]);
		error = load_floats(path, op->rows * op->k, &op->weights);
		snprintf(path, sizeof(path), "%s/models/float/mnist-8/%s.npy", vectors, files[i][1]);
		if (!error)
			error = load_floats(path, op->rows, &op->bias);
	}
	if (error)
		lab_model_free(m);
	return error;
}

/* ---- graph.tsv ---------------------------------------------------------------------------------- */

struct graph {
	struct lab_model *m;
	const char *folder;
	size_t dims[LAB_MAX_TENSORS][4];
	char file[LAB_MAX_TENSORS][32];
	int same_as[LAB_MAX_TENSORS];	/* RESHAPE and SOFTMAX only rename */
};

static int split(char *line, char **fields, int most)
{
	int n = 0;

	line[strcspn(line, "\r\n")] = 0;
	for (char *at = line; at && n < most;)
		fields[n++] = strsep(&at, "\t");
	return n;
}

static int option(const char *attributes, const char *name)
{
	const char *at = strstr(attributes, name);

	return at ? atoi(at + strlen(name)) : 0;
}

static const char *read_tensor(struct graph *g, char **f)
{
	int id = atoi(f[1]);
	size_t *d;

	if (id < 0 || id >= LAB_MAX_TENSORS)
		return "graph.tsv has too many tensors";
	d = g->dims[id];
	g->same_as[id] = id;
	if (sscanf(f[4], "%zux%zux%zux%zu", &d[0], &d[1], &d[2], &d[3]) == 4)
		g->m->shape[id] = (struct lab_shape){ (int)d[3], (int)d[1], (int)d[2] };
	snprintf(g->file[id], sizeof(g->file[id]), "%s", f[8]);
	return NULL;
}

/* Same padding puts the odd element below and to the right. */
static void set_pads(struct lab_op *op, struct lab_shape in, bool same)
{
	const int size[2] = { in.height, in.width };

	for (int d = 0; d < 2; d++) {
		int out = same ? (size[d] + op->stride[d] - 1) / op->stride[d] :
			(size[d] - op->kernel[d]) / op->stride[d] + 1;
		int total = (out - 1) * op->stride[d] + op->kernel[d] - size[d];

		op->pad[d] = same && total > 0 ? total / 2 : 0;
	}
}

static const char *load_weights(struct graph *g, struct lab_op *op, int weights, int bias)
{
	char path[4096];
	const char *error;

	snprintf(path, sizeof(path), "%s/%s", g->folder, g->file[weights]);
	error = load_floats(path, op->rows * op->k, &op->weights);
	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/%s", g->folder, g->file[bias]);
	return load_floats(path, op->rows, &op->bias);
}

static const char *read_op(struct graph *g, char **f)
{
	struct lab_model *m = g->m;
	struct lab_op *op = &m->op[m->ops];
	int in[3] = { 0 }, out = 0, n = sscanf(f[3], "in=%d,%d,%d", &in[0], &in[1], &in[2]);
	const char *attributes = f[8];
	struct lab_shape shape;

	if (m->ops == LAB_MAX_OPS || n < 1 || sscanf(f[4], "out=%d", &out) != 1 || out < 0 ||
	    out >= LAB_MAX_TENSORS || in[0] < 0 || in[0] >= LAB_MAX_TENSORS)
		return "graph.tsv has an operation that can't be read";
	in[0] = g->same_as[in[0]];
	if (!strcmp(f[2], "RESHAPE") || !strcmp(f[2], "SOFTMAX")) {
		g->same_as[out] = in[0];
		return NULL;
	}
	if (n > 1 && (in[1] < 0 || in[1] >= LAB_MAX_TENSORS || in[2] < 0 || in[2] >= LAB_MAX_TENSORS))
		return "graph.tsv has an operation that can't be read";
	shape = m->shape[in[0]];
	*op = (struct lab_op){ .in = { in[0], 0 }, .out = out, .stride = { 1, 1 }, .kernel = { 1, 1 },
			       .relu = strstr(attributes, "act=RELU") != NULL };
	if (strstr(attributes, "stride_h=")) {
		op->stride[0] = option(attributes, "stride_h=");
		op->stride[1] = option(attributes, "stride_w=");
	}
	m->ops++;
	if (!strcmp(f[2], "ADD")) {
		op->kind = LAB_ADD;
		op->in[1] = g->same_as[in[1]];
	} else if (!strcmp(f[2], "AVERAGE_POOL_2D")) {
		op->kind = LAB_AVERAGE_POOL;
		op->kernel[0] = option(attributes, "filter_h=");
		op->kernel[1] = option(attributes, "filter_w=");
	} else if (!strcmp(f[2], "CONV_2D")) {
		op->kind = LAB_CONV;
		op->rows = g->dims[in[1]][0];
		op->kernel[0] = (int)g->dims[in[1]][1];
		op->kernel[1] = (int)g->dims[in[1]][2];
		op->k = g->dims[in[1]][1] * g->dims[in[1]][2] * g->dims[in[1]][3];
		set_pads(op, shape, strstr(attributes, "padding=SAME") != NULL);
	} else if (!strcmp(f[2], "FULLY_CONNECTED")) {
		op->kind = LAB_CONV;
		op->kernel[0] = shape.height;
		op->kernel[1] = shape.width;
		op->k = lab_size(shape);
		op->rows = g->dims[in[1]][0];
		m->shape[out] = (struct lab_shape){ (int)op->rows, 1, 1 };
	} else {
		return "graph.tsv has an operation that this program doesn't know";
	}
	output_shape(m, op);
	return op->kind == LAB_CONV ? load_weights(g, op, in[1], in[2]) : NULL;
}

const char *lab_load_graph(const char *vectors, const char *name, struct lab_model *m)
{
	struct graph g = { .m = m };
	char folder[2048], path[4096], line[4096], *fields[9];
	const char *error = NULL;
	FILE *file;

	*m = (struct lab_model){ .name = name, .input_scale = 1 };
	snprintf(folder, sizeof(folder), "%s/models/float/%s", vectors, name);
	snprintf(path, sizeof(path), "%s/graph.tsv", folder);
	g.folder = folder;
	file = fopen(path, "r");
	if (!file)
		return "graph.tsv can't be opened";
	while (!error && fgets(line, sizeof(line), file)) {
		int n = split(line, fields, 9);

		if (n == 9 && !strcmp(fields[0], "tensor"))
			error = read_tensor(&g, fields);
		else if (n == 9 && !strcmp(fields[0], "op"))
			error = read_op(&g, fields);
		else if (n >= 5 && !strcmp(fields[0], "graph"))
			m->output = g.same_as[atoi(strchr(fields[4], '=') + 1)];
	}
	fclose(file);
	if (!error && !m->ops)
		error = "graph.tsv is empty";
	if (error)
		lab_model_free(m);
	return error;
}

void lab_model_free(struct lab_model *m)
{
	for (int i = 0; i < m->ops; i++) {
		free(m->op[i].weights);
		free(m->op[i].bias);
	}
	m->ops = 0;
}

bool lab_model_copy(const struct lab_model *from, struct lab_model *to)
{
	bool ok = true;

	*to = *from;
	for (int i = 0; i < to->ops; i++) {
		struct lab_op *op = &to->op[i];

		if (op->kind != LAB_CONV)
			continue;
		op->weights = malloc(op->rows * op->k * sizeof(float));
		op->bias = malloc(op->rows * sizeof(float));
		if (!op->weights || !op->bias) {
			ok = false;
			continue;
		}
		memcpy(op->weights, from->op[i].weights, op->rows * op->k * sizeof(float));
		memcpy(op->bias, from->op[i].bias, op->rows * sizeof(float));
	}
	if (!ok)
		lab_model_free(to);
	return ok;
}
