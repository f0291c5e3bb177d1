/* SPDX-License-Identifier: GPL-2.0 */
/* What can be made to fail on purpose, see Documentation/fault-injection of the kernel. */
#ifndef XQACCEL_FAULT_H
#define XQACCEL_FAULT_H

#include <linux/types.h>

struct dentry;

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
void xqaccel_fault_init(struct dentry *root);
bool xqaccel_fault_full_queue(void);
bool xqaccel_fault_job_timeout(void);
#else
static inline void xqaccel_fault_init(struct dentry *root) { }
static inline bool xqaccel_fault_full_queue(void) { return false; }
static inline bool xqaccel_fault_job_timeout(void) { return false; }
#endif

#endif
