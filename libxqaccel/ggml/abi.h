/* SPDX-License-Identifier: MIT */
/*
 * What a backend of ggml and ggml itself tell each other: the tables of functions that a plugin fills in, and the members
 * of ggml's structures that it reads. No package ships the first, so they are declared here. ggml checks
 * the number of the interface when it loads a plugin; this one knows 2 (ggml 0.21) and 3 (0.27), which differ in struct
 * xqg_buffer_type only. A tensor's structure is checked by its size (symbols.c).
 *
 * Names are ours, order and types are ggml's. Pointers whose type nobody here needs are void *.
 */
#ifndef XQG_ABI_H
#define XQG_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XQG_DIMS	4
#define XQG_SOURCES	10

enum xqg_status {
	XQG_ALLOC_FAILED = -2,
	XQG_FAILED = -1,
	XQG_SUCCESS = 0,
};

enum xqg_usage {
	XQG_USAGE_ANY,
	XQG_USAGE_WEIGHTS,
	XQG_USAGE_COMPUTE,
};

#define XQG_DEVICE_GPU	1

/* What ggml knows of a type; expand makes floats of blocks. */
struct xqg_type_traits {
	const char *name;
	int64_t elements, interleaved;
	size_t bytes;
	bool quantized;
	void (*expand)(const void *blocks, float *x, int64_t elements);
};

/* Types are numbers in files, so they stay; blocks.h has the quantized ones. */
#define XQG_TYPE_F32	0
#define XQG_TYPE_F16	1
#define XQG_TYPE_I32	26
#define XQG_TYPE_I64	27

/* A node that is to be computed; those without it are there for another graph. */
#define XQG_FLAG_COMPUTE	16

struct xqg_buffer;

/**
 * struct xqg_tensor - a tensor and the operation that gives it
 * @ne: elements of each dimension, the innermost first
 * @nb: bytes from one element, of the first dimension from one block, to the next
 * @op: a number that differs among versions; symbols.h knows those that matter
 */
struct xqg_tensor {
	int type;
	struct xqg_buffer *buffer;
	int64_t ne[XQG_DIMS];
	size_t nb[XQG_DIMS];
	int op;
	int32_t op_params[16];
	int32_t flags;
	struct xqg_tensor *src[XQG_SOURCES];
	struct xqg_tensor *view_src;
	size_t view_offs;
	void *data;
	char name[64];
	void *extra;
	char padding[8];
};

/* ---- buffers ------------------------------------------------------------------------------------- */

struct xqg_buffer_type;

/* As many functions as API 3 has; those of API 2 lack alloc_buffer_n and get_alloc_size_n. */
struct xqg_buffer_type_api2 {
	const char *(*get_name)(struct xqg_buffer_type *type);
	struct xqg_buffer *(*alloc_buffer)(struct xqg_buffer_type *type, size_t size);
	size_t (*get_alignment)(struct xqg_buffer_type *type);
	size_t (*get_max_size)(struct xqg_buffer_type *type);
	size_t (*get_alloc_size)(struct xqg_buffer_type *type, const struct xqg_tensor *tensor);
	bool (*is_host)(struct xqg_buffer_type *type);
};

struct xqg_buffer_type_api3 {
	const char *(*get_name)(struct xqg_buffer_type *type);
	struct xqg_buffer *(*alloc_buffer)(struct xqg_buffer_type *type, size_t size);
	struct xqg_buffer *(*alloc_buffer_n)(struct xqg_buffer_type *type, struct xqg_tensor **tensors, int n);
	size_t (*get_alignment)(struct xqg_buffer_type *type);
	size_t (*get_max_size)(struct xqg_buffer_type *type);
	size_t (*get_alloc_size)(struct xqg_buffer_type *type, const struct xqg_tensor *tensor);
	size_t (*get_alloc_size_n)(struct xqg_buffer_type *type, struct xqg_tensor **tensors, int n);
	bool (*is_host)(struct xqg_buffer_type *type);
};

struct xqg_device;

/* What follows the functions, in both versions. */
struct xqg_buffer_type_tail {
	struct xqg_device *device;
	void *context;
};

/**
 * struct xqg_buffer_type - a kind of memory, as ggml sees it: one of both
 */
struct xqg_buffer_type {
	union {
		struct {
			struct xqg_buffer_type_api2 iface;
			struct xqg_buffer_type_tail tail;
		} api2;
		struct {
			struct xqg_buffer_type_api3 iface;
			struct xqg_buffer_type_tail tail;
		} api3;
	};
};

struct xqg_buffer_iface {
	void (*free_buffer)(struct xqg_buffer *buffer);
	void *(*get_base)(struct xqg_buffer *buffer);
	enum xqg_status (*init_tensor)(struct xqg_buffer *buffer, struct xqg_tensor *tensor);
	void (*memset_tensor)(struct xqg_buffer *buffer, struct xqg_tensor *tensor, uint8_t value, size_t offset,
			      size_t size);
	void (*set_tensor)(struct xqg_buffer *buffer, struct xqg_tensor *tensor, const void *data, size_t offset,
			   size_t size);
	void (*get_tensor)(struct xqg_buffer *buffer, const struct xqg_tensor *tensor, void *data, size_t offset,
			   size_t size);
	void *set_tensor_2d, *get_tensor_2d;
	bool (*cpy_tensor)(struct xqg_buffer *buffer, const struct xqg_tensor *src, struct xqg_tensor *dst);
	void (*clear)(struct xqg_buffer *buffer, uint8_t value);
	void (*reset)(struct xqg_buffer *buffer);
};

struct xqg_buffer {
	struct xqg_buffer_iface iface;
	struct xqg_buffer_type *type;
	void *context;
	size_t size;
	enum xqg_usage usage;
};

/* ---- streams --------------------------------------------------------------------------------------- */

struct xqg_graph;
struct xqg_stream;

struct xqg_stream_iface {
	const char *(*get_name)(struct xqg_stream *stream);
	void (*free)(struct xqg_stream *stream);
	void *set_tensor_async, *get_tensor_async, *set_tensor_2d_async, *get_tensor_2d_async, *cpy_tensor_async;
	void (*synchronize)(struct xqg_stream *stream);
	void *graph_plan_create, *graph_plan_free, *graph_plan_update, *graph_plan_compute;
	enum xqg_status (*graph_compute)(struct xqg_stream *stream, struct xqg_graph *graph);
	void *event_record, *event_wait;
	void *graph_optimize;
};

/**
 * struct xqg_stream - what ggml calls a backend: one queue of work on a device
 */
struct xqg_stream {
	const uint8_t (*guid)[16];
	struct xqg_stream_iface iface;
	struct xqg_device *device;
	void *context;
};

/* ---- devices --------------------------------------------------------------------------------------- */

struct xqg_device_props {
	const char *name, *description;
	size_t memory_free, memory_total;
	int type;
	const char *device_id;
	struct {
		bool async, host_buffer, buffer_from_host_ptr, events;
	} caps;
};

struct xqg_device_iface {
	const char *(*get_name)(struct xqg_device *dev);
	const char *(*get_description)(struct xqg_device *dev);
	void (*get_memory)(struct xqg_device *dev, size_t *free, size_t *total);
	int (*get_type)(struct xqg_device *dev);
	void (*get_props)(struct xqg_device *dev, struct xqg_device_props *props);
	struct xqg_stream *(*init_backend)(struct xqg_device *dev, const char *params);
	struct xqg_buffer_type *(*get_buffer_type)(struct xqg_device *dev);
	struct xqg_buffer_type *(*get_host_buffer_type)(struct xqg_device *dev);
	struct xqg_buffer *(*buffer_from_host_ptr)(struct xqg_device *dev, void *ptr, size_t size,
						   size_t max_tensor_size);
	bool (*supports_op)(struct xqg_device *dev, const struct xqg_tensor *op);
	bool (*supports_buft)(struct xqg_device *dev, struct xqg_buffer_type *type);
	bool (*offload_op)(struct xqg_device *dev, const struct xqg_tensor *op);
	void *event_new, *event_free, *event_synchronize;
};

struct xqg_registry;

struct xqg_device {
	struct xqg_device_iface iface;
	struct xqg_registry *registry;
	void *context;
};

struct xqg_registry_iface {
	const char *(*get_name)(struct xqg_registry *registry);
	size_t (*get_device_count)(struct xqg_registry *registry);
	struct xqg_device *(*get_device)(struct xqg_registry *registry, size_t index);
	void *(*get_proc_address)(struct xqg_registry *registry, const char *name);
};

struct xqg_registry {
	int api_version;
	struct xqg_registry_iface iface;
	void *context;
};

#endif
