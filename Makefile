# SPDX-License-Identifier: GPL-2.0
#
# 'make help' lists what there is.  Each area has its file in mk/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BUILD := build

# Compilers of ccache, if it is there.  Objects that one clone of the project has
# compiled another need not compile: paths below the clone count as relative ones.
export PATH := /usr/lib/ccache:$(PATH)
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

include $(sort $(wildcard mk/*.mk))

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
		sort | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: clean
clean: ## Remove what was built, keep what was unpacked from packages
	rm -rf $(filter-out $(BUILD)/source, $(wildcard $(BUILD)/*))

.PHONY: distclean
distclean: ## Remove all of build/
	rm -rf $(BUILD)
