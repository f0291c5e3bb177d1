// SPDX-License-Identifier: MIT
/* Sums and products of two tensors: tables of the inputs' terms, then row by row. */
#include <math.h>

#include "elementwise/products.h"
#include "epilogue/epilogue.h"
#include "operators.h"

/* Elements of a row that are a unit of work, and those between two looks at whether the job is canceled. */
#define PIECE	65536
#define PART	16384

/* Fewer results are there before it is known whether a straight line gives them. */
#define MANY_SUMS	32768
#define MANY_PRODUCTS	65536

/**
 * struct work - what a chunk has ready
 * @sum: @real: one of them
 * @bytes: of FLOOR_SHIFT sums
 * @straight: @product_line: if @is_straight, gives all sums, or products
 * @carried: if @is_carried, gives what straight does
 * @lanes_memory: behind sum.lanes or lanes
 * @row: parts of rows: of a, of b, of y, and products
 */
struct work {
	const struct xqk_isa *isa;
	const struct xqk_elementwise *job;
	struct xqk_sum sum;
	struct xqk_real real;
	struct xqk_lanes lanes;
	struct xqk_straight straight;
	struct xqk_product_line product_line;
	struct xqk_carried carried;
	bool is_straight, is_carried;
	struct xqk_bytes bytes;
	uint8_t flip[2];
	int32_t zero_point[2];
	int32_t least, greatest;
	void *lanes_memory;
	uint8_t *row[3];
	int32_t *product;
};

static int32_t limited(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static int32_t element(uint32_t format, unsigned int byte)
{
	return format == XQACCEL_FMT_S8 ? (int8_t)byte : (int32_t)byte;
}

/* One of an input's values as a term of the sum. */
static int64_t term(const struct xq_elementwise *e, const struct xq_elementwise_input *x, int32_t v)
{
	const int32_t left = e->y.profile == XQ_PROFILE_FLOOR_SHIFT ? 0 : (int32_t)e->left_shift;

	return xqk_requant_value(e->y.profile, v * (1 << left), x->multiplier, x->shift, x->add);
}

static void fill_terms(struct work *w, const struct xq_elementwise_input *x, int32_t *wide, uint8_t planes[4][256],
		       uint8_t *bytes, float *real)
{
	const struct xq_elementwise *e = &w->job->dims;
	int32_t least, greatest;
	unsigned int i, p;

	xq_format_range(e->format, &least, &greatest);
	for (i = 0; i < 256; i++) {
		const int32_t v = element(x->format, i) - x->zero_point;
		int64_t t;

		if (e->y.profile == XQ_PROFILE_ONNX) {
			real[i] = (float)v * as_float(x->scale);
			continue;
		}
		t = term(e, x, v);
		bytes[i] = (uint8_t)(t < least ? least : t > greatest ? greatest : t);
		wide[i] = (int32_t)t;
		for (p = 0; p < 4; p++)
			planes[p][i] = (uint8_t)((uint32_t)wide[i] >> 8 * p);
	}
}

static bool is_moderate(float f)
{
	return (f >= 0x1p-60f && f <= 0x1p60f) || (f <= -0x1p-60f && f >= -0x1p60f);
}

static void describe_real(struct xqk_real *real, unsigned int input, const struct xq_elementwise_input *x)
{
	real->scale[input] = as_float(x->scale);
	real->zero[input] = x->zero_point;
	real->is_signed[input] = x->format == XQACCEL_FMT_S8;
}

static void prepare(struct work *w)
{
	const struct xq_elementwise *e = &w->job->dims;
	const struct xq_requant_one *y = &e->y;
	const float scale = as_float(y->scale);
	struct xqk_requant rq = {
		.profile = y->profile, .zero_point = y->zero_point, .params = 1, .multiplier = &y->multiplier,
		.shift = &y->shift, .scale = &scale,
	};
	const int64_t add = y->add;

	rq.add = &add;
	xq_clamp_range(e->format, y->act_min, y->act_max, &w->least, &w->greatest);
	rq.least = w->least;
	rq.greatest = w->greatest;
	xqk_lanes_fill(&rq, NULL, 0, 1, w->lanes_memory, &w->lanes);
	w->sum.lanes = w->lanes;
	describe_real(&w->real, 0, &e->a);
	describe_real(&w->real, 1, &e->b);
	w->real.moderate = is_moderate(scale) && is_moderate(w->real.scale[0]) && is_moderate(w->real.scale[1]);
	w->real.factor = scale;
	w->real.zero_point = y->zero_point;
	w->real.least = w->least;
	w->real.greatest = w->greatest;
	if (e->kind == XQ_ELEMENTWISE_ADD) {
		w->bytes.is_signed = e->format == XQACCEL_FMT_S8;
		w->bytes.least = w->least;
		w->bytes.greatest = w->greatest;
		fill_terms(w, &e->a, w->sum.a, w->sum.planes_a, w->bytes.term[0], w->real.a);
		fill_terms(w, &e->b, w->sum.b, w->sum.planes_b, w->bytes.term[1], w->real.b);
		return;
	}
	w->flip[0] = e->a.format == XQACCEL_FMT_S8 ? 0x80 : 0;
	w->flip[1] = e->b.format == XQACCEL_FMT_S8 ? 0x80 : 0;
	w->zero_point[0] = e->a.zero_point + w->flip[0];
	w->zero_point[1] = e->b.zero_point + w->flip[1];
}

static void requantize_products(struct work *w, const int32_t *product, size_t n, uint8_t *y)
{
	if (w->job->dims.y.profile == XQ_PROFILE_ONNX)
		w->isa->operators->elementwise->real_product(&w->real, product, n, y);
	else
		xqk_requantize(w->isa, &w->lanes, product, n, y, false);
}

static void sum_straight(const struct work *w, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	if (w->is_carried)
		w->isa->operators->elementwise->carried(&w->carried, a, b, n, y);
	else
		w->isa->operators->elementwise->straight(&w->straight, a, b, n, y);
}

static void compute(struct work *w, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	const struct xqk_elementwise_kernels *k = w->isa->operators->elementwise;
	const struct xq_elementwise *e = &w->job->dims;

	if (w->is_straight && e->kind == XQ_ELEMENTWISE_MUL) {
		k->product_line(&w->product_line, a, b, n, y);
	} else if (w->is_straight) {
		sum_straight(w, a, b, n, y);
	} else if (e->kind == XQ_ELEMENTWISE_MUL) {
		k->product(a, b, n, w->flip, w->zero_point, w->product);
		requantize_products(w, w->product, n, y);
	} else if (e->y.profile == XQ_PROFILE_ONNX) {
		k->real_sum(&w->real, a, b, n, y);
	} else if (e->y.profile == XQ_PROFILE_FLOOR_SHIFT) {
		k->bytes(&w->bytes, a, b, n, y);
	} else {
		k->sum(&w->sum, a, b, n, y);
	}
}

/* ---- sums along a straight line ------------------------------------------------------------- */

/**
 * struct line - what a sum is but for roundings: slope[0] * v + slope[1] * w, in the result's units
 * @most: of |v| and of |w|
 * @error: how far the number that is rounded to the result may be from that
 */
struct line {
	double slope[2], most[2], error;
};

static double most_of(const struct xq_elementwise_input *x)
{
	const bool is_signed = x->format == XQACCEL_FMT_S8;
	const double least = (is_signed ? -128 : 0) - x->zero_point;
	const double greatest = (is_signed ? 127 : 255) - x->zero_point;

	return fmax(fabs(least), fabs(greatest));
}

static double factor(int32_t multiplier, int32_t shift)
{
	return ldexp(multiplier, (shift < -31 ? -31 : shift > 30 ? 30 : shift) - 31);
}

/* By fixed point a term is off by two halves at most, the result by one, then it is rounded. */
static bool line_of_integers(const struct xq_elementwise *e, struct line *line)
{
	const double y = factor(e->y.multiplier, e->y.shift);
	const double a = ldexp(factor(e->a.multiplier, e->a.shift), (int)e->left_shift);
	const double b = ldexp(factor(e->b.multiplier, e->b.shift), (int)e->left_shift);

	/* Nothing wraps or saturates. */
	if (fabs(a) * line->most[0] > 0x1p29 || fabs(b) * line->most[1] > 0x1p29 ||
	    fabs(y) > 1 || e->y.shift > 0)
		return false;
	line->slope[0] = a * y;
	line->slope[1] = b * y;
	line->error = 2 * fabs(y) + (e->y.shift < 0 ? factor(1, e->y.shift) * 0x1p31 / 2 : 0);
	return true;
}

/* Four operations are rounded, and none is near the ends of its range. */
static bool line_of_reals(const struct work *w, struct line *line)
{
	const double y = w->real.factor;

	if (!w->real.moderate)
		return false;
	line->slope[0] = w->real.scale[0] / y;
	line->slope[1] = w->real.scale[1] / y;
	line->error = 0x1p-21 * (fabs(line->slope[0]) * line->most[0] +
				 fabs(line->slope[1]) * line->most[1]);
	return true;
}

/* Rows of the table of all sums that the error may have changed are compared with what they are. */
static bool near_ones_right(struct work *w, const bool *near)
{
	uint8_t a[256], b[256], exact[256], got[256];
	unsigned int i;

	for (i = 0; i < 256; i++)
		b[i] = (uint8_t)i;
	for (i = 0; i < 256; i++) {
		if (!near[i])
			continue;
		memset(a, (int)i, sizeof(a));
		compute(w, a, b, 256, exact);
		sum_straight(w, a, b, 256, got);
		if (memcmp(exact, got, sizeof(got)))
			return false;
	}
	return true;
}

/*
 * A sum along the line is one of whole numbers, with a carry where the fractions of both terms are 1
 * or more together. Whether they are is seen from two levels, bytes: the place of v's fraction among all of
 * v's, in ascending order; and from which place on they are enough for that of w.
 * Only the places that some w has are told apart, of which there must be less than 256.
 */

/**
 * struct fractions - those of v's terms, in units of 2^-shift
 * @sorted: in ascending order
 * @order: whose they are
 * @start: where those of each 256th part begin
 */
struct fractions {
	int shift;
	uint32_t sorted[256];
	uint8_t order[256];
	uint16_t start[258];
};

static void sort_fractions(struct fractions *f, const int32_t *v, int shift)
{
	const uint32_t mask = (1U << shift) - 1;
	uint16_t next[256];
	unsigned int i;

	f->shift = shift;
	memset(f->start, 0, sizeof(f->start));
	for (i = 0; i < 256; i++)
		f->start[(((uint32_t)v[i] & mask) >> (shift - 8)) + 1]++;
	for (i = 1; i < 258; i++)
		f->start[i] = (uint16_t)(f->start[i] + f->start[i - 1]);
	memcpy(next, f->start, sizeof(next));
	for (i = 0; i < 256; i++) {
		const uint32_t fraction = (uint32_t)v[i] & mask;
		const unsigned int part = fraction >> (shift - 8);
		unsigned int at = next[part]++;

		for (; at > f->start[part] && f->sorted[at - 1] > fraction; at--) {
			f->sorted[at] = f->sorted[at - 1];
			f->order[at] = f->order[at - 1];
		}
		f->sorted[at] = fraction;
		f->order[at] = (uint8_t)i;
	}
}

/* From which of them on they are at least so much. */
static unsigned int at_least(const struct fractions *f, uint32_t fraction)
{
	unsigned int i = f->start[fraction >> (f->shift - 8)];

	while (i < 256 && f->sorted[i] < fraction)
		i++;
	return i;
}

/*
 * Sums of a term of w with those of v that are no further than that from a whole number, where v's fraction
 * is what w's lacks, or around the ends of the circle; of them @near[] is set by w's or by v's byte.
 */
static void find_near(const struct fractions *f, uint32_t missing, unsigned int from, uint32_t distance,
		      unsigned int w, bool swapped, bool near[256])
{
	const uint32_t mask = (1U << f->shift) - 1;
	unsigned int i, at;

	for (i = 0, at = from; i < 256; i++, at++) {
		if (((f->sorted[at % 256] - missing) & mask) > distance)
			break;
		near[swapped ? w : f->order[at % 256]] = true;
	}
	for (i = 0, at = from + 255; i < 256; i++, at += 255) {
		if (((missing - f->sorted[at % 256]) & mask) > distance)
			break;
		near[swapped ? w : f->order[at % 256]] = true;
	}
}

static bool find_levels(const int32_t *v, const int32_t *w, int shift, uint32_t distance, bool swapped,
			uint8_t level[2][256], bool near[256])
{
	uint16_t place[2][256], told[258] = { 0 };
	const uint32_t one = 1U << shift;
	struct fractions f;
	unsigned int i;

	sort_fractions(&f, v, shift);
	memset(near, 0, 256 * sizeof(near[0]));
	for (i = 0; i < 256; i++) {
		const uint32_t missing = one - ((uint32_t)w[i] & (one - 1));

		place[0][f.order[i]] = (uint16_t)i;
		place[1][i] = (uint16_t)at_least(&f, missing);
		told[place[1][i]] = 1;
		find_near(&f, missing, place[1][i], distance, i, swapped, near);
	}
	for (i = 1; i <= 256; i++)
		told[i] = (uint16_t)(told[i] + told[i - 1]);
	for (i = 0; i < 256; i++) {
		level[0][i] = (uint8_t)told[place[0][i]];
		level[1][i] = (uint8_t)told[place[1][i]];
	}
	return told[256] < 256;
}

struct span {
	int32_t least, greatest;
};

static struct span span_of(const int32_t *terms, int shift)
{
	struct span s = { terms[0], terms[0] };
	int i;

	for (i = 1; i < 256; i++) {
		s.least = terms[i] < s.least ? terms[i] : s.least;
		s.greatest = terms[i] > s.greatest ? terms[i] : s.greatest;
	}
	return (struct span){ s.least >> shift, s.greatest >> shift };
}

/*
 * What one term has more the other may have less: those of w must be bytes, and those of v, with a
 * carry, if there is a choice. What they exceed bytes by is added to those of w, which saturates if the
 * result does. Then near[] is set as by xqk_elementwise_kernels.near().
 */
static bool find_carried(struct work *w, const int32_t terms[2][256], uint32_t distance, bool near[256])
{
	struct xqk_carried *c = &w->carried;
	const int shift = w->straight.shift;
	const int32_t sign = w->straight.is_signed ? 0 : 128;
	const struct span both[2] = { span_of(terms[0], shift), span_of(terms[1], shift) };
	const bool swapped = both[1].greatest - both[1].least > both[0].greatest - both[0].least;
	const int32_t *const v = terms[swapped], *const u = terms[!swapped];
	const struct span of_v = both[swapped], of_u = both[!swapped];
	const int32_t least = of_u.greatest - sign - INT8_MAX, greatest = of_u.least - sign - INT8_MIN;
	int32_t moved, i;

	if (least > greatest || of_v.greatest - of_v.least > 2 * UINT8_MAX ||
	    !find_levels(v, u, shift, distance, swapped, c->level, near))
		return false;
	moved = limited(limited(0, INT8_MIN - of_v.least, INT32_MAX), INT32_MIN, INT8_MAX - 1 - of_v.greatest);
	moved = limited(moved, least, greatest);
	c->wide = false;
	for (i = 0; i < 256; i++) {
		const int32_t whole = (v[i] >> shift) + moved, byte = limited(whole, INT8_MIN, INT8_MAX - 1);

		if (whole - byte != limited(whole - byte, INT8_MIN, INT8_MAX))
			return false;
		c->wide |= whole != byte;
		c->whole[0][i] = (int8_t)byte;
		c->excess[i] = (int8_t)(whole - byte);
		c->whole[1][i] = (int8_t)((u[i] >> shift) - sign - moved);
	}
	c->swapped = swapped;
	c->flip = (uint8_t)sign;
	c->least = (uint8_t)w->least;
	c->greatest = (uint8_t)w->greatest;
	c->bounded = w->greatest - w->least < UINT8_MAX;
	return true;
}

/* Terms of the line, in units of 2^-shift. */
static void fill_line(int32_t fixed, const struct xq_elementwise_input *x, int32_t *terms)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		terms[i] = fixed * (element(x->format, i) - x->zero_point);
}

/*
 * Whether the sum can be had from a straight line in 32 bits, all of its 65536 values: those that
 * are further from where the result changes than all roundings together are right. Others are
 * tried.
 */
static bool find_straight(struct work *w)
{
	const struct xq_elementwise *e = &w->job->dims;
	const struct xqk_elementwise_kernels *k = w->isa->operators->elementwise;
	struct xqk_straight *s = &w->straight;
	const struct xq_elementwise_input *x[2] = { &e->a, &e->b };
	struct line line = { .most = { most_of(&e->a), most_of(&e->b) } };
	double reach, distance;
	int32_t terms[2][256];
	bool near[256];
	int64_t add;
	int i, bits;

	if (!k->straight || e->kind != XQ_ELEMENTWISE_ADD || e->y.profile == XQ_PROFILE_FLOOR_SHIFT)
		return false;
	if (e->y.profile == XQ_PROFILE_ONNX ? !line_of_reals(w, &line) : !line_of_integers(e, &line))
		return false;
	reach = fabs(line.slope[0]) * (line.most[0] + 256) +
		fabs(line.slope[1]) * (line.most[1] + 256) + fabs((double)e->y.zero_point) + 1;
	frexp(reach, &bits);
	s->shift = 30 - bits;
	/* Eight times the distance is less than a unit of the result. */
	distance = ldexp(line.error, s->shift) + (line.most[0] + line.most[1]) / 2 + 2;
	if (s->shift < 8 || s->shift > 30 || distance > ldexp(1, s->shift - 3))
		return false;
	add = llrint(ldexp(e->y.zero_point + 0.5, s->shift));
	for (i = 0; i < 2; i++) {
		const int32_t fixed = (int32_t)lrint(ldexp(line.slope[i], s->shift));
		const int32_t high = (fixed + 0x4000) >> 15;

		if (high < INT16_MIN || high > INT16_MAX)
			return false;
		s->high[i] = (int16_t)high;
		s->low[i] = (int16_t)(fixed - high * 0x8000);
		s->flip[i] = x[i]->format == XQACCEL_FMT_S8 ? 0x80 : 0;
		add -= (int64_t)fixed * (x[i]->zero_point + s->flip[i]);
		fill_line(fixed, x[i], terms[i]);
	}
	s->add = (int32_t)(uint32_t)(uint64_t)add;
	for (i = 0; i < 256; i++)
		terms[0][i] += (int32_t)llrint(ldexp(e->y.zero_point + 0.5, s->shift));
	s->is_signed = e->format == XQACCEL_FMT_S8;
	s->least = w->least;
	s->greatest = w->greatest;
	w->is_carried = k->carried &&
			find_carried(w, (const int32_t (*)[256])terms, (uint32_t)distance, near);
	if (!w->is_carried)
		k->near(terms[0], terms[1], s->shift, (uint32_t)distance, near);
	return near_ones_right(w, near);
}

static bool find_product_line(struct work *w)
{
	const struct xq_elementwise *e = &w->job->dims;
	uint8_t exact[XQK_ELEMENTS_MOST];
	size_t count;

	if (!w->isa->operators->elementwise->product_line)
		return false;
	count = xqk_product_points(e, w->least, w->greatest, w->product);
	if (!count)
		return false;
	requantize_products(w, w->product, count, exact);
	return xqk_find_product_line(e, w->least, w->greatest, w->product, exact, count,
				     &w->product_line);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* n elements of an input from a distance on, of which the last dimension may repeat one. */
static const uint8_t *input(const struct xqk_view *view, uint64_t distance, uint64_t step, uint64_t i, size_t n,
			    uint8_t *memory)
{
	uint8_t byte;

	if (step)
		return xqk_view_read(view, distance + i, memory, n);
	xqk_view_copy(view, distance, &byte, 1, false);
	return memset(memory, byte, n);
}

/* Elements of one call: without memory in between there may be many, and what a call loads first is the less. */
static uint32_t most_elements(const struct work *w)
{
	const struct xqk_elementwise *job = w->job;
	const struct xq_elementwise *e = &job->dims;
	const uint32_t inner = e->dims - 1U;

	if (!w->is_straight && (e->kind == XQ_ELEMENTWISE_MUL || e->y.profile != XQ_PROFILE_FLOOR_SHIFT))
		return XQK_ELEMENTS_MOST;
	if (!job->a.flat || !job->b.flat || !job->y.flat)
		return XQK_ELEMENTS_MOST;
	return e->a.stride[inner] && e->b.stride[inner] ? PART : XQK_ELEMENTS_MOST;
}

static uint32_t pieces(const struct xq_elementwise *e)
{
	const uint32_t inner = e->dim[e->dims - 1];

	return inner / PIECE + !!(inner % PIECE);
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first, uint64_t last,
		void *scratch, const atomic_bool *cancel)
{
	const struct xqk_elementwise *job = &operator->elementwise;
	const struct xq_elementwise *e = &job->dims;
	const uint32_t inner = e->dim[e->dims - 1];
	size_t used = 0;
	struct work *w = xqk_take(scratch, &used, sizeof(*w));
	uint32_t i, end, most, n;

	w->isa = isa;
	w->job = job;
	w->lanes_memory = xqk_take(scratch, &used, xqk_lanes_bytes(1));
	for (i = 0; i < 3; i++)
		w->row[i] = xqk_take(scratch, &used, XQK_ELEMENTS_MOST);
	w->product = xqk_take(scratch, &used, 4 * XQK_ELEMENTS_MOST);
	prepare(w);
	w->is_straight = w->is_carried = false;
	if ((last - first) * (inner < PIECE ? inner : PIECE) >=
	    (e->kind == XQ_ELEMENTWISE_MUL ? MANY_PRODUCTS : MANY_SUMS))
		w->is_straight = e->kind == XQ_ELEMENTWISE_MUL ? find_product_line(w) :
								 find_straight(w);
	most = most_elements(w);
	for (; first < last; first++) {
		const uint64_t row = first / pieces(e);
		const uint64_t a = xqk_distance(e->dim, e->a.stride, e->dims - 1U, row);
		const uint64_t b = xqk_distance(e->dim, e->b.stride, e->dims - 1U, row);
		const uint64_t y = xqk_distance(e->dim, e->stride, e->dims - 1U, row);

		i = (uint32_t)(first % pieces(e)) * PIECE;
		end = inner - i < PIECE ? inner : i + PIECE;
		for (; i < end; i += n) {
			uint8_t *out;

			if (xqk_canceled(cancel))
				return false;
			n = end - i < most ? end - i : most;
			out = xqk_view_write(&job->y, y + i, w->row[2], n);
			compute(w, input(&job->a, a, e->a.stride[e->dims - 1], i, n, w->row[0]),
				input(&job->b, b, e->b.stride[e->dims - 1], i, n, w->row[1]), n, out);
			xqk_view_written(&job->y, y + i, w->row[2], n, out);
		}
	}
	return true;
}

static uint64_t rows(const struct xqk_operator *operator)
{
	const struct xq_elementwise *e = &operator->elementwise.dims;

	return xqk_rows(e->dim, e->dims) * pieces(e);
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	const struct xq_elementwise *e = &operator->elementwise.dims;

	return 3 * (uint64_t)e->dim[e->dims - 1] / (pieces(e) + !pieces(e));
}

static size_t scratch_bytes(const struct xqk_operator *operator)
{
	(void)operator;
	return sizeof(struct work) + 64 + xqk_lanes_bytes(1) + 7 * XQK_ELEMENTS_MOST;
}

const struct xqk_operator_kind xqk_kind_elementwise = { rows, row_bytes, scratch_bytes, run };
