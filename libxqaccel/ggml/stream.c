// SPDX-License-Identifier: MIT
/* A stream computes graphs: it adds the jobs of their products and waits for all of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "product.h"
#include "symbols.h"

/**
 * struct xqg_context - what stands behind a stream
 */
struct xqg_context {
	struct xqg_products products;
	struct xqg_host host;
};

/* The plugin's own number among ggml's backends. */
static const uint8_t guid[16] = {
	0x9c, 0x1b, 0x5e, 0x0a, 0x64, 0xd2, 0x4f, 0x3b, 0x8a, 0x77, 0x21, 0xc4, 0xe6, 0x0d, 0xf8, 0x53
};

static const char *get_name(struct xqg_stream *stream)
{
	return ((struct xqg_context *)stream->context)->products.jobs.accel->name;
}

/* Not to ggml's log: programs hide what is there. */
static void report(const struct xqg_jobs *jobs)
{
	const struct xqg_job_totals *t = &jobs->totals;

	if (getenv("XQACCEL_GGML_STATS") && t->jobs)
		fprintf(stderr, "xqaccel: %s: %llu jobs, %.3f s on the device, %.2f GMAC, %.1f MiB moved\n",
			jobs->accel->name, (unsigned long long)t->jobs, (double)t->device_ns / 1e9,
			(double)t->macs / 1e9, (double)t->bytes / (1 << 20));
}

static void free_stream(struct xqg_stream *stream)
{
	struct xqg_context *c = stream->context;

	report(&c->products.jobs);
	xqg_jobs_exit(&c->products.jobs);
	xqg_host_exit(&c->host);
	free(c);
	free(stream);
}

/* Here and now, so jobs whose results it takes have to end first. */
static int compute_host(struct xqg_context *c, const struct xqg_tensor *node)
{
	int err = xqg_jobs_flush(&c->products.jobs);

	if (!err)
		err = xqg_host_compute(&c->host, node);
	xqg_products_wrote(&c->products, err ? NULL : node);
	return err;
}

static int compute_node(struct xqg_context *c, const struct xqg_tensor *node)
{
	if (!(node->flags & XQG_FLAG_COMPUTE))
		return 0;
	if (node->op == xqg.op_mul_mat)
		return xqg_product(&c->products, node);
	if (node->op == xqg.op_mul_mat_id)
		return xqg_product_experts(&c->products, node);
	if (node->op == xqg.op_none || node->op == xqg.op_reshape || node->op == xqg.op_view ||
	    node->op == xqg.op_permute || node->op == xqg.op_transpose)
		return 0;
	if (xqg_host_supported(node))
		return compute_host(c, node);
	xqg_log(XQG_ERROR, "%s: an operation that wasn't claimed: %s", c->products.jobs.accel->name,
		xqg.op_name(node->op));
	return -EOPNOTSUPP;
}

static const char *reason(int err)
{
	switch (err) {
	case -ENODEV:
		return "the device is gone";
	case -ECANCELED:
		return "the device was reset";
	case -ETIMEDOUT:
		return "a job took longer than its limit";
	case -EBUSY:
		return "all contexts of the device are taken";
	case -ENOSPC:
		return "all queues that a process may have are taken";
	default:
		return strerror(-err);
	}
}

static enum xqg_status graph_compute(struct xqg_stream *stream, struct xqg_graph *graph)
{
	struct xqg_context *c = stream->context;
	struct xqg_products *p = &c->products;
	const int nodes = xqg.graph_n_nodes(graph);
	int err = 0, flushed, i;

	xqg_products_wrote(p, NULL);
	for (i = 0; i < nodes && !err; i++)
		err = compute_node(c, xqg.graph_node(graph, i));
	flushed = xqg_jobs_flush(&p->jobs);
	if (!err)
		err = flushed;
	if (!err)
		return XQG_SUCCESS;
	xqg_log(XQG_ERROR, "%s: %s", p->jobs.accel->name, reason(err));
	return err == -ENOMEM || err == -ENOSPC ? XQG_ALLOC_FAILED : XQG_FAILED;
}

void xqg_stream_set_threads(struct xqg_stream *stream, int threads)
{
	struct xqg_context *c = stream->context;

	xqg_pool_set_threads(c->host.pool, threads > 0 ? (unsigned int)threads : 1);
}

static struct xqg_context *create_context(struct xqg_accel *accel, int *err)
{
	struct xqg_context *c = calloc(1, sizeof(*c));

	*err = c ? xqg_host_init(&c->host) : -ENOMEM;
	if (!*err)
		*err = xqg_jobs_init(&c->products.jobs, accel);
	if (!*err)
		return c;
	if (c)
		xqg_host_exit(&c->host);
	free(c);
	return NULL;
}

struct xqg_stream *xqg_stream_create(struct xqg_accel *accel)
{
	struct xqg_stream *stream = calloc(1, sizeof(*stream));
	int err = -ENOMEM;
	struct xqg_context *c = stream ? create_context(accel, &err) : NULL;

	if (err) {
		xqg_log(XQG_ERROR, "%s: no queue: %s", accel->name, reason(err));
		free(stream);
		return NULL;
	}
	*stream = (struct xqg_stream){
		.guid = &guid,
		.iface = { .get_name = get_name, .free = free_stream, .graph_compute = graph_compute },
		.device = &accel->device,
		.context = c,
	};
	return stream;
}
