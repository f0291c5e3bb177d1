// SPDX-License-Identifier: GPL-2.0
/* Failures on purpose, for all devices: files in debugfs say how often, and to whom. */
#include <linux/fault-inject.h>

#include "fault.h"

static DECLARE_FAULT_ATTR(full_queue);
static DECLARE_FAULT_ATTR(job_timeout);

/* Under the driver's folder in debugfs, and removed with it. */
void xqaccel_fault_init(struct dentry *root)
{
	fault_create_debugfs_attr("fail_full_queue", root, &full_queue);
	fault_create_debugfs_attr("fail_job_timeout", root, &job_timeout);
}

/* Whether a hardware queue with jobs in flight counts as full. */
bool xqaccel_fault_full_queue(void)
{
	return should_fail(&full_queue, 1);
}

/* Whether a job's time shall be over as soon as it is the oldest of its queue. */
bool xqaccel_fault_job_timeout(void)
{
	return should_fail(&job_timeout, 1);
}
