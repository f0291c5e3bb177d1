// SPDX-License-Identifier: MIT
/*
 * RNN, GRU and LSTM, with the functions that ONNX has by default: tanh, and sigmoid for gates. In
 * double, rounded once when an element of the output is stored; the state goes from step to step
 * without being rounded.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "recurrent.h"
#include "sgemm.h"

/* Operands. */
enum { X, W, R, B, LENGTHS, H0, C0, PEEPHOLES };

static size_t gates_of(const struct xqm_recurrent *p)
{
	return p->cell == XQM_LSTM ? 4 : p->cell == XQM_GRU ? 3 : 1;
}

static int need(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *v,
		const char *what, unsigned int dims, size_t a, size_t b, size_t c)
{
	const size_t want[3] = { a, b, c };
	int err = v ? xqm_need_dims(graph, op, v, what, dims) : 0;

	for (unsigned int d = 0; d < dims && v && !err; d++)
		if (v->dim[d] != want[d])
			err = xqm_fail_at(graph, op, -EINVAL,
					  "%s has %zu elements in dimension %u, not %zu", what,
					  v->dim[d], d, want[d]);
	return err;
}

static int infer_recurrent(struct xqm_graph *graph, const struct xqm_operator *op,
			   const struct xqm_value *in, struct xqm_value *out)
{
	const struct xqm_recurrent *p = op->params.other.data;
	const size_t directions = p->both ? 2 : 1, gates = gates_of(p) * p->hidden;
	const struct xqm_value *lengths = xqm_operand(op, in, LENGTHS);
	size_t steps, batch, state[3];
	int err = xqm_need_dims(graph, op, &in[X], "the input", 3);

	for (unsigned int i = 0; i < op->inputs && !err; i++)
		if (i != LENGTHS && in[i].type != XQ_NONE &&
		    (xqm_class_of(in[i].type) != XQM_REAL || in[i].type != in[X].type))
			err = xqm_fail_at(graph, op, -EOPNOTSUPP, "operand %u is %s", i,
					  xq_model_type_name(in[i].type));
	if (err)
		return err;
	batch = in[X].dim[!p->batch_first];
	steps = in[X].dim[p->batch_first];
	memcpy(state,
	       p->batch_first ? (size_t[3]) { batch, directions, p->hidden }
			      : (size_t[3]) { directions, batch, p->hidden },
	       sizeof(state));
	err = need(graph, op, &in[W], "W", 3, directions, gates, in[X].dim[2]);
	if (!err)
		err = need(graph, op, &in[R], "R", 3, directions, gates, p->hidden);
	if (!err)
		err = need(graph, op, xqm_operand(op, in, B), "B", 2, directions, 2 * gates, 0);
	if (!err && lengths)
		err = xqm_need_type(graph, op, lengths, "sequence_lens", XQ_S32);
	if (!err)
		err = need(graph, op, lengths, "sequence_lens", 1, batch, 0, 0);
	for (unsigned int i = H0; i <= C0 && !err; i++)
		err = need(graph, op, xqm_operand(op, in, i), "an initial state", 3, state[0],
			   state[1], state[2]);
	if (!err)
		err = need(graph, op, xqm_operand(op, in, PEEPHOLES), "P", 2, directions,
			   3 * p->hidden, 0);
	for (unsigned int i = 0; i < op->outputs; i++) {
		out[i].type = in[X].type;
		out[i].dims = i ? 3 : 4;
		memcpy(out[i].dim, state, sizeof(state));
	}
	if (p->batch_first)
		memcpy(out[0].dim, (size_t[4]) { batch, steps, directions, p->hidden },
		       4 * sizeof(size_t));
	else
		memcpy(out[0].dim, (size_t[4]) { steps, directions, batch, p->hidden },
		       4 * sizeof(size_t));
	return err;
}

/* Rows of weights: in double, or if they are of float32 in panels. */
struct matrix {
	const float *panels;
	const double *rows;
};

/**
 * struct cell - one direction of one row
 * @w: [gates * hidden][inputs]
 * @r: [gates * hidden][hidden]; of GRU without the last gate, whose part is @last
 * @wb: @rb: [gates * hidden]
 * @p: [3 * hidden], or zeros
 * @h: @c: [hidden], the state
 * @a: @u: [gates * hidden], products of the input and of the state
 */
struct cell {
	const struct xqm_recurrent *of;
	size_t inputs, hidden;
	struct matrix w, r, last;
	const double *wb, *rb, *p;
	double *h, *c, *a, *u;
};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static void multiply(const struct matrix *m, const double *x, size_t rows, size_t columns,
		     const double *bias, double *y)
{
	if (m->panels) {
		xqm_panels_by_vector(rows, columns, m->panels, x, bias, y);
		return;
	}
	for (size_t i = 0; i < rows; i++) {
		double sum = bias[i];

		for (size_t k = 0; k < columns; k++)
			sum += m->rows[i * columns + k] * x[k];
		y[i] = sum;
	}
}

/* Gates z, r, h. What goes back into the state is scaled by r before the product, or behind it. */
static void step_gru(const struct cell *c)
{
	const size_t n = c->hidden;

	multiply(&c->r, c->h, 2 * n, n, c->rb, c->u);
	for (size_t i = 0; i < 2 * n; i++)
		c->a[i] = sigmoid(c->a[i] + c->u[i]);
	if (c->of->reset_last) {
		multiply(&c->last, c->h, n, n, c->rb + 2 * n, c->u + 2 * n);
		for (size_t i = 0; i < n; i++)
			c->u[2 * n + i] *= c->a[n + i];
	} else {
		for (size_t i = 0; i < n; i++)
			c->u[i] = c->a[n + i] * c->h[i];
		multiply(&c->last, c->u, n, n, c->rb + 2 * n, c->u + 2 * n);
	}
	for (size_t i = 0; i < n; i++)
		c->h[i] = (1 - c->a[i]) * tanh(c->a[2 * n + i] + c->u[2 * n + i]) +
			  c->a[i] * c->h[i];
}

/* Gates i, o, f, c. */
static void step_lstm(const struct cell *c)
{
	const size_t n = c->hidden;

	multiply(&c->r, c->h, 4 * n, n, c->rb, c->u);
	for (size_t i = 0; i < n; i++) {
		const double in = sigmoid(c->a[i] + c->u[i] + c->p[i] * c->c[i]);
		const double keep = sigmoid(c->a[2 * n + i] + c->u[2 * n + i] +
					    c->p[2 * n + i] * c->c[i]);

		c->c[i] = keep * c->c[i] + in * tanh(c->a[3 * n + i] + c->u[3 * n + i]);
		c->h[i] = sigmoid(c->a[n + i] + c->u[n + i] + c->p[n + i] * c->c[i]) *
			  tanh(c->c[i]);
	}
}

static void step_rnn(const struct cell *c)
{
	multiply(&c->r, c->h, c->hidden, c->hidden, c->rb, c->u);
	for (size_t i = 0; i < c->hidden; i++)
		c->h[i] = tanh(c->a[i] + c->u[i]);
}

static void step(const struct cell *c, const double *x)
{
	multiply(&c->w, x, gates_of(c->of) * c->hidden, c->inputs, c->wb, c->a);
	if (c->of->cell == XQM_LSTM)
		step_lstm(c);
	else if (c->of->cell == XQM_GRU)
		step_gru(c);
	else
		step_rnn(c);
}

/* Where a state of a row and direction is; where an output of a step is. */
static size_t state_at(const struct xqm_recurrent *p, size_t batch, size_t row, size_t direction)
{
	return (p->batch_first ? row * (p->both ? 2 : 1) + direction : direction * batch + row) *
	       p->hidden;
}

static void store_states(const struct xqm_operator *op, const struct cell *c,
			 const struct xqm_value *out, size_t at)
{
	if (op->outputs > 1 && out[1].type != XQ_NONE)
		xqm_store_real(&out[1], at, c->hidden, c->h);
	if (op->outputs > 2 && out[2].type != XQ_NONE)
		xqm_store_real(&out[2], at, c->hidden, c->c);
}

static void run_row(const struct xqm_operator *op, const struct cell *c, const struct xqm_value *in,
		    const struct xqm_value *out, size_t row, size_t direction, double *x)
{
	const struct xqm_recurrent *p = c->of;
	const size_t directions = p->both ? 2 : 1, batch = in[X].dim[!p->batch_first],
		     steps = in[X].dim[p->batch_first];
	const struct xqm_value *lengths = xqm_operand(op, in, LENGTHS);
	const bool back = p->both ? direction : p->backward;
	size_t length = steps;

	if (lengths && xqm_integer_at(lengths, row) < (int64_t)steps)
		length = xqm_integer_at(lengths, row) > 0 ? (size_t)xqm_integer_at(lengths, row)
							  : 0;
	for (size_t s = 0; s < steps; s++) {
		const size_t t = s >= length ? s : back ? length - 1 - s : s;
		const size_t at = p->batch_first
					  ? ((row * steps + t) * directions + direction) * c->hidden
					  : ((t * directions + direction) * batch + row) *
						    c->hidden;

		if (s < length) {
			xqm_load_real(&in[X],
				      (p->batch_first ? row * steps + t : t * batch + row) *
					      c->inputs,
				      1, c->inputs, x);
			step(c, x);
		} else {
			memset(c->a, 0, c->hidden * sizeof(*c->a));
		}
		if (out[0].type != XQ_NONE)
			xqm_store_real(&out[0], at, c->hidden, s < length ? c->h : c->a);
	}
	store_states(op, c, out, state_at(p, batch, row, direction));
}

/* One operand's part of a direction, zeros if it is left out. */
static void load(const struct xqm_operator *op, const struct xqm_value *in, unsigned int operand,
		 size_t first, size_t count, double *to)
{
	const struct xqm_value *v = xqm_operand(op, in, operand);

	if (v)
		xqm_load_real(v, first, 1, count, to);
	else
		memset(to, 0, count * sizeof(*to));
}

/* Rows of R that are multiplied together, and behind them those of GRU's last gate. */
static size_t first_rows(const struct xqm_recurrent *p)
{
	return (p->cell == XQM_GRU ? 2 : gates_of(p)) * p->hidden;
}

/* All directions of W or R in panels; parts of R as first_rows() says. */
static void make_panels(const struct xqm_recurrent *p, unsigned int operand,
			const struct xqm_value *v, float *to)
{
	const size_t rows = gates_of(p) * p->hidden, columns = v->dim[2];
	const size_t first = operand == R ? first_rows(p) : rows;

	for (size_t d = 0; d < v->dim[0]; d++) {
		const char *from = (const char *)v->data + d * rows * columns * sizeof(*to);
		float *part = to + d * rows * columns;

		xqm_make_panels(first, columns, from, 1, columns, part);
		xqm_make_panels(rows - first, columns, from + first * columns * sizeof(*to), 1,
				columns, part + first * columns);
	}
}

static int prepare_recurrent(struct xqm_graph *graph, const struct xqm_operator *op,
			     struct xqm_value *in)
{
	for (unsigned int i = W; i <= R; i++) {
		float *to;

		if (in[i].type != XQ_F32 || !in[i].data)
			continue;
		to = xqm_alloc(graph, xqm_value_elements(&in[i]) * sizeof(*to));
		if (!to)
			return xqm_no_memory(graph);
		make_panels(op->params.other.data, i, &in[i], to);
		in[i].packed = to;
	}
	return 0;
}

/* W and R of all directions, as panels or in double; own is what was allocated for them. */
static int load_matrix(const struct xqm_recurrent *p, unsigned int operand,
		       const struct xqm_value *v, struct matrix *m, void **own)
{
	const size_t elements = xqm_value_elements(v);

	*own = NULL;
	*m = (struct matrix){ .panels = v->packed };
	if (m->panels)
		return 0;
	*own = malloc((elements + 1) * sizeof(double));
	if (!*own)
		return -ENOMEM;
	if (v->type == XQ_F32) {
		m->panels = *own;
		make_panels(p, operand, v, *own);
	} else {
		m->rows = *own;
		xqm_load_real(v, 0, 1, elements, *own);
	}
	return 0;
}

/* From an element on. */
static struct matrix part_of(const struct matrix *m, size_t first)
{
	return (struct matrix){ m->panels ? m->panels + first : NULL,
				m->rows ? m->rows + first : NULL };
}

static int run_directions(const struct xqm_operator *op, const struct xqm_value *in,
			  const struct xqm_value *out, const struct matrix *w,
			  const struct matrix *r)
{
	const struct xqm_recurrent *p = op->params.other.data;
	const size_t n = p->hidden, inputs = in[X].dim[2], gates = gates_of(p) * n;
	const size_t batch = in[X].dim[!p->batch_first];
	double *memory = malloc((gates * 4 + 5 * n + inputs + 1) * sizeof(*memory));
	double *bias = memory, *peep = bias + 2 * gates, *h = peep + 3 * n, *x;
	struct cell c = { .of = p, .inputs = inputs, .hidden = n, .wb = bias, .rb = bias + gates,
			  .p = peep, .h = h, .c = h + n, .a = h + 2 * n, .u = h + 2 * n + gates };

	if (!memory)
		return -ENOMEM;
	x = c.u + gates;
	for (size_t d = 0; d < (p->both ? 2 : 1); d++) {
		c.w = part_of(w, d * gates * inputs);
		c.r = part_of(r, d * gates * n);
		c.last = part_of(&c.r, first_rows(p) * n);
		load(op, in, B, d * 2 * gates, 2 * gates, bias);
		load(op, in, PEEPHOLES, d * 3 * n, 3 * n, peep);
		for (size_t row = 0; row < batch; row++) {
			load(op, in, H0, state_at(p, batch, row, d), n, c.h);
			load(op, in, C0, state_at(p, batch, row, d), n, c.c);
			run_row(op, &c, in, out, row, d, x);
		}
	}
	free(memory);
	return 0;
}

static int compute_recurrent(const struct xqm_operator *op, const struct xqm_value *in,
			     const struct xqm_value *out)
{
	const struct xqm_recurrent *p = op->params.other.data;
	void *own[2] = { NULL, NULL };
	struct matrix w, r;
	int err = load_matrix(p, W, &in[W], &w, &own[0]);

	if (!err)
		err = load_matrix(p, R, &in[R], &r, &own[1]);
	if (!err)
		err = run_directions(op, in, out, &w, &r);
	free(own[0]);
	free(own[1]);
	return err;
}

const struct xqm_kernel xqm_recurrent_kernel = {
	.name = "recurrent layer",
	.infer = infer_recurrent,
	.prepare = prepare_recurrent,
	.compute = compute_recurrent,
};
