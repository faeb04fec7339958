#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# MiniOS from inside, by its app `selftest`, as the first domain: on Debian's Xen 4.17 with little memory, and
# with SMAP on and a RAM disk; then the same on Tenon, and there as a guest, too, with xenstore to talk to.
import pathlib
import sys

sys.path.insert(0, 'tests/lib')
from machine import BUILD, Shell
from tap import Tap

OPTIONS = 'console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_max_vcpus=1 dom0_mem='
SMAP = 'max,la57=off'
GUESTS = pathlib.Path(BUILD, 'minios/selftest-guest.cpio')
RAMDISK = pathlib.Path(BUILD, 'minios/selftest-ramdisk.cpio')


def member(name, contents=b'', mode=0o100644):
    """One file of a cpio archive in the "newc" format."""
    encoded = name.encode() + b'\0'
    fields = (0, mode, 0, 0, 1, 0, len(contents), 0, 0, 0, 0, len(encoded), 0)
    parts = b'070701' + b''.join(b'%08x' % f for f in fields) + encoded, contents
    return b''.join(part + bytes(-len(part) % 4) for part in parts)


def run_through(machine):
    machine.expect('^TAP version', 60, 'start of the self-test')
    start = machine.position
    machine.expect(r'^1\.\.\d+$', 120, 'end of the self-test')
    bad = [line for line in machine.text[start:].split('\n') if line.startswith('not ok')]
    tap.ok(not bad, f'{machine.name}: every check', '\n'.join(bad))


def as_guest(machine):
    Shell(machine).send('tenon create -c /guests/selftest.cfg')
    run_through(machine)
    machine.expect('^tenon# ', 20, 'prompt after the end of the guest')


GUESTS.write_bytes(member('guests/selftest', pathlib.Path(BUILD, 'minios/selftest').read_bytes()) +
                   member('guests/selftest.cfg', b'name = "selftest"\nkernel = "/guests/selftest"\nmemory = 16\n') +
                   member('TRAILER!!!'))
RAMDISK.write_bytes(member('dir', mode=0o40755) + member('dir/hello.txt', b'hello, file\n') + member('TRAILER!!!'))
tap = Tap()
for hypervisor, kernel in ('xen', BUILD / 'oracle/xen'), ('tenon', BUILD / 'tenon'):
    tap.boot(f'{hypervisor}: self-test with 8 MB', run_through, name=f'selftest-{hypervisor}-8', limit=200,
             kernel=kernel, modules=[BUILD / 'minios/selftest'], options=OPTIONS + '8M')
    tap.boot(f'{hypervisor}: self-test with SMAP on and a RAM disk', run_through,
             name=f'selftest-{hypervisor}-smap', limit=200, kernel=kernel,
             modules=[BUILD / 'minios/selftest', RAMDISK], options=OPTIONS + '64M', cpu=SMAP)
tap.boot('tenon: self-test as a guest', as_guest, name='selftest-guest', limit=200, kernel=BUILD / 'tenon',
         modules=[BUILD / 'minios/dom0', GUESTS], options=OPTIONS + '64M')
tap.done()
