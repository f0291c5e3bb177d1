/* SPDX-License-Identifier: GPL-2.0 */
/* Fences of jobs, by the ioctls, and jobs that run until they are let go. */
#ifndef XQ_TEST_FENCES_H
#define XQ_TEST_FENCES_H

#include <linux/xqaccel.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Submits jobs with fences, 0 or -errno. in < 0: they wait for none; out NULL: none is asked for;
 * id may be NULL. Their time limit is a minute.
 */
int submit_fenced(int fd, const struct xqaccel_job_desc *jobs, unsigned int count, uint32_t lane,
		  uint32_t flags, int in, int *out, uint64_t *id);

/* 1: signalled well, 0: not yet, -errno: with an error, or no sync_file. */
int fence_status(int fence);
/* Whether it is signalled in a time that grows with the machine's load. */
bool fence_waits(int fence, unsigned int ms);
/* Whether who would read (POLLIN) or write (POLLOUT) a dma-buf has to wait. */
bool dmabuf_busy(int dmabuf, short events);

/*
 * A job that runs until release(), while others are as fast as ever: its fence, or -errno. Needs
 * the VM's host, and nothing may be under way in the lane.
 */
int hold(int fd, const struct xqaccel_job_desc *job, uint32_t lane);
int release(void);

#endif
