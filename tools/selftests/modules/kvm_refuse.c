// SPDX-License-Identifier: GPL-2.0
/*
 * Makes one VM refuse KVM_MAP_MEMORY for as long as it is loaded: by the vendor
 * hook, as SEV guests do, or as a VM does whose private memory is being set up.
 */
#include <linux/file.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>

static int vm_fd = -1;
module_param(vm_fd, int, 0);
MODULE_PARM_DESC(vm_fd, "The VM, as a descriptor of whoever loads the module");

static bool being_set_up;
module_param(being_set_up, bool, 0);
MODULE_PARM_DESC(being_set_up, "Clear pre_fault_allowed, rather than answer for the hook");

static struct file *vm_file;
static struct kvm *vm;

/* Not 0: this call returns what it returns. */
static int refuse_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return (struct kvm *)regs_get_kernel_argument(regs, 0) != vm;
}

static int refuse_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	regs_set_return_value(regs, -EOPNOTSUPP);
	return 0;
}

static struct kretprobe refuse_probe = {
	.kp.symbol_name	= "sev_pre_mmu_map_page",
	.entry_handler	= refuse_entry,
	.handler	= refuse_return,
};

static int __init kvm_refuse_init(void)
{
	int r = 0;

	vm_file = fget(vm_fd);
	if (!vm_file)
		return -EBADF;

	vm = vm_file->private_data;
	if (being_set_up)
		WRITE_ONCE(vm->arch.pre_fault_allowed, false);
	else
		r = register_kretprobe(&refuse_probe);
	if (r)
		fput(vm_file);

	return r;
}

static void __exit kvm_refuse_exit(void)
{
	if (being_set_up)
		WRITE_ONCE(vm->arch.pre_fault_allowed, true);
	else
		unregister_kretprobe(&refuse_probe);
	fput(vm_file);
}

module_init(kvm_refuse_init);
module_exit(kvm_refuse_exit);
MODULE_DESCRIPTION("A VM that refuses KVM_MAP_MEMORY, for its tests");
MODULE_LICENSE("GPL");
