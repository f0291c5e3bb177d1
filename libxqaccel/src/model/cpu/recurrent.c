// SPDX-License-Identifier: MIT
/*
 * RNN, GRU and LSTM, with the functions that ONNX has by default: tanh, and sigmoid for gates. In double, rounded once when an
 * element of the output is stored; the state goes from step to step without being rounded.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "recurrent.h"

/* Operands. */
enum { X, W, R, B, LENGTHS, H0, C0, PEEPHOLES };

static size_t gates_of(const struct xqm_recurrent *p)
{
	return p->cell == XQM_LSTM ? 4 : p->cell == XQM_GRU ? 3 : 1;
}

static int need(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *v, const char *what, unsigned int dims,
		size_t a, size_t b, size_t c)
{
	const size_t want[3] = { a, b, c };
	int err = v ? xqm_need_dims(graph, op, v, what, dims) : 0;

	for (unsigned int d = 0; d < dims && v && !err; d++)
		if (v->dim[d] != want[d])
			err = xqm_fail_at(graph, op, -EINVAL, "%s has %zu elements in dimension %u, not %zu", what, v->dim[d], d, want[d]);
	return err;
}

static int infer_recurrent(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, struct xqm_value *out)
{
	const struct xqm_recurrent *p = op->params.other.data;
	const size_t directions = p->both ? 2 : 1, gates = gates_of(p) * p->hidden;
	const struct xqm_value *lengths = xqm_operand(op, in, LENGTHS);
	size_t steps, batch, state[3];
	int err = xqm_need_dims(graph, op, &in[X], "the input", 3);

	for (unsigned int i = 0; i < op->inputs && !err; i++)
		if (i != LENGTHS && in[i].type != XQ_NONE && (xqm_class_of(in[i].type) != XQM_REAL || in[i].type != in[X].type))
			err = xqm_fail_at(graph, op, -EOPNOTSUPP, "operand %u is %s", i, xq_model_type_name(in[i].type));
	if (err)
		return err;
	batch = in[X].dim[!p->batch_first];
	steps = in[X].dim[p->batch_first];
	memcpy(state, p->batch_first ? (size_t[3]){ batch, directions, p->hidden } : (size_t[3]){ directions, batch, p->hidden },
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
		err = need(graph, op, xqm_operand(op, in, i), "an initial state", 3, state[0], state[1], state[2]);
	if (!err)
		err = need(graph, op, xqm_operand(op, in, PEEPHOLES), "P", 2, directions, 3 * p->hidden, 0);
	for (unsigned int i = 0; i < op->outputs; i++) {
		out[i].type = in[X].type;
		out[i].dims = i ? 3 : 4;
		memcpy(out[i].dim, state, sizeof(state));
	}
	if (p->batch_first)
		memcpy(out[0].dim, (size_t[4]){ batch, steps, directions, p->hidden }, 4 * sizeof(size_t));
	else
		memcpy(out[0].dim, (size_t[4]){ steps, directions, batch, p->hidden }, 4 * sizeof(size_t));
	return err;
}

/**
 * struct cell - one direction of one row
 * @w: [gates * hidden][inputs]; @r: [gates * hidden][hidden]; @wb: @rb: [gates * hidden]
 * @p: [3 * hidden], or zeros
 * @h: @c: [hidden], the state
 * @a: @u: [gates * hidden], products of the input and of the state
 */
struct cell {
	const struct xqm_recurrent *of;
	size_t inputs, hidden;
	const double *w, *r, *wb, *rb, *p;
	double *h, *c, *a, *u;
};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static void multiply(const double *m, const double *x, size_t rows, size_t columns, const double *bias, double *y)
{
	for (size_t i = 0; i < rows; i++) {
		double sum = bias[i];

		for (size_t k = 0; k < columns; k++)
			sum += m[i * columns + k] * x[k];
		y[i] = sum;
	}
}

/* Gates z, r, h. What goes back into the state is scaled by r before the product, or behind it. */
static void step_gru(const struct cell *c)
{
	const size_t n = c->hidden;

	multiply(c->r, c->h, 2 * n, n, c->rb, c->u);
	for (size_t i = 0; i < 2 * n; i++)
		c->a[i] = sigmoid(c->a[i] + c->u[i]);
	if (c->of->reset_last) {
		multiply(c->r + 2 * n * n, c->h, n, n, c->rb + 2 * n, c->u + 2 * n);
		for (size_t i = 0; i < n; i++)
			c->u[2 * n + i] *= c->a[n + i];
	} else {
		for (size_t i = 0; i < n; i++)
			c->u[i] = c->a[n + i] * c->h[i];
		multiply(c->r + 2 * n * n, c->u, n, n, c->rb + 2 * n, c->u + 2 * n);
	}
	for (size_t i = 0; i < n; i++)
		c->h[i] = (1 - c->a[i]) * tanh(c->a[2 * n + i] + c->u[2 * n + i]) + c->a[i] * c->h[i];
}

/* Gates i, o, f, c. */
static void step_lstm(const struct cell *c)
{
	const size_t n = c->hidden;

	multiply(c->r, c->h, 4 * n, n, c->rb, c->u);
	for (size_t i = 0; i < n; i++) {
		const double in = sigmoid(c->a[i] + c->u[i] + c->p[i] * c->c[i]);
		const double keep = sigmoid(c->a[2 * n + i] + c->u[2 * n + i] + c->p[2 * n + i] * c->c[i]);

		c->c[i] = keep * c->c[i] + in * tanh(c->a[3 * n + i] + c->u[3 * n + i]);
		c->h[i] = sigmoid(c->a[n + i] + c->u[n + i] + c->p[n + i] * c->c[i]) * tanh(c->c[i]);
	}
}

static void step_rnn(const struct cell *c)
{
	multiply(c->r, c->h, c->hidden, c->hidden, c->rb, c->u);
	for (size_t i = 0; i < c->hidden; i++)
		c->h[i] = tanh(c->a[i] + c->u[i]);
}

static void step(const struct cell *c, const double *x)
{
	multiply(c->w, x, gates_of(c->of) * c->hidden, c->inputs, c->wb, c->a);
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
	return (p->batch_first ? row * (p->both ? 2 : 1) + direction : direction * batch + row) * p->hidden;
}

static void store_states(const struct xqm_operator *op, const struct cell *c, const struct xqm_value *out, size_t at)
{
	if (op->outputs > 1 && out[1].type != XQ_NONE)
		xqm_store_real(&out[1], at, c->hidden, c->h);
	if (op->outputs > 2 && out[2].type != XQ_NONE)
		xqm_store_real(&out[2], at, c->hidden, c->c);
}

static void run_row(const struct xqm_operator *op, const struct cell *c, const struct xqm_value *in, const struct xqm_value *out,
		    size_t row, size_t direction, double *x)
{
	const struct xqm_recurrent *p = c->of;
	const size_t directions = p->both ? 2 : 1, batch = in[X].dim[!p->batch_first], steps = in[X].dim[p->batch_first];
	const struct xqm_value *lengths = xqm_operand(op, in, LENGTHS);
	const bool back = p->both ? direction : p->backward;
	size_t length = steps;

	if (lengths && xqm_integer_at(lengths, row) < (int64_t)steps)
		length = xqm_integer_at(lengths, row) > 0 ? (size_t)xqm_integer_at(lengths, row) : 0;
	for (size_t s = 0; s < steps; s++) {
		const size_t t = s >= length ? s : back ? length - 1 - s : s;
		const size_t at = p->batch_first ? ((row * steps + t) * directions + direction) * c->hidden :
				  ((t * directions + direction) * batch + row) * c->hidden;

		if (s < length) {
			xqm_load_real(&in[X], (p->batch_first ? row * steps + t : t * batch + row) * c->inputs, 1, c->inputs, x);
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
static void load(const struct xqm_operator *op, const struct xqm_value *in, unsigned int operand, size_t first, size_t count, double *to)
{
	const struct xqm_value *v = xqm_operand(op, in, operand);

	if (v)
		xqm_load_real(v, first, 1, count, to);
	else
		memset(to, 0, count * sizeof(*to));
}

static int compute_recurrent(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_recurrent *p = op->params.other.data;
	const size_t n = p->hidden, inputs = in[X].dim[2], gates = gates_of(p) * n, batch = in[X].dim[!p->batch_first];
	double *memory = malloc((gates * (inputs + n + 4) + 5 * n + inputs + 1) * sizeof(*memory));
	double *w = memory, *r = w + gates * inputs, *bias = r + gates * n, *peep = bias + 2 * gates, *h = peep + 3 * n, *x;
	struct cell c = { p, inputs, n, w, r, bias, bias + gates, peep, h, h + n, h + 2 * n, h + 2 * n + gates };

	if (!memory)
		return -ENOMEM;
	x = c.u + gates;
	for (size_t d = 0; d < (p->both ? 2 : 1); d++) {
		load(op, in, W, d * gates * inputs, gates * inputs, w);
		load(op, in, R, d * gates * n, gates * n, r);
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

const struct xqm_kernel xqm_recurrent_kernel = { "recurrent layer", infer_recurrent, compute_recurrent };
