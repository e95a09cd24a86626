// SPDX-License-Identifier: GPL-2.0
/* A module with one bug of each kind that the debug kernel looks for. */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

static char *bug;
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "Which one");

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static void __rcu *pointer;

static noinline void canary_lockdep(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);

	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static noinline void canary_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static noinline void canary_rcu(void)
{
	WRITE_ONCE(bug, rcu_dereference(pointer) ? NULL : bug);
}

static noinline void canary_list(void)
{
	LIST_HEAD(head);
	LIST_HEAD(entry);

	list_add(&entry, &head);
	list_add(&entry, &head);
}

static noinline void canary_kasan(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	/* The compiler must not see that it is gone. */
	OPTIMIZER_HIDE_VAR(memory);
	if (memory)
		READ_ONCE(memory[3]);
}

/*
 * kmemleak takes every word that looks like an address for a reference, a stale
 * one on a stack too, so that a single object is missed now and then.
 */
static noinline void canary_leak(void)
{
	int i;

	for (i = 0; i < 64; i++) {
		void *memory = kmalloc(1000, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(memory);
	}
}

static int __init canary_bugs_init(void)
{
	if (!strcmp(bug, "lockdep"))
		canary_lockdep();
	else if (!strcmp(bug, "sleep"))
		canary_sleep();
	else if (!strcmp(bug, "rcu"))
		canary_rcu();
	else if (!strcmp(bug, "list"))
		canary_list();
	else if (!strcmp(bug, "kasan"))
		canary_kasan();
	else if (!strcmp(bug, "leak"))
		canary_leak();
	else
		return -EINVAL;
	return 0;
}

static void __exit canary_bugs_exit(void)
{
}

module_init(canary_bugs_init);
module_exit(canary_bugs_exit);
MODULE_DESCRIPTION("Bugs for the tests of the test runner");
MODULE_LICENSE("GPL");
