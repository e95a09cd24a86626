// SPDX-License-Identifier: MIT
/* Makes a symbol of every inline function of the headers. */
#define LIBURING_KVM_INLINE
#include "liburing_kvm.h"
#include "kvm_prefault_session.h"
