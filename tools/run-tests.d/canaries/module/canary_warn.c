// SPDX-License-Identifier: GPL-2.0
/* A module that warns, as a bug in the kernel would. */
#include <linux/bug.h>
#include <linux/module.h>

static int __init canary_warn_init(void)
{
	WARN(1, "the canary\n");
	return 0;
}

static void __exit canary_warn_exit(void)
{
}

module_init(canary_warn_init);
module_exit(canary_warn_exit);
MODULE_DESCRIPTION("A warning for the tests of the test runner");
MODULE_LICENSE("GPL");
