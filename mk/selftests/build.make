# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel's library for KVM selftests, its own tests, and the
# project's.  mk/tests.mk calls it with
#   SRC=  the unpacked kernel source     RELEASE=  the kernel
#   OUT=  where everything goes
# tools/other-kernel calls it for 'upstream' or 'modules' alone, with
#   COMPAT=  the project's directory for that version, with tests for it

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

KVM	:= $(SRC)/tools/testing/selftests/kvm
HDR	:= $(OUT)/include
TESTS	:= tools/selftests

# Linux 6.14 has renamed its directories, and moved the lists.
arch	:= $(notdir $(firstword $(wildcard $(KVM)/lib/x86_64 $(KVM)/lib/x86)))
lists	:= $(firstword $(wildcard $(KVM)/Makefile.kvm $(KVM)/Makefile))
compat	:= $(COMPAT)/tools/testing/selftests/kvm

CFLAGS	:= -std=gnu99 -O2 -g -Wall -Wstrict-prototypes -Wuninitialized \
	-D_GNU_SOURCE= -MD -MP -DCONFIG_64BIT -U_FORTIFY_SOURCE -march=x86-64-v2 \
	-fno-builtin-memcmp -fno-builtin-memcpy -fno-builtin-memset \
	-fno-builtin-strnlen -fno-stack-protector -fno-PIE \
	-fno-strict-aliasing
INCLUDES := -I$(SRC)/tools/include -I$(SRC)/tools/arch/x86/include \
	-isystem $(HDR) -I$(KVM)/include -I$(KVM)/include/$(arch) \
	-I$(SRC)/tools/testing/selftests/rseq -I$(SRC)/tools/testing/selftests
OWN_INCLUDES := -Iinclude/uapi -Iliburing-ext/include -I$(TESTS)

lib_src	:= $(wildcard $(KVM)/lib/*.c $(KVM)/lib/$(arch)/*.[cS])
# Must be part of every program, before libc's, which guests cannot run.
override := $(OUT)/libkvm/string_override.o
lib_obj	:= $(filter-out $(override), $(patsubst $(KVM)/lib/%, \
	$(OUT)/libkvm/%, $(addsuffix .o, $(basename $(lib_src)))))

# All that the kernel's Makefile lists for this architecture: programs, and
# scripts which call them.
common	:= $$(TEST_GEN_PROGS_COMMON)
upstream_list = $(filter-out $(common),$(shell \
	sed -n 's/^$(1)_\($(arch)\|COMMON\) *+\?= *//p' $(lists)))
# Those that need a library of the selftests for another subsystem.
foreign	:= $(notdir $(basename $(shell \
	grep -lE '[<"](cgroup_util|libvfio)\.h[>"]' $(KVM)/*.c $(KVM)/$(arch)/*.c)))
upstream_dir := $(OUT)/upstream
upstream_tests := $(addprefix $(upstream_dir)/, $(filter-out $(foreign), \
	$(notdir $(call upstream_list,TEST_GEN_PROGS))))
compat_tests := $(addprefix $(upstream_dir)/, \
	$(patsubst %.c,%,$(notdir $(wildcard $(compat)/*.c))))
upstream_scripts := $(addprefix $(upstream_dir)/, \
	$(notdir $(call upstream_list,TEST_PROGS)))
upstream_bin := $(upstream_tests) $(addprefix $(upstream_dir)/, \
	$(notdir $(call upstream_list,TEST_GEN_PROGS_EXTENDED)))

own_lib	:= $(patsubst $(TESTS)/lib/%.c, $(OUT)/own/lib/%.o, \
	$(wildcard $(TESTS)/lib/*.c))
own_bin	:= $(patsubst $(TESTS)/%.c, $(OUT)/%, $(wildcard $(TESTS)/*_test.c))

# They have the kernel do what it seldom does.
test_modules := $(OUT)/modules/.built

.PHONY: all
all: $(own_bin) $(upstream_bin) $(upstream_scripts) $(upstream_dir)/list \
	$(test_modules)

.PHONY: modules
modules: $(test_modules)

.PHONY: upstream
upstream: $(upstream_bin) $(compat_tests) $(upstream_scripts) $(upstream_dir)/list

# The headers are those of one version, whose directory's name tells it.
$(HDR)/.installed: $(SRC)/.unpacked mk/selftests/install-headers
	@echo "  HEADERS $(HDR)"
	@mk/selftests/install-headers $(SRC) $(RELEASE) $(HDR)
	@touch $@

define compile
	@echo "  CC      $@"
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(1) -I$(<D) $(INCLUDES) -c -o $@ $<
endef

$(override): $(KVM)/lib/string_override.c $(HDR)/.installed
	$(call compile, -ffreestanding)

$(OUT)/libkvm/%.o: $(KVM)/lib/%.c $(HDR)/.installed
	$(call compile, -w)

$(OUT)/libkvm/%.o: $(KVM)/lib/%.S $(HDR)/.installed
	$(call compile, -w)

$(OUT)/libkvm.a: $(lib_obj)
	@echo "  AR      $@"
	@rm -f $@
	@ar rcs $@ $^

$(upstream_dir)/%.o: $(KVM)/$(arch)/%.c $(HDR)/.installed
	$(call compile, -w)

$(upstream_dir)/%.o: $(KVM)/%.c $(HDR)/.installed
	$(call compile, -w)

$(upstream_dir)/%.o: $(compat)/%.c $(HDR)/.installed
	$(call compile, -Werror -Iinclude/uapi)

$(OUT)/own/%.o: $(TESTS)/%.c $(HDR)/.installed
	$(call compile, -Werror $(OWN_INCLUDES))

comma	:= ,

define link
	@echo "  LD      $@"
	@mkdir -p $(@D)
	@$(CC) -static -no-pie -pthread -o $@ $(filter %.o, $^) \
		$(OUT)/libkvm.a $(1)
endef

$(upstream_bin) $(compat_tests): $(upstream_dir)/%: $(upstream_dir)/%.o $(override) \
		$(OUT)/libkvm.a
	$(link)

$(upstream_scripts): $(upstream_dir)/%: $(KVM)/$(arch)/%
	@mkdir -p $(@D)
	@install -m 755 $< $@

# What tools/check-upstream runs.
$(upstream_dir)/list: $(lists) mk/selftests/build.make
	@mkdir -p $(@D)
	@printf '%s\n' $(notdir $(upstream_tests) $(upstream_scripts)) >$@
	@$(foreach test,$(foreign), \
		echo "  SKIP    $(test), which needs the library of other selftests";)

$(own_bin): $(OUT)/%: $(OUT)/own/%.o $(own_lib) $(override) $(OUT)/libkvm.a
	$(call link, -luring -Wl$(comma)--wrap=alarm)

$(test_modules): $(wildcard $(TESTS)/modules/*)
	@echo "  MODULES $(@D)"
	@mkdir -p $(@D) && find $(@D) -maxdepth 1 ! -type d -delete && cp $^ $(@D)
	@$(MAKE) --no-print-directory -C /lib/modules/$(RELEASE)/build \
		M=$(abspath $(@D)) modules >$(@D)/log 2>&1 || \
		{ cat $(@D)/log; exit 1; }
	@touch $@

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
