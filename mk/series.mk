# SPDX-License-Identifier: GPL-2.0
# The kernel part as a series of patches: in build/series/, or with KERNEL=7.3 in
# build/kernels/7.3/.

.PHONY: series
series: ## Write the kernel part as mails with a cover letter (AUTHOR=, EMAIL=, KERNEL=7.3)
ifeq ($(other_kernel),)
	@kernel/build/make-series
else
	@KERNEL= tools/setup
	@KERNEL= tools/other-kernel $(other_kernel) series
endif

.PHONY: check-series
check-series: ## Build every prefix of the series, check the mails (KERNEL=7.3)
	@KERNEL= tools/setup
	@mkdir -p $(BUILD)
ifeq ($(other_kernel),)
	@kernel/build/check-series | tee $(BUILD)/check-series.out
else
	@KERNEL= tools/other-kernel $(other_kernel) check-series | \
		tee $(BUILD)/check-series.out
endif
	@! grep -q '^not ok' $(BUILD)/check-series.out
