#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The demo that `make run` shows, from GRUB's menu to power-off: by BIOS and by UEFI; with SMAP on, where the
# hypervisor must open each of its accesses to guest memory; and on processors with more and fewer features.
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap


def whole(machine):
    machine.expect('GRUB', 60, "GRUB's menu")
    short(machine)


def short(machine):
    shell = Shell(machine)
    demo.run(shell)
    shell.poweroff()


tap = Tap()
tap.boot('the demo through GRUB', whole, name='demo', iso=BUILD / 'tenon.iso', cpus=2)
tap.boot('the demo under UEFI, on four CPUs', whole, name='demo-uefi', uefi=True, cpus=4,
         iso=BUILD / 'tenon.iso')
for model in ('Skylake-Server,-smap', 'EPYC,-smap', 'Nehalem', 'qemu64'):
    name = model.partition(',')[0]
    tap.boot(f'the demo on {name}', short, name=f'demo-{name.lower()}', cpu=model, cpus=4,
             kernel=BUILD / 'tenon', modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.boot('the demo with SMAP on', whole, name='demo-smap', iso=BUILD / 'tenon.iso', cpu='max,la57=off')
tap.done()
