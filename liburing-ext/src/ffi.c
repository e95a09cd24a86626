// SPDX-License-Identifier: MIT
/* Makes a symbol of every inline function of the header. */
#define LIBURING_KVM_INLINE
#include "liburing_kvm.h"
