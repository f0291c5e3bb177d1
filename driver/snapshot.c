// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot of a device that hangs: registers, rings, the descriptors of jobs in flight and
 * whose they are. It is taken while jobs wait for the recovery, so nothing is formatted then.
 *
 * There is nothing in it of what is in buffers, no pointer of the kernel's, and not user_data,
 * which may be an address of a process. Bases of rings and tables are bus addresses.
 * Documentation/coredump.rst describes the text.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include "client.h"
#include "job.h"
#include "queue.h"
#include "snapshot.h"
#include "user.h"

#define FORMAT_VERSION	1
#define RING_ENTRIES	BIT(XQACCEL_RING_LOG2)
#define ROW_WORDS	4

struct reg {
	const char *name;
	u16 offset;
	bool wide;		/* 64 bits */
};

static const struct reg function_regs[] = {
	{ "VERSION", XQ_REG_VERSION },
	{ "CTRL", XQ_REG_CTRL },
	{ "STATUS", XQ_REG_STATUS },
	{ "ERROR", XQ_REG_ERROR },
	{ "CTX_TABLE", XQ_REG_CTX_TABLE, true },
	{ "CTX_INVAL", XQ_REG_CTX_INVAL },
	{ "TIME", XQ_REG_TIME, true },
	{ "JOBS", XQ_REG_JOBS, true },
	{ "MACS", XQ_REG_MACS, true },
	{ "BYTES", XQ_REG_BYTES, true },
	{ "BYTES_COPIED", XQ_REG_BYTES_COPIED, true },
	{ "FAULTS", XQ_REG_FAULTS, true },
};

static const struct reg queue_regs[] = {
	{ "SQ_BASE", XQ_Q_SQ_BASE, true },
	{ "CQ_BASE", XQ_Q_CQ_BASE, true },
	{ "SIZE", XQ_Q_SIZE },
	{ "CTRL", XQ_Q_CTRL },
	{ "STATUS", XQ_Q_STATUS },
	{ "SQ_HEAD", XQ_Q_SQ_HEAD },
	{ "CQ_TAIL", XQ_Q_CQ_TAIL },
	{ "SQ_TAIL", XQ_Q_SQ_TAIL },
	{ "CQ_HEAD", XQ_Q_CQ_HEAD },
};

/* A job in flight. */
struct job_state {
	u64 id;
	u64 client;
	u64 age_ns;
	unsigned int timeout_ms;
	u32 lane;
	u32 slot;
	unsigned int interruptions;
	bool canceled;
	struct xq_hw_descriptor in_ring;	/* which the device may have changed */
	struct xq_hw_descriptor handed;		/* what the driver put there */
};

struct queue_state {
	u64 reg[ARRAY_SIZE(queue_regs)];
	u32 log2;
	u32 sq_tail;
	u32 cq_head;
	u32 phase;
	unsigned int inflight;
	bool stopped;
	bool broken;
	bool halted;
	unsigned int job_count;
	struct job_state job[XQACCEL_QUEUE_DEPTH];
	struct xq_hw_completion cq[RING_ENTRIES];
};

/* Of a client with jobs in flight. */
struct context_state {
	u32 context;
	u64 client;
	pid_t pid;
	uid_t uid;
	char comm[TASK_COMM_LEN];
	bool valid;		/* the table has a root for it */
	u64 bytes;
	unsigned int unreaped;
};

struct xqaccel_snapshot {
	char reason[96];
	char name[16];
	char bus_name[32];
	struct timespec64 time;
	u64 uptime_ns;
	struct xqaccel_caps caps;
	bool lost;
	bool answers;		/* there are registers */
	u64 reg[ARRAY_SIZE(function_regs)];
	unsigned int context_count;
	struct context_state context[XQ_MAX_QUEUES * XQACCEL_QUEUE_DEPTH];
	struct queue_state queue[XQ_MAX_QUEUES];
};

/* ---- taking it ------------------------------------------------------------ */

static void read_regs(struct xqaccel_device *xq, u32 base, const struct reg *regs,
		      unsigned int count, u64 *value)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		value[i] = regs[i].wide ? xqaccel_read64(xq, base + regs[i].offset) :
					  xqaccel_read(xq, base + regs[i].offset);
}

static void take_regs(struct xqaccel_snapshot *s, struct xqaccel_device *xq)
{
	unsigned int i;

	/* A lost one may have no power; xqaccel_set_lost_locked() had its registers read before. */
	if (xq->lost || READ_ONCE(xq->power) == XQACCEL_SUSPENDED || xqaccel_absent(xq))
		return;
	s->answers = true;
	read_regs(xq, 0, function_regs, ARRAY_SIZE(function_regs), s->reg);
	for (i = 0; i < xq->caps.queues; i++)
		read_regs(xq, XQ_QUEUE(i, 0), queue_regs, ARRAY_SIZE(queue_regs), s->queue[i].reg);
}

static void take_context(struct xqaccel_snapshot *s, const struct xqaccel_client *client)
{
	const struct xq_hw_context *table = client->xq->ctx_table;
	struct context_state *c;
	unsigned int i;

	for (i = 0; i < s->context_count; i++)
		if (s->context[i].client == client->id)
			return;
	c = &s->context[s->context_count++];
	c->context = client->context;
	c->client = client->id;
	c->pid = client->pid;
	c->uid = from_kuid(&init_user_ns, client->user->uid);
	memcpy(c->comm, client->comm, sizeof(c->comm));
	c->valid = le64_to_cpu(READ_ONCE(table[client->context].root)) & XQ_PTE_VALID;
	c->bytes = atomic64_read(&client->account.bytes);
	c->unreaped = client->unreaped + client->ring_jobs;
}

static void take_job(struct job_state *j, const struct xqaccel_queue *q,
		     const struct xqaccel_job *job, u64 now)
{
	j->id = job->completion.id;
	j->client = job->client->id;
	j->age_ns = now - job->dispatched_ns;
	j->timeout_ms = jiffies_to_msecs(job->timeout);
	j->lane = job->lane->index;
	j->interruptions = job->interruptions;
	j->canceled = job->canceled;
	memcpy(&j->handed, &job->desc, xqaccel_job_desc_bytes(job));
	j->in_ring = q->sq[j->slot];
}

static void take_queue(struct xqaccel_snapshot *s, const struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	struct queue_state *state = &s->queue[q->index];
	const u32 mask = (1U << q->log2) - 1;
	const struct xqaccel_job *job;
	const u64 now = ktime_get_ns();

	lockdep_assert_held(&q->xq->lock);

	state->log2 = q->log2;
	state->sq_tail = q->sq_tail;
	state->cq_head = q->cq_head;
	state->phase = q->phase;
	state->inflight = q->inflight;
	state->stopped = q->stopped;
	state->broken = q->broken;
	state->halted = q->halted;
	list_for_each_entry(job, &q->jobs, node) {
		struct job_state *j = &state->job[state->job_count];

		if (state->job_count == XQACCEL_QUEUE_DEPTH)
			break;
		j->slot = (q->sq_tail - q->inflight + state->job_count++) & mask;
		take_job(j, q, job, now);
		take_context(s, job->client);
	}
	memcpy(state->cq, q->cq, sizeof(*q->cq) << q->log2);
}

/* Room for a snapshot, or NULL; not under reset_lock, which fences may wait for. */
struct xqaccel_snapshot *xqaccel_snapshot_alloc(void)
{
	return kvmalloc(sizeof(struct xqaccel_snapshot),
			GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
}

/**
 * xqaccel_snapshot_take() - keep what is known of a device before it is reset
 * @s: set to that, whatever it was
 * @xq: device
 * @reason: a sentence for who reads it
 */
void xqaccel_snapshot_take(struct xqaccel_snapshot *s, struct xqaccel_device *xq,
			   const char *reason)
	__must_hold(&xq->reset_lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->reset_lock);

	memset(s, 0, sizeof(*s));
	strscpy(s->reason, reason, sizeof(s->reason));
	strscpy(s->name, dev_name(&xq->dev), sizeof(s->name));
	strscpy(s->bus_name, dev_name(xq->parent), sizeof(s->bus_name));
	ktime_get_real_ts64(&s->time);
	s->uptime_ns = ktime_get_boottime_ns();
	s->caps = xq->caps;
	take_regs(s, xq);
	spin_lock_irq(&xq->lock);
	s->lost = xq->lost;
	for (i = 0; i < xq->caps.queues; i++)
		take_queue(s, &xq->queue[i]);
	spin_unlock_irq(&xq->lock);
}

void xqaccel_snapshot_free(struct xqaccel_snapshot *s)
{
	kvfree(s);
}

/* ---- as text -------------------------------------------------------------- */

/* Counts first, and writes when it is known how much there will be. */
struct out {
	char *text;
	size_t bytes;
	size_t room;
};

static __printf(2, 3) void put(struct out *o, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	o->bytes += vsnprintf(o->text ? o->text + o->bytes : NULL,
			      o->text ? o->room - o->bytes : 0, fmt, args);
	va_end(args);
}

static void put_regs(struct out *o, const char *indent, const struct reg *regs, unsigned int count,
		     const u64 *value)
{
	unsigned int i;

	put(o, "%sregisters:\n", indent);
	for (i = 0; i < count; i++)
		put(o, regs[i].wide ? "%s  %s: 0x%016llx\n" : "%s  %s: 0x%08llx\n", indent,
		    regs[i].name, value[i]);
}

/* Rows of four words behind their offset; those that are zero are left out. */
static void put_words(struct out *o, const char *indent, const void *data, size_t bytes)
{
	const __le32 *word = data;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i += ROW_WORDS)
		if (memchr_inv(&word[i], 0, ROW_WORDS * sizeof(*word)))
			put(o, "%s- [0x%03zx, 0x%08x, 0x%08x, 0x%08x, 0x%08x]\n", indent,
			    i * sizeof(*word), le32_to_cpu(word[i]), le32_to_cpu(word[i + 1]),
			    le32_to_cpu(word[i + 2]), le32_to_cpu(word[i + 3]));
}

static void put_job(struct out *o, const struct job_state *j)
{
	const bool changed = memcmp(&j->in_ring, &j->handed, sizeof(j->handed));

	put(o, "      - job: %llu\n", j->id);
	put(o, "        client: %llu\n", j->client);
	put(o, "        lane: %u\n", j->lane);
	put(o, "        context: %u\n", le32_to_cpu(j->handed.context));
	put(o, "        hw-id: %llu\n", le64_to_cpu(j->handed.id));
	put(o, "        slot: %u\n", j->slot);
	put(o, "        age-ns: %llu\n", j->age_ns);
	put(o, "        timeout-ms: %u\n", j->timeout_ms);
	put(o, "        interruptions: %u\n", j->interruptions);
	put(o, "        canceled: %u\n", j->canceled);
	put(o, "        descriptor:\n");
	put_words(o, "          ", &j->handed, sizeof(j->handed));
	if (changed) {
		put(o, "        descriptor-in-ring:\n");
		put_words(o, "          ", &j->in_ring, sizeof(j->in_ring));
	}
}

static void put_completions(struct out *o, const struct queue_state *q)
{
	unsigned int i;

	put(o, "    completions:\n");
	for (i = 0; i < 1U << q->log2; i++) {
		const struct xq_hw_completion *c = &q->cq[i];

		if (!memchr_inv(c, 0, sizeof(*c)))
			continue;
		put(o, "      - {slot: %u, hw-id: %llu, status: %u, flags: %u, sq-head: %u, phase: %u, ",
		    i, le64_to_cpu(c->id), le16_to_cpu(c->status), le16_to_cpu(c->flags),
		    le16_to_cpu(c->sq_head), le16_to_cpu(c->phase) & 1);
		put(o, "start: %llu, end: %llu, fault-address: 0x%llx}\n", le64_to_cpu(c->start),
		    le64_to_cpu(c->end), le64_to_cpu(c->fault_address));
	}
}

static void put_queue(struct out *o, const struct xqaccel_snapshot *s, unsigned int index)
{
	const struct queue_state *q = &s->queue[index];
	unsigned int i;

	put(o, "  - queue: %u\n", index);
	put(o, "    entries: %u\n", 1U << q->log2);
	put(o, "    sq-tail: %u\n", q->sq_tail);
	put(o, "    cq-head: %u\n", q->cq_head);
	put(o, "    phase: %u\n", q->phase);
	put(o, "    in-flight: %u\n", q->inflight);
	put(o, "    stopped: %u\n", q->stopped);
	put(o, "    broken: %u\n", q->broken);
	put(o, "    halted: %u\n", q->halted);
	if (s->answers)
		put_regs(o, "    ", queue_regs, ARRAY_SIZE(queue_regs), q->reg);
	put(o, "    jobs:\n");
	for (i = 0; i < q->job_count; i++)
		put_job(o, &q->job[i]);
	put_completions(o, q);
}

static void put_context(struct out *o, const struct context_state *c)
{
	put(o, "  - context: %u\n", c->context);
	put(o, "    client: %llu\n", c->client);
	put(o, "    pid: %d\n", c->pid);
	put(o, "    uid: %u\n", c->uid);
	put(o, "    comm: \"%*pE\"\n", (int)strnlen(c->comm, sizeof(c->comm)), c->comm);
	put(o, "    valid: %u\n", c->valid);
	put(o, "    bytes: %llu\n", c->bytes);
	put(o, "    unreaped: %u\n", c->unreaped);
}

static void put_snapshot(struct out *o, const struct xqaccel_snapshot *s)
{
	unsigned int i;

	put(o, "xqaccel-coredump: %u\n", FORMAT_VERSION);
	put(o, "driver: %s\n", XQACCEL_DRIVER_VERSION);
	put(o, "kernel: %s\n", init_utsname()->release);
	put(o, "time: %lld.%09ld\n", s->time.tv_sec, s->time.tv_nsec);
	put(o, "uptime-ns: %llu\n", s->uptime_ns);
	put(o, "device: %s\n", s->name);
	put(o, "bus: \"%s\"\n", s->bus_name);
	put(o, "reason: \"%s\"\n", s->reason);
	put(o, "lost: %u\n", s->lost);
	put(o, "hw-version: \"%u.%u\"\n", s->caps.hw_version >> 16, s->caps.hw_version & 0xffff);
	put(o, "isa: \"%*pE\"\n", (int)strnlen(s->caps.isa, sizeof(s->caps.isa)), s->caps.isa);
	put(o, "answers: %u\n", s->answers);
	if (s->answers)
		put_regs(o, "", function_regs, ARRAY_SIZE(function_regs), s->reg);
	put(o, "contexts:\n");
	for (i = 0; i < s->context_count; i++)
		put_context(o, &s->context[i]);
	put(o, "queues:\n");
	for (i = 0; i < s->caps.queues; i++)
		put_queue(o, s, i);
}

/**
 * xqaccel_snapshot_text() - a snapshot as text
 * @s: snapshot
 * @bytes: length of the text
 *
 * Return: from vmalloc(), for the caller to free; NULL if there is no memory.
 */
char *xqaccel_snapshot_text(const struct xqaccel_snapshot *s, size_t *bytes)
{
	struct out o = {};

	put_snapshot(&o, s);
	o.room = o.bytes + 1;
	o.bytes = 0;
	o.text = __vmalloc(o.room, GFP_KERNEL | __GFP_NOWARN);
	if (!o.text)
		return NULL;
	put_snapshot(&o, s);
	*bytes = o.bytes;
	return o.text;
}
