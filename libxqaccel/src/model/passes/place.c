// SPDX-License-Identifier: MIT
/*
 * Layers become operators that the device takes: scales of operands those of tensors, channels last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/model/compile/compile.h"
#include "lower.h"

/* ---- quantization ------------------------------------------------------------------------------------- */

/* Whether a tensor may have these scales: it has none, or the same. */
static bool may_have(const struct xqm_tensor *t, const struct xqm_real *real)
{
	const struct xqm_quantization *q = &t->quantization;

	if (!q->count)
		return true;
	for (size_t i = 0; i < q->count && q->count == real->count; i++) {
		if (q->scale[i] != real->scale[i] || xqm_zero_point(t, i) != real->zero[i])
			return false;
	}
	return q->count == real->count;
}

/* Whether both operands of a pair may have their scales at once, which one tensor that is both may not if they differ. */
static bool may_both_have(const struct xqm_real *a, const struct xqm_real *b)
{
	return a->tensor != b->tensor || (a->scale[0] == b->scale[0] && a->zero[0] == b->zero[0]);
}

static void set_real(struct xqm_tensor *t, const struct xqm_real *real)
{
	t->quantization = (struct xqm_quantization){ real->count, real->axis, real->scale, real->zero };
}

/* A constant under a number of its own, so that it has scales of its own. */
static int constant_of(struct xqm_graph *graph, const struct xqm_real *real)
{
	int number = xqm_add_tensor(graph, xqm_tensor(graph, real->tensor)->name);
	const struct xqm_tensor *from = xqm_tensor(graph, real->tensor);
	struct xqm_tensor *t;

	if (number < 0)
		return number;
	t = xqm_tensor(graph, number);
	t->type = from->type;
	t->shape = from->shape;
	t->data = from->data;
	t->bytes = from->bytes;
	t->order = from->order;
	t->codebook = from->codebook;
	set_real(t, real);
	return number;
}

/* Sides of squares that are turned one by one, while lines of both sides are in the cache. */
#define SQUARE		64

static void turn(const uint8_t *from, size_t k, size_t n, uint8_t *to)
{
	for (size_t i = 0; i < k; i += SQUARE) {
		const size_t rows = k - i < SQUARE ? k : i + SQUARE;

		for (size_t j = 0; j < n; j += SQUARE) {
			const size_t columns = n - j < SQUARE ? n : j + SQUARE;

			for (size_t c = j; c < columns; c++) {
				for (size_t r = i; r < rows; r++)
					to[c * k + r] = from[r * n + c];
			}
		}
	}
}

/* Weights [k][n] as [n][k]; unpacked. */
static int turned_weights(struct xqm_graph *graph, const struct xqm_real *real)
{
	int number = constant_of(graph, real);
	struct xqm_tensor *t;
	const uint8_t *from;
	uint8_t *to;
	size_t k, n;

	if (number < 0)
		return number;
	t = xqm_tensor(graph, number);
	k = (size_t)t->shape.dim[0];
	n = (size_t)t->shape.dim[1];
	from = t->data;
	to = xqm_alloc(graph, k * n + 1);
	if (!to)
		return xqm_no_memory(graph);
	turn(from, k, n, to);
	t->data = to;
	t->shape.dim[0] = (int64_t)n;
	t->shape.dim[1] = (int64_t)k;
	t->quantization.axis = 0;
	return number;
}

/* ---- channels last -------------------------------------------------------------------------------------- */

static const unsigned int to_last[4] = { 0, 2, 3, 1 }, to_first[4] = { 0, 3, 1, 2 };

static int twin_of(const struct xqm_lowering *l, int tensor)
{
	return (unsigned int)tensor <= l->room ? l->twin[tensor - 1] : 0;
}

static int set_twin(struct xqm_lowering *l, int tensor, int twin)
{
	if ((unsigned int)tensor > l->room) {
		unsigned int room = (unsigned int)tensor + l->graph->tensors;
		int *more = reallocarray(l->twin, room, sizeof(*more));

		if (!more)
			return xqm_no_memory(l->graph);
		memset(more + l->room, 0, (room - l->room) * sizeof(*more));
		l->twin = more;
		l->room = room;
	}
	l->twin[tensor - 1] = twin;
	return 0;
}

/* A tensor like another with its dimensions in another order. */
static int like(struct xqm_graph *graph, int tensor, const unsigned int *order)
{
	int number = xqm_add_tensor(graph, xqm_tensor(graph, tensor)->name);
	const struct xqm_tensor *from = xqm_tensor(graph, tensor);
	struct xqm_tensor *t;

	if (number < 0)
		return number;
	t = xqm_tensor(graph, number);
	t->type = from->type;
	t->shape = from->shape;
	t->quantization = from->quantization;
	for (unsigned int d = 0; order && d < 4; d++)
		t->shape.dim[d] = from->shape.dim[order[d]];
	return number;
}

static struct xqm_operator *insert(struct xqm_lowering *l, enum xqm_op op, unsigned int inputs)
{
	struct xqm_operator *o = xqm_add_operator(l->graph, op, inputs, 1);

	if (!o)
		return NULL;
	xqm_same_place(o, l->op);
	o->arithmetic = XQ_REQUANT_ONNX;
	return o;
}

static int add_transpose(struct xqm_lowering *l, int from, int to, const unsigned int *order)
{
	struct xqm_operator *op = insert(l, XQM_TRANSPOSE, 1);

	if (!op)
		return -ENOMEM;
	op->type = "Transpose";
	op->input[0] = from;
	op->output[0] = to;
	op->params.transpose.dims = 4;
	memcpy(op->params.transpose.order, order, 4 * sizeof(*order));
	xqm_link_operator(l->graph, op);
	return 0;
}

/* The twin of a tensor that is read; made if it has none. */
static int read_twin(struct xqm_lowering *l, int tensor)
{
	int twin = twin_of(l, tensor), err;

	if (twin) {
		xqm_tensor(l->graph, twin)->quantization = xqm_tensor(l->graph, tensor)->quantization;
		return twin;
	}
	twin = like(l->graph, tensor, to_last);
	if (twin < 0)
		return twin;
	err = add_transpose(l, tensor, twin, to_last);
	if (!err)
		err = set_twin(l, tensor, twin);
	return err ? err : twin;
}

/* ---- layers ------------------------------------------------------------------------------------------------- */

static bool is_image(const struct xqm_graph *graph, int tensor)
{
	return xqm_tensor(graph, tensor)->shape.dims == 4;
}

/* Sums and products of two images of one size stay with channels last if one of them is so. */
static bool pair_of_images(const struct xqm_lowering *l, const struct xqm_layer *layer)
{
	const struct xqm_tensor *x = xqm_tensor(l->graph, layer->x.tensor), *w = xqm_tensor(l->graph, layer->w.tensor);

	return is_image(l->graph, layer->x.tensor) && xqm_same_shape(&x->shape, &w->shape) && !x->data && !w->data &&
	       (twin_of(l, layer->x.tensor) || twin_of(l, layer->w.tensor));
}

static bool is_pair(enum xqm_op op)
{
	return op == XQM_ADD || op == XQM_MUL;
}

static bool is_conv(enum xqm_op op)
{
	return op == XQM_CONV || op == XQM_CONV_INTEGER;
}

/* What is asked of the tensors before anything is changed. */
static bool allowed(const struct xqm_lowering *l, const struct xqm_layer *layer, bool last)
{
	const struct xqm_graph *graph = l->graph;
	const struct xqm_tensor *x = xqm_tensor(graph, layer->x.tensor), *y = xqm_tensor(graph, layer->y.tensor);
	const struct xqm_tensor *w = xqm_tensor(graph, layer->w.tensor);

	if (!xqm_fixed(&x->shape) || !xqm_fixed(&y->shape) || (last && (!is_image(graph, x->number) || !is_image(graph, y->number))))
		return false;
	if ((layer->x.count && !may_have(x, &layer->x)) || (layer->y.count && !may_have(y, &layer->y)))
		return false;
	if (layer->op == XQM_MAX_POOL)
		return true;
	if (is_pair(layer->op))
		return w && !w->data && !x->data && may_have(w, &layer->w) && layer->w.count == 1 && layer->x.count == 1 &&
		       may_both_have(&layer->x, &layer->w);
	if (layer->op == XQM_FULLY_CONNECTED)
		return w && w->data && w->shape.dims == 2 && (layer->turned || w->order == XQ_UNPACKED) &&
		       xqm_is(graph, w->number, XQM_WEIGHTS);
	return !is_conv(layer->op) || (w && w->data);
}

/* The operator with its operands; the device is asked when it stands. NULL after -ENOMEM. */
static struct xqm_operator *add_layer(struct xqm_lowering *l, const struct xqm_layer *layer, int x, int w, int y)
{
	unsigned int inputs = layer->op == XQM_CONV_INTEGER ? 4 : layer->bias ? 3 : w ? 2 : 1;
	struct xqm_operator *op = insert(l, layer->op, inputs);

	if (!op)
		return NULL;
	if (layer->like)
		xqm_same_place(op, layer->like);
	op->params = layer->params;
	op->input[0] = x;
	if (w)
		op->input[1] = w;
	if (layer->op == XQM_CONV_INTEGER)
		memcpy(op->input + 2, layer->zero, sizeof(layer->zero));
	else if (layer->bias)
		op->input[2] = layer->bias;
	op->output[0] = y;
	xqm_link_operator(l->graph, op);
	return op;
}

/* Axes of a mean over an image with channels last. */
static int mean_axes(struct xqm_graph *graph)
{
	static const int64_t axes[2] = { 1, 2 };

	return xqm_add_integers(graph, "", axes, 2);
}

int xqm_place(struct xqm_lowering *l, const struct xqm_layer *layer)
{
	bool last = layer->image || (is_pair(layer->op) && pair_of_images(l, layer));
	struct xqm_graph *graph = l->graph;
	struct xqm_quantization of_x, of_y, of_w = { 0 };
	struct xqm_operator *op;
	int x = layer->x.tensor, y = layer->y.tensor, w = layer->w.tensor, err;

	if (!allowed(l, layer, last))
		return 0;
	of_x = xqm_tensor(graph, x)->quantization;
	of_y = xqm_tensor(graph, y)->quantization;
	if (layer->x.count)
		set_real(xqm_tensor(graph, x), &layer->x);
	if (layer->y.count)
		set_real(xqm_tensor(graph, y), &layer->y);
	if (is_pair(layer->op)) {
		of_w = xqm_tensor(graph, w)->quantization;
		set_real(xqm_tensor(graph, w), &layer->w);
	}
	if (last) {
		x = read_twin(l, x);
		if (x > 0 && is_pair(layer->op))
			w = read_twin(l, w);
		y = like(graph, layer->y.tensor, to_last);
	}
	if (layer->op == XQM_FULLY_CONNECTED && !layer->turned)
		w = turned_weights(graph, &layer->w);
	else if (is_conv(layer->op) || layer->op == XQM_FULLY_CONNECTED)
		w = constant_of(graph, &layer->w);
	else if (layer->op == XQM_REDUCE_MEAN)
		w = mean_axes(graph);
	if (x < 0 || w < 0 || y < 0)
		return -ENOMEM;
	op = add_layer(l, layer, x, w, y);
	if (!op)
		return -ENOMEM;
	if (is_conv(op->op) || op->op == XQM_MAX_POOL)
		op->params.window.channels_last = true;
	if (!xqm_on_device(graph, op)) {
		/* A transposition that was made stays: whoever asks next finds it, and if nobody does, it goes. */
		xqm_unlink_operator(graph, op);
		op->op = XQM_REMOVED;
		/* In the other order, as one tensor may be both operands. */
		if (is_pair(layer->op))
			xqm_tensor(graph, layer->w.tensor)->quantization = of_w;
		xqm_tensor(graph, layer->y.tensor)->quantization = of_y;
		xqm_tensor(graph, layer->x.tensor)->quantization = of_x;
		return 0;
	}
	if (!last)
		return 1;
	err = add_transpose(l, y, layer->y.tensor, to_first);
	if (!err)
		err = set_twin(l, layer->y.tensor, y);
	return err ? err : 1;
}
