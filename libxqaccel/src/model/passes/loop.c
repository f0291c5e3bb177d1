// SPDX-License-Identifier: MIT
/*
 * Loops are unrolled pass by pass: what one pass has made is inferred before the next, so that a
 * condition that follows from constants, shapes and the number of the pass is known when it is
 * needed. A condition that is not known before the run turns what is carried into a choice between
 * the new values and the old ones; then all passes are computed.
 */
#include <errno.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/kernels.h"
#include "loop.h"

/* Operators and their operands, passes: of all loops of a graph. */
#define MOST		200000

/* Tensors that a concatenation takes at once. */
#define AT_ONCE		XQ_NETWORK_OPERANDS

/**
 * struct xqm_progress - how far a loop is
 * @count: passes by now
 * @condition: of the next one; 0 for true. Without one of its own, a loop is told by its number of
 *	times only, whatever its body says
 * @open: a condition was not known
 * @carried: tensors
 * @collected: [@room][collected of the loop]
 * @copy: what tensors of the body are in this pass, 0 if they are what they are
 */
struct xqm_progress {
	int64_t count, room;
	int condition;
	bool open;
	int *carried, *collected, *copy;
};

static int not_unrolled(struct xqm_graph *graph, const struct xqm_operator *op,
			const struct xqm_value *in, struct xqm_value *out)
{
	(void)in;
	(void)out;
	return xqm_fail_at(graph, op, -EOPNOTSUPP, "it is a loop");
}

const struct xqm_kernel xqm_loop_kernel = {
	.name = "loop",
	.infer = not_unrolled,
};

bool xqm_is_loop(const struct xqm_operator *op)
{
	return op->op == XQM_OTHER && op->params.other.kernel == &xqm_loop_kernel;
}

/* ---- operators that are put before the loop ------------------------------------------------ */

struct work {
	struct xqm_graph *graph;
	struct xqm_operator *loop;
	const struct xqm_loop *l;
	struct xqm_progress *p;
};

static int spend(struct work *w, unsigned int amount)
{
	w->graph->unrolled += amount;
	if (w->graph->unrolled > MOST)
		return xqm_fail_at(w->graph, w->loop, -EOPNOTSUPP,
				   "all passes through it have too many operators");
	return 0;
}

/* With one output, that tensor, or a new one for 0. NULL after a sentence. */
static struct xqm_operator *insert(struct work *w, enum xqm_op kind, const char *type,
				   const int *input, unsigned int inputs, int output)
{
	struct xqm_operator *op;

	if (spend(w, inputs + 2))
		return NULL;
	if (!output)
		output = xqm_add_tensor(w->graph, "");
	op = output < 0 ? NULL : xqm_add_operator(w->graph, kind, inputs, 1);
	if (!op)
		return NULL;
	xqm_same_place(op, w->loop);
	op->type = type;
	op->guard = w->loop->guard;
	memcpy(op->input, input, inputs * sizeof(*input));
	op->output[0] = output;
	return op;
}

/* A number, as a scalar or a list of one. */
static int number_of(struct work *w, int64_t value, unsigned int dims)
{
	int number = xqm_add_integers(w->graph, "", &value, 1);

	if (number > 0)
		xqm_tensor(w->graph, number)->shape.dims = dims;
	return number;
}

/* ---- the body ------------------------------------------------------------------------------ */

static unsigned int operands(const struct xqm_loop *l)
{
	return (l->scan ? 0 : 2) + l->carried + l->sliced;
}

/* What a tensor that the body names is in this pass. */
static int copy_of(const struct work *w, int number)
{
	if (number >= w->l->first && number <= w->l->last) {
		const int copy = w->p->copy[number - w->l->first];

		return copy ? copy : number;
	}
	for (unsigned int i = 0; i < w->l->captures; i++) {
		if (w->l->capture[i] == number)
			return w->loop->input[operands(w->l) + i];
	}
	return number;
}

static void set_copy(struct work *w, int number, int copy)
{
	w->p->copy[number - w->l->first] = copy;
}

/* Branches that an operator of the body is in. */
static int copy_guards(struct work *w, const struct xqm_guard *from, const struct xqm_guard **to)
{
	for (*to = NULL; from; from = from->outer) {
		struct xqm_guard *guard = xqm_keep(w->graph, from, sizeof(*from));

		if (!guard)
			return xqm_no_memory(w->graph);
		guard->condition = copy_of(w, from->condition);
		guard->outer = NULL;
		*to = guard;
		to = (const struct xqm_guard **)&guard->outer;
	}
	return 0;
}

static int copy_output(struct work *w, int number)
{
	int copy = number ? xqm_add_tensor(w->graph, xqm_tensor(w->graph, number)->name) : 0;

	if (copy > 0) {
		const struct xqm_tensor *from = xqm_tensor(w->graph, number);
		struct xqm_tensor *to = xqm_tensor(w->graph, copy);

		to->type = from->type;
		to->shape = from->shape;
		to->quantization = from->quantization;
		set_copy(w, number, copy);
	}
	return copy;
}

static int copy_operator(struct work *w, const struct xqm_operator *from)
{
	struct xqm_operator *op;
	int err = spend(w, 1 + from->inputs + from->outputs);

	if (err)
		return err;
	op = xqm_add_operator(w->graph, from->op, from->inputs, from->outputs);
	if (!op)
		return -ENOMEM;
	xqm_same_place(op, from);
	op->params = from->params;
	for (unsigned int i = 0; i < from->inputs; i++)
		op->input[i] = copy_of(w, from->input[i]);
	for (unsigned int i = 0; i < from->outputs; i++) {
		op->output[i] = copy_output(w, from->output[i]);
		if (op->output[i] < 0)
			return op->output[i];
	}
	return copy_guards(w, from->guard, &op->guard);
}

/* ---- one pass ------------------------------------------------------------------------------ */

/* Elements of a sliced operand along its axis; an error with a sentence. */
static int64_t length_of(struct work *w, unsigned int i, int64_t *axis)
{
	const struct xqm_tensor *x = xqm_input(w->graph, w->loop, w->l->carried + i);
	const int known = xqm_axis_of(w->graph, w->loop, w->l->in_axis[i], x->shape.dims);

	*axis = known;
	return known < 0 ? known : x->shape.dim[known];
}

static int slice(struct work *w, unsigned int i)
{
	int64_t axis, length = length_of(w, i, &axis), at = w->p->count;
	int input[2] = { w->loop->input[w->l->carried + i] };
	struct xqm_operator *op;

	input[1] = number_of(w, w->l->in_reverse[i] ? length - 1 - at : at, 0);
	op = input[1] < 0 ? NULL : insert(w, XQM_GATHER, "Gather", input, 2, 0);
	if (!op)
		return *w->graph->error ? -EOPNOTSUPP : -ENOMEM;
	op->params.axis.axis = axis;
	set_copy(w, w->l->input[w->l->carried + i], op->output[0]);
	return 0;
}

/* The number of the pass and the condition. */
static int begin_loop(struct work *w)
{
	static const uint8_t yes = 1;
	const struct xqm_tensor *t = xqm_tensor(w->graph, w->l->input[0]);
	int number = number_of(w, w->p->count, t->shape.known && t->shape.dims == 1 ? 1 : 0);

	if (number < 0)
		return number;
	set_copy(w, w->l->input[0], number);
	if (!w->p->condition) {
		number = number_of(w, 1, 0);
		if (number < 0)
			return number;
		xqm_tensor(w->graph, number)->type = XQ_MODEL_BOOL;
		xqm_tensor(w->graph, number)->data = &yes;
		xqm_tensor(w->graph, number)->bytes = 1;
		w->p->condition = number;
	}
	set_copy(w, w->l->input[1], w->p->condition);
	return 0;
}

/* What is carried stays what it is from the pass on whose condition is false. */
static int choose(struct work *w, int *next)
{
	const int both[2] = { w->p->condition, *next };
	struct xqm_operator *op;

	for (unsigned int i = 0; i < w->l->carried; i++) {
		const int input[3] = { w->p->condition, copy_of(w, w->l->output[1 + i]),
				       w->p->carried[i] };

		op = insert(w, XQM_OTHER, "choice", input, 3, 0);
		if (!op)
			return -EOPNOTSUPP;
		op->params.other = (struct xqm_other){ &xqm_choice_kernel, NULL };
		w->p->carried[i] = op->output[0];
	}
	op = insert(w, XQM_AND, "And", both, 2, 0);
	if (!op)
		return -EOPNOTSUPP;
	*next = op->output[0];
	return 0;
}

static int keep_collected(struct work *w, const int *from)
{
	const unsigned int n = w->l->collected;
	struct xqm_progress *p = w->p;

	if (p->count == p->room) {
		const int64_t room = p->room ? 2 * p->room : 16;
		int *more = xqm_alloc(w->graph, (size_t)room * n * sizeof(*more) + 1);

		if (!more)
			return xqm_no_memory(w->graph);
		if (p->room)
			memcpy(more, p->collected, (size_t)p->room * n * sizeof(*more));
		p->collected = more;
		p->room = room;
	}
	for (unsigned int i = 0; i < n; i++)
		p->collected[p->count * n + i] = copy_of(w, from[i]);
	return 0;
}

static int one_pass(struct work *w)
{
	const struct xqm_loop *l = w->l;
	const unsigned int head_in = l->scan ? 0 : 2, head_out = l->scan ? 0 : 1;
	int err = spend(w, 1), next;

	if (!err && !l->scan)
		err = begin_loop(w);
	for (unsigned int i = 0; i < l->carried; i++)
		set_copy(w, l->input[head_in + i], w->p->carried[i]);
	for (unsigned int i = 0; !err && i < l->sliced; i++)
		err = slice(w, i);
	for (unsigned int i = 0; !err && i < l->operators; i++)
		err = copy_operator(w, l->operator[i]);
	if (!err)
		err = keep_collected(w, l->output + head_out + l->carried);
	if (err)
		return err;
	next = l->scan || !w->loop->input[1] ? w->p->condition : copy_of(w, l->output[0]);
	if (w->p->open) {
		err = choose(w, &next);
	} else {
		/* Together: a body may exchange what is carried. */
		int *carried = xqm_alloc(w->graph, l->carried * sizeof(*carried) + 1);

		if (!carried)
			return xqm_no_memory(w->graph);
		for (unsigned int i = 0; i < l->carried; i++)
			carried[i] = copy_of(w, l->output[head_out + i]);
		w->p->carried = carried;
	}
	w->p->condition = next;
	w->p->count++;
	return err;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Without a pass the file has to say what is collected. */
static int collect_nothing(struct work *w, unsigned int i, int output)
{
	const struct xqm_tensor *said = &w->l->said[i];
	const int64_t dims = said->shape.dims + 1;
	const int64_t axis = w->l->out_axis[i] + (w->l->out_axis[i] < 0 ? dims : 0);
	struct xqm_tensor *t = xqm_tensor(w->graph, output);

	if (said->type == XQ_NONE || !xqm_fixed(&said->shape) || dims > XQ_MODEL_DIMS || axis < 0 ||
	    axis >= dims)
		return xqm_fail_at(w->graph, w->loop, -EOPNOTSUPP,
				   "it is not passed through, and its body does not say of which "
				   "shape output %u would be", i);
	t->type = said->type;
	t->shape = (struct xqm_shape){ .known = true, .dims = (unsigned int)dims };
	for (int64_t d = 0, from = 0; d < dims; d++)
		t->shape.dim[d] = d == axis ? 0 : said->shape.dim[from++];
	t->data = xqm_alloc(w->graph, 1);
	return t->data ? 0 : xqm_no_memory(w->graph);
}

/* Tensors one after the other along an axis, AT_ONCE at a time. */
static int concat(struct work *w, int *piece, int64_t count, int64_t axis, int output)
{
	while (count > 0) {
		int64_t made = 0;

		for (int64_t at = 0; at < count; at += AT_ONCE) {
			const int64_t left = count - at, n = left < AT_ONCE ? left : AT_ONCE;
			struct xqm_operator *op = insert(w, XQM_CONCAT, "Concat", piece + at,
							 (unsigned int)n,
							 count <= AT_ONCE ? output : 0);

			if (!op)
				return -EOPNOTSUPP;
			op->params.axis.axis = axis;
			piece[made++] = op->output[0];
		}
		if (count <= AT_ONCE)
			return 0;
		count = made;
	}
	return 0;
}

static int collect(struct work *w, unsigned int i, int output)
{
	const unsigned int n = w->l->collected;
	const int64_t count = w->p->count;
	int *piece = xqm_alloc(w->graph, (size_t)count * sizeof(*piece) + 1), axes;

	if (!piece)
		return xqm_no_memory(w->graph);
	axes = number_of(w, w->l->out_axis[i], 1);
	if (axes < 0)
		return axes;
	for (int64_t k = 0; k < count; k++) {
		const int64_t from = w->l->out_reverse[i] ? count - 1 - k : k;
		const int input[2] = { w->p->collected[from * n + i], axes };
		struct xqm_operator *op = insert(w, XQM_UNSQUEEZE, "Unsqueeze", input, 2, 0);

		if (!op)
			return -EOPNOTSUPP;
		piece[k] = op->output[0];
	}
	return concat(w, piece, count, w->l->out_axis[i], output);
}

static int finish(struct work *w)
{
	const struct xqm_loop *l = w->l;
	int err = 0;

	for (unsigned int i = 0; !err && i < l->carried; i++) {
		if (w->loop->output[i] && !insert(w, XQM_IDENTITY, "Identity", &w->p->carried[i], 1,
						  w->loop->output[i]))
			err = -EOPNOTSUPP;
	}
	for (unsigned int i = 0; !err && i < l->collected; i++) {
		const int output = w->loop->output[l->carried + i];

		if (output)
			err = w->p->count ? collect(w, i, output) : collect_nothing(w, i, output);
	}
	w->loop->op = XQM_REMOVED;
	return err;
}

/* ---- whether there is another pass --------------------------------------------------------- */

static int another_of_scan(struct work *w, bool *another)
{
	int64_t all = -1;

	for (unsigned int i = 0; i < w->l->sliced; i++) {
		int64_t axis, length = length_of(w, i, &axis);

		if (length < 0)
			return (int)length;
		if (all >= 0 && length != all)
			return xqm_fail_at(w->graph, w->loop, -EINVAL,
					   "it scans %lld and %lld elements at the same time",
					   (long long)all, (long long)length);
		all = length;
	}
	*another = w->p->count < all;
	return 0;
}

static int another_of_loop(struct work *w, bool *another)
{
	const struct xqm_tensor *times = xqm_input(w->graph, w->loop, 0);
	const struct xqm_tensor *condition = xqm_tensor(w->graph, w->p->condition);

	*another = true;
	if (times && (!times->data || times->type != XQ_MODEL_S64 ||
		      xqm_elements(&times->shape) != 1))
		return xqm_fail_at(w->graph, w->loop, -EOPNOTSUPP,
				   "its number of times is only known when the network runs");
	if (times)
		*another = w->p->count < *(const int64_t *)times->data;
	if (!*another || !condition)
		return 0;
	if (condition->type != XQ_MODEL_BOOL || xqm_elements(&condition->shape) != 1)
		return xqm_fail_at(w->graph, w->loop, -EINVAL, "its condition is no truth value");
	if (condition->data) {
		*another = *(const uint8_t *)condition->data;
		return 0;
	}
	w->p->open = true;
	if (times && !w->l->collected)
		return 0;
	return xqm_fail_at(w->graph, w->loop, -EOPNOTSUPP,
			   "how often it is passed through is only known when the network runs");
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int begin(struct xqm_graph *graph, struct xqm_operator *op)
{
	struct xqm_loop *l = xqm_keep(graph, op->params.other.data, sizeof(*l));
	const unsigned int head = l && !l->scan ? 2 : 0;
	struct xqm_progress *p = xqm_alloc(graph, sizeof(*p));

	if (!l || !p)
		return xqm_no_memory(graph);
	p->carried = xqm_keep(graph, op->input + head, l->carried * sizeof(*p->carried));
	p->copy = xqm_alloc(graph, (size_t)(l->last - l->first + 1) * sizeof(*p->copy));
	if (!p->carried || !p->copy)
		return xqm_no_memory(graph);
	p->condition = l->scan ? 0 : op->input[1];
	l->progress = p;
	op->params.other.data = l;
	return 0;
}

int xqm_unroll(struct xqm_graph *graph, struct xqm_operator *op)
{
	const struct xqm_loop *l = op->params.other.data;
	int err = l->progress ? 0 : begin(graph, op);
	struct work w = { graph, op, op->params.other.data, NULL };
	bool another = false;

	if (!l->progress && !err)
		err = spend(&w, (unsigned int)(l->last - l->first + 1));
	if (err)
		return err;
	w.p = w.l->progress;
	err = w.l->scan ? another_of_scan(&w, &another) : another_of_loop(&w, &another);
	if (err)
		return err;
	return another ? one_pass(&w) : finish(&w);
}
