#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A PV kernel that nobody here wrote: Debian's grub-x86_64-xen.bin as a guest. It looks for its disks in xenstore,
# finds none, and gives its prompt on the guest's console.
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap


def prompt(machine):
    shell = Shell(machine)
    demo.succeed(shell, 'tenon create /guests/grub.cfg')
    shell.send('tenon console grub')
    machine.expect('grub> ', 20, "GRUB's prompt")
    machine.type('echo $grub_platform\r')
    machine.expect('^xen', 10, 'the answer of GRUB')
    machine.type(demo.DETACH)
    machine.expect('^tenon# ', 10, 'prompt after Ctrl-]')
    tap.ok(True, 'GRUB gives its prompt and answers')
    row = demo.domains(demo.succeed(shell, 'tenon list')).get('grub')
    tap.ok(row is not None and 'c' not in row[3], 'GRUB has not crashed', row)
    demo.succeed(shell, 'tenon destroy grub')
    shell.poweroff()


tap = Tap()
tap.boot("Debian's GRUB for PV guests runs to its prompt", prompt, name='grub', kernel=BUILD / 'tenon',
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
