#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The demo that `make run` shows, from GRUB's menu to power-off, on two CPUs; and once more with SMAP on,
# where the hypervisor must open each of its accesses to guest memory.
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap


def whole(machine):
    machine.expect('GRUB', 60, "GRUB's menu")
    shell = Shell(machine)
    demo.run(shell)
    shell.poweroff()


tap = Tap()
tap.boot('the demo through GRUB', whole, name='demo', iso=BUILD / 'tenon.iso', cpus=2)
tap.boot('the demo with SMAP on', whole, name='demo-smap', iso=BUILD / 'tenon.iso', cpu='max,la57=off')
tap.done()
