# SPDX-License-Identifier: GPL-2.0
# The machine with Intel VMX and EPT, tools/testvm --vmx.

.PHONY: check-vmx
check-vmx: setup ## Run the tests of the kernel part on Intel VMX with EPT
	@$(MAKE) --no-print-directory modules tests
	@tools/run-tests --vmx
