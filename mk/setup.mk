# SPDX-License-Identifier: GPL-2.0

.PHONY: setup
setup: ## Install the Debian packages that everything needs (as root)
	@tools/setup
