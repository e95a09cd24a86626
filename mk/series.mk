# SPDX-License-Identifier: GPL-2.0
# The kernel part as a series of patches, in build/series/.

.PHONY: series
series: ## Write the kernel part as mails with a cover letter (AUTHOR=, EMAIL=)
	@kernel/build/make-series

.PHONY: check-series
check-series: setup ## Build every prefix of the series, and run checkpatch on the mails
	@mkdir -p $(BUILD)
	@kernel/build/check-series | tee $(BUILD)/check-series.out
	@! grep -q '^not ok' $(BUILD)/check-series.out
