// SPDX-License-Identifier: MIT
#include <string.h>

#include "command.h"
#include "matmul_shapes.h"
#include "product.h"

/* A dimension counted from the last; absent ones are 1. */
static size_t from_last(const struct tensor *t, unsigned int back)
{
	return back < t->ndim ? t->dim[t->ndim - 1 - back] : 1;
}

/* Matrices from one index of leading dimension `back` to the next, 0 where it is repeated. */
static size_t step_of(const struct tensor *t, unsigned int back)
{
	size_t step = 1;
	unsigned int i;

	if (from_last(t, back) == 1)
		return 0;
	for (i = 2; i < back; i++)
		step *= from_last(t, i);
	return step;
}

static int leading(const struct tensor *a, const struct tensor *b, struct xq_matmul *mm)
{
	const unsigned int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
	unsigned int i;

	mm->dims = ndim > 2 ? ndim - 2 : 0;
	for (i = 0; i < mm->dims; i++) {
		const unsigned int back = ndim - 1 - i;
		const size_t x = from_last(a, back), y = from_last(b, back);

		if (x != y && x != 1 && y != 1)
			return fail("the leading dimensions of A and B do not broadcast (A is %s, B is %s)",
				    tensor_shape(a), tensor_shape(b));
		mm->dim[i] = x == 1 ? y : x;
		mm->a_step[i] = step_of(a, back);
		mm->b_step[i] = step_of(b, back);
	}
	return 0;
}

int matmul_shapes(const struct tensor *a, const struct tensor *b, bool transpose_b,
		  struct xq_matmul *mm)
{
	size_t k;

	if (!a->ndim || !b->ndim)
		return fail("%s must be a matrix or a vector (it is a scalar)", a->ndim ? "B" : "A");
	mm->m = a->ndim > 1 ? from_last(a, 1) : 1;
	mm->k = from_last(a, 0);
	/* A vector B is a column, so it lies like a row of the transposed. */
	mm->b_transposed = transpose_b || b->ndim == 1;
	mm->n = b->ndim == 1 ? 1 : from_last(b, mm->b_transposed ? 1 : 0);
	k = from_last(b, mm->b_transposed ? 0 : 1);
	if (k != mm->k)
		return fail("A has %zu columns and B %zu rows%s, which must be as many (A is %s, B is %s)", mm->k, k,
			    transpose_b ? " once transposed" : "", tensor_shape(a), tensor_shape(b));
	return leading(a, b, mm);
}

unsigned int matmul_result(const struct tensor *a, const struct tensor *b,
			   const struct xq_matmul *mm, size_t *dim)
{
	unsigned int ndim = mm->dims;

	if (mm->dims)
		memcpy(dim, mm->dim, mm->dims * sizeof(*dim));
	if (mm->group && !mm->a_scale && !mm->b_scale)
		dim[ndim++] = product_groups(mm);
	if (a->ndim > 1)
		dim[ndim++] = mm->m;
	if (b->ndim > 1)
		dim[ndim++] = mm->n;
	return ndim;
}
