// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "conv_weights.h"

static void insert_one(struct tensor *t, unsigned int at)
{
	memmove(t->dim + at + 1, t->dim + at, (t->ndim - at) * sizeof(*t->dim));
	t->dim[at] = 1;
	t->ndim++;
}

void conv_add_height(struct tensor *t, bool channels_last)
{
	insert_one(t, channels_last ? 1 : 2);
}

void conv_weights_add_height(struct tensor *w, const char *order)
{
	insert_one(w, (unsigned int)(strchr(order, 'h') - order));
}

/* The dimension that a letter stands for, 1 if there is none. */
static size_t size_of(const struct tensor *w, const char *order, char letter)
{
	const char *at = strchr(order, letter);

	return at ? w->dim[at - order] : 1;
}

/* Elements from one index of that dimension to the next. */
static size_t step_of(const struct tensor *w, const char *order, char letter)
{
	const char *at = strchr(order, letter);
	size_t step = 1;

	if (!at)
		return 0;
	for (unsigned int i = (unsigned int)(at - order) + 1; i < 4; i++)
		step *= w->dim[i];
	return step;
}

/**
 * struct kernels - the sizes of weights of one group's input channels and all output channels
 */
struct kernels {
	size_t o, i, h, w;
};

static void reorder(const struct tensor *from, const char *order, const struct kernels *n, size_t groups,
		    const char *to_order, uint8_t *to)
{
	const size_t so = step_of(from, order, 'o'), si = step_of(from, order, 'i'), sh = step_of(from, order, 'h'),
		     sw = step_of(from, order, 'w');
	const bool last = to_order[3] == 'i', of_groups = !strcmp(order, "iohw");
	const uint8_t *data = from->data;

	for (size_t o = 0; o < n->o; o++) {
		const size_t per_group = n->o / groups;
		const uint8_t *base = data + (of_groups ? o % per_group * so + o / per_group * n->i * si : o * so);

		for (size_t i = 0; i < n->i; i++)
			for (size_t h = 0; h < n->h; h++)
				for (size_t w = 0; w < n->w; w++) {
					const size_t at = last ? ((o * n->h + h) * n->w + w) * n->i + i :
							  ((o * n->i + i) * n->h + h) * n->w + w;

					to[at] = base[i * si + h * sh + w * sw];
				}
	}
}

int conv_weights_reorder(struct tensor *w, const char *order, enum xq_image_layout layout, size_t groups)
{
	const char *native = layout == XQ_NCHW ? "oihw" : "ohwi";
	struct kernels n = { size_of(w, order, 'o'), size_of(w, order, 'i'), size_of(w, order, 'h'), size_of(w, order, 'w') };
	struct tensor to;

	if (!strcmp(order, native))
		return 0;
	if (order[0] == '1' && w->dim[0] != 1)
		return fail("W must be [1, kh, kw, O] with --w-layout 1hwo (it is %s)", tensor_shape(w));
	if (!strcmp(order, "iohw")) {
		if (n.i % groups)
			return fail("W does not fit --groups %zu (it is %s)", groups, tensor_shape(w));
		n.i /= groups;
		n.o *= groups;
	}
	if (!tensor_alloc(&to, w->kind, 1, 4, layout == XQ_NCHW ? (size_t[]){ n.o, n.i, n.h, n.w } :
			  (size_t[]){ n.o, n.h, n.w, n.i }))
		return fail("there is not enough memory");
	if (to.count)
		reorder(w, order, &n, groups, native, to.data);
	tensor_free(w);
	*w = to;
	return 0;
}
