/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the driver's pure sources and their tests need, so that both run as a
 * program under the address sanitizer. build.mk makes <linux/NAME.h> and <kunit/test.h> that
 * include this. What only has to be there to be a member is empty.
 */
#ifndef XQ_KUNIT_HOST_H
#define XQ_KUNIT_HOST_H

#define __KERNEL__

#include <asm/types.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;
typedef unsigned int gfp_t;
typedef unsigned short umode_t;

#define __iomem
#define __user
#define __must_hold(lock)
#define noinline		__attribute__((noinline))
#define __acquires(lock)
#define __releases(lock)
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE		4096UL
#define GFP_KERNEL		0
#define TASK_COMM_LEN		16
/* With names of their own in each use, since uses may be inside of each other. */
#define PICK(a, op, b, n)	PICK_NAMED(a, op, b, a_##n, b_##n)
#define PICK_N(a, op, b, n)	PICK(a, op, b, n)
#define PICK_NAMED(a, op, b, a_, b_) \
	({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ op b_ ? a_ : b_; })
#define min(a, b)		PICK_N(a, <, b, __COUNTER__)
#define max(a, b)		PICK_N(a, >, b, __COUNTER__)
#define max3(a, b, c)		max(max(a, b), c)
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define lower_32_bits(n)	((u32)(n))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))
#define barrier()		__asm__ volatile("" ::: "memory")
#define smp_mb()		barrier()
#define dma_wmb()		barrier()
#define dma_rmb()		barrier()
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
#define hweight32(n)		__builtin_popcount(n)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)
#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define cpu_to_le64(x)		((__le64)(x))
#define cpu_to_le32(x)		((__le32)(x))
#define cpu_to_le16(x)		((__le16)(x))
#define le64_to_cpu(x)		((u64)(x))
#define le32_to_cpu(x)		((u32)(x))
#define le16_to_cpu(x)		((u16)(x))

/* ---- lists -------------------------------------------------------------------------- */

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

static inline void list_link(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	assert(prev->next == next && next->prev == prev);
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *head)
{
	list_link(n, head, head->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *head)
{
	list_link(n, head->prev, head);
}

static inline void list_del(struct list_head *n)
{
	assert(n->prev->next == n && n->next->prev == n);
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = NULL;
}

static inline void list_del_init(struct list_head *n)
{
	list_del(n);
	INIT_LIST_HEAD(n);
}

static inline void list_move(struct list_head *n, struct list_head *head)
{
	list_del(n);
	list_add(n, head);
}

static inline void list_move_tail(struct list_head *n, struct list_head *head)
{
	list_del(n);
	list_add_tail(n, head);
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	while (!list_empty(from))
		list_move_tail(from->next, to);
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline bool list_is_last(const struct list_head *n, const struct list_head *head)
{
	return n->next == head;
}

#define list_entry(n, type, member)		container_of(n, type, member)
#define list_first_entry(l, type, member)	list_entry((l)->next, type, member)
#define list_last_entry(l, type, member)	list_entry((l)->prev, type, member)
#define list_first_entry_or_null(l, type, member) \
	(list_empty(l) ? NULL : list_first_entry(l, type, member))
#define list_next_entry(e, member)	list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_entry_is_head(e, l, member)	(&(e)->member == (l))
#define list_for_each_entry(e, l, member) \
	for (e = list_first_entry(l, __typeof__(*e), member); !list_entry_is_head(e, l, member); \
	     e = list_next_entry(e, member))
#define list_for_each_entry_safe(e, n, l, member) \
	for (e = list_first_entry(l, __typeof__(*e), member), n = list_next_entry(e, member); \
	     !list_entry_is_head(e, l, member); e = n, n = list_next_entry(n, member))

struct llist_node { struct llist_node *next; };
struct llist_head { struct llist_node *first; };

static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	struct llist_node *first = head->first;

	head->first = NULL;
	return first;
}

/* @n is not needed: the next node is read before the body. */
#define llist_for_each_entry_safe(e, n, node, member) \
	for (struct llist_node *at_ = (node), *next_; \
	     at_ && (e = container_of(at_, __typeof__(*e), member), next_ = at_->next, true); \
	     at_ = next_, (void)(n))

/* ---- red-black trees: here sorted lists ----------------------------------------------- */

/* Points to itself in no list. */
struct rb_node { struct rb_node *next; };
struct rb_root { struct rb_node *rb_node; };
struct rb_root_cached { struct rb_root rb_root; };

#define RB_ROOT_CACHED		((struct rb_root_cached){ { NULL } })
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
#define RB_EMPTY_NODE(node)	((node)->next == (node))
#define RB_CLEAR_NODE(node)	((node)->next = (node))
#define rb_entry(n, type, member)	container_of(n, type, member)

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *tree)
{
	return tree->rb_root.rb_node;
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	return node->next;
}

/* After its equals, as in a tree. */
static inline void rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
				 bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **at = &tree->rb_root.rb_node;

	while (*at && !less(node, *at)) {
		assert(*at != node);
		at = &(*at)->next;
	}
	node->next = *at;
	*at = node;
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *tree)
{
	struct rb_node **at = &tree->rb_root.rb_node;

	while (*at != node) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = node->next;
}

/* ---- what is only a member ---------------------------------------------------------- */

struct hlist_node { void *next; };
struct hlist_head { void *first; };
struct maple_tree { int unused; };
struct dma_fence { int unused; };
struct dma_fence_cb { int unused; };
struct dma_resv;
struct ww_acquire_ctx { int unused; };
struct kref { int refs; };
struct mutex { int unused; };
struct rw_semaphore { int unused; };
struct xarray { int unused; };
struct ida { int unused; };
struct cdev { int unused; };
struct device { struct device *parent; void *driver_data; };
struct dentry;
struct completion { int unused; };
struct file;
struct page;
struct sg_table { int unused; };
struct scatterlist { int unused; };
struct vm_area_struct;
struct work_struct { int unused; };
struct delayed_work { struct work_struct work; };
struct timer_list { int unused; };
struct workqueue_struct;
struct cred;
struct user_struct;
typedef struct { u32 val; } kuid_t;
typedef struct { int unused; } spinlock_t;
typedef struct { int unused; } raw_spinlock_t;
typedef struct { int unused; } wait_queue_head_t;
typedef struct { _Atomic s64 counter; } atomic64_t;
typedef struct { _Atomic int counter; } atomic_t;
typedef struct { _Atomic int refs; } refcount_t;

static inline void atomic64_inc(atomic64_t *v)
{
	v->counter++;
}

static inline void atomic64_dec(atomic64_t *v)
{
	v->counter--;
}

static inline void atomic64_add(s64 n, atomic64_t *v)
{
	v->counter += n;
}

static inline s64 atomic64_read(const atomic64_t *v)
{
	return v->counter;
}

/* ---- locks, time, registers, logs: one thread, a clock that tests set --------------------- */

/* guard(spinlock_irq)(&lock) */
#define guard(kind)			(void)
#define spin_lock_init(lock)		((void)(lock))
#define lockdep_assert_held(lock)	((void)(lock))
#define spin_lock_irq(lock)		((void)(lock))
#define spin_unlock_irq(lock)		((void)(lock))
#define spin_lock_irqsave(lock, flags)	((void)(lock), (flags) = 0)
#define spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))
#define raw_spin_lock_init(lock)	((void)(lock))
#define raw_spin_lock(lock)		((void)(lock))
#define raw_spin_unlock(lock)		((void)(lock))
#define raw_spin_trylock_irqsave(lock, flags) ((void)(lock), (flags) = 0, true)
#define raw_spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))
#define preempt_disable()		((void)0)
#define preempt_enable()		((void)0)
#define mutex_lock(lock)		((void)(lock))
#define mutex_unlock(lock)		((void)(lock))
#define dev_warn_ratelimited(dev, ...)	((void)(dev))
#define dev_warn(dev, ...)		((void)(dev))
#define dev_err(dev, ...)		((void)(dev))
#define dev_dbg(dev, ...)		((void)(dev))

#define cond_resched()			((void)0)
#define dma_fence_begin_signalling()	true
#define dma_fence_end_signalling(cookie) ((void)(cookie))
#define dma_fence_put(fence)		((void)(fence))

/* Of power.c, whose test has them. */
int down_read_killable(struct rw_semaphore *lock);
void up_read(struct rw_semaphore *lock);
int pm_runtime_resume(struct device *dev);
#define pm_runtime_get(dev)		((void)(dev))
#define pm_runtime_mark_last_busy(dev)	((void)(dev))
#define pm_runtime_put_autosuspend(dev)	((void)(dev))

extern unsigned long jiffies;

#define HZ			250
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define USEC_PER_SEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define msecs_to_jiffies(ms)	((unsigned long)(ms) * HZ / 1000)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_before(a, b)	((long)((a) - (b)) < 0)

static inline u64 ktime_get_ns(void)
{
	return jiffies * (u64)(NSEC_PER_SEC / HZ);
}

/* The machine's clock, where what counts is how long the driver itself takes. */
static inline u64 ktime_get_raw_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (u64)NSEC_PER_SEC + now.tv_nsec;
}

static inline u64 div64_u64(u64 n, u64 by)
{
	return n / by;
}

static inline u64 div64_u64_rem(u64 n, u64 by, u64 *rest)
{
	*rest = n % by;
	return n / by;
}

static inline u32 readl(const volatile void *at)
{
	return *(const volatile u32 *)at;
}

static inline void writel(u32 value, volatile void *at)
{
	*(volatile u32 *)at = value;
}

static inline bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	(void)wq;
	(void)work;
	return true;
}

static inline bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
				    unsigned long delay)
{
	(void)delay;
	return queue_work(wq, &work->work);
}

static inline void *dma_alloc_coherent(struct device *dev, size_t bytes, dma_addr_t *at, gfp_t gfp)
{
	(void)dev;
	(void)gfp;
	void *memory = calloc(1, bytes);

	*at = (uintptr_t)memory;
	return memory;
}

static inline void dma_free_coherent(struct device *dev, size_t bytes, void *memory, dma_addr_t at)
{
	(void)dev;
	(void)bytes;
	(void)at;
	free(memory);
}

/* ---- KUnit ---------------------------------------------------------------------------- */

struct kunit {
	const char *name;
	void *priv;
	bool failed;
	void *memory[64];
	unsigned int memories;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

void *kunit_kzalloc(struct kunit *test, size_t bytes, gfp_t gfp);
void kunit_abort(struct kunit *test) __attribute__((noreturn));

#define KUNIT_CASE(function)	{ .run_case = function, .name = #function }
#define KUNIT_COMPARE(test, a, op, b, fatal) \
	do { \
		const __typeof__(a) a_ = (a); \
		const __typeof__(b) b_ = (b); \
		if (!(a_ op b_)) { \
			printf("# %s:%d: %s (%lld) " #op " %s (%lld)\n", __FILE__, __LINE__, #a, \
			       (long long)a_, #b, (long long)b_); \
			(test)->failed = true; \
			if (fatal) \
				kunit_abort(test); \
		} \
	} while (0)
#define KUNIT_EXPECT_EQ(test, a, b)	KUNIT_COMPARE(test, a, ==, b, false)
#define KUNIT_EXPECT_NE(test, a, b)	KUNIT_COMPARE(test, a, !=, b, false)
#define KUNIT_EXPECT_LE(test, a, b)	KUNIT_COMPARE(test, a, <=, b, false)
#define KUNIT_EXPECT_GE(test, a, b)	KUNIT_COMPARE(test, a, >=, b, false)
#define KUNIT_EXPECT_TRUE(test, a)	KUNIT_COMPARE(test, !!(a), ==, true, false)
#define KUNIT_EXPECT_FALSE(test, a)	KUNIT_COMPARE(test, !!(a), ==, false, false)
#define KUNIT_EXPECT_PTR_EQ(test, a, b) \
	KUNIT_COMPARE(test, (uintptr_t)(a), ==, (uintptr_t)(b), false)
#define KUNIT_EXPECT_NULL(test, a)	KUNIT_EXPECT_PTR_EQ(test, a, NULL)
#define KUNIT_ASSERT_EQ(test, a, b)	KUNIT_COMPARE(test, a, ==, b, true)
#define KUNIT_ASSERT_TRUE(test, a)	KUNIT_COMPARE(test, !!(a), ==, true, true)
#define KUNIT_ASSERT_NOT_NULL(test, a)	KUNIT_COMPARE(test, !!(a), ==, true, true)

/* Each file has one suite; main() lists them. */
#define kunit_test_suite(suite)	struct kunit_suite *const suite##_entry = &suite

#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)

#endif
