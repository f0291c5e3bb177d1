// SPDX-License-Identifier: MIT
/*
 * Weights packed for the device: tiles and scales, as xqaccel/grouped.h makes them of unpacked elements. A tensor is packed
 * when the first product needs it, and stays so as long as its buffer holds weights that nobody overwrites.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"
#include "weights.h"

#define BUCKETS	1024

/* ---- packing ------------------------------------------------------------------------------------- */

/**
 * struct unpacked - a matrix between ggml's blocks and the device's tiles
 */
struct unpacked {
	int8_t *codes;
	uint8_t *scale, *min, *scale2, *min2;
};

static size_t type_bytes(enum xq_type type)
{
	return xq_type_bits(type) / 8;
}

static void free_unpacked(struct unpacked *u)
{
	free(u->codes);
	free(u->scale);
	free(u->min);
	free(u->scale2);
	free(u->min2);
}

/* One byte more, since a product of no groups is not an error. */
static bool alloc_unpacked(struct unpacked *u, const struct xqg_blocks *f, size_t rows, size_t columns)
{
	const size_t groups = rows * (columns / f->group), blocks = rows * (columns / f->elements);

	u->codes = malloc(rows * columns + 1);
	u->scale = malloc(groups * type_bytes(f->scale) + 1);
	u->min = malloc(groups * type_bytes(f->min) + 1);
	u->scale2 = malloc(blocks * type_bytes(f->scale2) + 1);
	u->min2 = malloc(blocks * type_bytes(f->min2) + 1);
	return u->codes && u->scale && u->min && u->scale2 && u->min2;
}

static void unpack(const struct xqg_blocks *f, const uint8_t *data, size_t stride, size_t rows, size_t columns,
		   const struct unpacked *u)
{
	const size_t groups = f->elements / f->group;
	struct xqg_parts to = { u->codes, u->scale, u->min, u->scale2, u->min2 };
	size_t row, block;

	for (row = 0; row < rows; row++) {
		for (block = 0; block < columns / f->elements; block++) {
			f->split(data + row * stride + block * f->bytes, &to);
			to.codes += f->elements;
			to.scale += groups * type_bytes(f->scale);
			to.min += groups * type_bytes(f->min);
			to.scale2 += type_bytes(f->scale2);
			to.min2 += type_bytes(f->min2);
		}
	}
}

uint32_t xqg_weights_x_group(const struct xqg_accel *accel, const struct xqg_blocks *format)
{
	return accel->sums && xqg_blocks_summed(format) ? format->elements : format->group;
}

static int pack_matrix(struct xqg_accel *accel, const struct xqg_blocks *f, const uint8_t *data, size_t stride,
		       size_t rows, size_t columns, struct xq_grouped **matrix)
{
	const bool summed = accel->sums && xqg_blocks_summed(f);
	struct unpacked u = { 0 };
	int err = -ENOMEM;

	if (alloc_unpacked(&u, f, rows, columns)) {
		const struct xq_grouped_config config = {
			.inputs = columns, .outputs = rows, .group = f->group,
			.w_supergroup = f->scale2 || f->min2 ? f->elements : 0,
			.x_type = XQ_S8, .w_type = f->code_type, .weights = u.codes, .w_zp = f->zero_point,
			.codebook = f->codebook ? f->codebook() : NULL,
			.x_scales = { .type = summed ? XQ_NONE : XQ_F32, .type2 = summed ? XQ_F32 : XQ_NONE },
			.x_supergroup = summed ? f->elements : 0, .supergroup_sum = summed,
			.w_scales = { f->scale, f->scale2, u.scale, u.scale2 },
			.w_minima = { f->min, f->min2, u.min, u.min2 },
		};

		unpack(f, data, stride, rows, columns, &u);
		err = xq_grouped_create(accel->dev, &config, matrix);
	}
	free_unpacked(&u);
	return err;
}

int xqg_weights_pack(struct xqg_accel *accel, const struct xqg_tensor *tensor, struct xqg_weights **weights)
{
	const size_t count = (size_t)(tensor->ne[2] * tensor->ne[3]);
	struct xqg_weights *w = calloc(1, sizeof(*w) + count * sizeof(w->matrix[0]));
	size_t i;
	int err = w ? 0 : -ENOMEM;

	if (err)
		return err;
	w->format = xqg_blocks(tensor->type);
	for (i = 0; i < count && !err; i++) {
		const uint8_t *data = (const uint8_t *)tensor->data + i % (size_t)tensor->ne[2] * tensor->nb[2] +
				      i / (size_t)tensor->ne[2] * tensor->nb[3];

		err = pack_matrix(accel, w->format, data, tensor->nb[1], (size_t)tensor->ne[1],
				  (size_t)tensor->ne[0], &w->matrix[i]);
		if (!err) {
			w->count++;
			w->bytes += xq_grouped_bytes(w->matrix[i]);
		}
	}
	xqg_accel_account(accel, w->bytes, 0);
	if (err) {
		xqg_log(XQG_ERROR, "%s: can't pack %s: %s", accel->name, tensor->name, strerror(-err));
		xqg_weights_free(accel, w);
		return err;
	}
	*weights = w;
	return 0;
}

void xqg_weights_free(struct xqg_accel *accel, struct xqg_weights *weights)
{
	size_t i;

	if (!weights)
		return;
	for (i = 0; i < weights->count; i++)
		xq_grouped_destroy(weights->matrix[i]);
	xqg_accel_account(accel, 0, weights->bytes);
	free(weights);
}

/* ---- keeping them ------------------------------------------------------------------------------------ */

/**
 * struct entry - packed weights, by where and what the tensor is: a view has an entry of its own
 */
struct entry {
	const uint8_t *data;
	size_t bytes;
	int type;
	int64_t ne[XQG_DIMS];
	size_t nb[XQG_DIMS];
	struct xqg_weights *weights;
	struct entry *next;
};

/**
 * struct xqg_weight_cache - packed weights of a buffer
 * @lock: protects the lists; held while weights are packed, so that two threads don't do so twice
 */
struct xqg_weight_cache {
	struct xqg_accel *accel;
	pthread_mutex_t lock;
	size_t entries;
	struct entry *bucket[BUCKETS];
};

static struct entry **bucket_of(struct xqg_weight_cache *cache, const void *data)
{
	return &cache->bucket[(uintptr_t)data / XQG_ALIGNMENT % BUCKETS];
}

static bool same(const struct entry *e, const struct xqg_tensor *t)
{
	return e->data == t->data && e->type == t->type && !memcmp(e->ne, t->ne, sizeof(e->ne)) &&
	       !memcmp(e->nb, t->nb, sizeof(e->nb));
}

static size_t reach(const struct xqg_tensor *t)
{
	size_t bytes = (size_t)t->ne[0] / xqg_blocks(t->type)->elements * t->nb[0];
	int i;

	for (i = 1; i < XQG_DIMS; i++)
		bytes += (size_t)(t->ne[i] - 1) * t->nb[i];
	return bytes;
}

static int add_entry(struct xqg_weight_cache *cache, const struct xqg_tensor *t, struct entry **added)
{
	struct entry **bucket = bucket_of(cache, t->data);
	struct entry *e = calloc(1, sizeof(*e));
	int err = e ? xqg_weights_pack(cache->accel, t, &e->weights) : -ENOMEM;

	if (err) {
		free(e);
		return err;
	}
	e->data = t->data;
	e->bytes = reach(t);
	e->type = t->type;
	memcpy(e->ne, t->ne, sizeof(e->ne));
	memcpy(e->nb, t->nb, sizeof(e->nb));
	e->next = *bucket;
	*bucket = e;
	cache->entries++;
	*added = e;
	return 0;
}

int xqg_weights_get(struct xqg_weight_cache *cache, const struct xqg_tensor *tensor,
		    const struct xqg_weights **weights)
{
	struct entry *e;
	int err = 0;

	pthread_mutex_lock(&cache->lock);
	for (e = *bucket_of(cache, tensor->data); e && !same(e, tensor); e = e->next)
		;
	if (!e)
		err = add_entry(cache, tensor, &e);
	pthread_mutex_unlock(&cache->lock);
	if (!err)
		*weights = e->weights;
	return err;
}

void xqg_weights_forget(struct xqg_weight_cache *cache, const void *memory, size_t bytes)
{
	const uint8_t *from = memory;
	size_t i;

	pthread_mutex_lock(&cache->lock);
	for (i = 0; i < BUCKETS && cache->entries; i++) {
		struct entry **at = &cache->bucket[i];

		while (*at) {
			struct entry *e = *at;

			if (e->data >= from + bytes || e->data + e->bytes <= from) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			xqg_weights_free(cache->accel, e->weights);
			free(e);
			cache->entries--;
		}
	}
	pthread_mutex_unlock(&cache->lock);
}

struct xqg_weight_cache *xqg_weights_create(struct xqg_accel *accel)
{
	struct xqg_weight_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->accel = accel;
		pthread_mutex_init(&cache->lock, NULL);
	}
	return cache;
}

void xqg_weights_destroy(struct xqg_weight_cache *cache)
{
	if (!cache)
		return;
	xqg_weights_forget(cache, NULL, SIZE_MAX);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}
