// SPDX-License-Identifier: GPL-2.0
/* Any ggml's public calls, its CPU backend and the plugin. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/clients/ggml_calls.h"

struct ggml_calls ggml;
void *device, *backend, *cpu, *registry;

static const struct {
	const char *name;
	void **to;
} calls[] = {
	{ "ggml_backend_load", (void **)&ggml.backend_load },
	{ "ggml_backend_unload", (void **)&ggml.backend_unload },
	{ "ggml_backend_reg_dev_count", (void **)&ggml.reg_dev_count },
	{ "ggml_backend_reg_dev_get", (void **)&ggml.reg_dev_get },
	{ "ggml_backend_dev_init", (void **)&ggml.dev_init },
	{ "ggml_backend_dev_name", (void **)&ggml.dev_name },
	{ "ggml_backend_dev_type", (void **)&ggml.dev_type },
	{ "ggml_backend_dev_memory", (void **)&ggml.dev_memory },
	{ "ggml_backend_dev_supports_op", (void **)&ggml.dev_supports_op },
	{ "ggml_backend_dev_buffer_from_host_ptr", (void **)&ggml.dev_buffer_from_host_ptr },
	{ "ggml_backend_free", (void **)&ggml.backend_free },
	{ "ggml_backend_graph_compute", (void **)&ggml.graph_compute },
	{ "ggml_init", (void **)&ggml.init },
	{ "ggml_free", (void **)&ggml.free_context },
	{ "ggml_new_tensor_4d", (void **)&ggml.new_tensor_4d },
	{ "ggml_mul_mat", (void **)&ggml.mul_mat },
	{ "ggml_mul_mat_id", (void **)&ggml.mul_mat_id },
	{ "ggml_backend_reg_get_proc_address", (void **)&ggml.reg_proc_address },
	{ "ggml_rms_norm", (void **)&ggml.rms_norm },
	{ "ggml_mul", (void **)&ggml.mul },
	{ "ggml_add", (void **)&ggml.add },
	{ "ggml_add_inplace", (void **)&ggml.add_inplace },
	{ "ggml_swiglu_split", (void **)&ggml.swiglu_split },
	{ "ggml_rope_ext", (void **)&ggml.rope_ext },
	{ "ggml_set_rows", (void **)&ggml.set_rows },
	{ "ggml_get_rows", (void **)&ggml.get_rows },
	{ "ggml_flash_attn_ext", (void **)&ggml.flash_attn_ext },
	{ "ggml_fp32_to_fp16_row", (void **)&ggml.fp32_to_fp16_row },
	{ "ggml_view_3d", (void **)&ggml.view_3d },
	{ "ggml_permute", (void **)&ggml.permute },
	{ "ggml_new_graph", (void **)&ggml.new_graph },
	{ "ggml_build_forward_expand", (void **)&ggml.build_forward_expand },
	{ "ggml_backend_alloc_ctx_tensors", (void **)&ggml.alloc_ctx_tensors },
	{ "ggml_backend_buffer_free", (void **)&ggml.buffer_free },
	{ "ggml_backend_buffer_set_usage", (void **)&ggml.buffer_set_usage },
	{ "ggml_backend_tensor_alloc", (void **)&ggml.tensor_alloc },
	{ "ggml_backend_tensor_set", (void **)&ggml.tensor_set },
	{ "ggml_backend_tensor_get", (void **)&ggml.tensor_get },
	{ "ggml_quantize_chunk", (void **)&ggml.quantize_chunk },
	{ "ggml_quantize_requires_imatrix", (void **)&ggml.quantize_requires_imatrix },
	{ "ggml_row_size", (void **)&ggml.row_size },
	{ "ggml_nbytes", (void **)&ggml.nbytes },
	{ "ggml_type_name", (void **)&ggml.type_name },
	{ "ggml_blck_size", (void **)&ggml.blck_size },
};

static void *open_backend(const char *variable, void **from, void **opened)
{
	const char *path = getenv(variable);
	void *found = *from = path ? ggml.backend_load(path) : NULL;
	void *dev = found && ggml.reg_dev_count(found) ? ggml.reg_dev_get(found, 0) : NULL;

	if (dev)
		*opened = ggml.dev_init(dev, NULL);
	return dev;
}

const char *ggml_open(void)
{
	const char *path = getenv("XQ_GGML");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	void *cpu_registry;
	size_t i;

	if (backend)
		return NULL;
	if (!library)
		return path ? dlerror() : "XQ_GGML is not set";
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		*calls[i].to = dlsym(library, calls[i].name);
		if (!*calls[i].to)
			return calls[i].name;
	}
	if (!open_backend("XQ_GGML_CPU", &cpu_registry, &cpu) || !cpu)
		return "the CPU backend";
	device = open_backend("XQ_GGML_PLUGIN", &registry, &backend);
	return device && backend ? NULL : "the plugin";
}

int type_by_name(const char *name)
{
	int type;

	for (type = 0; type < 64; type++) {
		const char *known = ggml.type_name(type);

		if (known && !strcmp(known, name))
			return type;
		if (type > 30 && known && !strcmp(known, "NONE"))
			break;
	}
	return -1;
}

double error_of(const float *got, const float *wanted, size_t n)
{
	double difference = 0, size = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		difference += pow((double)got[i] - wanted[i], 2);
		size += pow(wanted[i], 2);
	}
	return size > 0 ? difference / size : difference;
}
