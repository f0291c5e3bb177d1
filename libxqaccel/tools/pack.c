// SPDX-License-Identifier: MIT
/*
 * xq pack: a tensor in one of the orders in which packed tensors lie.
 */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "options.h"
#include "order.h"
#include "output.h"
#include "progress.h"

struct pack {
	const char *path, *output, *order;
	enum xq_type wanted;

	struct tensor t;
	struct packed packed;
};

static int parse(struct pack *p, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &p->output, "FILE", "where the bytes go; to a name that ends in .npy as uint8", NULL },
		{ "order", 0, OPTION_WORD, &p->order, ORDER_NAMES, "see below", NULL },
		{ "type", 0, OPTION_TYPE, &p->wanted, OPTION_TYPES_RIGHT, "of the elements; default: from the dtype", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL, ORDER_HELP, NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &p->path, 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!p->output)
		return usage("-o FILE is missing");
	if (!p->order)
		return usage("--order is missing");
	return OPTIONS_DONE;
}

/* Blocks are made of float32. */
static int to_float32(const char *path, struct tensor *t)
{
	struct tensor floats;

	if (t->kind != 'f')
		return fail("%s must be of a floating type (it is %s)", path, tensor_type_name(t));
	if (t->bytes == 4)
		return 0;
	if (!tensor_alloc(&floats, 'f', 4, t->ndim, t->dim))
		return fail("there is not enough memory for float32 %s", tensor_shape(t));
	for (size_t i = 0; i < t->count; i++)
		((float *)floats.data)[i] = (float)tensor_double(t, i);
	tensor_free(t);
	*t = floats;
	return 0;
}

static int read_input(struct pack *p)
{
	const struct order *order = order_find(p->order);
	struct tensor bytes;
	enum xq_type type = XQ_NONE;

	if (argument_tensor(p->path, &p->t))
		return EXIT_ERROR;
	if (order->kind == ORDER_GGML) {
		type = p->wanted;
		if (to_float32(p->path, &p->t))
			return EXIT_ERROR;
	} else if (argument_elements("type", p->path, &p->t, p->wanted ? p->wanted : order->type, &type)) {
		return EXIT_ERROR;
	}
	if (order_shape(order, type, &p->t, &p->packed))
		return EXIT_ERROR;
	bytes = p->packed.bytes;
	if (!tensor_alloc(&p->packed.bytes, 'u', 1, bytes.ndim, bytes.dim))
		return fail("there is not enough memory for uint8 %s", tensor_shape(&bytes));
	return 0;
}

static int write_bytes(const char *path, const struct tensor *bytes)
{
	const size_t length = strlen(path);

	if (length > 4 && !strcmp(path + length - 4, ".npy"))
		return output_tensor(path, bytes);
	return output_bytes(path, bytes->data, bytes->count);
}

int cmd_pack(int argc, char **argv)
{
	struct pack p = { 0 };
	int status = parse(&p, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = output_prepare(p.output) || read_input(&p);
	if (!status) {
		progress_start("pack", NULL, 0);
		status = order_pack(&p.packed, &p.t);
		progress_stop();
	}
	status = status || write_bytes(p.output, &p.packed.bytes) || output_commit();
	tensor_free(&p.t);
	tensor_free(&p.packed.bytes);
	return status ? EXIT_ERROR : EXIT_OK;
}
