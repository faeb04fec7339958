#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Power-off enters ACPI's S5 and reboot resets the machine.  Here QEMU survives resets, so that a crash (which
# resets too) cannot pass as a power-off.
import re
import sys

sys.path.insert(0, 'tests/lib')
from machine import BANNER, BUILD, ConsoleError, Shell
from tap import Tap

KERNEL = dict(kernel=BUILD / 'tenon', modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'],
              reboot=True)


def starts(machine):
    return len(re.findall(BANNER, machine.text, re.MULTILINE))


def power_off(machine):
    Shell(machine).poweroff()
    if starts(machine) != 1:
        raise ConsoleError('the machine was reset before it powered off')


def reboot(machine):
    Shell(machine)
    machine.type('reboot\r')
    Shell(machine).poweroff()
    if starts(machine) != 2:
        raise ConsoleError(f'{starts(machine)} starts of Tenon where two were expected')


tap = Tap()
tap.boot('poweroff ends the machine', power_off, name='power-off', cpus=4, **KERNEL)
tap.boot('reboot starts it anew', reboot, name='power-reboot', cpus=4, **KERNEL)
tap.done()
