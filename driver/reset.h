/* SPDX-License-Identifier: GPL-2.0 */
/* From a late job to a lost device: queue reset, function reset, giving up. And suspend. */
#ifndef XQACCEL_RESET_H
#define XQACCEL_RESET_H

#include <linux/types.h>

struct xqaccel_device;
struct xqaccel_queue;
struct work_struct;

int xqaccel_reset_initial(struct xqaccel_device *xq);
int xqaccel_reset_start(struct xqaccel_device *xq);
void xqaccel_reset_final(struct xqaccel_device *xq);
void xqaccel_set_lost(struct xqaccel_device *xq, const char *reason);
bool xqaccel_dma_safe(struct xqaccel_device *xq);

/* For recovery.c and suspend.c. */
int xqaccel_reset_wait(struct xqaccel_device *xq);
int xqaccel_reset_wait_queue(struct xqaccel_queue *q);
void xqaccel_reset_stop(struct xqaccel_queue *q, bool answers);
void xqaccel_reset_recover_queue(struct xqaccel_queue *q);
void xqaccel_reset_recover_jobs(struct xqaccel_device *xq);
void xqaccel_reset_function_start(struct xqaccel_device *xq);
void xqaccel_set_lost_locked(struct xqaccel_device *xq, const char *reason);
void xqaccel_reset_unlock(struct xqaccel_device *xq);

/* recovery.c */
void xqaccel_reset_queue(struct xqaccel_queue *q);
void xqaccel_reset_function(struct xqaccel_device *xq, const char *reason);

/* suspend.c */
void xqaccel_hw_suspend(struct xqaccel_device *xq, bool orderly);
int xqaccel_hw_suspend_idle(struct xqaccel_device *xq);
int xqaccel_hw_resume(struct xqaccel_device *xq);
void xqaccel_hw_resume_idle(struct xqaccel_device *xq);
void xqaccel_silence(struct xqaccel_device *xq);
void xqaccel_silence_locked(struct xqaccel_device *xq);
void xqaccel_bus_look(struct work_struct *work);

/* watchdog.c */
void xqaccel_watch(struct work_struct *work);

#endif
