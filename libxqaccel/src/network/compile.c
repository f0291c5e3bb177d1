// SPDX-License-Identifier: MIT
/*
 * From a network to a plan for one device and one batch size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "xq_kernels.h"

/* ---- the network with its batch ------------------------------------------------------------------------ */

static int set_view(struct xqn_compiler *c, const struct xqn_tensor *t, struct xqn_view *view)
{
	size_t bytes = 8;
	unsigned int i;

	*view = (struct xqn_view){ .storage = -1, .type = t->config.type, .dims = t->shape.dims };
	memcpy(view->dim, t->shape.dim, sizeof(view->dim));
	if (!view->dims)
		view->dim[view->dims++] = 1;
	if (t->shape.batched && __builtin_mul_overflow(view->dim[0], c->batch, &view->dim[0]))
		return xqn_fail(c->net, -EOVERFLOW, "tensor %s is too large for a batch of %zu", t->config.name, c->batch);
	for (i = 0; i < view->dims; i++)
		if (view->dim[i] > XQN_MAX_SIZE || __builtin_mul_overflow(bytes, view->dim[i], &bytes))
			return xqn_fail(c->net, -EOVERFLOW, "tensor %s is too large for a batch of %zu",
					t->config.name, c->batch);
	xqn_dense(view);
	return 0;
}

/* Operators that an output depends on. */
static void find_needed(struct xqn_compiler *c)
{
	const struct xq_network *net = c->net;
	unsigned int i = net->operators, j;

	for (j = 0; j < net->outputs; j++)
		c->needed[xqn_tensor(net, net->output[j])->producer] = true;
	while (i-- > 0) {
		for (j = 0; c->needed[i] && j < net->operator[i]->inputs; j++) {
			const int from = xqn_tensor(net, net->operator[i]->input[j])->producer;

			if (from >= 0)
				c->needed[from] = true;
		}
	}
}

static void add_slot(struct xqn_compiler *c, int tensor, bool input)
{
	struct xqn_view *view = xqn_view(c, tensor);
	struct xq_plan *plan = c->plan;
	struct xqn_slot *slot = &plan->slot[plan->slots];
	const size_t bytes = xqn_dense(view);
	size_t end;

	if (__builtin_add_overflow(plan->io_bytes, bytes, &end) || end > SIZE_MAX - XQN_ALIGN) {
		c->error = xqn_fail(c->net, -EOVERFLOW, "inputs and outputs take more memory than there are addresses");
		return;
	}
	view->storage = xqn_new_storage(c, XQN_SLOT, bytes, XQN_ALIGN);
	if (view->storage < 0)
		return;
	plan->storage[view->storage].slot = plan->slots++;
	plan->slot_of[tensor - 1] = plan->slots;
	*slot = (struct xqn_slot){ .tensor = tensor, .storage = view->storage, .input = input, .bytes = bytes,
				   .offset = plan->io_bytes };
	plan->io_bytes = (end + XQN_ALIGN - 1) / XQN_ALIGN * XQN_ALIGN;
	*(input ? &plan->memory.inputs : &plan->memory.outputs) += bytes;
}

static int begin(struct xqn_compiler *c)
{
	const struct xq_network *net = c->net;
	struct xq_plan *plan = c->plan;
	unsigned int i;
	int err = 0;

	plan->tensors = net->tensors;
	plan->operators = net->operators;
	plan->tensor = calloc(net->tensors + 1, sizeof(*plan->tensor));
	plan->operator = calloc(net->operators + 1, sizeof(*plan->operator));
	plan->slot = calloc(net->inputs + net->outputs + 1, sizeof(*plan->slot));
	plan->slot_of = calloc(net->tensors + 1, sizeof(*plan->slot_of));
	c->needed = calloc(net->operators + 1, sizeof(*c->needed));
	if (!plan->tensor || !plan->operator || !plan->slot || !plan->slot_of || !c->needed)
		return -ENOMEM;
	c->view = plan->tensor;
	for (i = 0; i < net->tensors && !err; i++)
		err = set_view(c, &net->tensor[i], &c->view[i]);
	for (i = 0; i < net->operators && !err; i++) {
		plan->operator[i].name = strdup(net->operator[i]->name);
		err = plan->operator[i].name ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	find_needed(c);
	for (i = 0; i < net->inputs; i++)
		add_slot(c, net->input[i], true);
	for (i = 0; i < net->outputs; i++)
		add_slot(c, net->output[i], false);
	return c->error;
}

/* ---- steps --------------------------------------------------------------------------------------------- */

struct xqn_step *xqn_new_step(struct xqn_compiler *c, enum xqn_step_kind kind)
{
	static _Thread_local struct xqn_step waste;
	struct xq_plan *plan = c->plan;
	struct xqn_step *more = xqn_grown(plan->step, plan->steps, sizeof(*more)), *step = &waste;
	unsigned int i;

	if (more) {
		plan->step = more;
		step = &more[plan->steps++];
	} else {
		c->error = -ENOMEM;
	}
	*step = (struct xqn_step){ .kind = kind, .operator = c->op->number };
	for (i = 0; i < XQ_OPERANDS; i++)
		step->place[i].storage = -1;
	return step;
}

static int lower(struct xqn_compiler *c)
{
	switch (c->op->kind) {
	case XQN_PRODUCT:
		return xqn_lower_product(c);
	case XQN_GROUPED:
		return xqn_lower_grouped(c);
	case XQN_CONVOLUTION:
		return xqn_lower_convolution(c);
	case XQN_POOL:
		return xqn_lower_pool(c);
	case XQN_ADD:
	case XQN_MUL:
		return xqn_lower_elementwise(c);
	case XQN_SOFTMAX:
		return xqn_lower_softmax(c);
	case XQN_MEAN:
		return xqn_lower_mean(c);
	case XQN_LOOKUP:
		return xqn_lower_lookup(c);
	case XQN_CONVERT:
		return xqn_lower_convert(c);
	case XQN_CUSTOM:
		return xqn_lower_custom(c);
	default:
		return xqn_lower_move(c);
	}
}

/* Reshapes and slices decide about their output themselves: it may be in the memory of their input. */
static void place_outputs(struct xqn_compiler *c)
{
	const enum xqn_kind kind = xqn_moves_as(c, c->op);
	unsigned int i;

	if (kind == XQN_RESHAPE || kind == XQN_SLICE)
		return;
	for (i = 0; i < c->op->outputs; i++)
		if (xqn_view(c, c->op->output[i])->storage < 0)
			xqn_new_view(c, xqn_view(c, c->op->output[i]));
}

/* Constants that are read as tensors are among the constants. */
static void place_constants(struct xqn_compiler *c)
{
	const bool reads = c->op->kind == XQN_ADD || c->op->kind == XQN_MUL || c->op->kind == XQN_CONCAT ||
			   c->op->kind == XQN_CUSTOM;
	unsigned int i;

	for (i = 0; i < c->op->inputs && reads; i++) {
		struct xqn_view *view = xqn_view(c, c->op->input[i]);

		if (view->storage < 0 && xqn_constant(xqn_tensor(c->net, c->op->input[i])))
			view->storage = xqn_constant_tensor(c, xqn_tensor(c->net, c->op->input[i]));
	}
}

int xqn_too_large(struct xqn_compiler *c)
{
	return xqn_fail_at(c->net, c->op, -EINVAL, "its sizes are more than the device takes at once");
}

/* Everything that is to be known of a job fits its words, whoever runs it. */
static int finish_step(struct xqn_compiler *c, struct xqn_step *step)
{
	__u32 of_a[XQ_FORMATS];
	const struct xq_abilities has = {
		.pairs = step->cpu ? of_a : c->dev->pairs.of_a, .tiled = step->cpu ? xqk_tiled() : c->dev->pairs.tiled,
		.features = step->cpu ? ~0ULL : c->dev->info.features, .max_dim = c->dev->info.max_dim,
	};
	unsigned int i;
	int err;

	if (step->kind == XQN_CALL)
		return 0;
	xqn_set_words(step);
	for (i = 0; i < XQ_FORMATS; i++)
		of_a[i] = xqk_pairs(i);
	err = xq_work_check(&step->work, &has);
	return err ? xqn_fail_at(c->net, c->op, err, "its sizes are more than the device takes at once") : 0;
}

/*
 * A job's output may not lie among its inputs, not even between their rows, as it would where both are parts of one
 * concatenation. Such an output is made elsewhere first.
 */
static bool meets_inputs(struct xqn_compiler *c, const struct xqn_view *y)
{
	unsigned int i;

	for (i = 0; i < c->op->inputs; i++)
		if (xqn_view(c, c->op->input[i])->storage == y->storage && y->storage >= 0)
			return true;
	return false;
}

static int lower_apart(struct xqn_compiler *c)
{
	struct xqn_view kept[XQ_NETWORK_OPERANDS];
	const struct xqn_operator *op = c->op;
	const enum xqn_kind kind = xqn_moves_as(c, op);
	unsigned int i;
	int err;

	if (kind == XQN_CONCAT || kind == XQN_RESHAPE || kind == XQN_SLICE)
		return lower(c);
	for (i = 0; i < op->outputs; i++) {
		struct xqn_view *y = xqn_view(c, op->output[i]);

		kept[i] = *y;
		if (meets_inputs(c, y))
			xqn_new_view(c, y);
	}
	err = lower(c);
	for (i = 0; i < op->outputs && !err; i++) {
		struct xqn_view *y = xqn_view(c, op->output[i]);

		if (y->storage != kept[i].storage)
			xqn_copy(c, y, &kept[i]);
		*y = kept[i];
	}
	return err;
}

static int lower_all(struct xqn_compiler *c)
{
	unsigned int i, s;
	int err = 0;

	for (i = 0; i < c->net->operators && !err; i++) {
		struct xqn_plan_operator *info = &c->plan->operator[i];

		c->op = c->net->operator[i];
		if (!c->needed[i])
			continue;
		s = c->plan->steps;
		place_constants(c);
		place_outputs(c);
		err = lower_apart(c);
		if (!err)
			err = c->error;
		for (; s < c->plan->steps && !err; s++) {
			err = finish_step(c, &c->plan->step[s]);
			info->cpu |= c->plan->step[s].cpu;
			info->device |= !c->plan->step[s].cpu;
			info->jobs += !c->plan->step[s].cpu;
		}
	}
	return err;
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

static void use(struct xq_plan *plan, int storage, int step)
{
	if (storage < 0)
		return;
	if (plan->storage[storage].first < 0)
		plan->storage[storage].first = step;
	plan->storage[storage].last = step;
}

static void find_lifetimes(struct xq_plan *plan)
{
	unsigned int i, j;

	for (i = 0; i < plan->steps; i++) {
		const struct xqn_step *step = &plan->step[i];

		for (j = 0; j < XQ_OPERANDS; j++)
			use(plan, step->place[j].storage, (int)i);
		for (j = 0; step->call && j < step->call->inputs + step->call->outputs; j++)
			use(plan, step->call->view[j].storage, (int)i);
	}
}

static int plan_arena(struct xqn_compiler *c)
{
	struct xq_plan *plan = c->plan;
	struct xqn_extent *extent = calloc(plan->storages + 1, sizeof(*extent));
	unsigned int count = 0, i;
	size_t bytes;

	if (!extent)
		return -ENOMEM;
	for (i = 0; i < plan->storages; i++) {
		const struct xqn_storage *s = &plan->storage[i];

		if (s->region == XQN_ARENA && s->first >= 0)
			extent[count++] = (struct xqn_extent){ s->bytes, s->align, 0, s->first, s->last };
	}
	bytes = xqn_pack_memory(extent, count, &plan->memory.live);
	if (bytes == SIZE_MAX) {
		free(extent);
		return plan->memory.live ? xqn_fail(c->net, -EOVERFLOW,
						    "tensors take more memory than there are addresses") : -ENOMEM;
	}
	for (i = count = 0; i < plan->storages; i++)
		if (plan->storage[i].region == XQN_ARENA && plan->storage[i].first >= 0)
			plan->storage[i].offset = extent[count++].offset;
	free(extent);
	plan->memory.activations = bytes;
	return 0;
}

static int make_constants(struct xqn_compiler *c)
{
	struct xq_plan *plan = c->plan;
	size_t bytes = 0;
	unsigned int i;
	int err;

	for (i = 0; i < plan->storages; i++) {
		struct xqn_storage *s = &plan->storage[i];

		if (s->region != XQN_CONSTANT)
			continue;
		if (__builtin_add_overflow(bytes, s->align - 1, &bytes) ||
		    __builtin_add_overflow(bytes / s->align * s->align, s->bytes, &bytes))
			return xqn_fail(c->net, -EOVERFLOW, "constants take more memory than there are addresses");
		s->offset = bytes - s->bytes;
	}
	plan->memory.constants = bytes;
	if (!bytes)
		return 0;
	err = xq_buffer_create(plan->dev, bytes, &plan->constants);
	if (err)
		return xqn_fail(c->net, err, "the device has no buffer of %zu bytes for the constants", bytes);
	for (i = 0; i < c->constants && !err; i++)
		err = xqn_fill_constant(c->net, &c->constant[i], (uint8_t *)xq_buffer_data(plan->constants) +
					plan->storage[c->constant[i].storage].offset);
	return err;
}

static int compile(struct xqn_compiler *c)
{
	int err = begin(c);

	if (!err)
		err = xqn_place_tensors(c);
	if (!err)
		err = lower_all(c);
	if (err)
		return err;
	find_lifetimes(c->plan);
	err = plan_arena(c);
	if (!err)
		err = make_constants(c);
	if (err)
		return err;
	err = xqn_record(c->plan);
	return err ? xqn_fail(c->net, err, "the device does not take the network's jobs") : 0;
}

int xq_network_compile(struct xq_network *net, struct xq_device *dev, size_t batch, struct xq_plan **plan)
{
	struct xqn_compiler c = { .net = net, .dev = dev, .batch = batch };
	unsigned int i;
	int err = batch ? xqn_check(net) : xqn_fail(net, -EINVAL, "a batch has at least one element");

	if (err)
		return err;
	net->error[0] = 0;
	c.plan = calloc(1, sizeof(*c.plan));
	if (!c.plan)
		return xqn_fail(net, -ENOMEM, "no memory for a plan");
	c.plan->dev = dev;
	err = compile(&c);
	for (i = 0; i < c.constants; i++)
		free(c.constant[i].bytes);
	free(c.constant);
	free(c.needed);
	if (err) {
		xq_plan_destroy(c.plan);
		return net->error[0] ? err : xqn_fail(net, err, "no memory for a plan");
	}
	*plan = c.plan;
	return 0;
}
