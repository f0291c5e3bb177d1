// SPDX-License-Identifier: GPL-2.0
/* The memory of jobs: a cache of its own, and no more cleared than a job uses. */
#include <linux/slab.h>

#include "device.h"
#include "job.h"
#include "words.h"

static_assert(sizeof(struct xqaccel_span) % XQACCEL_CHUNK_BYTES == 0);

static struct kmem_cache *job_cache;

/*
 * That there is one keeps the kernel from clearing all of an object whenever it is allocated
 * (init_on_alloc): most of it is never looked at, see xqaccel_job_alloc().
 */
static void construct(void *job)
{
}

int xqaccel_job_memory_init(void)
{
	/* The completion is what user memory is written from. */
	job_cache = kmem_cache_create_usercopy("xqaccel_job", sizeof(struct xqaccel_job), 0, 0,
					       offsetof(struct xqaccel_job, completion),
					       sizeof_field(struct xqaccel_job, completion),
					       construct);
	return job_cache ? 0 : -ENOMEM;
}

/* There is no job any more. */
void xqaccel_job_memory_exit(void)
{
	kmem_cache_destroy(job_cache);
}

/*
 * Most jobs have few operands, so the places of others are neither cleared nor copied. The words
 * of the descriptor are the caller's to set. NULL if there is no memory.
 */
struct xqaccel_job *xqaccel_job_alloc(unsigned int operands)
{
	struct xqaccel_job *job = kmem_cache_alloc(job_cache, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!job)
		return NULL;
	memset(job, 0, offsetof(struct xqaccel_job, span));
	xqaccel_chunks_clear(job->span, operands * sizeof(job->span[0]));
	memset(&job->desc, 0, offsetof(struct xq_hw_descriptor, work));
	xqaccel_chunks_clear(job->desc.operand, operands * sizeof(job->desc.operand[0]));
	job->operands = operands;
	return job;
}

/* For a job that was released, so its client may be gone. */
void xqaccel_job_free(struct xqaccel_device *xq, struct xqaccel_job *job)
{
	atomic64_dec(&xq->stats.jobs);
	kmem_cache_free(job_cache, job);
}
