// SPDX-License-Identifier: GPL-2.0
/* /sys/class/xqaccel/xqaccelN: what a person or udev asks without opening the device. */
#include <linux/sysfs.h>

#include "device.h"

static struct xqaccel_device *to_xq(struct device *dev)
{
	return container_of(dev, struct xqaccel_device, dev);
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", READ_ONCE(to_xq(dev)->lost) ? "lost" : "running");
}
static DEVICE_ATTR_RO(state);

static ssize_t abi_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%#llx\n", XQACCEL_ABI);
}
static DEVICE_ATTR_RO(abi);

static ssize_t hw_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const u32 version = to_xq(dev)->caps.hw_version;

	return sysfs_emit(buf, "%u.%u\n", version >> 16, version & 0xffff);
}
static DEVICE_ATTR_RO(hw_version);

static ssize_t queues_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_xq(dev)->caps.queues);
}
static DEVICE_ATTR_RO(queues);

static ssize_t isa_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_xq(dev)->caps.isa);
}
static DEVICE_ATTR_RO(isa);

static struct attribute *xqaccel_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_abi.attr,
	&dev_attr_hw_version.attr,
	&dev_attr_queues.attr,
	&dev_attr_isa.attr,
	NULL
};

static const struct attribute_group xqaccel_group = {
	.attrs = xqaccel_attrs,
};

const struct attribute_group *xqaccel_sysfs_groups[] = {
	&xqaccel_group,
	NULL
};
