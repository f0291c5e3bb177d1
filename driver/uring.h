/* SPDX-License-Identifier: GPL-2.0 */
/* Jobs as commands of io_uring: how they come, and how they end. */
#ifndef XQACCEL_URING_H
#define XQACCEL_URING_H

#include <linux/types.h>
#include <linux/xqaccel.h>

struct io_comp_batch;
struct io_uring_cmd;
struct list_head;
struct xqaccel_client;
struct xqaccel_fencing;
struct xqaccel_job;
struct xqaccel_uring_command;

/* uring.c */
int xqaccel_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
int xqaccel_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			     unsigned int poll_flags);

/* uring_command.c */
struct xqaccel_uring_command *
xqaccel_uring_command_create(struct io_uring_cmd *cmd, const struct xqaccel_uring_submit *submit,
			     unsigned int issue_flags);
void xqaccel_uring_command_add(struct xqaccel_uring_command *command, struct xqaccel_job *job);
void xqaccel_uring_command_discard(struct xqaccel_uring_command *command);
int xqaccel_uring_command_start(struct xqaccel_uring_command *command, struct xqaccel_fencing *f,
				unsigned int issue_flags);
int xqaccel_uring_command_poll(struct io_uring_cmd *cmd);
int xqaccel_uring_command_cancel(struct io_uring_cmd *by, u64 user_data);
void xqaccel_uring_command_abandon(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif
