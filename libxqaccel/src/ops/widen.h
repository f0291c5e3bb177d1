/* SPDX-License-Identifier: MIT */
/*
 * Which of the device's pairs serves a pair of types, and how values get there.
 */
#ifndef XQ_WIDEN_H
#define XQ_WIDEN_H

#include <xqaccel/device.h>

#include "libxqaccel/src/pack/codes.h"

/**
 * struct xq_widening - from the unpacked elements of one type to the codes of another
 * @type: that the device computes with
 * @offset: added to every value, and so to the zero point
 * @codes: of @type, by the unpacked byte of the original
 */
struct xq_widening {
	enum xq_type type;
	int32_t offset;
	struct xq_codes codes;
};

/*
 * Chooses the narrowest pair that the device has. -EOPNOTSUPP if none serves, -EINVAL for
 * types that are no matrix elements or a codebook that is missing.
 */
int xq_widen_pair(const struct xq_device *dev, enum xq_type a, enum xq_type b,
		  const int8_t *codebook, struct xq_widening *wide_a, struct xq_widening *wide_b);

#endif
