// SPDX-License-Identifier: GPL-2.0
/*
 * Has an allocation of a module's init fail, for make check: of those that the loading task makes from the call of the init
 * function to its return, the nth. What the module loader allocates before and after is not counted.
 *
 * Parameters: module, its name; nth, or 0 for none. They are read when a module of that name is loaded, and then
 * left is what remains of nth, of which 0 says that an allocation failed, and text has the addresses of its functions: the
 * beginning and the end of what stays, and of what is freed after init.
 */

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char module[MODULE_NAME_LEN];
module_param_string(module, module, sizeof(module), 0600);
static unsigned int nth;
module_param(nth, uint, 0600);
static unsigned int left;
module_param(left, uint, 0400);
static unsigned long text[4];
module_param_array(text, ulong, NULL, 0400);

/* Of the module that is being loaded. */
static initcall_t module_init_function;

static int module_coming(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;

	if (state != MODULE_STATE_COMING || strcmp(mod->name, module))
		return NOTIFY_DONE;
	left = nth;
	text[0] = (unsigned long)mod->mem[MOD_TEXT].base;
	text[1] = text[0] + mod->mem[MOD_TEXT].size;
	text[2] = (unsigned long)mod->mem[MOD_INIT_TEXT].base;
	text[3] = text[2] + mod->mem[MOD_INIT_TEXT].size;
	WRITE_ONCE(module_init_function, mod->init);
	return NOTIFY_OK;
}

static struct notifier_block coming = { .notifier_call = module_coming };

static int init_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	initcall_t function = (initcall_t)regs_get_kernel_argument(regs, 0);

	if (!function || function != READ_ONCE(module_init_function))
		return 1;
	current->fail_nth = nth;
	return 0;
}
NOKPROBE_SYMBOL(init_begins);

static int init_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	left = current->fail_nth;
	current->fail_nth = 0;
	WRITE_ONCE(module_init_function, NULL);
	return 0;
}
NOKPROBE_SYMBOL(init_ends);

static struct kretprobe initcall = {
	.kp.symbol_name = "do_one_initcall",
	.entry_handler = init_begins,
	.handler = init_ends,
};

static int __init initcall_fault_init(void)
{
	int ret;

	ret = register_kretprobe(&initcall);
	if (ret)
		return ret;
	ret = register_module_notifier(&coming);
	if (ret)
		unregister_kretprobe(&initcall);
	return ret;
}
module_init(initcall_fault_init);

static void __exit initcall_fault_exit(void)
{
	unregister_module_notifier(&coming);
	unregister_kretprobe(&initcall);
}
module_exit(initcall_fault_exit);

MODULE_DESCRIPTION("kalloc: has allocations of a module's init fail");
MODULE_LICENSE("GPL");
