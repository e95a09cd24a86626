// SPDX-License-Identifier: GPL-2.0
/*
 * Stops the first thread that is told that it cannot have a page, until it is
 * let go: there is time to change what the thread was told.
 */
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned long address;
module_param(address, ulong, 0);
MODULE_PARM_DESC(address, "Of the page, in the process that loads the module");

static unsigned int held;
module_param(held, uint, 0444);
MODULE_PARM_DESC(held, "Whether a thread has been stopped");

static bool go;
module_param(go, bool, 0644);
MODULE_PARM_DESC(go, "Let it go");

/* Only compared with. */
static struct mm_struct *mm;

/* Not 0: what this call returns does not matter. */
static int hold_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	bool wants_page = regs_get_kernel_argument(regs, 2);

	return current->mm != mm || !wants_page ||
	       regs_get_kernel_argument(regs, 0) != address;
}

static int hold_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long end = jiffies + 10 * HZ;

	if ((long)regs_return_value(regs) != -EFAULT || xchg(&held, 1))
		return 0;

	/* Not to be scheduled away here, but interrupts are on. */
	while (!READ_ONCE(go) && time_before(jiffies, end))
		cpu_relax();

	return 0;
}

static struct kretprobe hold_probe = {
	.kp.symbol_name	= "get_user_pages_unlocked",
	.entry_handler	= hold_entry,
	.handler	= hold_return,
};

static int __init gup_hold_init(void)
{
	mm = current->mm;
	return register_kretprobe(&hold_probe);
}

static void __exit gup_hold_exit(void)
{
	unregister_kretprobe(&hold_probe);
}

module_init(gup_hold_init);
module_exit(gup_hold_exit);
MODULE_DESCRIPTION("Time between looking for a page and for its VMA, for tests");
MODULE_LICENSE("GPL");
