// SPDX-License-Identifier: GPL-2.0
/* Time limits of jobs, as parameters of the module. */
#include <linux/minmax.h>
#include <linux/module.h>

#include "timeout.h"

static unsigned int default_timeout_ms = 10000;
module_param(default_timeout_ms, uint, 0644);
MODULE_PARM_DESC(default_timeout_ms, "time limit of a job that names none");

static unsigned int max_timeout_ms = 600000;
module_param(max_timeout_ms, uint, 0644);
MODULE_PARM_DESC(max_timeout_ms, "longest time limit that a job may name");

u32 xqaccel_max_timeout_ms(void)
{
	return clamp(READ_ONCE(max_timeout_ms), 1U, 24U * 3600 * 1000);
}

u32 xqaccel_default_timeout_ms(void)
{
	return clamp(READ_ONCE(default_timeout_ms), 1U, xqaccel_max_timeout_ms());
}
