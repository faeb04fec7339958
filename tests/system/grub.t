#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A PV kernel that nobody here wrote: Debian's grub-x86_64-xen.bin as a guest.  GRUB first asks xenstore for
# its disks and waits for the answer, which is as far as it comes without a xenstore.  The evidence is read
# from the machine's memory: a store page, at whose start GRUB's first request stands, with the producer's
# count after it.
import struct
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, ConsoleError, Shell
from tap import Tap

MEMORY = 256
PAGE = 4096
XS_DIRECTORY = 1
COUNTS = 2048   # struct xenstore_domain_interface: two rings of 1024 bytes, req_cons, req_prod
HEADER = 16                     # struct xsd_sockmsg


def store_request(memory):
    """The path that a guest asks for in an unanswered XS_DIRECTORY request, or None."""
    for start in range(0, len(memory), PAGE):
        kind, _, _, length = struct.unpack_from('<IIII', memory, start)
        if kind == XS_DIRECTORY and 0 < length <= 1024 - HEADER:
            consumed, produced = struct.unpack_from('<II', memory, start + COUNTS)
            path = memory[start + HEADER:start + HEADER + length]
            if consumed == 0 and produced == HEADER + length and path.endswith(b'\0'):
                return path[:-1].decode('ascii', 'replace')
    return None


def wait_for_request(machine):
    shell = Shell(machine)
    demo.succeed(shell, 'tenon create /guests/grub.cfg')
    deadline = time.monotonic() + 20
    while (path := store_request(machine.save_memory(MEMORY))) is None:
        if time.monotonic() > deadline:
            raise ConsoleError('no xenstore request of GRUB in memory within 20 s')
        time.sleep(1)
    tap.diag(f'GRUB asks xenstore for {path!r}')
    row = demo.domains(demo.succeed(shell, 'tenon list')).get('grub')
    tap.ok(row is not None and 'c' not in row[3], 'GRUB waits and has not crashed', row)
    demo.succeed(shell, 'tenon destroy grub')
    shell.poweroff()


tap = Tap()
tap.boot("Debian's GRUB for PV guests runs until it waits for xenstore", wait_for_request, name='grub',
         kernel=BUILD / 'tenon', modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'],
         memory=MEMORY, qmp=True)
tap.done()
