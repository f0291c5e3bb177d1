// SPDX-License-Identifier: GPL-2.0
/*
 * Makes one mistake on purpose when it is loaded, the one that the parameter names, so that
 * tests/debug/test_mistakes.py can see that the kernel tells of it and that the runner hears.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "xq_regs.h"

static char *mistake = "none";
module_param(mistake, charp, 0);
MODULE_PARM_DESC(mistake, "which mistake to make");

/* Where the compiler can't see what comes. */
static unsigned int eight = 8;

/* ---- memory ------------------------------------------------------------------------ */

static int none(void)
{
	kfree(kmalloc(64, GFP_KERNEL));
	return 0;
}

static int leak(void)
{
	return kmalloc(1000, GFP_KERNEL) ? 0 : -ENOMEM;
}

static int use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL), *gone = p;

	OPTIMIZER_HIDE_VAR(gone);
	kfree(p);
	if (gone)
		WRITE_ONCE(gone[8], 1);
	return 0;
}

static int out_of_bounds(void)
{
	char *p = kmalloc(40, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	if (p)
		WRITE_ONCE(p[5 * READ_ONCE(eight)], 1);
	kfree(p);
	return 0;
}

static int array_index(void)
{
	static int array[8];
	int value = array[READ_ONCE(eight)];

	OPTIMIZER_HIDE_VAR(value);
	return value & 0;
}

/* ---- locks and contexts ------------------------------------------------------------- */

static int lock_inversion(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static int sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&lock);
	return 0;
}

static unsigned long counter;

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		unsigned int i;

		for (i = 0; i < 1000; i++) {
			counter++;
			barrier();
		}
		cond_resched();
	}
	return 0;
}

static int unlocked_counter(void)
{
	struct task_struct *one = kthread_run(count, NULL, "one"), *other;

	if (IS_ERR(one))
		return PTR_ERR(one);
	other = kthread_run(count, NULL, "other");
	msleep(8000);
	kthread_stop(one);
	if (!IS_ERR(other))
		kthread_stop(other);
	return 0;
}

/* Longer than twice what the guest's script sets as the limit. */
static int hung_task(void)
{
	schedule_timeout_uninterruptible(10 * HZ);
	return 0;
}

/* ---- objects ------------------------------------------------------------------------ */

static void never(struct timer_list *unused)
{
}

static int active_timer_freed(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return -ENOMEM;
	timer_setup(timer, never, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
	return 0;
}

static int list_removed_twice(void)
{
	LIST_HEAD(head);
	struct list_head entry;

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
	return 0;
}

static int reference_too_few(void)
{
	refcount_t references = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&references))
		refcount_dec(&references);
	return 0;
}

/* Memory that was never mapped. */
static int dma_unmapped(void)
{
	struct pci_dev *pdev = pci_get_device(XQ_PCI_VENDOR, XQ_PCI_DEVICE, NULL);

	if (!pdev)
		return -ENODEV;
	dma_unmap_single(&pdev->dev, 0x100000, 4096, DMA_TO_DEVICE);
	pci_dev_put(pdev);
	return 0;
}

static int warning(void)
{
	WARN(1, "on purpose");
	return 0;
}

static const struct {
	const char *name;
	int (*make)(void);
} mistakes[] = {
	{ "none", none }, { "leak", leak }, { "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds }, { "array_index", array_index },
	{ "lock_inversion", lock_inversion }, { "sleep_in_atomic", sleep_in_atomic },
	{ "unlocked_counter", unlocked_counter }, { "hung_task", hung_task },
	{ "active_timer_freed", active_timer_freed },
	{ "list_removed_twice", list_removed_twice },
	{ "reference_too_few", reference_too_few }, { "dma_unmapped", dma_unmapped },
	{ "warning", warning },
};

static int __init make_mistake(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (!strcmp(mistakes[i].name, mistake))
			return mistakes[i].make();
	return -EINVAL;
}

static void __exit mistake_made(void)
{
}

module_init(make_mistake);
module_exit(mistake_made);
MODULE_DESCRIPTION("Mistakes on purpose, for the tests of xqaccel");
MODULE_LICENSE("GPL");
