// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "test_util.h"

#include "test_module.h"

bool test_module_can_probe(void)
{
	return !access("/sys/kernel/debug/kprobes/list", F_OK);
}

bool test_module_can_find(const char *name)
{
	char function[128] = "";
	bool found = false;
	FILE *file;

	file = fopen("/proc/kallsyms", "r");
	TEST_ASSERT(file, "Cannot read /proc/kallsyms");
	while (!found && fscanf(file, "%*x %*c %127s%*[^\n]", function) == 1)
		found = !strcmp(function, name);
	fclose(file);
	return found;
}

void test_module_load(const char *name, const char *parameters)
{
	char self[PATH_MAX] = "", path[PATH_MAX + 256];
	struct utsname kernel;
	const char *directory;
	int fd;

	TEST_ASSERT(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 &&
		    !uname(&kernel), "Cannot tell where the module is");
	directory = dirname(self);
	/* If it is not the distribution's. */
	snprintf(path, sizeof(path), "%s/modules/%s/%s.ko", directory, kernel.release,
		 name);
	if (access(path, F_OK))
		snprintf(path, sizeof(path), "%s/modules/%s.ko", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	TEST_ASSERT(fd >= 0, "Cannot open %s", path);
	TEST_ASSERT(!syscall(__NR_finit_module, fd, parameters, 0),
		    "Cannot load %s", path);
	close(fd);
}

bool test_module_unload(const char *name)
{
	return !syscall(__NR_delete_module, name, O_NONBLOCK);
}
