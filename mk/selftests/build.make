# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel's library for KVM selftests, its tests that matter here,
# and the project's own.  mk/tests.mk calls it with
#   SRC=  the unpacked kernel source     RELEASE=  the kernel
#   OUT=  where everything goes

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

KVM	:= $(SRC)/tools/testing/selftests/kvm
HDR	:= $(OUT)/include
TESTS	:= tools/selftests

CFLAGS	:= -std=gnu99 -O2 -g -Wall -Wstrict-prototypes -Wuninitialized \
	-D_GNU_SOURCE= -MD -MP -DCONFIG_64BIT -U_FORTIFY_SOURCE -march=x86-64-v2 \
	-fno-builtin-memcmp -fno-builtin-memcpy -fno-builtin-memset \
	-fno-builtin-strnlen -fno-stack-protector -fno-PIE \
	-fno-strict-aliasing
INCLUDES := -I$(SRC)/tools/include -I$(SRC)/tools/arch/x86/include \
	-isystem $(HDR) -I$(KVM)/include -I$(KVM)/include/x86_64 \
	-I$(SRC)/tools/testing/selftests/rseq -I$(SRC)/tools/testing/selftests
OWN_INCLUDES := -Iinclude/uapi -Iliburing-ext/include -I$(TESTS)

lib_src	:= $(wildcard $(KVM)/lib/*.c $(KVM)/lib/x86_64/*.[cS])
# Must be part of every program, before libc's, which guests cannot run.
override := $(OUT)/libkvm/string_override.o
lib_obj	:= $(filter-out $(override), $(patsubst $(KVM)/lib/%, \
	$(OUT)/libkvm/%, $(addsuffix .o, $(basename $(lib_src)))))

upstream := pre_fault_memory_test set_memory_region_test smm_test state_test
upstream_src := $(foreach test, $(upstream), $(firstword \
	$(wildcard $(KVM)/x86_64/$(test).c $(KVM)/$(test).c)))
upstream_bin := $(addprefix $(OUT)/upstream/, \
	$(notdir $(basename $(upstream_src))))

own_lib	:= $(patsubst $(TESTS)/lib/%.c, $(OUT)/own/lib/%.o, \
	$(wildcard $(TESTS)/lib/*.c))
own_bin	:= $(patsubst $(TESTS)/%.c, $(OUT)/%, $(wildcard $(TESTS)/*_test.c))

# Has a VM answer as one of another machine would.
refuse	:= $(OUT)/refuse-module/kvm_refuse.ko

.PHONY: all
all: $(own_bin) $(upstream_bin) $(refuse)

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

$(OUT)/upstream/%.o: $(KVM)/x86_64/%.c $(HDR)/.installed
	$(call compile, -w)

$(OUT)/upstream/%.o: $(KVM)/%.c $(HDR)/.installed
	$(call compile, -w)

$(OUT)/own/%.o: $(TESTS)/%.c $(HDR)/.installed
	$(call compile, -Werror $(OWN_INCLUDES))

comma	:= ,

define link
	@echo "  LD      $@"
	@mkdir -p $(@D)
	@$(CC) -static -no-pie -pthread -o $@ $(filter %.o, $^) \
		$(OUT)/libkvm.a $(1)
endef

$(upstream_bin): $(OUT)/upstream/%: $(OUT)/upstream/%.o $(override) \
		$(OUT)/libkvm.a
	$(link)

$(own_bin): $(OUT)/%: $(OUT)/own/%.o $(own_lib) $(override) $(OUT)/libkvm.a
	$(call link, -luring -Wl$(comma)--wrap=alarm)

$(refuse): $(wildcard $(TESTS)/refuse-module/*)
	@echo "  MODULE  $@"
	@mkdir -p $(@D) && cp $^ $(@D)
	@$(MAKE) --no-print-directory -C /lib/modules/$(RELEASE)/build \
		M=$(abspath $(@D)) modules >$(@D)/log 2>&1 || \
		{ cat $(@D)/log; exit 1; }

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
