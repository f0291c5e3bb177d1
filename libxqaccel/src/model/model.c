// SPDX-License-Identifier: MIT
/*
 * Models: files in memory, and what can be asked of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

int xq_model_create(struct xq_model **model)
{
	*model = calloc(1, sizeof(**model));
	return *model ? 0 : -ENOMEM;
}

void xq_model_destroy(struct xq_model *model)
{
	if (!model)
		return;
	xqm_destroy(model->graph);
	if (model->map)
		munmap(model->map, model->map_bytes);
	free(model);
}

const char *xq_model_error(const struct xq_model *model)
{
	return model->error;
}

int xqm_model_fail(struct xq_model *model, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(model->error, sizeof(model->error), format, arguments);
	va_end(arguments);
	return error;
}

/* ---- loading ---------------------------------------------------------------------------------------- */

static int read_graph(struct xq_model *model, const void *data, size_t bytes, const char *path)
{
	const struct xqm_format *format = xqm_format(data, bytes);
	struct xqm_graph *graph;
	int err;

	if (model->graph)
		return xqm_model_fail(model, -EINVAL, "the model was loaded before");
	if (!format)
		return xqm_model_fail(model, -EINVAL, "the file is no model: it is of no known format");
	graph = xqm_create(format->name);
	if (!graph)
		return xqm_model_fail(model, -ENOMEM, "out of memory");
	if (data == model->map) {
		graph->file = data;
		graph->file_bytes = bytes;
	}
	err = format->read(graph, data, bytes, path);
	if (!err) {
		xqm_link(graph);
		model->graph = graph;
		return 0;
	}
	xqm_model_fail(model, err, "%s", graph->error);
	xqm_destroy(graph);
	return err;
}

int xq_model_load_memory(struct xq_model *model, const void *data, size_t bytes)
{
	return read_graph(model, data, bytes, NULL);
}

static int map_file(struct xq_model *model, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return xqm_model_fail(model, err, "it can't be opened: %s", strerror(-err));
	}
	if (!S_ISREG(st.st_mode)) {
		err = xqm_model_fail(model, -EINVAL, "it is no regular file");
	} else if (!st.st_size) {
		err = xqm_model_fail(model, -EINVAL, "the file is empty");
	} else {
		model->map_bytes = (size_t)st.st_size;
		model->map = mmap(NULL, model->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (model->map == MAP_FAILED) {
			err = xqm_model_fail(model, -errno, "it can't be mapped: %s", strerror(errno));
			model->map = NULL;
		}
	}
	close(fd);
	return err;
}

int xq_model_load(struct xq_model *model, const char *path)
{
	int err = model->map || model->graph ? xqm_model_fail(model, -EINVAL, "the model was loaded before") :
		  map_file(model, path);

	return err ? err : read_graph(model, model->map, model->map_bytes, path);
}

/* ---- asking ------------------------------------------------------------------------------------------- */

const char *xq_model_format(const struct xq_model *model)
{
	return model->graph ? model->graph->format : "";
}

unsigned int xq_model_inputs(const struct xq_model *model)
{
	return model->graph ? model->graph->inputs : 0;
}

unsigned int xq_model_outputs(const struct xq_model *model)
{
	return model->graph ? model->graph->outputs : 0;
}

unsigned int xq_model_states(const struct xq_model *model)
{
	return model->graph ? model->graph->states : 0;
}

int xq_model_input(const struct xq_model *model, unsigned int i)
{
	return i < xq_model_inputs(model) ? model->graph->input[i] : -EINVAL;
}

int xq_model_output(const struct xq_model *model, unsigned int i)
{
	return i < xq_model_outputs(model) ? model->graph->output[i] : -EINVAL;
}

unsigned int xq_model_tensors(const struct xq_model *model)
{
	return model->graph ? model->graph->tensors : 0;
}

void xqm_describe(const struct xqm_tensor *t, struct xq_model_tensor *to)
{
	*to = (struct xq_model_tensor){
		.name = t->name, .type = t->type, .known = t->shape.known, .dims = t->shape.dims,
		.scales = t->quantization.count, .axis = t->quantization.axis, .scale = t->quantization.scale,
		.zero_point = t->quantization.zero_point, .constant = t->data, .bytes = t->bytes,
	};
	memcpy(to->dim, t->shape.dim, sizeof(to->dim));
}

int xq_model_tensor(const struct xq_model *model, int number, struct xq_model_tensor *tensor)
{
	const struct xqm_tensor *t = model->graph ? xqm_tensor(model->graph, number) : NULL;

	if (!t)
		return -EINVAL;
	xqm_describe(t, tensor);
	return 0;
}

unsigned int xq_model_operators(const struct xq_model *model)
{
	return model->graph ? model->graph->operators : 0;
}

int xq_model_operator(const struct xq_model *model, unsigned int number, struct xq_model_operator *op)
{
	const struct xqm_operator *o;

	if (number >= xq_model_operators(model))
		return -EINVAL;
	o = model->graph->operator[number];
	*op = (struct xq_model_operator){ o->type, o->name, o->place, o->inputs, o->outputs, o->input, o->output };
	return 0;
}
