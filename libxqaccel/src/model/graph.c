// SPDX-License-Identifier: MIT
/*
 * Graphs of models: life, memory, errors, building, looking up. check.c checks them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "graph.h"

/* ---- life and memory ------------------------------------------------------------------------------ */

struct xqm_graph *xqm_create(const char *format)
{
	struct xqm_graph *graph = calloc(1, sizeof(*graph));

	if (graph)
		graph->format = format;
	return graph;
}

void xqm_destroy(struct xqm_graph *graph)
{
	if (!graph)
		return;
	for (struct xqm_map *map = graph->maps; map; map = map->next)
		munmap(map->data, map->bytes);
	while (graph->blocks) {
		struct xqm_block *next = graph->blocks->next;

		free(graph->blocks);
		graph->blocks = next;
	}
	free(graph->tensor);
	free(graph->operator);
	free(graph->state);
	free(graph->input);
	free(graph->output);
	free(graph);
}

void *xqm_alloc(struct xqm_graph *graph, size_t bytes)
{
	struct xqm_block *block;

	if (bytes > SIZE_MAX - sizeof(*block) - 1)
		return NULL;
	block = calloc(1, sizeof(*block) + bytes + 1);
	if (!block)
		return NULL;
	block->next = graph->blocks;
	graph->blocks = block;
	return block->data;
}

void *xqm_keep(struct xqm_graph *graph, const void *from, size_t bytes)
{
	void *to = xqm_alloc(graph, bytes);

	if (to && bytes)
		memcpy(to, from, bytes);
	return to;
}

const char *xqm_keep_text(struct xqm_graph *graph, const char *text, size_t length)
{
	return xqm_keep(graph, text, length);
}

int xqm_keep_map(struct xqm_graph *graph, const char *name, void *data, size_t bytes)
{
	struct xqm_map *map = xqm_alloc(graph, sizeof(*map));
	const char *kept = map ? xqm_keep_text(graph, name, strlen(name)) : NULL;

	if (!kept)
		return -ENOMEM;
	*map = (struct xqm_map){ graph->maps, kept, data, bytes };
	graph->maps = map;
	return 0;
}

bool xqm_find_map(const struct xqm_graph *graph, const char *name, const void **data, size_t *bytes)
{
	for (const struct xqm_map *map = graph->maps; map; map = map->next) {
		if (strcmp(map->name, name))
			continue;
		*data = map->data;
		*bytes = map->bytes;
		return true;
	}
	return false;
}

/* The whole pages of a range within another. */
static void drop_pages(const void *data, size_t bytes, const void *map, size_t map_bytes)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t from = (uintptr_t)data, whole = (uintptr_t)map;
	uintptr_t first, last;

	if (!map || from < whole || from - whole > map_bytes || bytes > map_bytes - (from - whole))
		return;
	first = (from + page - 1) / page * page;
	last = (from + bytes) / page * page;
	if (first < last)
		madvise((void *)first, last - first, MADV_DONTNEED);
}

static bool within(const void *data, const void *map, size_t bytes)
{
	return map && (uintptr_t)data - (uintptr_t)map < bytes;
}

bool xqm_is_mapped(const struct xqm_graph *graph, const void *data)
{
	for (; graph; graph = graph->origin) {
		if (within(data, graph->file, graph->file_bytes))
			return true;
		for (const struct xqm_map *map = graph->maps; map; map = map->next)
			if (within(data, map->data, map->bytes))
				return true;
	}
	return false;
}

void xqm_let_go(const struct xqm_graph *graph, const void *data, size_t bytes)
{
	for (; graph; graph = graph->origin) {
		drop_pages(data, bytes, graph->file, graph->file_bytes);
		for (const struct xqm_map *map = graph->maps; map; map = map->next)
			drop_pages(data, bytes, map->data, map->bytes);
	}
}

void xqm_let_all_go(const struct xqm_graph *graph)
{
	for (; graph; graph = graph->origin) {
		drop_pages(graph->file, graph->file_bytes, graph->file, graph->file_bytes);
		for (const struct xqm_map *map = graph->maps; map; map = map->next)
			drop_pages(map->data, map->bytes, map->data, map->bytes);
	}
}

/* ---- errors ----------------------------------------------------------------------------------------- */

int xqm_fail(struct xqm_graph *graph, int error, const char *format, ...)
{
	va_list arguments;

	if (!graph)
		return error;
	va_start(arguments, format);
	vsnprintf(graph->error, sizeof(graph->error), format, arguments);
	va_end(arguments);
	return error;
}

int xqm_fail_at(struct xqm_graph *graph, const struct xqm_operator *op, int error, const char *format, ...)
{
	va_list arguments;
	int n;

	if (!graph)
		return error;
	n = snprintf(graph->error, sizeof(graph->error), "%s%s%.200s%s%s%s: ", xqm_kind(op), *op->name ? " " : "",
		     op->name, *op->place ? " (" : "", op->place, *op->place ? ")" : "");
	if (n < 0 || (size_t)n >= sizeof(graph->error))
		return error;
	va_start(arguments, format);
	vsnprintf(graph->error + n, sizeof(graph->error) - (size_t)n, format, arguments);
	va_end(arguments);
	return error;
}

int xqm_no_memory(struct xqm_graph *graph)
{
	return xqm_fail(graph, -ENOMEM, "out of memory");
}

/* ---- building ---------------------------------------------------------------------------------------- */

/* An array of count elements with room for one more; NULL if there is no memory, then the old one stays. */
static void *grown(void *array, unsigned int count, unsigned int *room, size_t size)
{
	unsigned int more = *room ? *room * 2 : 16;
	void *to;

	if (count < *room)
		return array;
	if (more > XQM_MAX_SIZE)
		return NULL;
	to = reallocarray(array, more, size);
	if (to)
		*room = more;
	return to;
}

int xqm_add_tensor(struct xqm_graph *graph, const char *name)
{
	struct xqm_tensor *array, *t;
	const char *kept = *name ? xqm_keep_text(graph, name, strlen(name)) : "";

	array = kept ? grown(graph->tensor, graph->tensors, &graph->tensor_room, sizeof(*array)) : NULL;
	if (!array)
		return xqm_no_memory(graph);
	graph->tensor = array;
	t = &array[graph->tensors++];
	*t = (struct xqm_tensor){ .number = (int)graph->tensors, .name = kept, .producer = -1 };
	return t->number;
}

int xqm_add_integers(struct xqm_graph *graph, const char *name, const int64_t *value, unsigned int count)
{
	size_t bytes = count * sizeof(*value);
	void *data = xqm_keep(graph, value, bytes);
	int number = data ? xqm_add_tensor(graph, name) : xqm_no_memory(graph);
	struct xqm_tensor *t = xqm_tensor(graph, number);

	if (!t)
		return number;
	t->type = XQ_MODEL_S64;
	t->shape = (struct xqm_shape){ .known = true, .dims = 1, .dim = { count } };
	t->data = data;
	t->bytes = bytes;
	return number;
}

int xqm_append_operator(struct xqm_graph *graph, struct xqm_operator *op)
{
	struct xqm_operator **array = grown(graph->operator, graph->operators, &graph->operator_room, sizeof(*array));

	if (!array)
		return xqm_no_memory(graph);
	graph->operator = array;
	op->number = graph->operators;
	array[graph->operators++] = op;
	return 0;
}

struct xqm_operator *xqm_add_operator(struct xqm_graph *graph, enum xqm_op op, unsigned int inputs,
				      unsigned int outputs)
{
	struct xqm_operator *o = xqm_alloc(graph, sizeof(*o));

	if (!o || inputs > XQM_MAX_SIZE || outputs > XQM_MAX_SIZE - inputs)
		goto no_memory;
	o->input = xqm_alloc(graph, ((size_t)inputs + outputs) * sizeof(*o->input));
	if (!o->input)
		goto no_memory;
	o->op = op;
	o->inputs = inputs;
	o->outputs = outputs;
	o->output = o->input + inputs;
	o->name = o->domain = o->type = o->place = "";
	return xqm_append_operator(graph, o) ? NULL : o;

no_memory:
	xqm_no_memory(graph);
	return NULL;
}

void xqm_same_place(struct xqm_operator *op, const struct xqm_operator *as)
{
	op->name = as->name;
	op->domain = as->domain;
	op->type = as->type;
	op->place = as->place;
	op->arithmetic = as->arithmetic;
}

void xqm_sweep(struct xqm_graph *graph)
{
	unsigned int i, n = 0;

	for (i = 0; i < graph->operators; i++) {
		if (graph->operator[i]->op == XQM_REMOVED)
			continue;
		graph->operator[n] = graph->operator[i];
		graph->operator[n]->number = n;
		n++;
	}
	graph->operators = n;
}

/* ---- ends -------------------------------------------------------------------------------------------- */

static int append(struct xqm_graph *graph, int **array, unsigned int *count, unsigned int *room, int number)
{
	int *to = grown(*array, *count, room, sizeof(*to));

	if (!to)
		return xqm_no_memory(graph);
	*array = to;
	to[(*count)++] = number;
	return 0;
}

int xqm_add_input(struct xqm_graph *graph, int tensor)
{
	return append(graph, &graph->input, &graph->inputs, &graph->input_room, tensor);
}

int xqm_add_output(struct xqm_graph *graph, int tensor)
{
	return append(graph, &graph->output, &graph->outputs, &graph->output_room, tensor);
}

int xqm_add_state(struct xqm_graph *graph, const struct xqm_state *state)
{
	struct xqm_state *to = grown(graph->state, graph->states, &graph->state_room, sizeof(*to));
	const char *name = xqm_keep_text(graph, state->name, strlen(state->name));

	if (to)
		graph->state = to;
	if (!to || !name)
		return xqm_no_memory(graph);
	to[graph->states] = *state;
	to[graph->states++].name = name;
	return 0;
}

/* ---- copies ------------------------------------------------------------------------------------------- */

/* What a tensor points to of the graph's own memory; only constants stay where they are if they are outside. */
static bool copy_tensors(struct xqm_graph *to, const struct xqm_graph *from)
{
	unsigned int i;

	for (i = 0; i < from->tensors; i++) {
		const struct xqm_tensor *t = &from->tensor[i];
		int number = xqm_add_tensor(to, t->name);
		struct xqm_tensor *copy = xqm_tensor(to, number);
		const struct xqm_quantization *q = &t->quantization;

		if (!copy)
			return false;
		*copy = (struct xqm_tensor){ .number = number, .name = copy->name, .type = t->type,
					     .shape = t->shape, .quantization = *q, .data = t->data,
					     .bytes = t->bytes, .unaligned = t->unaligned,
					     .order = t->order, .codebook = t->codebook,
					     .producer = t->producer, .uses = t->uses };
		if (q->count) {
			copy->quantization.scale = xqm_keep(to, q->scale, q->count * sizeof(*q->scale));
			if (!copy->quantization.scale)
				return false;
		}
		if (q->count && q->zero_point) {
			copy->quantization.zero_point =
				xqm_keep(to, q->zero_point, q->count * sizeof(*q->zero_point));
			if (!copy->quantization.zero_point)
				return false;
		}
	}
	return true;
}

static bool copy_operators(struct xqm_graph *to, const struct xqm_graph *from)
{
	unsigned int i;

	for (i = 0; i < from->operators; i++) {
		const struct xqm_operator *op = from->operator[i];
		struct xqm_operator *copy = xqm_add_operator(to, op->op, op->inputs, op->outputs);

		if (!copy)
			return false;
		copy->params = op->params;
		copy->guard = op->guard;
		xqm_same_place(copy, op);
		if (op->inputs)
			memcpy(copy->input, op->input, op->inputs * sizeof(*op->input));
		if (op->outputs)
			memcpy(copy->output, op->output, op->outputs * sizeof(*op->output));
	}
	return true;
}

struct xqm_graph *xqm_copy(const struct xqm_graph *from)
{
	struct xqm_graph *to = xqm_create(from->format);
	bool good = to && copy_tensors(to, from) && copy_operators(to, from);
	unsigned int i;

	if (to)
		to->origin = from;
	for (i = 0; good && i < from->inputs; i++)
		good = !xqm_add_input(to, from->input[i]);
	for (i = 0; good && i < from->outputs; i++)
		good = !xqm_add_output(to, from->output[i]);
	for (i = 0; good && i < from->states; i++)
		good = !xqm_add_state(to, &from->state[i]);
	if (good)
		return to;
	xqm_destroy(to);
	return NULL;
}

/* ---- looking up ----------------------------------------------------------------------------------------- */

struct xqm_tensor *xqm_tensor(const struct xqm_graph *graph, int number)
{
	if (number < 1 || (unsigned int)number > graph->tensors)
		return NULL;
	return &graph->tensor[number - 1];
}

struct xqm_tensor *xqm_input(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i)
{
	return i < op->inputs ? xqm_tensor(graph, op->input[i]) : NULL;
}

struct xqm_tensor *xqm_output(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i)
{
	return i < op->outputs ? xqm_tensor(graph, op->output[i]) : NULL;
}

static void use(struct xqm_graph *graph, int number)
{
	struct xqm_tensor *t = xqm_tensor(graph, number);

	if (t)
		t->uses++;
}

static void use_at_end(struct xqm_graph *graph, int number)
{
	struct xqm_tensor *t = xqm_tensor(graph, number);

	use(graph, number);
	if (t)
		t->end = true;
}

void xqm_link(struct xqm_graph *graph)
{
	unsigned int i;

	for (i = 0; i < graph->tensors; i++) {
		graph->tensor[i].producer = -1;
		graph->tensor[i].uses = 0;
		graph->tensor[i].end = false;
	}
	for (i = 0; i < graph->operators; i++)
		if (graph->operator[i]->op != XQM_REMOVED)
			xqm_link_operator(graph, graph->operator[i]);
	for (i = 0; i < graph->outputs; i++)
		use_at_end(graph, graph->output[i]);
	for (i = 0; i < graph->states; i++)
		use_at_end(graph, graph->state[i].out);
}

void xqm_link_operator(struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs; i++)
		use(graph, op->input[i]);
	for (i = 0; i < op->outputs; i++)
		if (xqm_output(graph, op, i))
			xqm_output(graph, op, i)->producer = (int)op->number;
}

void xqm_unlink_operator(struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs; i++)
		if (xqm_input(graph, op, i))
			xqm_input(graph, op, i)->uses--;
}

struct xqm_operator *xqm_maker(const struct xqm_graph *graph, int tensor)
{
	const struct xqm_tensor *t = xqm_tensor(graph, tensor);
	struct xqm_operator *op = NULL;

	/* Those that a rewrite has not come to are none of the graph's. */
	if (t && t->producer >= 0 && (unsigned int)t->producer < graph->operators)
		op = graph->operator[t->producer];
	return op && op->op != XQM_REMOVED ? op : NULL;
}

int64_t xqm_elements(const struct xqm_shape *shape)
{
	int64_t n = 1;
	unsigned int i;

	if (!xqm_fixed(shape))
		return -1;
	/* Readers ask before sizes are checked. */
	for (i = 0; i < shape->dims; i++)
		if (__builtin_mul_overflow(n, shape->dim[i], &n))
			n = INT64_MAX;
	return n;
}

bool xqm_fixed(const struct xqm_shape *shape)
{
	unsigned int i;

	for (i = 0; i < shape->dims; i++)
		if (shape->dim[i] < 0)
			return false;
	return shape->known;
}

bool xqm_same_shape(const struct xqm_shape *a, const struct xqm_shape *b)
{
	return a->known && b->known && a->dims == b->dims &&
		!memcmp(a->dim, b->dim, a->dims * sizeof(a->dim[0]));
}

const char *xqm_shape_text(const struct xqm_shape *shape, char *text)
{
	size_t n = 0;
	unsigned int i;

	snprintf(text, XQM_SHAPE_TEXT, "%s", shape->known ? "[]" : "[..]");
	for (i = 0; i < shape->dims && n < XQM_SHAPE_TEXT; i++) {
		if (shape->dim[i] < 0)
			n += (size_t)snprintf(text + n, XQM_SHAPE_TEXT - n, "[?]");
		else
			n += (size_t)snprintf(text + n, XQM_SHAPE_TEXT - n, "[%lld]", (long long)shape->dim[i]);
	}
	return text;
}

const char *xqm_kind(const struct xqm_operator *op)
{
	return *op->type ? op->type : "operator";
}
