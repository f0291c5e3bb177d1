// SPDX-License-Identifier: MIT
/*
 * Variables: what is read and assigned to in some order becomes a value that goes into a run and one that comes out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* Room for a number for each tensor that the graph has by now. */
static int make_room(struct xqt_reader *r)
{
	const unsigned int tensors = r->graph->tensors;
	int *alias, *handle;

	if (r->room >= tensors)
		return 0;
	alias = reallocarray(r->alias, tensors, sizeof(*alias));
	if (alias)
		r->alias = alias;
	handle = reallocarray(r->handle, tensors, sizeof(*handle));
	if (handle)
		r->handle = handle;
	if (!alias || !handle)
		return xqm_no_memory(r->graph);
	memset(alias + r->room, 0, (tensors - r->room) * sizeof(*alias));
	memset(handle + r->room, 0, (tensors - r->room) * sizeof(*handle));
	r->room = tensors;
	return 0;
}

static bool same_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
	return a_length == b_length && !memcmp(a, b, a_length);
}

int xqt_build_var_handle(struct xqt_call *call)
{
	struct xqt_reader *r = call->reader;
	struct xqt_variable v = { 0 }, *more;
	unsigned int i;
	int err = make_room(r);

	if (err)
		return err;
	if (call->outputs != 1 || !call->output[0])
		return xqt_refuse(call, -EINVAL, "it has %u outputs, not 1", call->outputs);
	v.container = xqt_string(&call->options, VAR_HANDLE_CONTAINER, &v.container_length);
	v.name = xqt_string(&call->options, VAR_HANDLE_NAME, &v.name_length);
	if (r->file.error)
		return r->file.error;
	for (i = 0; i < r->variables; i++)
		if (same_text(r->variable[i].container, r->variable[i].container_length, v.container, v.container_length) &&
		    same_text(r->variable[i].name, r->variable[i].name_length, v.name, v.name_length))
			break;
	if (i == r->variables) {
		more = reallocarray(r->variable, (size_t)r->variables + 1, sizeof(*more));
		if (!more)
			return xqm_no_memory(r->graph);
		r->variable = more;
		more[r->variables++] = v;
	}
	r->handle[call->output[0] - 1] = (int)i + 1;
	return 0;
}

/* The variable of operand 0. */
static int find_variable(struct xqt_call *call, struct xqt_variable **v)
{
	struct xqt_reader *r = call->reader;
	const int tensor = call->input[0];
	int err = make_room(r);

	if (err)
		return err;
	if (!tensor || !r->handle[tensor - 1])
		return xqt_refuse(call, -EINVAL, "its first input is no variable");
	*v = &r->variable[r->handle[tensor - 1] - 1];
	return 0;
}

/* Whether one tensor can take the other's place. */
static int check_same(struct xqt_call *call, const struct xqm_tensor *a, const struct xqm_tensor *b)
{
	char one[XQM_SHAPE_TEXT], other[XQM_SHAPE_TEXT];

	if (a->type == b->type && xqm_same_shape(&a->shape, &b->shape))
		return 0;
	return xqt_refuse(call, -EINVAL, "the variable holds %s %s, and %s %s is wanted", xq_model_type_name(a->type),
			  xqm_shape_text(&a->shape, one), xq_model_type_name(b->type), xqm_shape_text(&b->shape, other));
}

int xqt_build_read_variable(struct xqt_call *call)
{
	struct xqt_reader *r = call->reader;
	struct xqt_variable *v;
	struct xqm_tensor *t;
	int err = find_variable(call, &v);

	if (err)
		return err;
	if (call->outputs != 1 || !call->output[0])
		return xqt_refuse(call, -EINVAL, "it has %u outputs, not 1", call->outputs);
	t = xqm_tensor(r->graph, call->output[0]);
	if (t->data || r->alias[t->number - 1])
		return xqt_refuse(call, -EINVAL, "its output is something else already");
	if (!v->value) {
		if (!xqm_fixed(&t->shape) || !t->type || t->type == XQ_S4)
			return xqt_refuse(call, -EOPNOTSUPP, "its output has no known shape and type");
		v->in = v->value = t->number;
		return 0;
	}
	r->alias[t->number - 1] = v->value;
	return check_same(call, xqm_tensor(r->graph, v->value), t);
}

int xqt_build_assign_variable(struct xqt_call *call)
{
	struct xqt_variable *v;
	struct xqm_tensor *t;
	int err = find_variable(call, &v);

	if (err)
		return err;
	t = xqm_tensor(call->graph, call->input[1]);
	if (!t)
		return xqt_refuse(call, -EINVAL, "it has no value to assign");
	if (call->scope->initial) {
		if (!t->data)
			return xqt_refuse(call, -EOPNOTSUPP, "a variable begins with something that is no constant");
		v->initial = t->number;
		return 0;
	}
	v->value = t->number;
	return 0;
}

int xqt_build_call_once(struct xqt_call *call)
{
	struct xqt_reader *r = call->reader;
	const int64_t index = xqt_integer(&call->options, CALL_ONCE_SUBGRAPH, 4, 0);
	struct xqt_scope scope = { .reader = r, .index = (unsigned int)index, .initial = true };
	struct xqt_table subgraph;
	int err;

	if (call->scope->initial)
		return xqt_refuse(call, -EOPNOTSUPP, "it stands in a subgraph that is called once itself");
	if (index < 1 || (uint64_t)index >= r->subgraphs.count)
		return xqt_refuse(call, -EINVAL, "it calls subgraph %lld, the file has %zu", (long long)index,
				  r->subgraphs.count);
	subgraph = xqt_table_at(&r->subgraphs, (size_t)index);
	err = xqt_read_tensors(&scope, &subgraph);
	if (!err)
		err = make_room(r);
	return err ? err : xqt_read_operators(&scope, &subgraph);
}

int xqt_end_variables(struct xqt_reader *r)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < r->variables && !err; i++) {
		const struct xqt_variable *v = &r->variable[i];
		const struct xqm_tensor *in = xqm_tensor(r->graph, v->in), *out = xqm_tensor(r->graph, v->value);
		const struct xqm_tensor *initial = xqm_tensor(r->graph, v->initial);
		struct xqm_state state = { .in = v->in, .out = v->value, .initial = v->initial };

		/* What nobody reads needs no place. */
		if (!in)
			continue;
		if (in->type != out->type || (out->shape.known && !xqm_same_shape(&in->shape, &out->shape)) ||
		    (initial && (in->type != initial->type || !xqm_same_shape(&in->shape, &initial->shape))))
			return xqm_fail(r->graph, -EINVAL, "variable %.*s is assigned to in different types or shapes",
					(int)(v->name_length < 200 ? v->name_length : 200), v->name);
		state.name = xqm_keep_text(r->graph, v->name, v->name_length);
		err = state.name ? xqm_add_state(r->graph, &state) : xqm_no_memory(r->graph);
	}
	return err;
}
