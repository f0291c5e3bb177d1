// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"
#include "shared_memory.h"

int buffer_wrap(int fd, void *memory, uint64_t bytes, uint32_t flags, struct buffer *buf)
{
	struct xqaccel_buf_wrap cmd = {
		.size = sizeof(cmd), .flags = flags, .address = (uintptr_t)memory, .bytes = bytes,
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_BUF_WRAP, &cmd);

	if (!ret)
		*buf = (struct buffer){ .handle = cmd.handle, .bytes = bytes, .map = memory };
	return ret;
}

int buffer_import(int fd, int dmabuf, uint32_t flags, struct buffer *buf)
{
	struct xqaccel_buf_import cmd = { .size = sizeof(cmd), .flags = flags, .fd = dmabuf };
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_BUF_IMPORT, &cmd);

	if (!ret)
		*buf = (struct buffer){ .handle = cmd.handle, .bytes = cmd.bytes };
	return ret;
}

int buffer_create_shared(int fd, uint64_t bytes, struct buffer *buf)
{
	struct xqaccel_buf_create cmd = {
		.size = sizeof(cmd), .flags = XQACCEL_BUF_SHARED, .bytes = bytes,
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_BUF_CREATE, &cmd);

	if (ret)
		return ret;
	*buf = (struct buffer){ .handle = cmd.handle, .bytes = cmd.bytes,
				.mmap_offset = cmd.mmap_offset };
	buf->map = mmap(NULL, buf->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, buf->mmap_offset);
	return buf->map == MAP_FAILED ? -errno : 0;
}

bool memory_is_bounced(int fd)
{
	struct buffer buf = { .map = NULL };
	const int ret = buffer_create_shared(fd, 4096, &buf);

	if (!ret) {
		munmap(buf.map, buf.bytes);
		buffer_destroy(fd, buf.handle);
	}
	return ret == -EOPNOTSUPP;
}

int buffer_export(int fd, uint32_t handle, uint32_t flags)
{
	struct xqaccel_buf_export cmd = { .size = sizeof(cmd), .flags = flags, .handle = handle };
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_BUF_EXPORT, &cmd);

	return ret ? ret : cmd.fd;
}

uint8_t *pages_of(uint64_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

int foreign_dmabuf(uint64_t bytes, uint8_t **map)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = bytes };
	const int node = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int dmabuf;

	if (node < 0)
		return -errno;
	create.memfd = memfd_create("xqaccel", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (ftruncate(create.memfd, bytes) || fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		dmabuf = -errno;
	} else {
		*map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, create.memfd, 0);
		dmabuf = ioctl(node, UDMABUF_CREATE, &create);
		if (dmabuf < 0)
			dmabuf = -errno;
	}
	close(create.memfd);
	close(node);
	return dmabuf;
}

uint8_t *dmabuf_map(int dmabuf, uint64_t bytes, bool writable)
{
	const int protection = PROT_READ | (writable ? PROT_WRITE : 0);
	void *map = mmap(NULL, bytes, protection, MAP_SHARED, dmabuf, 0);

	return map == MAP_FAILED ? NULL : map;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int descriptor_send(int sock, int fd)
{
	union control control = {};
	char byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &message, 0) == 1 ? 0 : -errno;
}

int descriptor_receive(int sock)
{
	union control control = {};
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	c = CMSG_FIRSTHDR(&message);
	if (!c)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int64_t vm_counter(const char *name)
{
	char text[32768];
	const char *line;

	if (file_read("/proc/vmstat", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, name);
	return line ? atoll(line + strlen(name)) : -1;
}

int64_t pages_pinned(void)
{
	/* Else each processor keeps some of its counts to itself. */
	file_write("/proc/sys/vm/stat_refresh", "1");
	return vm_counter("nr_foll_pin_acquired ") - vm_counter("nr_foll_pin_released ");
}

unsigned int memory_left(int64_t pinned)
{
	static const char * const stats[] = { "buffers", "buffer_bytes", "table_bytes" };
	const int64_t began = now_ns();
	unsigned int i, left = 0;

	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		const int64_t value = stat_settles(stats[i], 0, 10000);

		if (value)
			printf("# %lld %s left\n", (long long)value, stats[i]);
		left += value != 0;
	}
	/* A dma-buf's own memory follows when the kernel has put its file. */
	while (pages_pinned() != pinned && !over_limit(began, 10 * SECOND))
		sleep_ms(10);
	if (pages_pinned() != pinned)
		printf("# %lld pages pinned\n", (long long)(pages_pinned() - pinned));
	return left + (pages_pinned() != pinned);
}
