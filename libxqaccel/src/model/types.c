// SPDX-License-Identifier: MIT
/*
 * Types of tensors of models.
 */
#include <xqaccel/model.h>

static const struct {
	const char *name;
	size_t bytes;
} wide[] = {
	[XQ_MODEL_BOOL - XQ_MODEL_BOOL] = { "bool", 1 },
	[XQ_MODEL_U32 - XQ_MODEL_BOOL] = { "u32", 4 },
	[XQ_MODEL_S64 - XQ_MODEL_BOOL] = { "s64", 8 },
	[XQ_MODEL_U64 - XQ_MODEL_BOOL] = { "u64", 8 },
	[XQ_MODEL_F64 - XQ_MODEL_BOOL] = { "f64", 8 },
	[XQ_MODEL_E4M3 - XQ_MODEL_BOOL] = { "e4m3", 1 },
	[XQ_MODEL_E5M2 - XQ_MODEL_BOOL] = { "e5m2", 1 },
	[XQ_MODEL_E2M1 - XQ_MODEL_BOOL] = { "e2m1", 1 },
};

static bool is_wide(int type)
{
	return type >= XQ_MODEL_BOOL && type <= XQ_MODEL_E2M1;
}

static bool is_narrow(int type)
{
	return type > XQ_NONE && type < XQ_TYPE_COUNT;
}

const char *xq_model_type_name(int type)
{
	if (is_wide(type))
		return wide[type - XQ_MODEL_BOOL].name;
	return is_narrow(type) ? xq_type_name((enum xq_type)type) : "?";
}

size_t xq_model_type_bytes(int type)
{
	if (is_wide(type))
		return wide[type - XQ_MODEL_BOOL].bytes;
	return is_narrow(type) ? xq_type_unpacked_bytes((enum xq_type)type) : 0;
}
