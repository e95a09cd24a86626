/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel modules of modules/, which have the kernel do what it seldom does. */
#ifndef SELFTESTS_TEST_MODULE_H
#define SELFTESTS_TEST_MODULE_H

#include <stdbool.h>

/* They work by probes; there are none in the debug kernel. */
bool test_module_can_probe(void);
/* Whether the kernel, or a module of it, has a function @name. */
bool test_module_can_find(const char *name);
void test_module_load(const char *name, const char *parameters);
/* False if it was not loaded. */
bool test_module_unload(const char *name);

#endif /* SELFTESTS_TEST_MODULE_H */
