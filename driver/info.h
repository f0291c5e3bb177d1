/* SPDX-License-Identifier: GPL-2.0 */
/* Limits that the INFO ioctl reports and others keep to. */
#ifndef XQACCEL_INFO_H
#define XQACCEL_INFO_H

#include <linux/types.h>

u32 xqaccel_default_timeout_ms(void);
u32 xqaccel_max_timeout_ms(void);

#endif
