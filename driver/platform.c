// SPDX-License-Identifier: GPL-2.0
/*
 * The accelerator as a device that sits on a board's bus and that its device tree describes:
 * Documentation/devicetree/bindings/misc/xqaccel,accel.yaml.
 *
 * There is nobody between the device and memory who could keep it from there, as Bus Master Enable
 * does on PCI. So DMA is stopped by a reset: by its register if it acknowledges, and else by its
 * reset line, if the board has one.
 */
#include <linux/clk.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/irq.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/pm_runtime.h>
#include <linux/reset.h>
#include <linux/sched/mm.h>

#include "bus.h"
#include "compat.h"
#include "device.h"
#include "reset.h"

/* What a reset line is held for, and how long registers may read as all ones after it. */
#define RESET_LINE_US	10
#define RESET_ANSWER_US	10000

/**
 * struct board - what the board has around the device
 * @xq: the device
 * @regs: its registers, for those who have no device yet
 * @clocks: all that its node names
 * @clock_count: how many
 * @reset: its reset line, or NULL
 * @clocked: @clocks are on. Set by what the kernel's core does one after the other: probe, changes
 *	of power, removal
 * @asleep: between board_suspend() and board_resume(), of a device that worked
 * @irq: interrupt numbers by XQ_VECTOR_*
 */
struct board {
	struct xqaccel_device *xq;
	void __iomem *regs;
	struct clk_bulk_data *clocks;
	int clock_count;
	struct reset_control *reset;
	bool clocked;
	bool asleep;
	int irq[XQ_VECTOR_QUEUE(XQ_MAX_QUEUES)];
};

static int hold_reset_line(struct board *board)
{
	const int ret = reset_control_assert(board->reset);

	/* The controller, or the firmware behind it, offers no more than a pulse of its own. */
	if (ret == -ENOTSUPP || ret == -EOPNOTSUPP)
		return reset_control_reset(board->reset);
	if (ret)
		return ret;
	usleep_range(RESET_LINE_US, 2 * RESET_LINE_US);
	return reset_control_deassert(board->reset);
}

/* Whether the device then answers, and is reset, is asked by who reads its registers next. */
static int pulse_reset_line(struct board *board)
{
	int ret;
	u32 id;

	if (!board->reset)
		return -EOPNOTSUPP;
	ret = hold_reset_line(board);
	if (!ret)
		readl_poll_timeout(board->regs + XQ_REG_ID, id, id != ~0U, RESET_LINE_US,
				   RESET_ANSWER_US);
	return ret;
}

static bool in_reset(struct xqaccel_device *xq)
{
	const u32 ctrl = xqaccel_read(xq, XQ_REG_CTRL);

	return ctrl != ~0U && ctrl & XQ_CTRL_RESET;
}

/* The line may do less than the device tree promises: registers have to say that it was reset. */
static int board_dma_stop(struct xqaccel_device *xq)
{
	struct board *board = dev_get_drvdata(xq->parent);
	int ret;

	/*
	 * Then it does nothing, and a read of its registers may hang the bus. What could not be
	 * stopped before the clocks were goes on with them.
	 */
	if (!board->clocked)
		return READ_ONCE(xq->dma) == XQACCEL_DMA_UNKNOWN ? -EIO : 0;
	/* One that is in a reset was waited for; without a line to wait again is all there is. */
	if (!(board->reset && in_reset(xq)) && !xqaccel_absent(xq) && !xqaccel_reset_initial(xq))
		return 0;
	ret = pulse_reset_line(board);
	if (ret)
		return ret;
	/* Its last access to memory may not be over. */
	if (xqaccel_absent(xq) || xqaccel_reset_wait(xq) || xqaccel_read(xq, XQ_REG_CTRL))
		return -EIO;
	return 0;
}

/* It does none before it is enabled. */
static void board_dma_start(struct xqaccel_device *xq)
{
}

static int board_channel(struct xqaccel_device *xq)
{
	const struct board *board = dev_get_drvdata(xq->parent);

	return board->clocked ? 0 : -ENODEV;
}

static int board_vector(struct xqaccel_device *xq, unsigned int vector)
{
	const struct board *board = dev_get_drvdata(xq->parent);

	return board->irq[vector];
}

static const struct xqaccel_bus_ops board_bus_ops = {
	.dma_stop = board_dma_stop,
	.dma_force_stop = board_dma_stop,
	.dma_start = board_dma_start,
	.channel = board_channel,
	.vector = board_vector,
};

static int interrupts_find(struct platform_device *pdev, struct board *board)
{
	unsigned int count, i;
	int ret;

	ret = platform_irq_count(pdev);
	if (ret < 0)
		return ret;
	count = min_t(unsigned int, ret, XQ_VECTOR_QUEUE(board->xq->caps.queues));
	if (count < XQ_VECTOR_QUEUE(1)) {
		dev_err(&pdev->dev, "no interrupts for errors and a queue\n");
		return -EINVAL;
	}
	for (i = 0; i < count; i++) {
		ret = platform_get_irq(pdev, i);
		if (ret < 0)
			return ret;
		board->irq[i] = ret;
		/* It is over before the handler runs, and lost if nobody takes its edge. */
		if (irq_get_trigger_type(ret) & IRQ_TYPE_LEVEL_MASK)
			dev_warn(&pdev->dev, "interrupt %u is a level, the device pulses it\n", i);
	}
	xqaccel_caps_limit_queues(board->xq, count);
	return 0;
}

/* What the board has beside registers and interrupts, all of it optional. */
static int supplies_get(struct device *dev, struct board *board)
{
	int ret;

	ret = devm_clk_bulk_get_all(dev, &board->clocks);
	if (ret < 0)
		return dev_err_probe(dev, ret, "no clocks\n");
	board->clock_count = ret;
	board->reset = devm_reset_control_get_optional_exclusive(dev, NULL);
	if (IS_ERR(board->reset))
		return dev_err_probe(dev, PTR_ERR(board->reset), "no reset line\n");
	return 0;
}

static int clocks_on(struct board *board)
{
	const int ret = clk_bulk_prepare_enable(board->clock_count, board->clocks);

	board->clocked = !ret;
	return ret;
}

/* If they are on. */
static void clocks_off(struct board *board)
{
	if (!board->clocked)
		return;
	board->clocked = false;
	clk_bulk_disable_unprepare(board->clock_count, board->clocks);
}

/*
 * After this registers may be read. A line may have been asserted since power-on, and again where
 * its controller lost its state while the device was off; and a device whose power was off may need
 * a pulse to be in any state at all. It has none to lose then.
 */
static int power_on(struct board *board)
{
	int ret;

	ret = clocks_on(board);
	if (ret || !board->reset)
		return ret;
	ret = pulse_reset_line(board);
	if (ret)
		clocks_off(board);
	return ret;
}

static int add(struct platform_device *pdev, struct board *board)
{
	struct device *dev = &pdev->dev;
	int ret;

	/* The core stops the DMA of a device that it can't start, and asks for it by this. */
	platform_set_drvdata(pdev, board);
	board->xq = xqaccel_core_alloc(dev, &board_bus_ops, board->regs);
	if (IS_ERR(board->xq))
		return PTR_ERR(board->xq);
	ret = interrupts_find(pdev, board);
	if (ret)
		goto put;
	pm_runtime_set_active(dev);
	pm_runtime_get_noresume(dev);
	pm_runtime_enable(dev);
	ret = xqaccel_core_add(board->xq);
	if (ret)
		goto disable_pm;
	xqaccel_bus_probed(dev);
	return 0;

disable_pm:
	pm_runtime_disable(dev);
	pm_runtime_set_suspended(dev);
	pm_runtime_put_noidle(dev);
put:
	put_device(&board->xq->dev);
	return ret;
}

static void __iomem *map_registers(struct platform_device *pdev)
{
	struct resource *resource;
	void __iomem *regs = devm_platform_get_and_ioremap_resource(pdev, 0, &resource);

	if (!IS_ERR(regs) && resource_size(resource) < XQ_BAR_BYTES) {
		dev_err(&pdev->dev, "reg is smaller than the registers\n");
		return IOMEM_ERR_PTR(-EINVAL);
	}
	return regs;
}

static int board_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct board *board;
	int ret;

	board = devm_kzalloc(dev, sizeof(*board), GFP_KERNEL);
	if (!board)
		return -ENOMEM;
	board->regs = map_registers(pdev);
	if (IS_ERR(board->regs))
		return PTR_ERR(board->regs);
	ret = supplies_get(dev, board);
	if (ret)
		return ret;
	ret = xqaccel_bus_dma_mask(dev);
	if (ret)
		return ret;
	ret = power_on(board);
	if (ret)
		return dev_err_probe(dev, ret, "its clocks or its reset line fail\n");
	ret = add(pdev, board);
	if (ret)
		clocks_off(board);
	return ret;
}

static XQACCEL_REMOVE_TYPE board_remove(struct platform_device *pdev)
{
	struct board *board = platform_get_drvdata(pdev);
	struct device *dev = &pdev->dev;

	/* One that can't be resumed was lost by that, and its clocks are off. */
	pm_runtime_get_sync(dev);
	pm_runtime_dont_use_autosuspend(dev);
	xqaccel_core_remove(board->xq);
	pm_runtime_disable(dev);
	pm_runtime_set_suspended(dev);
	pm_runtime_put_noidle(dev);
	clocks_off(board);
	return XQACCEL_REMOVED;
}

/* The machine goes down, or another kernel takes over, whose memory the device must not write. */
static void board_shutdown(struct platform_device *pdev)
{
	struct board *board = platform_get_drvdata(pdev);

	if (pm_runtime_get_sync(&pdev->dev) >= 0 && board->clocked)
		xqaccel_reset_final(board->xq);
}

/* ---- power ---------------------------------------------------------------- */

static int board_runtime_suspend(struct device *dev)
{
	struct board *board = dev_get_drvdata(dev);
	const int ret = xqaccel_hw_suspend_idle(board->xq);

	if (!ret)
		clocks_off(board);
	return ret;
}

static int board_runtime_resume(struct device *dev)
{
	struct board *board = dev_get_drvdata(dev);
	unsigned int noreclaim;
	int ret;

	/* Who frees memory may wait for the jobs that wait for this; a controller may want some. */
	noreclaim = memalloc_noreclaim_save();
	ret = power_on(board);
	memalloc_noreclaim_restore(noreclaim);
	if (ret) {
		xqaccel_set_lost(board->xq, "its clocks or its reset line fail");
		return ret;
	}
	xqaccel_hw_resume_idle(board->xq);
	return 0;
}

/*
 * Tasks are frozen before this, so no job comes. Whatever it was, it is on before and off after.
 * One that is lost for want of a clock does not keep the machine awake.
 */
static int board_suspend(struct device *dev)
{
	struct board *board = dev_get_drvdata(dev);

	board->asleep = pm_runtime_get_sync(dev) >= 0;
	if (!board->asleep)
		return 0;
	xqaccel_hw_suspend(board->xq, true);
	clocks_off(board);
	return 0;
}

static int board_resume(struct device *dev)
{
	struct board *board = dev_get_drvdata(dev);
	int ret = 0;

	if (board->asleep)
		ret = power_on(board);
	if (ret)
		xqaccel_set_lost(board->xq, "its clocks or its reset line fail");
	else if (board->asleep)
		ret = xqaccel_hw_resume(board->xq);
	board->asleep = false;
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
	return ret;
}

static const struct dev_pm_ops board_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(board_suspend, board_resume)
	RUNTIME_PM_OPS(board_runtime_suspend, board_runtime_resume, NULL)
};

static const struct of_device_id board_ids[] = {
	{ .compatible = "xqaccel,accel-1.0" },
	{ }
};
MODULE_DEVICE_TABLE(of, board_ids);

static struct platform_driver board_driver = {
	.probe = board_probe,
	.remove = board_remove,
	.shutdown = board_shutdown,
	.driver = {
		.name = "xqaccel",
		.of_match_table = board_ids,
		.pm = pm_ptr(&board_pm_ops),
	},
};

int xqaccel_platform_register(void)
{
	return platform_driver_register(&board_driver);
}

void xqaccel_platform_unregister(void)
{
	platform_driver_unregister(&board_driver);
}
