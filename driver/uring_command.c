// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an io_uring command that brought jobs, from its start to its CQE.
 *
 * Its jobs go the way of all jobs. The last one's end, maybe in an interrupt, has io_uring call
 * command_complete() in the task, which is what posts the CQE; in a ring with IOPOLL it only leaves
 * word for who polls.
 *
 * When the task or the ring ends, nobody waits for the CQE any more, but the kernel for the
 * command. So the command leaves its jobs, which were stopped, and ends at once:
 * xqaccel_job.command is NULL then. io_uring calls the driver for that, or the driver has to find
 * out: of commands in a ring with IOPOLL when they are polled, and of all before Linux 6.7 by
 * client->ring_work.
 *
 * A command holds its file open, so that its client is not closed before.
 */
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "client.h"
#include "compat.h"
#include "fence.h"
#include "job.h"
#include "scheduler.h"
#include "trace.h"
#include "uring.h"
#include "user.h"

enum command_state {
	COMMAND_NEW,		/* only its issuer knows it, and io_uring */
	COMMAND_RUNS,		/* in client->commands */
	COMMAND_ENDED,		/* who completes it has it to himself */
};

/**
 * struct xqaccel_uring_command - a command until its CQE
 * @cmd: io_uring's, which points back
 * @client: of its file
 * @node: in client->commands while it runs
 * @jobs: that have not ended, by lane_node
 * @state: it and all below but what never changes is under xqaccel_device.lock
 * @lane: of all its jobs
 * @polled: it is completed by who polls
 * @canceled: before it could be started
 * @shared: others have some of the jobs' buffers, too
 * @count: jobs that it has had
 * @left: jobs that have not ended, and one while they are being cancelled
 * @first_failed: index of the first job that did not end well, of those that have ended
 * @status: of that one
 * @ticks: device time of its jobs
 * @to: user memory for completions, its stride is 0 if there is none
 * @mm: the address space of @to, if the command is polled: by anybody who has the ring; or NULL
 * @completion: what goes there, @to.count of them
 */
struct xqaccel_uring_command {
	struct io_uring_cmd *cmd;
	struct xqaccel_client *client;
	struct list_head node;
	struct list_head jobs;
	enum command_state state;
	struct xqaccel_lane *lane;
	bool polled;
	bool canceled;
	bool shared;
	u32 count;
	u32 left;
	u32 first_failed;
	u32 status;
	u64 ticks;
	struct xqaccel_array to;
	struct mm_struct *mm;
	struct xqaccel_completion completion[];
};

/* In what an io_uring command has for the driver. */
struct command_pointer {
	struct xqaccel_uring_command *command;
};

static_assert(sizeof(struct command_pointer) <= sizeof_field(struct io_uring_cmd, pdu));

static struct xqaccel_uring_command *command_of(struct io_uring_cmd *cmd)
{
	return ((struct command_pointer *)cmd->pdu)->command;
}

/* ---- making ----------------------------------------------------------------------- */

struct xqaccel_uring_command *
xqaccel_uring_command_create(struct io_uring_cmd *cmd, const struct xqaccel_uring_submit *submit,
			     unsigned int issue_flags)
{
	const u32 completions = submit->completions ? submit->count : 0;
	struct xqaccel_uring_command *command;

	command = kzalloc(struct_size(command, completion, completions),
			  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!command)
		return NULL;
	command->cmd = cmd;
	command->client = cmd->file->private_data;
	INIT_LIST_HEAD(&command->node);
	INIT_LIST_HEAD(&command->jobs);
	command->polled = issue_flags & IO_URING_F_IOPOLL;
	command->first_failed = ~0U;
	command->to = (struct xqaccel_array){
		.stride = submit->completion_stride,
		.count = completions,
		.array = submit->completions,
	};
	if (command->polled && completions) {
		command->mm = current->mm;
		mmgrab(command->mm);
	}
	((struct command_pointer *)cmd->pdu)->command = command;
	return command;
}

static void command_free(struct xqaccel_uring_command *command)
{
	if (command->mm)
		mmdrop(command->mm);
	kfree(command);
}

/* The jobs of a command that was not started, by node. */
static void jobs_list(const struct xqaccel_uring_command *command, struct list_head *jobs)
{
	struct xqaccel_job *job;

	list_for_each_entry(job, &command->jobs, lane_node)
		list_add_tail(&job->node, jobs);
}

/* Of a command that was not started. */
void xqaccel_uring_command_discard(struct xqaccel_uring_command *command)
{
	LIST_HEAD(jobs);

	jobs_list(command, &jobs);
	xqaccel_jobs_discard(command->client->xq, &jobs);
	command_free(command);
}

/* ---- completing ------------------------------------------------------------------- */

static int status_errno(u32 status)
{
	switch (status) {
	case XQACCEL_STATUS_OK:
		return 0;
	case XQACCEL_STATUS_FAULT:
		return -ENXIO;
	case XQACCEL_STATUS_DMA:
		return -EREMOTEIO;
	case XQACCEL_STATUS_INVALID:
		return -EPROTO;
	case XQACCEL_STATUS_TIMEOUT:
		return -ETIMEDOUT;
	case XQACCEL_STATUS_CANCELED:
		return -ECANCELED;
	default:
		return -ENODEV;
	}
}

static int completions_copy(const struct xqaccel_uring_command *command)
{
	const struct xqaccel_array *to = &command->to;
	u32 i;

	/* A task that ends has no use for them, and a worker of the kernel not the memory. */
	if (current->flags & (PF_EXITING | PF_KTHREAD))
		return 0;
	/* Another process polls, a child for instance, and the addresses are not of its memory. */
	if (to->count && command->mm && command->mm != current->mm)
		return -EFAULT;
	for (i = 0; i < to->count; i++)
		if (xqaccel_completion_to_user(to, i, &command->completion[i]))
			return -EFAULT;
	return 0;
}

/*
 * Posts the CQE of a command that the caller has to himself. io_uring can name the command until it
 * is done with that, so it is freed only then.
 */
static void command_done(struct xqaccel_uring_command *command, int res, unsigned int issue_flags)
{
	io_uring_cmd_done32(command->cmd, res, command->ticks, issue_flags);
	command_free(command);
}

static void command_complete(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct xqaccel_uring_command *command = command_of(cmd);
	const int ret = completions_copy(command);

	command_done(command, ret ?: status_errno(command->status), issue_flags);
}

XQACCEL_URING_TASK_WORK(command_task_work, command_complete)

static void command_unlist(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	lockdep_assert_held(&command->client->xq->lock);

	list_del(&command->node);
	command->client->command_count--;
}

/* It has no jobs any more. */
static void command_end(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	const bool polled = command->polled;

	lockdep_assert_held(&command->client->xq->lock);

	command_unlist(command);
	/* With all that the command has become, for who polls and frees it. */
	smp_store_release(&command->state, COMMAND_ENDED);
	if (!polled)
		io_uring_cmd_do_in_task_lazy(command->cmd, command_task_work);
}

/* One job less. The last one's end is the command's, which its task may free at once. */
static void command_put(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	lockdep_assert_held(&command->client->xq->lock);

	if (!--command->left)
		command_end(command);
}

/* ---- its jobs --------------------------------------------------------------------- */

static void job_ended(struct xqaccel_uring_command *command, const struct xqaccel_job *job)
	__must_hold(&command->client->xq->lock)
{
	const struct xqaccel_completion *c = &job->completion;

	lockdep_assert_held(&command->client->xq->lock);

	command->ticks += c->end - c->start;
	if (c->status != XQACCEL_STATUS_OK && job->index < command->first_failed) {
		command->first_failed = job->index;
		command->status = c->status;
	}
	if (command->to.count)
		command->completion[job->index] = *c;
	command_put(command);
}

/* The end of a job that a command brought; nobody may look at it afterwards. */
static void job_end(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	struct xqaccel_device *xq = job->client->xq;

	lockdep_assert_held(&xq->lock);

	list_del(&job->node);
	list_del(&job->lane_node);
	xqaccel_job_uncount(job);
	if (job->command)
		job_ended(job->command, job);
	xqaccel_job_release(job);
	xqaccel_job_free(xq, job);
}

/* A job that nobody else knows, behind those that it has. */
void xqaccel_uring_command_add(struct xqaccel_uring_command *command, struct xqaccel_job *job)
{
	job->of_ring = true;
	job->end = job_end;
	job->command = command;
	job->polled = command->polled;
	job->index = command->count++;
	command->left++;
	command->lane = job->lane;
	command->shared |= job->shared;
	list_add_tail(&job->lane_node, &command->jobs);
}

/* ---- ending before the time ------------------------------------------------------- */

/* The command may have ended afterwards. xqaccel_sched_run() is to follow. */
static void jobs_cancel(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	struct xqaccel_job *job, *next;

	lockdep_assert_held(&command->client->xq->lock);

	/* It shall not end before the list was walked. */
	command->left++;
	list_for_each_entry_safe(job, next, &command->jobs, lane_node)
		xqaccel_job_cancel(job);
	command_put(command);
}

/* Takes from a command that runs its jobs, which are stopped. Nobody polls for them any more. */
static void jobs_leave(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	struct xqaccel_job *job, *next;

	lockdep_assert_held(&command->client->xq->lock);

	if (command->lane->queue)
		xqaccel_queue_listen(command->lane->queue);
	list_for_each_entry_safe(job, next, &command->jobs, lane_node) {
		list_del_init(&job->lane_node);
		job->command = NULL;
		job->polled = false;
		xqaccel_job_cancel(job);
	}
	command->status = XQACCEL_STATUS_CANCELED;
	command->to.count = 0;
}

/*
 * Whether the command, of whose task or ring nobody hears any more, is the caller's to complete.
 * xqaccel_sched_run() is to follow.
 */
static bool abandon(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	lockdep_assert_held(&command->client->xq->lock);

	if (command->state == COMMAND_NEW)
		command->canceled = true;
	if (command->state != COMMAND_RUNS)
		return false;
	jobs_leave(command);
	command->state = COMMAND_ENDED;
	command_unlist(command);
	return true;
}

/*
 * io_uring cancels a command that was marked as cancelable. It keeps the command meanwhile. What
 * posts CQEs in a ring with DEFER_TASKRUN is its task alone, and this may be a worker that ends the
 * ring.
 */
void xqaccel_uring_command_abandon(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct xqaccel_uring_command *command = command_of(cmd);
	struct xqaccel_device *xq = command->client->xq;
	bool mine;

	spin_lock_irq(&xq->lock);
	mine = abandon(command);
	xqaccel_sched_run_unlock(xq);
	if (mine && cmd_to_io_kiocb(cmd)->ctx->flags & IORING_SETUP_DEFER_TASKRUN)
		io_uring_cmd_do_in_task_lazy(cmd, command_task_work);
	else if (mine)
		command_done(command, -ECANCELED, issue_flags);
}

/* Whether the ring or the task of a command is about to end. */
static bool command_orphaned(const struct xqaccel_uring_command *command)
{
	const struct io_kiocb *req = cmd_to_io_kiocb(command->cmd);

	return percpu_ref_is_dying(&req->ctx->refs) || xqaccel_uring_task_ends(req);
}

#define ORPHANS_MS	100

/*
 * Ends some orphans; whether there may be more. Each can have a full batch of jobs, which are
 * stopped with interrupts off. Not inlined, so that traces show it.
 */
static noinline bool orphans_end_some(struct xqaccel_client *client)
{
	struct xqaccel_uring_command *command, *next;
	unsigned int jobs = 0;

	spin_lock_irq(&client->xq->lock);
	list_for_each_entry_safe(command, next, &client->commands, node) {
		if (command->polled || !command_orphaned(command))
			continue;
		if (jobs >= XQACCEL_JOBS_AT_ONCE)
			break;
		jobs += command->left;
		if (abandon(command))
			io_uring_cmd_do_in_task_lazy(command->cmd, command_task_work);
	}
	xqaccel_sched_run_unlock(client->xq);
	return jobs >= XQACCEL_JOBS_AT_ONCE;
}

static void orphans_look(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(to_delayed_work(work), struct xqaccel_client,
						     ring_work);

	while (orphans_end_some(client))
		cond_resched();
	spin_lock_irq(&client->xq->lock);
	if (!list_empty(&client->commands))
		queue_delayed_work(xqaccel_job_wq, &client->ring_work,
				   msecs_to_jiffies(ORPHANS_MS));
	spin_unlock_irq(&client->xq->lock);
}

/* The client's first command makes the work, and the client's end stops it. */
static void orphans_look_later(struct xqaccel_client *client)
	__must_hold(&client->xq->lock)
{
	lockdep_assert_held(&client->xq->lock);

	if (!client->ring_work.work.func)
		INIT_DELAYED_WORK(&client->ring_work, orphans_look);
	queue_delayed_work(xqaccel_job_wq, &client->ring_work, msecs_to_jiffies(ORPHANS_MS));
}

/**
 * xqaccel_uring_command_cancel() - cancel the jobs of a command that runs
 * @by: the command that asks for it, of the same ring and file
 * @user_data: of the command's SQE
 *
 * Return: 0 or -ENOENT
 */
int xqaccel_uring_command_cancel(struct io_uring_cmd *by, u64 user_data)
{
	struct xqaccel_client *client = by->file->private_data;
	const struct io_ring_ctx *ring = cmd_to_io_kiocb(by)->ctx;
	struct xqaccel_uring_command *command;
	int ret = -ENOENT;

	spin_lock_irq(&client->xq->lock);
	list_for_each_entry(command, &client->commands, node) {
		const struct io_kiocb *req = cmd_to_io_kiocb(command->cmd);

		if (req->ctx != ring || req->cqe.user_data != user_data)
			continue;
		jobs_cancel(command);
		ret = 0;
		break;
	}
	xqaccel_sched_run_unlock(client->xq);
	return ret;
}

/* ---- starting --------------------------------------------------------------------- */

/* Whether client, lane, user and device can take all jobs of a command. */
static bool has_room(const struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	const struct xqaccel_client *client = command->client;
	const u32 count = command->count;

	lockdep_assert_held(&client->xq->lock);

	return client->command_count < XQACCEL_CLIENT_COMMANDS &&
	       command->lane->ring_jobs + count <= XQACCEL_LANE_JOBS &&
	       client->user->jobs + count <= XQACCEL_USER_JOBS &&
	       client->xq->unreaped + count <= XQACCEL_DEVICE_JOBS;
}

/* Counts the command and its jobs, or says why they can't be taken. */
static int admit(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	struct xqaccel_device *xq = command->client->xq;
	struct xqaccel_job *job;

	lockdep_assert_held(&xq->lock);

	if (command->canceled)
		return -ECANCELED;
	if (xq->lost)
		return -ENODEV;
	if (!has_room(command))
		return -EBUSY;
	command->client->command_count++;
	list_for_each_entry(job, &command->jobs, lane_node)
		xqaccel_job_count(job);
	return 0;
}

static void refuse(struct xqaccel_uring_command *command)
{
	struct xqaccel_job *job;

	spin_lock_irq(&command->client->xq->lock);
	command->client->command_count--;
	list_for_each_entry(job, &command->jobs, lane_node) {
		list_del_init(&job->node);
		xqaccel_job_uncount(job);
	}
	spin_unlock_irq(&command->client->xq->lock);
}

/* What ends its jobs before they are in their lane, or XQACCEL_STATUS_OK. */
static u32 status_early(const struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	lockdep_assert_held(&command->client->xq->lock);

	if (command->canceled)
		return XQACCEL_STATUS_CANCELED;
	return command->client->xq->lost ? XQACCEL_STATUS_LOST : XQACCEL_STATUS_OK;
}

/* Can't fail. Nobody may look at the command after the lock's end. */
static void run(struct xqaccel_uring_command *command)
	__must_hold(&command->client->xq->lock)
{
	struct xqaccel_client *client = command->client;
	const u32 status = status_early(command);
	struct xqaccel_job *job, *next;

	lockdep_assert_held(&client->xq->lock);

	command->state = COMMAND_RUNS;
	list_add_tail(&command->node, &client->commands);
	if (XQACCEL_URING_ORPHANS)
		orphans_look_later(client);
	/* It shall not end before the list was walked. */
	command->left++;
	list_for_each_entry_safe(job, next, &command->jobs, lane_node) {
		if (status == XQACCEL_STATUS_OK)
			xqaccel_sched_enqueue(job);
		else
			xqaccel_job_fail(job, status);
	}
	command_put(command);
}

static int start(struct xqaccel_uring_command *command)
{
	struct xqaccel_device *xq = command->client->xq;
	int ret;

	spin_lock_irq(&xq->lock);
	ret = admit(command);
	if (ret) {
		spin_unlock_irq(&xq->lock);
		return ret;
	}
	run(command);
	xqaccel_sched_run_unlock(xq);
	return 0;
}

/* The same for jobs that others wait for, or that wait for others. */
static int start_fenced(struct xqaccel_uring_command *command, struct xqaccel_fencing *f)
{
	struct xqaccel_device *xq = command->client->xq;
	LIST_HEAD(jobs);
	int ret;

	spin_lock_irq(&xq->lock);
	ret = admit(command);
	spin_unlock_irq(&xq->lock);
	if (ret)
		return ret;
	jobs_list(command, &jobs);
	/*
	 * Not interruptible: work of io_uring for the task counts as a signal, and comes often.
	 * There is no restart, only a CQE.
	 */
	ret = xqaccel_fencing_begin(f, &jobs, false);
	if (ret) {
		refuse(command);
		return ret == -EAGAIN ? -EBUSY : ret;
	}
	spin_lock_irq(&xq->lock);
	xqaccel_fencing_publish(f);
	run(command);
	xqaccel_sched_run_unlock(xq);
	xqaccel_fencing_end(f);
	return 0;
}

/**
 * xqaccel_uring_command_start() - give the jobs of a command to their lane
 * @command: with all its jobs; belongs to whoever completes it afterwards
 * @f: fences of the jobs
 * @issue_flags: io_uring's
 *
 * A ring with IOPOLL can't have it cancelled by io_uring, which has other uses for the same memory
 * of the command; whoever polls sees when it is abandoned.
 *
 * Return: what the driver returns to io_uring
 */
int xqaccel_uring_command_start(struct xqaccel_uring_command *command, struct xqaccel_fencing *f,
				unsigned int issue_flags)
{
	struct io_uring_cmd *cmd = command->cmd;
	const bool polled = command->polled;
	const bool fenced = xqaccel_fencing_needed(f, command->shared);
	int ret;

	if (!polled)
		io_uring_cmd_mark_cancelable(cmd, issue_flags);
	ret = fenced ? start_fenced(command, f) : start(command);
	if (!ret)
		return -EIOCBQUEUED;
	/* One that may be cancelled must not be returned from with an error. */
	if (!polled)
		io_uring_cmd_done32(cmd, ret, 0, issue_flags);
	xqaccel_uring_command_discard(command);
	return polled ? ret : -EIOCBQUEUED;
}

/* ---- polling ---------------------------------------------------------------------- */

/*
 * Looks for ended jobs on the queue that has those of a command; whether that has ended. Somebody
 * polls again at once, so he does not queue for the lock where others have work to do.
 */
static bool command_look(struct xqaccel_uring_command *command)
{
	struct xqaccel_device *xq = command->client->xq;
	struct xqaccel_queue *q;
	unsigned long flags;
	bool ended;

	if (!spin_trylock_irqsave(&xq->lock, flags))
		return false;
	q = command->lane->queue;
	if (command->state == COMMAND_RUNS && q && xqaccel_queue_serve(q))
		q->polled = !q->silent;
	ended = command->state == COMMAND_ENDED;
	if (!ended && command_orphaned(command) && abandon(command)) {
		ended = true;
		xqaccel_sched_dispatch(xq);
	}
	spin_unlock_irqrestore(&xq->lock, flags);
	xqaccel_sched_ring(xq);
	return ended;
}

/* 1 if the command has ended, which is completed then. */
int xqaccel_uring_command_poll(struct io_uring_cmd *cmd)
{
	struct xqaccel_uring_command *command = command_of(cmd);

	/* Pairs with the release in command_end(). */
	if (smp_load_acquire(&command->state) != COMMAND_ENDED && !command_look(command))
		return 0;
	/* As io_uring_cmd_iopoll_done() would, which not all kernels have. */
	command_complete(cmd, 0);
	return 1;
}
