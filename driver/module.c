// SPDX-License-Identifier: GPL-2.0
/* The module: what all devices share, then the buses that they are found on. */
#include <linux/module.h>

#include "bus.h"
#include "client.h"
#include "device.h"

static int __init xqaccel_init(void)
{
	int ret;

	ret = xqaccel_workqueues_init();
	if (ret)
		return ret;
	ret = xqaccel_chrdev_init();
	if (ret)
		goto exit_workqueues;
	xqaccel_debugfs_init();
	ret = xqaccel_pci_register();
	if (ret)
		goto exit_chrdev;
	ret = xqaccel_platform_register();
	if (ret)
		goto unregister_pci;
	return 0;

unregister_pci:
	xqaccel_pci_unregister();
	/* A file may have been opened on a device that was found. */
	xqaccel_clients_wait_gone();
exit_chrdev:
	xqaccel_debugfs_exit();
	xqaccel_chrdev_exit();
exit_workqueues:
	xqaccel_workqueues_exit();
	return ret;
}

static void __exit xqaccel_exit(void)
{
	xqaccel_platform_unregister();
	xqaccel_pci_unregister();
	/* The last clients may still be ending; their devices go with them. */
	xqaccel_clients_wait_gone();
	xqaccel_workqueues_exit();
	xqaccel_debugfs_exit();
	xqaccel_chrdev_exit();
}

module_init(xqaccel_init);
module_exit(xqaccel_exit);

MODULE_DESCRIPTION("Quantized GEMM accelerator");
MODULE_AUTHOR("The xqaccel authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(XQACCEL_DRIVER_VERSION);
