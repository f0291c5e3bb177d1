/* SPDX-License-Identifier: MIT */
/* What the peers of oneDNN share: its functions, an engine, and data into layouts that it prefers. */
#ifndef XQ_BENCH_PEER_ONEDNN_ENGINE_H
#define XQ_BENCH_PEER_ONEDNN_ENGINE_H

#include <stdbool.h>

#include <oneapi/dnnl/dnnl.h>

#define ONEDNN_FUNCTIONS(DO)						\
	DO(dnnl_version)						\
	DO(dnnl_engine_create)						\
	DO(dnnl_stream_create)						\
	DO(dnnl_stream_wait)						\
	DO(dnnl_memory_desc_create_with_strides)			\
	DO(dnnl_memory_desc_create_with_tag)				\
	DO(dnnl_memory_desc_destroy)					\
	DO(dnnl_memory_create)						\
	DO(dnnl_memory_destroy)						\
	DO(dnnl_memory_get_data_handle)					\
	DO(dnnl_matmul_primitive_desc_create)				\
	DO(dnnl_inner_product_forward_primitive_desc_create)		\
	DO(dnnl_convolution_forward_primitive_desc_create)		\
	DO(dnnl_primitive_attr_create)					\
	DO(dnnl_primitive_attr_destroy)					\
	DO(dnnl_primitive_attr_set_scales_mask)				\
	DO(dnnl_reorder_primitive_desc_create)				\
	DO(dnnl_primitive_desc_query_md)				\
	DO(dnnl_primitive_desc_destroy)					\
	DO(dnnl_primitive_create)					\
	DO(dnnl_primitive_destroy)					\
	DO(dnnl_primitive_execute)

#define ONEDNN_FUNCTION(name)	__typeof__(&name) name;

struct onednn {
	ONEDNN_FUNCTIONS(ONEDNN_FUNCTION)
	dnnl_engine_t engine;
	dnnl_stream_t stream;
};

extern struct onednn onednn;

/* Opens the library, once. As query of struct peer. */
const char *onednn_query(char *version, unsigned int size);

/* What lies as `from` says into a memory of the primitive's own layout. */
bool onednn_reorder(const void *data, const_dnnl_memory_desc_t from, dnnl_memory_t to,
		    const_dnnl_memory_desc_t to_desc);

#endif
