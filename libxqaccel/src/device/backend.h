/* SPDX-License-Identifier: MIT */
/*
 * Private to the device layer: what a way to reach a device provides. The operations are
 * those of linux/xqaccel.h, with its structures and its errnos; one is the driver's
 * ioctls, the other the device model in this process.
 */
#ifndef XQ_BACKEND_H
#define XQ_BACKEND_H

#include <pthread.h>

#include <xqaccel/device.h>

#include "driver/xq_work.h"
#include "handles.h"

struct xq_backend;

/**
 * struct xq_memory - a buffer as the backend made it
 * @handle: its name in jobs
 * @bytes: whole pages
 * @data: its address; NULL if an imported one can't be mapped
 * @flags: XQACCEL_BUF_*, set by the caller
 * @mapped: by the backend, which unmaps it
 */
struct xq_memory {
	uint32_t handle;
	size_t bytes;
	void *data;
	uint32_t flags;
	bool mapped;
};

/**
 * struct xq_backend_ops - every function returns 0 or a negative errno, unless it says more
 * @close: free the backend
 * @create: fill in @memory, whose bytes and flags are set by the caller
 * @wrap: the same for memory that is there; data is set, too
 * @import: the same for the memory of a descriptor, which stays the caller's; only flags are set
 * @export: a new descriptor of memory that was created with XQACCEL_BUF_SHARED
 * @destroy: unmap and give back
 * @submit: as XQACCEL_IOCTL_SUBMIT; returns the number accepted, at least 1, and the id of the
 *	first
 * @submit_fenced: the same with fences; NULL if there are none
 * @wait: as XQACCEL_IOCTL_WAIT for completions of one lane; returns the number written
 * @attend: says that the calling thread will wait, for as long as it takes, right after the submission
 *	that comes next; or that it did, or will not. A hint; NULL if nobody wants to know
 * @cancel: as XQACCEL_IOCTL_CANCEL
 * @eventfd: as XQACCEL_IOCTL_EVENTFD for one lane
 * @program_create: as XQACCEL_IOCTL_PROGRAM_CREATE
 * @program_destroy: as XQACCEL_IOCTL_PROGRAM_DESTROY
 * @file: the descriptor of the device's file; NULL if there is none
 *
 * All may be called by any thread at any time.
 */
struct xq_backend_ops {
	void (*close)(struct xq_backend *backend);
	int (*create)(struct xq_backend *backend, struct xq_memory *memory);
	int (*wrap)(struct xq_backend *backend, struct xq_memory *memory);
	int (*import)(struct xq_backend *backend, int fd, struct xq_memory *memory);
	int (*export)(struct xq_backend *backend, const struct xq_memory *memory, uint32_t flags,
		      int *fd);
	void (*destroy)(struct xq_backend *backend, const struct xq_memory *memory);
	int (*submit)(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
		      unsigned int count, uint32_t lane, uint32_t timeout_ms, uint64_t *first_id);
	int (*submit_fenced)(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			     unsigned int count, uint32_t lane, uint32_t timeout_ms,
			     struct xq_fences *fences, uint64_t *first_id);
	int (*wait)(struct xq_backend *backend, uint32_t lane,
		    struct xqaccel_completion *completions, unsigned int count, unsigned int min,
		    int64_t deadline_ns);
	void (*attend)(struct xq_backend *backend, bool waits);
	int (*cancel)(struct xq_backend *backend, uint64_t id);
	int (*eventfd)(struct xq_backend *backend, uint32_t lane, int fd);
	int (*program_create)(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			      unsigned int count, unsigned int slots, uint32_t *program);
	void (*program_destroy)(struct xq_backend *backend, uint32_t program);
	int (*file)(struct xq_backend *backend);
};

struct xq_backend {
	const struct xq_backend_ops *ops;
};

/* Pairs of types by bits: bit b of of_a[a] is a x b; bit b of tiled, that B may be tiled. */
struct xq_pairs {
	uint32_t of_a[XQ_TYPE_COUNT];
	uint32_t tiled;
};

void xq_pairs_from(const struct xqaccel_info *info, struct xq_pairs *pairs);

#define XQ_MAX_LANES	64

struct xq_device {
	char *name;
	struct xq_backend *backend;
	struct xqaccel_info info;	/* pairs.array is memory of the device's own */
	struct xq_pairs pairs;

	pthread_mutex_t lock;		/* Protects lane. */
	struct xq_queue *lane[XQ_MAX_LANES];
	struct xq_handles handles;
};

struct xq_buffer {
	struct xq_device *dev;
	struct xq_memory memory;
};

/**
 * struct xq_ioctl_calls - the system as the ioctl backend sees it; tests replace it
 */
struct xq_ioctl_calls {
	int (*open)(const char *path);
	int (*ioctl)(int fd, unsigned long request, void *argument);
	void *(*mmap)(int fd, size_t bytes, uint64_t offset, int protection);
	int (*munmap)(void *data, size_t bytes);
	void (*close)(int fd);
};

/*
 * Opens a device file; fills in info, whose pairs.array the caller frees. calls may be NULL.
 */
int xq_ioctl_open(const char *path, const struct xq_ioctl_calls *calls,
		  struct xq_backend **backend, struct xqaccel_info *info);

/* The environment's XQ_THREADS, 0 if it is not set; -EINVAL if it is no number of threads. */
int xq_soft_threads(unsigned int *threads);

/* Makes a device model; fills in info in the same way. */
int xq_soft_open(struct xq_backend **backend, struct xqaccel_info *info);

/* A device over a backend that is open; takes the backend and the pairs, also when it fails. */
int xq_device_wrap(const char *name, struct xq_backend *backend,
		   const struct xqaccel_info *info, struct xq_device **dev);

/* The sentence for a driver of another ABI. */
void xq_abi_error(const char *name, const struct xqaccel_info *info, char *text, size_t size);

/* Monotonic time in ns. */
uint64_t xq_clock_ns(void);

#endif
