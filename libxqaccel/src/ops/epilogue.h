/* SPDX-License-Identifier: MIT */
/* The epilogue of a job that requantizes, with its constants in one buffer. Internal. */
#ifndef XQ_OPS_EPILOGUE_H
#define XQ_OPS_EPILOGUE_H

#include <xqaccel/device.h>
#include <xqaccel/requantize.h>

/* The words of a requantization without a table; what the profile does not use is 0. */
void xq_epilogue_words(const struct xq_requant *rq, struct xqaccel_epilogue *words);

/* Calls @array for each array that the epilogue of a requantization reads, with its operand. */
void xq_epilogue_arrays(const struct xq_requant *rq, const int32_t *bias, size_t channels,
			void (*array)(void *arg, unsigned int operand, const void *from, size_t bytes), void *arg);

/* Whether the device requantizes by itself. */
bool xq_epilogue_on_device(const struct xq_device *dev, const struct xq_requant *rq);

/* Bytes of its constants, where they start at a multiple of XQ_EPILOGUE_ALIGN. */
#define XQ_EPILOGUE_ALIGN	8
size_t xq_epilogue_bytes(const struct xq_requant *rq, const int32_t *bias, size_t channels);

/*
 * Writes the constants into a buffer of the device, which is mapped at @data, from @offset on, and their
 * operands and the words into the job.
 */
void xq_epilogue_put(const struct xq_requant *rq, const int32_t *bias, size_t channels, uint32_t handle,
		     uint8_t *data, size_t offset, struct xqaccel_job_desc *job);

/* What the device wrote, rows packed by the output's type, as elements. */
void xq_epilogue_unpack(enum xq_type type, const void *packed, size_t rows, size_t channels, void *y);

#endif
