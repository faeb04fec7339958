# SPDX-License-Identifier: MIT
"""The test guests that run unprivileged, as oracle.py has them run: beside a Domain-0 that makes them.

On Xen 4.17 that is Debian's stock Linux with xl, whose first program is tests/guests/dom0-init; on Tenon
MiniOS with `tenon`.  Both read the same configuration of the same image, in BUILD/oracle/guests.  One boot of
a machine has all the guests, one after the other; each one's console is what its Domain-0 read from it.
"""
import hashlib
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from demo import DETACH
from machine import ConsoleError, Machine, PROMPT, Shell

CPU = 'Skylake-Server,-smap'
BOOT_LIMIT = 60         # seconds until Domain-0 is up
GUEST_LIMIT = 70        # for one guest; Xen's Domain-0 ends one after 60
OPTIONS = 'console=com1 com1=115200,8n1 loglvl=error guest_loglvl=error'
XEN_OPTIONS = OPTIONS + ' dom0_mem=384M,max:384M dom0_max_vcpus=1'
XEN_MEMORY = 1024       # MiB
LINUX_OPTIONS = 'console=hvc0 loglevel=1'
TENON_OPTIONS = OPTIONS + ' dom0_mem=64M'


def machine(hypervisor, guests, **words):
    """A machine with two CPUs: one may run Domain-0 while the other runs the guest."""
    return Machine(f'oracle-{hypervisor}-guests', cpu=CPU, cpus=2,
                   limit=BOOT_LIMIT + GUEST_LIMIT * len(guests), **words)


def on_xen(build, guests):
    """Yield (guest, its console) in order."""
    ramdisk = build / 'oracle/ramdisk.cpio'
    parts = build / 'oracle/dom0.cpio', build / 'oracle/guests.cpio'
    ramdisk.write_bytes(b''.join(part.read_bytes() for part in parts))
    linux = f'{build}/linux/vmlinux {LINUX_OPTIONS} oracle.guests={"+".join(guests)}'
    with machine('xen', guests, kernel=build / 'oracle/xen', modules=[linux, ramdisk], options=XEN_OPTIONS,
                 memory=XEN_MEMORY) as m:
        for guest in guests:
            start = m.expect(rf'^dom0: guest {guest}\n', BOOT_LIMIT, f'start of the guest {guest}').end()
            end = m.expect(rf'^dom0: end {guest}\n', GUEST_LIMIT, f'end of the guest {guest}').start()
            yield guest, m.text[start:end]


def on_tenon(build, guests):
    """Yield (guest, its console) in order."""
    modules = [build / 'minios/dom0', build / 'oracle/guests.cpio']
    with machine('tenon', guests, kernel=build / 'tenon', modules=modules, options=TENON_OPTIONS) as m:
        shell = Shell(m, BOOT_LIMIT)
        for guest in guests:
            shell.send(f'tenon create -c /guests/{guest}.cfg')
            start = m.position
            m.expect(rf'^# end {guest} .*\n|^tenon: domain {guest} .*\n|^{PROMPT}', GUEST_LIMIT,
                     f'end of the guest {guest}')
            m.type(DETACH + '\r')
            end = m.expect('^' + PROMPT, 10, 'prompt after Ctrl-]').start()
            yield guest, m.text[start:end]
            shell.output(f'tenon destroy {guest}')


def cache_path(build, guest):
    """Where a run on Xen is kept: under a hash of all that it depends on."""
    digest = hashlib.sha256(f'{CPU} {XEN_OPTIONS} {XEN_MEMORY} {LINUX_OPTIONS}'.encode())
    image = f'oracle/guests/{guest}'
    for name in 'oracle/xen', 'linux/vmlinux', 'oracle/dom0.cpio', image, image + '.cfg':
        digest.update(hashlib.sha256((build / name).read_bytes()).digest())
    return build / 'oracle/cache' / digest.hexdigest()


def run(build, hypervisor, guests):
    """{guest: what it printed}: of guests that a machine's failure kept from running, the reason."""
    consoles = {}
    try:
        for guest, text in (on_xen if hypervisor == 'xen' else on_tenon)(build, guests):
            consoles[guest] = text
    except ConsoleError as error:
        for guest in guests:
            consoles.setdefault(guest, f'{error}\n')
    return consoles


def needed(build, hypervisor):
    """The files without which none of this works."""
    names = ['oracle/guests.cpio']
    names += ['oracle/dom0.cpio', 'linux/vmlinux'] if hypervisor == 'xen' else ['minios/dom0']
    return [build / name for name in names]
