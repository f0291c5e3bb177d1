// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"

#define HOST_PORT	"/dev/host/control"

/* What the kernel takes DMA for where its device tree does not say. */
#ifdef __aarch64__
#define DEFAULT_NONCOHERENT	true
#else
#define DEFAULT_NONCOHERENT	false
#endif

/* ---- the host ----------------------------------------------------------------- */

bool host_present(void)
{
	return !access(HOST_PORT, R_OK | W_OK);
}

static int read_line(int fd, char *line, unsigned int size)
{
	unsigned int n = 0;

	while (n + 1 < size) {
		const ssize_t got = read(fd, line + n, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = 0;
	return 0;
}

/* One process at a time has it, for as long as a request takes. */
static int host_open(void)
{
	unsigned int tries;
	int fd;

	for (tries = 0; tries < 1000; tries++) {
		fd = open(HOST_PORT, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY)
			break;
		sleep_ms(10);
	}
	return fd;
}

int host_request(char *reply, unsigned int size, const char *fmt, ...)
{
	char line[1024] = "";
	va_list args;
	int fd, len, ret;

	fd = host_open();
	if (fd < 0)
		return -ENODEV;
	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	line[len++] = '\n';
	ret = write(fd, line, len) == len ? read_line(fd, line, sizeof(line)) : -EIO;
	close(fd);
	if (ret)
		return ret;
	if (reply)
		snprintf(reply, size, "%s", line);
	if (strncmp(line, "ok", 2)) {
		printf("# host: %s\n", line);
		return -EIO;
	}
	return 0;
}

bool over_limit(int64_t began_ns, int64_t limit_ns)
{
	const int64_t passed = now_ns() - began_ns;
	char reply[64];

	if (passed < limit_ns)
		return false;
	if (host_request(reply, sizeof(reply), "unloaded %lld", (long long)(passed / MS)))
		return true;
	return strtoll(reply + strlen("ok "), NULL, 10) * MS >= limit_ns;
}

int inject(const char *property, uint64_t value)
{
	return host_request(NULL, 0, "qom-set %s %llu", property, (unsigned long long)value);
}

int inject_nothing(void)
{
	static const char *const all[] = {
		"hang-jobs", "slow-ns", "drop-interrupts", "duplicate-interrupts",
		"wrong-id", "wrong-phase", "dma-errors", "translation-faults", "refused-jobs",
		"stuck-reset", "coarse-inval",
	};
	unsigned int i;
	int ret;

	/* Of the reset line, too, now or in a suspend. */
	ret = host_request(NULL, 0, "release");
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		ret = inject(all[i], 0);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- files --------------------------------------------------------------------- */

unsigned long interrupts_seen(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	unsigned long sum = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ':'), *end;

		if (!at || !strstr(line, "xqaccel"))
			continue;
		for (at++;; at = end) {
			const unsigned long n = strtoul(at, &end, 10);

			if (end == at)
				break;
			sum += n;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

int file_write(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int file_read(const char *path, char *text, unsigned int size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got, n = 0;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, text + n, size - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	return n;
}

int64_t stat_of(const char *name)
{
	const char *node = strrchr(device_path(), '/') + 1;
	char path[128], text[1024], *line;
	const size_t len = strlen(name);
	int ret;

	snprintf(path, sizeof(path), "/sys/kernel/debug/xqaccel/%s/stats", node);
	ret = file_read(path, text, sizeof(text));
	if (ret < 0)
		return ret;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoll(line + len, NULL, 10);
	return -ENOENT;
}

int64_t stat_settles(const char *name, int64_t value, unsigned int ms)
{
	const int64_t began = now_ns();
	int64_t seen;

	while ((seen = stat_of(name)) != value && !over_limit(began, ms * MS))
		sleep_ms(10);
	return seen;
}

/* ---- memory -------------------------------------------------------------------------- */

/* Pages that processors keep on lists of their own: they are free, but do not count as that. */
static long kept_by_processors_kib(void)
{
	static char text[1 << 18];
	const long page_kib = sysconf(_SC_PAGESIZE) / 1024;
	long pages = 0;
	char *at = text;

	if (file_read("/proc/zoneinfo", text, sizeof(text)) < 0)
		return 0;
	while ((at = strstr(at, " count:")))
		pages += strtol(at += strlen(" count:"), NULL, 10);
	return pages * page_kib;
}

long meminfo_kib(const char *line)
{
	char text[4096], *at;

	if (file_read("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, line);
	return at ? strtol(at + strlen(line), NULL, 10) : -1;
}

long free_kib(void)
{
	long kib;

	file_write("/proc/sys/vm/drop_caches", "3");
	kib = meminfo_kib("MemFree:");
	return kib < 0 ? kib : kib + kept_by_processors_kib();
}

long quarantine_kib(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page_kib = sysconf(_SC_PAGESIZE) / 1024;
	FILE *f = fopen("/proc/kallsyms", "r");
	bool kasan = false;
	char line[512];

	while (f && !kasan && fgets(line, sizeof(line), f))
		kasan = strstr(line, " kasan_quarantine_put\n");
	if (f)
		fclose(f);
	return kasan ? pages / 32 * page_kib : 0;
}

/* ---- bus and module -------------------------------------------------------------- */

int bus_address(char *text, unsigned int size)
{
	const char *node = strrchr(device_path(), '/') + 1;
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/xqaccel/%s/device", node);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	snprintf(text, size, "%s", strrchr(target, '/') + 1);
	return 0;
}

/* Domain, bus, device and function; a device tree's node is its address and its name. */
bool on_pci(const char *address)
{
	unsigned int part[4];

	return sscanf(address, "%x:%x:%x.%x", &part[0], &part[1], &part[2], &part[3]) == 4;
}

static const char *bus_of(const char *address)
{
	return on_pci(address) ? "pci" : "platform";
}

void bus_path(char *path, unsigned int size, const char *address, const char *file)
{
	snprintf(path, size, "/sys/bus/%s/devices/%s/%s", bus_of(address), address, file);
}

int bus_file_write(const char *address, const char *file, const char *text)
{
	char path[128];

	bus_path(path, sizeof(path), address, file);
	return file_write(path, text);
}

bool node_has(const char *address, const char *property)
{
	char file[64], path[128];

	snprintf(file, sizeof(file), "of_node/%s", property);
	bus_path(path, sizeof(path), address, file);
	return !on_pci(address) && !access(path, F_OK);
}

/*
 * The directory of the device tree's node that tells about the device's DMA: its own, or that of
 * the host bridge it is behind. Whether there is one.
 */
static bool dma_node(const char *address, char node[PATH_MAX])
{
	char path[PATH_MAX + sizeof("/of_node")], device[PATH_MAX], *bridge;

	bus_path(path, sizeof(path), address, "");
	if (!realpath(path, device))
		return false;
	bridge = on_pci(address) ? strstr(device, "/pci") : NULL;
	/* Of a bridge that is a device of a board: /sys/devices/platform/4010000000.pcie/pci0000:00 */
	if (bridge)
		*bridge = 0;
	snprintf(path, sizeof(path), "%s/of_node", device);
	return realpath(path, node);
}

static bool directory_has(const char *directory, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return !access(path, F_OK);
}

bool dma_noncoherent(const char *address)
{
	char node[PATH_MAX];

	if (!dma_node(address, node))
		return false;
	/* /sys/firmware/devicetree/base is the root, whose properties count, too. */
	while (!directory_has(node, "dma-coherent")) {
		if (directory_has(node, "dma-noncoherent"))
			return true;
		if (!strcmp(strrchr(node, '/'), "/base"))
			return DEFAULT_NONCOHERENT;
		*strrchr(node, '/') = 0;
	}
	return false;
}

static int driver_file_write(const char *file, const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/%s/drivers/xqaccel/%s", bus_of(address), file);
	return file_write(path, address);
}

int driver_unbind(const char *address)
{
	return driver_file_write("unbind", address);
}

int driver_bind(const char *address)
{
	return driver_file_write("bind", address);
}

int bus_rescan(const char *address)
{
	int ret;

	if (!on_pci(address)) {
		ret = driver_unbind(address);
		return ret ? ret : driver_bind(address);
	}
	ret = bus_file_write(address, "remove", "1");
	return ret ? ret : file_write("/sys/bus/pci/rescan", "1");
}

static bool node_becomes(bool there, unsigned int ms)
{
	const int64_t began = now_ns();
	struct stat st;

	while (!stat(device_path(), &st) != there) {
		if (over_limit(began, ms * MS))
			return false;
		sleep_ms(10);
	}
	return true;
}

bool node_appears(unsigned int ms)
{
	return node_becomes(true, ms);
}

bool node_goes(unsigned int ms)
{
	return node_becomes(false, ms);
}

int driver_bind_again(const char *address)
{
	const int ret = driver_bind(address);

	if (ret)
		return ret;
	return node_appears(10000) ? 0 : -ETIME;
}

int device_open_again(const char *address)
{
	const int fd = device_open();

	if (fd != -ENODEV)
		return fd;
	if (driver_unbind(address) || driver_bind_again(address))
		return -ENODEV;
	return device_open();
}

int module_unload(void)
{
	return syscall(SYS_delete_module, "xqaccel", O_NONBLOCK) ? -errno : 0;
}

static const char *module_file(void)
{
	const char *path = getenv("XQ_TEST_MODULE");

	return path ? path : "/lib/modules/xqaccel.ko";
}

bool module_present(void)
{
	return !access(module_file(), R_OK);
}

int module_load(const char *parameters)
{
	const int fd = open(module_file(), O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, parameters, 0))
		ret = -errno;
	close(fd);
	return ret;
}

#define PM_TEST		"/sys/power/pm_test"
#define PM_DELAY	"/sys/module/suspend/parameters/pm_test_delay"

int suspend_lasts(const char *seconds)
{
	return file_write(PM_DELAY, seconds);
}

int suspend_begin(void)
{
	int ret;

	if (access(PM_TEST, W_OK) || access(PM_DELAY, W_OK))
		return -EOPNOTSUPP;
	ret = suspend_lasts("0");
	return ret ? ret : file_write(PM_TEST, "platform");
}

int suspend(const char *state)
{
	return file_write("/sys/power/state", state);
}

int suspend_end(void)
{
	return file_write(PM_TEST, "none");
}

unsigned int test_rounds(unsigned int usual)
{
	const char *text = getenv("XQ_TEST_ROUNDS");
	const unsigned int rounds = text ? (unsigned int)strtoul(text, NULL, 0) : usual;

	/* What a campaign's figures are made of, see tests/debug/figures.py. */
	if (text)
		printf("# %u rounds\n", rounds);
	return rounds;
}
