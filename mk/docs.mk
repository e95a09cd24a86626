# SPDX-License-Identifier: GPL-2.0
# The documents as HTML, in build/docs/html/.

.PHONY: html
html:
	@rm -rf $(BUILD)/docs
	@mkdir -p $(BUILD)/docs
	@echo "  SPHINX  $(BUILD)/docs/html"
	@sphinx-build -q -W --keep-going -E -b html -d $(BUILD)/docs/doctrees \
		Documentation $(BUILD)/docs/html
	@rm -f $(BUILD)/docs/html/.buildinfo $(BUILD)/docs/html/objects.inv

.PHONY: docs
docs: setup ## Write the documents as HTML; a warning is an error
	@$(MAKE) --no-print-directory html
