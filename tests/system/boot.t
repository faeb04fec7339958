#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Every way to boot: the CD image by BIOS and by UEFI, `qemu -kernel` (multiboot1); one CPU and four; 256 MiB,
# 4 GiB and 16 GiB of memory. Each must reach Domain-0's prompt, where CPUs, total and free memory must be
# right.
import pathlib
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap

# What firmware and the PC's own areas may keep of the memory that QEMU is asked for, in MiB.
FIRMWARE_BIOS, FIRMWARE_UEFI = 2, 24
DOM0 = 64


def hypervisor_share(memory):
    """The most that the hypervisor may use of `memory` MiB: 32 bytes a frame, and a fixed part."""
    return 24 + memory * 256 * 32 / (1 << 20) * 1.5


def check(machine, memory, cpus, firmware):
    shell = Shell(machine, 100)
    fields = demo.info_fields(shell.output('tenon info'))
    tap.equal(fields.get('nr_cpus'), str(cpus), f'{machine.name}: number of CPUs')
    total, free = (int(fields.get(f, '0')) for f in ('total_memory', 'free_memory'))
    tap.ok(memory - firmware <= total <= memory, f'{machine.name}: total memory', f'{total} of {memory} MiB')
    tap.ok(total - DOM0 - hypervisor_share(memory) <= free <= total - DOM0, f'{machine.name}: free memory',
           f'{free} of {total} MiB')
    shell.poweroff()


def host_memory():
    """Memory that the host can give to QEMU now, in MiB."""
    for line in pathlib.Path('/proc/meminfo').read_text().splitlines():
        if line.startswith('MemAvailable:'):
            return int(line.split()[1]) // 1024
    return 0


MATRIX = [(how, memory, cpus) for how in ('kernel', 'bios', 'uefi') for memory in (256, 4096, 16384)
          for cpus in (1, 4)]

tap = Tap()
for how, memory, cpus in MATRIX:
    name = f'boot-{how}-{memory}M-{cpus}cpu'
    if host_memory() < memory + 512:
        tap.skip(name, f'the host has only {host_memory()} MiB of free memory')
        continue
    if how == 'kernel':
        source = dict(kernel=BUILD / 'tenon', modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
        firmware = FIRMWARE_BIOS
    else:
        source = dict(iso=BUILD / 'tenon.iso', uefi=how == 'uefi')
        firmware = FIRMWARE_UEFI if how == 'uefi' else FIRMWARE_BIOS
    tap.boot(f'{name}: prompt and power-off', lambda m: check(m, memory, cpus, firmware), name=name,
             memory=memory, cpus=cpus, limit=150, **source)
tap.done()
