// SPDX-License-Identifier: MIT
/*
 * A type for the weights of each layer, so that a budget is kept and little is lost.
 *
 * Measured are: what the model's outputs lose if one layer alone has a type, how long the layer then takes on the device, and how
 * many bytes it has. Losses of layers are taken to add up. From the widest type everywhere on, the next step is the one that
 * costs least loss for what it saves; these steps are on the convex hull of what the sums allow. Some of the
 * assignments on the way, and those of one type for all, are then measured as a whole, and the best that keeps the
 * budget is taken.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

/* Rows that losses are measured on, and runs that times are the least of. */
#define ROWS		32
#define RUNS		7

/* Assignments that are measured as a whole, beside those of one type. */
#define POINTS		16

static const enum xq_type widths[] = { XQ_S8, XQ_S4, XQ_T2, XQ_B1 };

#define WIDTHS		(sizeof(widths) / sizeof(widths[0]))

/**
 * struct choice - a layer with weights of a type
 * @loss: of the model's outputs, as a part of their signal, if all other layers are float
 */
struct choice {
	struct xqc_weights *weights;
	double loss, ns;
	size_t bytes;
};

/**
 * struct search - work in progress
 * @choice: [layers][WIDTHS]
 * @known: which types the file's opset can have
 * @at: [layers], index of the type that each has now
 * @reference: [rows][outputs], of the float model
 */
struct search {
	struct xq_post_training *p;
	struct choice *choice;
	bool known[WIDTHS];
	unsigned int *at;
	size_t rows;
	float **reference;
	unsigned int outputs;
};

static struct choice *choice_of(const struct search *s, unsigned int layer, unsigned int width)
{
	return &s->choice[layer * WIDTHS + width];
}

static const void *const *row_of(const struct search *s, size_t row)
{
	return (const void *const *)(s->p->rows.input + row * s->p->rows.inputs);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static int take_reference(struct search *s)
{
	struct xqc_model m = { 0 };
	int err = xqc_model_open(s->p, &m, NULL, 0);

	s->outputs = m.outputs;
	s->reference = err ? NULL : calloc(s->rows * s->outputs + 1, sizeof(*s->reference));
	for (size_t row = 0; row < s->rows && !err; row++) {
		err = s->reference ? xqc_model_run(s->p, &m, row_of(s, row)) : -ENOMEM;
		for (unsigned int i = 0; i < s->outputs && !err; i++) {
			float *kept = malloc(m.count[i] * sizeof(*kept) + 1);

			if (!kept)
				err = -ENOMEM;
			else
				memcpy(kept, m.value[i], m.count[i] * sizeof(*kept));
			s->reference[row * s->outputs + i] = kept;
		}
	}
	xqc_model_close(&m);
	return err == -ENOMEM ? xqc_fail(s->p, err, "there is not enough memory") : err;
}

/* What outputs lose with the weights that layers have now. */
static int measure_loss(struct search *s, double *loss)
{
	struct xqc_model m = { 0 };
	struct xqc_state state;
	double sum = 0;
	int err;

	xqc_save(&s->p->doc, &state);
	xqc_put_back(s->p, s->p->layers);
	err = xqc_failed(&s->p->doc) ? xqc_fail_document(s->p) : xqc_model_open(s->p, &m, NULL, 0);
	xqc_restore(&s->p->doc, &state);
	for (size_t row = 0; row < s->rows && !err; row++) {
		err = xqc_model_run(s->p, &m, row_of(s, row));
		for (unsigned int i = 0; i < s->outputs && !err; i++) {
			const float *x = s->reference[row * s->outputs + i];
			double signal = 0, noise = 0;

			for (size_t k = 0; k < m.count[i]; k++) {
				const double d = (double)x[k] - (double)m.value[i][k];

				signal += (double)x[k] * (double)x[k];
				noise += d * d;
			}
			sum += signal > 0 ? noise / signal : 0;
		}
	}
	xqc_model_close(&m);
	*loss = sum / (double)(s->rows * s->outputs);
	return err;
}

/* Gives all layers the weights of an assignment, NULL for float ones. */
static void assign(struct search *s, const unsigned int *at)
{
	for (unsigned int i = 0; i < s->p->layers; i++)
		s->p->layer[i].quantized = at && !s->p->layer[i].excluded ? choice_of(s, i, at[i])->weights : NULL;
}

static int measure_layers(struct search *s)
{
	int err = 0;

	for (unsigned int i = 0; i < s->p->layers && !err; i++) {
		for (unsigned int w = 0; w < WIDTHS && !err && !s->p->layer[i].excluded; w++) {
			if (!s->known[w])
				continue;
			assign(s, NULL);
			s->p->layer[i].quantized = choice_of(s, i, w)->weights;
			err = measure_loss(s, &choice_of(s, i, w)->loss);
		}
	}
	assign(s, NULL);
	return err;
}

/* ---- weights of all types ---------------------------------------------------------------------------------------- */

static int make_weights(struct search *s)
{
	struct xq_post_training *p = s->p;
	int err = 0;

	for (unsigned int i = 0; i < p->layers && !err; i++) {
		struct xqc_moments moments = { 0 };

		if (p->layer[i].excluded)
			continue;
		err = xqc_moments_gather(p, i, i + 1, false, &moments);
		for (unsigned int w = 0; w < WIDTHS && !err; w++) {
			struct choice *c = choice_of(s, i, w);

			if (!s->known[w])
				continue;
			err = xqc_weights_make(p, &p->layer[i], widths[w], &moments, &c->weights);
			if (!err)
				c->bytes = c->weights->bytes + (p->layer[i].bias || c->weights->bias ? 4 * p->layer[i].channels : 0);
		}
		xqc_moments_free(&moments);
	}
	return err;
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

static void take_times(struct search *s, const struct xqc_model *m, unsigned int width, bool first)
{
	for (unsigned int i = 0; i < s->p->layers; i++) {
		struct choice *c = choice_of(s, i, width);
		double ns = 0;

		for (unsigned int k = 0; k < xq_session_operators(m->session); k++) {
			struct xq_session_operator op;

			if (!xq_session_operator(m->session, k, &op) && !strcmp(op.op.name, s->p->layer[i].node))
				ns += (double)op.device_ns + (double)op.cpu_ns;
		}
		c->ns = first ? ns : fmin(c->ns, ns);
	}
}

/* The quantized model with one type for all, on the device. */
static int measure_times(struct search *s)
{
	int err = 0;

	for (unsigned int w = 0; w < WIDTHS && !err; w++) {
		struct xqc_model m = { 0 };
		struct xqc_state state;

		if (!s->known[w])
			continue;
		for (unsigned int i = 0; i < s->p->layers; i++)
			s->at[i] = w;
		assign(s, s->at);
		xqc_save(&s->p->doc, &state);
		err = xqc_emit(s->p);
		if (!err)
			err = xqc_model_open(s->p, &m, NULL, 0);
		xqc_restore(&s->p->doc, &state);
		for (unsigned int run = 0; run < RUNS && !err; run++) {
			err = xqc_model_run(s->p, &m, row_of(s, run % s->rows));
			if (!err)
				take_times(s, &m, w, !run);
		}
		xqc_model_close(&m);
	}
	assign(s, NULL);
	return err;
}

/* ---- assignments ------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const struct search *s, const unsigned int *at)
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < s->p->layers; i++)
		bytes += s->p->layer[i].excluded ? s->p->layer[i].float_bytes : choice_of(s, i, at[i])->bytes;
	return bytes;
}

static double ns_of(const struct search *s, const unsigned int *at)
{
	double ns = 0;

	for (unsigned int i = 0; i < s->p->layers; i++)
		ns += s->p->layer[i].excluded ? 0 : choice_of(s, i, at[i])->ns;
	return ns;
}

/* What must not be exceeded, where the budget counts it. */
struct limit {
	size_t bytes;
	double ns;
};

static struct limit budget_of(const struct search *s)
{
	return (struct limit){ s->p->options.budget_bytes, s->p->options.budget_ms * 1e6 };
}

static bool fits(const struct search *s, const unsigned int *at, struct limit limit)
{
	return (!s->p->options.budget_bytes || bytes_of(s, at) <= limit.bytes) &&
	       (!(s->p->options.budget_ms > 0) || ns_of(s, at) <= limit.ns);
}

/* What a choice takes of the budgets. */
static double cost_of(const struct search *s, const struct choice *c)
{
	const struct xq_post_training_options *o = &s->p->options;
	double cost = 0;

	if (o->budget_bytes)
		cost += (double)c->bytes / (double)o->budget_bytes;
	if (o->budget_ms > 0)
		cost += c->ns / (o->budget_ms * 1e6);
	return cost;
}

/* The step that loses least for what it saves; false if nothing can be saved any more. */
static bool step(const struct search *s, unsigned int *at)
{
	double best = INFINITY;
	unsigned int layer = 0, to = 0;

	for (unsigned int i = 0; i < s->p->layers; i++) {
		const struct choice *now = choice_of(s, i, at[i]);

		for (unsigned int w = 0; w < WIDTHS && !s->p->layer[i].excluded; w++) {
			const struct choice *c = choice_of(s, i, w);
			const double saved = cost_of(s, now) - cost_of(s, c);

			if (!s->known[w] || !(saved > 0) || (c->loss - now->loss) / saved >= best)
				continue;
			best = (c->loss - now->loss) / saved;
			layer = i;
			to = w;
		}
	}
	if (!isfinite(best))
		return false;
	at[layer] = to;
	return true;
}

/* Steps back that lose less and still fit. */
static void fill(const struct search *s, struct limit limit, unsigned int *at)
{
	for (;;) {
		double best = 0;
		unsigned int layer = 0, to = 0;

		for (unsigned int i = 0; i < s->p->layers; i++) {
			const unsigned int now = at[i];

			for (unsigned int w = 0; w < WIDTHS && !s->p->layer[i].excluded; w++) {
				const double gain = choice_of(s, i, now)->loss - choice_of(s, i, w)->loss;

				if (!s->known[w] || gain <= best)
					continue;
				at[i] = w;
				if (fits(s, at, limit)) {
					best = gain;
					layer = i;
					to = w;
				}
				at[i] = now;
			}
		}
		if (!(best > 0))
			return;
		at[layer] = to;
	}
}

/* Whether it was measured already. */
static bool known_point(const struct search *s, const unsigned int *at)
{
	const struct xq_post_training *p = s->p;

	for (unsigned int k = 0; k < p->points; k++) {
		bool same = true;

		for (unsigned int i = 0; i < p->layers; i++)
			same = same && (p->layer[i].excluded || p->point[k].type[i] == widths[at[i]]);
		if (same)
			return true;
	}
	return false;
}

static void name_types(const struct search *s, const unsigned int *at, struct xqc_point *point)
{
	const struct xq_post_training *p = s->p;
	bool same = true;

	for (unsigned int i = 0; i < p->layers; i++) {
		point->type[i] = p->layer[i].excluded ? XQ_F32 : widths[at[i]];
		if (p->layer[i].excluded)
			continue;
		same = same && (point->uniform == XQ_NONE || point->uniform == point->type[i]);
		point->uniform = point->type[i];
	}
	if (!same)
		point->uniform = XQ_NONE;
}

static int add_point(struct search *s, const unsigned int *at)
{
	struct xq_post_training *p = s->p;
	struct xqc_point *more, *point;
	int err;

	if (known_point(s, at))
		return 0;
	more = realloc(p->point, (p->points + 1) * sizeof(*more));
	if (!more)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	p->point = more;
	point = &more[p->points];
	*point = (struct xqc_point){
		.type = calloc(p->layers + 1, sizeof(*point->type)), .uniform = XQ_NONE, .bytes = bytes_of(s, at), .ns = ns_of(s, at),
	};
	if (!point->type)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	p->points++;
	name_types(s, at, point);
	assign(s, at);
	err = measure_loss(s, &point->loss);
	assign(s, NULL);
	return err;
}

/* The first on the way that fits, and what can be made of what it leaves. 1 if none fits. */
static int add_within(struct search *s, struct limit limit, const unsigned int *way, unsigned int count)
{
	const unsigned int layers = s->p->layers;
	unsigned int first = 0;
	int err;

	while (first < count && !fits(s, way + first * layers, limit))
		first++;
	if (first == count)
		return 1;
	err = add_point(s, way + first * layers);
	memcpy(s->at, way + first * layers, layers * sizeof(*way));
	fill(s, limit, s->at);
	return err ? err : add_point(s, s->at);
}

/* All assignments on the way from the widest to the narrowest type; NULL if there is no memory. */
static unsigned int *find_way(const struct search *s, unsigned int *count)
{
	const unsigned int layers = s->p->layers;
	unsigned int *way = calloc((size_t)layers * (layers * WIDTHS + 1), sizeof(*way));

	for (*count = 1; way && *count < layers * WIDTHS; (*count)++) {
		memcpy(way + *count * layers, way + (*count - 1) * layers, layers * sizeof(*way));
		if (!step(s, way + *count * layers))
			break;
	}
	return way;
}

/* One type for all; some on the way; the best for the budget, and for what each type for all takes. */
static int add_points(struct search *s)
{
	const unsigned int layers = s->p->layers;
	unsigned int count, *way = find_way(s, &count);
	int err = way ? 0 : xqc_fail(s->p, -ENOMEM, "there is not enough memory");

	if (!err)
		err = add_within(s, budget_of(s), way, count);
	if (err > 0) {
		const unsigned int *least = way + (count - 1) * layers;

		err = xqc_fail(s->p, -ENOSPC, "the smallest that can be made has %zu bytes of weights and takes %.3f ms",
			       bytes_of(s, least), ns_of(s, least) / 1e6);
	}
	for (unsigned int w = 0; w < WIDTHS && !err; w++) {
		struct limit limit;

		if (!s->known[w])
			continue;
		for (unsigned int i = 0; i < layers; i++)
			s->at[i] = w;
		limit = (struct limit){ bytes_of(s, s->at), ns_of(s, s->at) };
		err = add_point(s, s->at);
		if (!err)
			err = add_within(s, limit, way, count);
		err = err > 0 ? 0 : err;
	}
	for (unsigned int i = 0; i < count && !err; i++)
		if (!i || i + 1 == count || i * POINTS / count != (i - 1) * POINTS / count)
			err = add_point(s, way + i * layers);
	free(way);
	return err;
}

static bool dominates(const struct xq_post_training *p, const struct xqc_point *a, const struct xqc_point *b)
{
	const bool bytes = p->options.budget_bytes, ns = p->options.budget_ms > 0;

	return a->loss <= b->loss && (!bytes || a->bytes <= b->bytes) && (!ns || a->ns <= b->ns) &&
	       (a->loss < b->loss || (bytes && a->bytes < b->bytes) || (ns && a->ns < b->ns) || a < b);
}

static int by_cost(const void *a, const void *b)
{
	const struct xqc_point *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : (x->ns < y->ns) - (x->ns > y->ns);
}

static bool keeps(const struct xq_post_training *p, const struct xqc_point *point)
{
	return (!p->options.budget_bytes || point->bytes <= p->options.budget_bytes) &&
	       (!(p->options.budget_ms > 0) || point->ns <= p->options.budget_ms * 1e6);
}

/* The frontier, and of it the one that loses least within the budget. */
static void settle(struct search *s)
{
	struct xq_post_training *p = s->p;
	struct xqc_point *best = NULL;

	qsort(p->point, p->points, sizeof(*p->point), by_cost);
	for (unsigned int i = 0; i < p->points; i++) {
		struct xqc_point *point = &p->point[i];

		point->frontier = true;
		for (unsigned int k = 0; k < p->points; k++)
			point->frontier = point->frontier && (k == i || !dominates(p, &p->point[k], point));
		if (keeps(p, point) && (!best || point->loss < best->loss))
			best = point;
	}
	best->chosen = true;
	for (unsigned int i = 0; i < p->layers; i++)
		p->layer[i].width = best->type[i];
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static void end(struct search *s)
{
	assign(s, NULL);
	for (unsigned int i = 0; s->choice && i < s->p->layers * WIDTHS; i++)
		xqc_weights_free(s->choice[i].weights);
	for (size_t i = 0; s->reference && i < s->rows * s->outputs; i++)
		free(s->reference[i]);
	free(s->choice);
	free(s->reference);
	free(s->at);
}

/* Types that the file could have. */
static void find_known(struct search *s)
{
	for (unsigned int w = 0; w < WIDTHS; w++) {
		const int64_t opset = s->p->doc.opset;

		s->known[w] = !xqc_raise_opset(s->p, xqc_opset_of(s->p, widths[w]));
		s->p->doc.opset = opset;
	}
	s->p->error[0] = 0;
}

int xqc_search(struct xq_post_training *p)
{
	struct search s = {
		.p = p, .choice = calloc(p->layers * WIDTHS + 1, sizeof(struct choice)), .at = calloc(p->layers + 1, sizeof(*s.at)),
		.rows = p->rows.count < ROWS ? p->rows.count : ROWS,
	};
	int err = s.choice && s.at ? 0 : xqc_fail(p, -ENOMEM, "there is not enough memory");

	if (!err) {
		find_known(&s);
		err = make_weights(&s);
	}
	if (!err)
		err = take_reference(&s);
	if (!err)
		err = measure_layers(&s);
	if (!err)
		err = measure_times(&s);
	if (!err)
		err = add_points(&s);
	if (!err)
		settle(&s);
	end(&s);
	return err;
}
