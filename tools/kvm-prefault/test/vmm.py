#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A VMM for tests, of a guest with 96 MiB in real mode.

For each line "PAGE..." on its standard input, the numbers of pages up to 255, the guest
writes to these pages, and the VMM answers "done".  Before the first it prints the
address of the guest's memory.
"""
import ctypes
import fcntl
import mmap
import os
import struct
import sys

SIZE = 96 << 20
# The program's, which the VMM writes and the guest reads.
CODE_PAGE = 2

KVM_CREATE_VM = 0xae01
KVM_GET_VCPU_MMAP_SIZE = 0xae04
KVM_CREATE_VCPU = 0xae41
KVM_RUN = 0xae80
KVM_SET_USER_MEMORY_REGION = 0x4020ae46
KVM_SET_REGS = 0x4090ae82
KVM_GET_SREGS = 0x8138ae83
KVM_SET_SREGS = 0x4138ae84
SREGS_BYTES = 0x138
KVM_EXIT_HLT = 5

kvm = os.open("/dev/kvm", os.O_RDWR)
vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
memory = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION,
            struct.pack("=IIQQQ", 0, 0, 0, SIZE, address))
vcpu = fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)
run = mmap.mmap(vcpu, fcntl.ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0))
sregs = bytearray(SREGS_BYTES)
fcntl.ioctl(vcpu, KVM_GET_SREGS, sregs)
# The base and the selector of the code segment.
sregs[0:8] = bytes(8)
sregs[12:14] = bytes(2)
fcntl.ioctl(vcpu, KVM_SET_SREGS, bytes(sregs))


def write_pages(pages):
    # mov $segment, %ax; mov %ax, %es; movb $1, %es:0; then hlt
    code = b"".join(bytes([0xb8, 0, page, 0x8e, 0xc0,
                           0x26, 0xc6, 0x06, 0, 0, 1]) for page in pages)
    memory[CODE_PAGE * 4096:CODE_PAGE * 4096 + len(code) + 1] = code + b"\xf4"
    fcntl.ioctl(vcpu, KVM_SET_REGS,
                struct.pack("=18Q", *[0] * 16, CODE_PAGE * 4096, 2))
    fcntl.ioctl(vcpu, KVM_RUN, 0)
    exit_reason = struct.unpack_from("=I", run, 8)[0]
    if exit_reason != KVM_EXIT_HLT:
        sys.exit(f"the guest ended with exit reason {exit_reason}")


print(hex(address), flush=True)
for line in sys.stdin:
    write_pages([int(page) for page in line.split()])
    print("done", flush=True)
