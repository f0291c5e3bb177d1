// SPDX-License-Identifier: MIT
/*
 * ggml's functions. The plugin isn't linked with ggml: sonames differ among builds (libggml-base.so.0, libggml-base.so),
 * and a process may hold ggml where the linker's global names don't reach, as Node does.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "symbols.h"

/* An operation has a lower number in every version; the names behind the last can't be asked for. */
#define MOST_OPS	128

/* Bytes before each tensor in a context of ggml. */
#define OBJECT_BYTES	32

struct xqg_symbols xqg;

static const struct {
	const char *name;
	void **to;
	bool optional;
} functions[] = {
	{ "ggml_op_name", (void **)&xqg.op_name, false },
	{ "ggml_type_name", (void **)&xqg.type_name, false },
	{ "ggml_get_type_traits", (void **)&xqg.type_traits, true },
	{ "ggml_tensor_overhead", (void **)&xqg.tensor_overhead, false },
	{ "ggml_graph_n_nodes", (void **)&xqg.graph_n_nodes, false },
	{ "ggml_graph_node", (void **)&xqg.graph_node, false },
	{ "ggml_backend_buft_is_host", (void **)&xqg.buft_is_host, false },
	{ "ggml_backend_buffer_init", (void **)&xqg.buffer_init, false },
	{ "ggml_log_internal", (void **)&xqg.log_internal, true },
	/*
	 * Came with two members of each table of functions, without another number of the interface, and after all
	 * operations below, so that whoever has it has names for them.
	 */
	{ "ggml_backend_tensor_set_2d", NULL, false },
	{ "dequantize_row_iq1_s", (void **)&xqg.expand[XQG_IQ1_S], true },
	{ "dequantize_row_iq1_m", (void **)&xqg.expand[XQG_IQ1_M], true },
	{ "dequantize_row_iq2_xxs", (void **)&xqg.expand[XQG_IQ2_XXS], true },
	{ "dequantize_row_iq2_xs", (void **)&xqg.expand[XQG_IQ2_XS], true },
	{ "dequantize_row_iq2_s", (void **)&xqg.expand[XQG_IQ2_S], true },
	{ "dequantize_row_iq3_xxs", (void **)&xqg.expand[XQG_IQ3_XXS], true },
	{ "dequantize_row_iq3_s", (void **)&xqg.expand[XQG_IQ3_S], true },
};

static const struct {
	const char *name;
	int *to;
} operations[] = {
	{ "NONE", &xqg.op_none }, { "RESHAPE", &xqg.op_reshape }, { "VIEW", &xqg.op_view },
	{ "PERMUTE", &xqg.op_permute }, { "TRANSPOSE", &xqg.op_transpose },
	{ "MUL_MAT", &xqg.op_mul_mat }, { "MUL_MAT_ID", &xqg.op_mul_mat_id },
	{ "ADD", &xqg.op_add }, { "MUL", &xqg.op_mul }, { "RMS_NORM", &xqg.op_rms_norm }, { "GLU", &xqg.op_glu },
	{ "ROPE", &xqg.op_rope }, { "DUP", &xqg.op_dup },
	{ "GET_ROWS", &xqg.op_get_rows }, { "SET_ROWS", &xqg.op_set_rows },
	{ "FLASH_ATTN_EXT", &xqg.op_flash_attn_ext },
};

static void *find_symbol(void *library, const char *name)
{
	void *symbol = library ? dlsym(library, name) : NULL;

	return symbol ? symbol : dlsym(RTLD_DEFAULT, name);
}

static const char *find_operations(void)
{
	size_t i;
	int op;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		for (op = 0; op < MOST_OPS && strcmp(xqg.op_name(op), operations[i].name); op++)
			;
		if (op == MOST_OPS)
			return operations[i].name;
		*operations[i].to = op;
	}
	return NULL;
}

/* Whether the structure is the known one, by a type whose blocks never change. */
static bool traits_known(void)
{
	const struct xqg_type_traits *q4_0 = xqg.type_traits ? xqg.type_traits(2) : NULL;

	return q4_0 && q4_0->elements == 32 && q4_0->bytes == 18 && q4_0->quantized;
}

static const char *find_functions(void *library)
{
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *function = find_symbol(library, functions[i].name);

		if (!function && !functions[i].optional)
			return functions[i].name;
		if (functions[i].to)
			*functions[i].to = function;
	}
	return NULL;
}

const char *xqg_symbols_find(const void *caller)
{
	void *library = NULL;
	const char *missing;
	Dl_info info;

	if (dladdr(caller, &info) && info.dli_fname)
		library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	missing = find_functions(library);
	if (!missing) {
		xqg.api = find_symbol(library, "ggml_backend_buft_alloc_buffer_n") ? 3 : 2;
		missing = find_operations();
	}
	if (library)
		dlclose(library);	/* it stays, as long as it needs us */
	if (missing)
		return missing;
	if (!traits_known())
		xqg.type_traits = NULL;
	return xqg.tensor_overhead() == OBJECT_BYTES + sizeof(struct xqg_tensor) ? NULL : "a tensor of the known size";
}

void xqg_log(int level, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (xqg.log_internal)
		xqg.log_internal(level, "xqaccel: %s\n", text);
	else
		fprintf(stderr, "xqaccel: %s\n", text);
}
