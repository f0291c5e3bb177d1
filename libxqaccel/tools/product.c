// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "product.h"

size_t product_groups(const struct xq_matmul *mm)
{
	return mm->group ? mm->k / mm->group + !!(mm->k % mm->group) : 1;
}

/* Whether C has an element for each group. */
static bool keeps_groups(const struct xq_matmul *mm)
{
	return mm->group && !mm->a_scale && !mm->b_scale;
}

static size_t leading(const struct xq_matmul *mm)
{
	size_t count = 1;

	for (unsigned int i = 0; i < mm->dims; i++)
		count *= mm->dim[i];
	return count;
}

/* ---- zero points for each matrix ----------------------------------------------------------------- */

static bool zero_points_vary(const struct product *p)
{
	for (unsigned int i = 0; i < p->mm.dims; i++) {
		if (p->a_zp_step[i] || p->b_zp_step[i])
			return true;
	}
	return false;
}

static int each_matrix(struct xq_workspace *workspace, struct product *p)
{
	const struct xq_matmul *all = &p->mm;
	const size_t c_matrix = (keeps_groups(all) ? product_groups(all) : 1) * all->m * all->n, count = leading(all);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		struct xq_matmul one = *all;
		size_t rest = i, a = 0, b = 0;

		for (unsigned int d = all->dims; d-- > 0; rest /= all->dim[d]) {
			const size_t index = rest % all->dim[d];

			a += index * all->a_step[d];
			b += index * all->b_step[d];
			one.a_zp = one.a_zp ? one.a_zp + index * p->a_zp_step[d] : NULL;
			one.b_zp = one.b_zp ? one.b_zp + index * p->b_zp_step[d] : NULL;
		}
		one.dims = 0;
		one.a = (const uint8_t *)all->a + a * all->m * all->k;
		one.b = (const uint8_t *)all->b + b * all->n * all->k;
		one.c = all->c + i * c_matrix;
		err = xq_matmul(workspace, &one);
	}
	return err;
}

/* ---- a short last group ---------------------------------------------------------------------------- */

/* Columns [from, from + count) of rows of k elements. */
static void *columns(const void *from_rows, size_t rows, size_t k, size_t from, size_t count, size_t bytes)
{
	char *to = malloc(rows * count * bytes + 1);

	for (size_t r = 0; to && r < rows; r++)
		memcpy(to + r * count * bytes, (const char *)from_rows + (r * k + from) * bytes, count * bytes);
	return to;
}

/* How many matrices an operand has. */
static size_t matrices(const struct xq_matmul *mm, const size_t *step)
{
	size_t last = 0;

	for (unsigned int i = 0; i < mm->dims; i++) {
		if (!mm->dim[i])
			return 0;
		last += (mm->dim[i] - 1) * step[i];
	}
	return last + 1;
}

/**
 * struct part - a part of K as a product of its own
 */
struct part {
	struct product product;
	void *a, *b, *a_scale, *b_scale;
	int32_t *c;
};

static int make_part(const struct product *whole, size_t from, size_t k, struct part *part)
{
	const struct xq_matmul *mm = &whole->mm;
	const size_t groups = product_groups(mm), first = from / mm->group, count = k / mm->group + !!(k % mm->group);
	const size_t rows = keeps_groups(mm) ? count : 1;

	part->product = *whole;
	part->a = columns(mm->a, matrices(mm, mm->a_step) * mm->m, mm->k, from, k, 1);
	/* Rows of B lie together if it is not transposed: a matrix is a row of k times n. */
	part->b = mm->b_transposed ? columns(mm->b, matrices(mm, mm->b_step) * mm->n, mm->k, from, k, 1) :
		  columns(mm->b, matrices(mm, mm->b_step), mm->k * mm->n, from * mm->n, k * mm->n, 1);
	part->a_scale = mm->a_scale ? columns(mm->a_scale, mm->m, groups, first, count, 4) : NULL;
	part->b_scale = mm->b_scale ? columns(mm->b_scale, mm->n, groups, first, count, 4) : NULL;
	part->c = calloc(leading(mm) * rows * mm->m * mm->n + 1, sizeof(*part->c));
	if (!part->a || !part->b || !part->c || !part->a_scale != !mm->a_scale || !part->b_scale != !mm->b_scale)
		return -ENOMEM;
	part->product.mm.a = part->a;
	part->product.mm.b = part->b;
	part->product.mm.a_scale = part->a_scale;
	part->product.mm.b_scale = part->b_scale;
	part->product.mm.c = part->c;
	part->product.mm.k = k;
	part->product.mm.group = k < mm->group ? k : mm->group;
	return 0;
}

static void free_part(struct part *part)
{
	free(part->a);
	free(part->b);
	free(part->a_scale);
	free(part->b_scale);
	free(part->c);
}

/* Groups of both side by side, or their sum modulo 2^32. */
static void join(const struct xq_matmul *mm, const struct part *full, const struct part *last)
{
	const size_t matrix = mm->m * mm->n, count = leading(mm), groups = mm->k / mm->group;

	if (!keeps_groups(mm)) {
		for (size_t i = 0; i < count * matrix; i++)
			mm->c[i] = (int32_t)((uint32_t)full->c[i] + (uint32_t)last->c[i]);
		return;
	}
	for (size_t i = 0; i < count && matrix; i++) {
		int32_t *to = mm->c + i * (groups + 1) * matrix;

		memcpy(to, full->c + i * groups * matrix, groups * matrix * sizeof(*to));
		memcpy(to + groups * matrix, last->c + i * matrix, matrix * sizeof(*to));
	}
}

static int short_group(struct xq_workspace *workspace, struct product *whole)
{
	const struct xq_matmul *mm = &whole->mm;
	const size_t rest = mm->k % mm->group;
	struct part full = { 0 }, last = { 0 };
	int err = make_part(whole, 0, mm->k - rest, &full);

	if (!err)
		err = make_part(whole, mm->k - rest, rest, &last);
	last.product.mm.bias = NULL;
	if (!err)
		err = product_run(workspace, &full.product);
	if (!err)
		err = product_run(workspace, &last.product);
	if (!err)
		join(mm, &full, &last);
	free_part(&full);
	free_part(&last);
	return err;
}

int product_run(struct xq_workspace *workspace, struct product *product)
{
	struct xq_matmul *mm = &product->mm;

	if (mm->group > mm->k && mm->k)
		mm->group = mm->k;
	if (mm->group && mm->k % mm->group)
		return short_group(workspace, product);
	return zero_points_vary(product) ? each_matrix(workspace, product) : xq_matmul(workspace, mm);
}
