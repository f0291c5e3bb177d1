// SPDX-License-Identifier: MIT
/*
 * Memory. It is the device's and the host's at once, tensors lie in it as ggml has them, so nothing is copied where a
 * graph changes from one device to another. Packed weights are a second copy (weights.c) beside those that the file's mapping
 * holds: a model that is mapped has no other copy in locked memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel.h"
#include "symbols.h"
#include "weights.h"

/**
 * struct memory - what stands behind a buffer of ggml
 * @buffer: NULL for memory of the caller, and for a buffer of no bytes
 * @weights: packed ones of the tensors in it
 */
struct memory {
	struct xqg_accel *accel;
	struct xq_buffer *buffer;
	uint8_t *base;
	struct xqg_weight_cache *weights;
};

void xqg_accel_account(struct xqg_accel *accel, size_t plus, size_t minus)
{
	pthread_mutex_lock(&accel->lock);
	accel->used += plus - minus;
	pthread_mutex_unlock(&accel->lock);
}

/* ---- buffers ------------------------------------------------------------------------------------- */

static void free_buffer(struct xqg_buffer *buffer)
{
	struct memory *m = buffer->context;

	xqg_weights_destroy(m->weights);
	if (m->buffer)
		xqg_accel_account(m->accel, 0, xq_buffer_size(m->buffer));
	xq_buffer_destroy(m->buffer);
	free(m);
}

static void *get_base(struct xqg_buffer *buffer)
{
	return ((struct memory *)buffer->context)->base;
}

static void memset_tensor(struct xqg_buffer *buffer, struct xqg_tensor *tensor, uint8_t value, size_t offset,
			  size_t size)
{
	struct memory *m = buffer->context;

	memset((uint8_t *)tensor->data + offset, value, size);
	xqg_weights_forget(m->weights, (uint8_t *)tensor->data + offset, size);
}

static void set_tensor(struct xqg_buffer *buffer, struct xqg_tensor *tensor, const void *data, size_t offset,
		       size_t size)
{
	struct memory *m = buffer->context;

	memcpy((uint8_t *)tensor->data + offset, data, size);
	xqg_weights_forget(m->weights, (uint8_t *)tensor->data + offset, size);
}

static void get_tensor(struct xqg_buffer *buffer, const struct xqg_tensor *tensor, void *data, size_t offset,
		       size_t size)
{
	(void)buffer;
	memcpy(data, (const uint8_t *)tensor->data + offset, size);
}

static void clear(struct xqg_buffer *buffer, uint8_t value)
{
	struct memory *m = buffer->context;

	memset(m->base, value, buffer->size);
	xqg_weights_forget(m->weights, m->base, buffer->size);
}

static const struct xqg_buffer_iface buffer_iface = {
	.free_buffer = free_buffer, .get_base = get_base, .memset_tensor = memset_tensor, .set_tensor = set_tensor,
	.get_tensor = get_tensor, .clear = clear,
};

static struct xqg_buffer *wrap(struct xqg_accel *accel, struct xq_buffer *buffer, void *base, size_t bytes)
{
	struct memory *m = calloc(1, sizeof(*m));
	struct xqg_buffer *wrapped = NULL;

	if (m)
		m->weights = xqg_weights_create(accel);
	if (m && m->weights) {
		m->accel = accel;
		m->buffer = buffer;
		m->base = base;
		wrapped = xqg.buffer_init(&accel->type, buffer_iface, m, bytes);
	}
	if (!wrapped) {
		xqg_weights_destroy(m ? m->weights : NULL);
		free(m);
		xq_buffer_destroy(buffer);
	}
	return wrapped;
}

struct xqg_buffer *xqg_buffer_over(struct xqg_accel *accel, void *memory, size_t bytes)
{
	return wrap(accel, NULL, memory, bytes);
}

bool xqg_buffer_operand(const struct xqg_accel *accel, const struct xqg_tensor *tensor,
			struct xqaccel_operand *operand)
{
	const struct xqg_buffer *buffer = tensor->buffer;
	const struct memory *m;

	if (!buffer || buffer->type != &accel->type)
		return false;
	m = buffer->context;
	if (!m || !m->buffer)
		return false;
	*operand = (struct xqaccel_operand){
		.handle = xq_buffer_handle(m->buffer),
		.offset = (uint64_t)((const uint8_t *)tensor->data - m->base),
	};
	return true;
}

bool xqg_buffer_may_hold_weights(const struct xqg_accel *accel, const struct xqg_tensor *tensor)
{
	const struct xqg_buffer *buffer = tensor->buffer;

	return !buffer || !buffer->size || (buffer->type == &accel->type && buffer->usage == XQG_USAGE_WEIGHTS);
}

struct xqg_weight_cache *xqg_buffer_weights(const struct xqg_accel *accel, const struct xqg_buffer *buffer)
{
	return buffer && buffer->usage == XQG_USAGE_WEIGHTS && buffer->type == &accel->type && buffer->context ?
	       ((struct memory *)buffer->context)->weights : NULL;
}

/* ---- their type -------------------------------------------------------------------------------------- */

static struct xqg_accel *accel_of(struct xqg_buffer_type *type)
{
	return (struct xqg_accel *)((char *)type - offsetof(struct xqg_accel, type));
}

static const char *type_name(struct xqg_buffer_type *type)
{
	return accel_of(type)->name;
}

static struct xqg_buffer *alloc_buffer(struct xqg_buffer_type *type, size_t bytes)
{
	struct xqg_accel *accel = accel_of(type);
	struct xqg_buffer *wrapped;
	struct xq_buffer *buffer;
	int err = xq_buffer_create(accel->dev, bytes, &buffer);

	if (err) {
		xqg_log(XQG_ERROR, "%s: no buffer of %zu bytes: %s", accel->name, bytes,
			err == -EBUSY ? "all contexts of the device are taken" : strerror(-err));
		return NULL;
	}
	wrapped = wrap(accel, buffer, xq_buffer_data(buffer), bytes);
	if (wrapped)
		xqg_accel_account(accel, xq_buffer_size(buffer), 0);
	return wrapped;
}

static size_t get_alignment(struct xqg_buffer_type *type)
{
	(void)type;
	return XQG_ALIGNMENT;
}

static size_t get_max_size(struct xqg_buffer_type *type)
{
	return xq_device_info(accel_of(type)->dev)->max_buffer_bytes;
}

static bool is_host(struct xqg_buffer_type *type)
{
	(void)type;
	return true;
}

void xqg_buffer_type_init(struct xqg_accel *accel)
{
	const struct xqg_buffer_type_tail tail = { .device = &accel->device };

	if (xqg.api == 2) {
		accel->type.api2.iface = (struct xqg_buffer_type_api2){
			.get_name = type_name, .alloc_buffer = alloc_buffer, .get_alignment = get_alignment,
			.get_max_size = get_max_size, .is_host = is_host,
		};
		accel->type.api2.tail = tail;
	} else {
		accel->type.api3.iface = (struct xqg_buffer_type_api3){
			.get_name = type_name, .alloc_buffer = alloc_buffer, .get_alignment = get_alignment,
			.get_max_size = get_max_size, .is_host = is_host,
		};
		accel->type.api3.tail = tail;
	}
}

bool xqg_buffer_type_ours(const struct xqg_buffer_type *type)
{
	return (xqg.api == 2 ? (void *)type->api2.iface.get_name : (void *)type->api3.iface.get_name) ==
	       (void *)type_name;
}
