#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Debian's stock Linux as Domain-0, with one CPU and with four: it boots to its init, finds its CPUs, runs
# 32-bit programs and many processes, has nothing bad to say in its log, and powers the machine off.
# STRESS=seconds also runs stress-ng for that long.
import os
import sys

sys.path.insert(0, 'tests/lib')
from machine import BUILD, ConsoleError
from tap import Tap

OPTIONS = 'dom0_mem=512M console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all'
FORKS = 800             # in all


def linux(tap, name, cpus, script, ramdisk='ramdisk.cpio', seconds=300):
    """Boot Linux as Domain-0 and have it run a script of tests/linux/guest, with its arguments."""
    arguments = '+'.join(str(word) for word in script[1:])
    words = f'{BUILD}/linux/vmlinux console=hvc0 tenon.test={script[0]} tenon.args={arguments}'

    def body(machine):
        machine.expect(r'^init: up', 60, "Linux's init")
        machine.expect(f'^init: {script[0]} ended with status 0', seconds, f'good end of the script {script}')
        machine.expect(r'Domain-0 powers the machine off', 20, "the hypervisor's last line")
        status = machine.wait(20)
        if status:
            raise ConsoleError(f'{name}: QEMU ended with status {status}')

    tap.boot(f'{name}: boots, {script[0]} passes, powers off', body, name=name, kernel=BUILD / 'tenon',
             modules=[words, BUILD / f'linux/{ramdisk}'], options=OPTIONS, memory=768, cpus=cpus,
             limit=seconds + 120)


tap = Tap()
for cpus in (1, 4):
    linux(tap, f'linux-dom0-{cpus}cpu', cpus, ('check', cpus, FORKS // cpus))
    if 'STRESS' in os.environ:
        duration = int(os.environ['STRESS'])
        linux(tap, f'linux-dom0-stress-{cpus}cpu', cpus, ('stress', duration), 'stress.cpio.gz',
              3 * duration + 60)
tap.done()
