// SPDX-License-Identifier: MIT
/* oneDNN's functions, and its engine. */
#include <stdio.h>

#include "onednn_engine.h"
#include "symbols.h"

#define SYMBOL(name)	{ #name, (void **)&onednn.name },

struct onednn onednn;

const char *onednn_query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = { ONEDNN_FUNCTIONS(SYMBOL) { NULL, NULL } };
	const char *error = onednn.stream ? NULL : peer_load(DNNL_SONAME, symbols);
	const dnnl_version_t *v;

	if (error)
		return error;
	if (!onednn.stream &&
	    (onednn.dnnl_engine_create(&onednn.engine, dnnl_cpu, 0) != dnnl_success ||
	     onednn.dnnl_stream_create(&onednn.stream, onednn.engine, dnnl_stream_default_flags) != dnnl_success))
		return "no engine";
	v = onednn.dnnl_version();
	snprintf(version, size, "%d.%d.%d", v->major, v->minor, v->patch);
	return NULL;
}

bool onednn_reorder(const void *data, const_dnnl_memory_desc_t from, dnnl_memory_t to,
		    const_dnnl_memory_desc_t to_desc)
{
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_t primitive = NULL;
	dnnl_memory_t plain = NULL;
	dnnl_exec_arg_t args[2];
	bool ok = onednn.dnnl_memory_create(&plain, from, onednn.engine, (void *)data) == dnnl_success &&
		  onednn.dnnl_reorder_primitive_desc_create(&desc, from, onednn.engine, to_desc, onednn.engine, NULL) ==
		  dnnl_success && onednn.dnnl_primitive_create(&primitive, desc) == dnnl_success;

	if (ok) {
		args[0] = (dnnl_exec_arg_t){ DNNL_ARG_FROM, plain };
		args[1] = (dnnl_exec_arg_t){ DNNL_ARG_TO, to };
		ok = onednn.dnnl_primitive_execute(primitive, onednn.stream, 2, args) == dnnl_success &&
		     onednn.dnnl_stream_wait(onednn.stream) == dnnl_success;
	}
	if (primitive)
		onednn.dnnl_primitive_destroy(primitive);
	if (desc)
		onednn.dnnl_primitive_desc_destroy(desc);
	if (plain)
		onednn.dnnl_memory_destroy(plain);
	return ok;
}
