// SPDX-License-Identifier: GPL-2.0
/* The accelerator as a PCI function. */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/pm_runtime.h>

#include "bus.h"
#include "device.h"
#include "reset.h"

/* Whether the link to the device is up, as far as the port at its other end can tell. */
static bool link_active(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pdev);
	u16 status = 0;

	if (port && pci_is_pcie(port))
		pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status);
	return status & PCI_EXP_LNKSTA_DLLLA;
}

/*
 * A function that does not answer may be hung and still write memory. It certainly does not if it
 * was found removed, or if the link is down: then it was reset, too. A port that does not tell of
 * its link always says that it is down, so that counts only if it was seen up.
 */
static bool cut_off(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);

	if (pdev->error_state == pci_channel_io_perm_failure)
		return true;
	return xq->link_seen && !link_active(pdev);
}

static int pci_dma_stop(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);
	u16 command;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (command == 0xffff)
		return cut_off(xq) ? 0 : -EIO;
	pci_clear_master(pdev);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (command & PCI_COMMAND_MASTER)
		return -EIO;
	return pci_wait_for_pending_transaction(pdev) ? 0 : -EIO;
}

/*
 * Resets the device's bus, if there is nothing else on it. Whether the device answers afterwards,
 * which the PCI core waits for, does not matter here: it was reset.
 */
static int reset_bus(struct pci_dev *pdev)
{
	struct pci_dev *bridge = pci_upstream_bridge(pdev);
	u16 control;

	if (!bridge || !list_is_singular(&pdev->bus->devices))
		return -ENOTTY;
	pci_bridge_secondary_bus_reset(bridge);
	pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control);
	return control == 0xffff ? -EIO : 0;
}

/* The caller has the device's lock, and nobody uses the function any more. */
static int pci_dma_force_stop(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);
	const bool answers = pci_device_is_present(pdev);
	int ret;

	/* It may have come back. */
	if (!pci_dma_stop(xq))
		return 0;
	dev_warn(&xq->dev, "resetting the %s to stop its DMA\n", answers ? "function" : "bus");
	ret = answers ? __pci_reset_function_locked(pdev) : reset_bus(pdev);
	/* What pci_dma_start() saved has no bus mastering. */
	if (!ret)
		pci_restore_state(pdev);
	if (!ret && answers)
		ret = pci_dma_stop(xq);
	return ret;
}

static int pci_channel(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);

	if (pdev->error_state == pci_channel_io_perm_failure)
		return -ENODEV;
	return pci_channel_offline(pdev) ? -EAGAIN : 0;
}

/*
 * What slot_reset restores is saved before bus mastering is on: a device that was not reset
 * after all must not get it back at once.
 */
static void pci_dma_start(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);

	pci_save_state(pdev);
	pci_set_master(pdev);
}

static int pci_vector(struct xqaccel_device *xq, unsigned int vector)
{
	return pci_irq_vector(to_pci_dev(xq->parent), vector);
}

static const struct xqaccel_bus_ops pci_bus_ops = {
	.dma_stop = pci_dma_stop,
	.dma_force_stop = pci_dma_force_stop,
	.dma_start = pci_dma_start,
	.channel = pci_channel,
	.vector = pci_vector,
};

static int enable(struct pci_dev *pdev)
{
	int ret;

	ret = pci_enable_device_mem(pdev);
	if (ret)
		return ret;
	ret = pci_request_region(pdev, XQ_PCI_REG_BAR, "xqaccel");
	if (ret)
		goto disable;
	ret = xqaccel_bus_dma_mask(&pdev->dev);
	if (ret)
		goto release;
	return 0;

release:
	pci_release_region(pdev, XQ_PCI_REG_BAR);
disable:
	pci_disable_device(pdev);
	return ret;
}

static void disable(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	pci_release_region(pdev, XQ_PCI_REG_BAR);
	pci_disable_device(pdev);
}

static int vectors_alloc(struct xqaccel_device *xq)
{
	struct pci_dev *pdev = to_pci_dev(xq->parent);
	const int count = pci_alloc_irq_vectors(pdev, XQ_VECTOR_QUEUE(1),
						XQ_VECTOR_QUEUE(xq->caps.queues), PCI_IRQ_MSIX);

	if (count < 0) {
		pci_err(pdev, "no interrupt vectors for errors and a queue\n");
		return count;
	}
	xqaccel_caps_limit_queues(xq, count);
	return 0;
}

static int add(struct pci_dev *pdev, void __iomem *regs)
{
	struct xqaccel_device *xq;
	int ret;

	xq = xqaccel_core_alloc(&pdev->dev, &pci_bus_ops, regs);
	if (IS_ERR(xq))
		return PTR_ERR(xq);
	ret = vectors_alloc(xq);
	if (ret)
		goto put;
	xq->link_seen = link_active(pdev);
	pci_dma_start(xq);
	ret = xqaccel_core_add(xq);
	if (ret)
		goto free_vectors;
	pci_set_drvdata(pdev, xq);
	/* It is user space that says "auto" in power/control. */
	xqaccel_bus_probed(&pdev->dev);
	return 0;

free_vectors:
	pci_clear_master(pdev);
	pci_free_irq_vectors(pdev);
put:
	put_device(&xq->dev);
	return ret;
}

static int xqaccel_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *regs;
	int ret;

	ret = enable(pdev);
	if (ret)
		return ret;
	ret = -ENODEV;
	if (pci_resource_len(pdev, XQ_PCI_REG_BAR) < XQ_BAR_BYTES)
		goto disable;
	regs = pci_iomap(pdev, XQ_PCI_REG_BAR, XQ_BAR_BYTES);
	if (!regs)
		goto disable;
	ret = add(pdev, regs);
	if (!ret)
		return 0;
	pci_iounmap(pdev, regs);
disable:
	disable(pdev);
	return ret;
}

static void xqaccel_remove(struct pci_dev *pdev)
{
	struct xqaccel_device *xq = pci_get_drvdata(pdev);
	void __iomem *regs = xq->regs;

	/* It was resumed before this, and the PCI core gives up the reference of the probe. */
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_dont_use_autosuspend(&pdev->dev);
	xqaccel_core_remove(xq);
	pci_free_irq_vectors(pdev);
	pci_iounmap(pdev, regs);
	disable(pdev);
}

/* The machine goes down, or another kernel takes over, whose memory the device must not write. */
static void xqaccel_shutdown(struct pci_dev *pdev)
{
	struct xqaccel_device *xq = pci_get_drvdata(pdev);

	xqaccel_reset_final(xq);
}

/* ---- power ---------------------------------------------------------------- */

/* Tasks are frozen before this, so no job comes; the PCI core takes care of the power. */
static int xqaccel_suspend(struct device *dev)
{
	xqaccel_hw_suspend(dev_get_drvdata(dev), true);
	return 0;
}

static int xqaccel_resume(struct device *dev)
{
	return xqaccel_hw_resume(dev_get_drvdata(dev));
}

static int xqaccel_runtime_suspend(struct device *dev)
{
	const int ret = xqaccel_hw_suspend_idle(dev_get_drvdata(dev));

	/* The core takes it that this call has saved anew; what is saved still holds. */
	if (ret == -EBUSY)
		to_pci_dev(dev)->state_saved = true;
	return ret;
}

/*
 * To the PCI core the function is there, whatever is the matter with it: an error would stay with
 * struct device, and then no driver could be bound again.
 */
static int xqaccel_runtime_resume(struct device *dev)
{
	xqaccel_hw_resume_idle(dev_get_drvdata(dev));
	return 0;
}

static const struct dev_pm_ops xqaccel_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(xqaccel_suspend, xqaccel_resume)
	RUNTIME_PM_OPS(xqaccel_runtime_suspend, xqaccel_runtime_resume, NULL)
};

/* ---- resets and errors of the bus ------------------------------------------- */

/*
 * Someone resets the function, as root can through sysfs. Who resets all that is below a bridge
 * does not resume it: it is on here, or what comes with its next resume, which restores a function
 * that may not use memory, would find it working.
 */
static void xqaccel_reset_prepare(struct pci_dev *pdev)
{
	pm_runtime_get_sync(&pdev->dev);
	xqaccel_hw_suspend(pci_get_drvdata(pdev), true);
}

static void xqaccel_reset_done(struct pci_dev *pdev)
{
	xqaccel_hw_resume(pci_get_drvdata(pdev));
	pm_runtime_put_autosuspend(&pdev->dev);
}

/* What runs may be what the error hit, so nothing is waited for, and a reset follows anyway. */
static pci_ers_result_t xqaccel_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct xqaccel_device *xq = pci_get_drvdata(pdev);

	if (state == pci_channel_io_perm_failure)
		xqaccel_set_lost(xq, "the bus gave it up");
	else
		xqaccel_hw_suspend(xq, false);
	return READ_ONCE(xq->lost) ? PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t xqaccel_slot_reset(struct pci_dev *pdev)
{
	struct xqaccel_device *xq = pci_get_drvdata(pdev);

	/*
	 * Between the steps of a recovery others may have woken it: xqaccel_reset_done(),
	 * xqaccel_resume(), xqaccel_runtime_resume() or a new xqaccel_probe(). What is restored
	 * has no bus mastering, and only a wake turns it on.
	 */
	xqaccel_hw_suspend(xq, false);
	pci_restore_state(pdev);
	/* Restoring uses up what was saved; the next error may come before the wake. */
	pci_save_state(pdev);
	if (!xqaccel_absent(xq))
		return PCI_ERS_RESULT_RECOVERED;
	xqaccel_set_lost(xq, "it does not answer after an error of the bus");
	return PCI_ERS_RESULT_DISCONNECT;
}

/* The error may have come while the function was in D3hot, where its registers do not answer. */
static void xqaccel_error_resume(struct pci_dev *pdev)
{
	pm_runtime_get_sync(&pdev->dev);
	xqaccel_hw_resume(pci_get_drvdata(pdev));
	pm_runtime_put_autosuspend(&pdev->dev);
}

static const struct pci_error_handlers xqaccel_error_handlers = {
	.error_detected = xqaccel_error_detected,
	.slot_reset = xqaccel_slot_reset,
	.resume = xqaccel_error_resume,
	.reset_prepare = xqaccel_reset_prepare,
	.reset_done = xqaccel_reset_done,
};

static const struct pci_device_id xqaccel_ids[] = {
	{ PCI_DEVICE(XQ_PCI_VENDOR, XQ_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, xqaccel_ids);

static struct pci_driver xqaccel_driver = {
	.name = "xqaccel",
	.id_table = xqaccel_ids,
	.probe = xqaccel_probe,
	.remove = xqaccel_remove,
	.shutdown = xqaccel_shutdown,
	.err_handler = &xqaccel_error_handlers,
	.driver.pm = pm_ptr(&xqaccel_pm_ops),
};

int xqaccel_pci_register(void)
{
	return pci_register_driver(&xqaccel_driver);
}

void xqaccel_pci_unregister(void)
{
	pci_unregister_driver(&xqaccel_driver);
}
