# SPDX-License-Identifier: GPL-2.0
# The release tarball, build/dist/, and the Debian packages, build/deb/.

.PHONY: dist
dist: ## Write the release tarball, which builds without git
	@tools/dist

.PHONY: deb
deb: ## Install what the Debian packages need, and build them
	@tools/setup --packages
	@tools/build-packages
