#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Many domains: 300 of 12 MB are alive at once on a machine of 4 GB with a Domain-0 of 64 MB.  To make one of the last
# takes hardly more instructions than to make one of the first (time counts those here); all answer to the list; what
# they took is given back at the end.
import re
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, ConsoleError, Shell
from tap import Tap

DOMAINS, MEMORY_MB = 300, 12
SAMPLE = 10         # creates that are measured together
RATIO = 1.5
IDLE_KIB = 64       # of the hypervisor's own memory, for one domain


def cpu_seconds(shell):
    """What Domain-0 has run: a second is 10^9 instructions."""
    return float(re.search(r'"cpu_time_s": *([\d.]+)', demo.succeed(shell, 'tenon list --json Domain-0'))[1])


def own_kib(shell):
    """The hypervisor's own memory."""
    return int(re.search(r'^hypervisor_memory +: (\d+) KiB', demo.succeed(shell, 'tenon info'), re.MULTILINE)[1])


def create(shell, first, last):
    """Make the domains of these numbers; returns the CPU time of one, with the words typed for it."""
    before = cpu_seconds(shell)
    for i in range(first, last + 1):
        try:
            demo.succeed(shell, f'tenon create /guests/hello.cfg name=g{i} memory={MEMORY_MB}')
        except ConsoleError as error:
            raise ConsoleError(f'domain {i} of {DOMAINS}: {error}') from error
    return (cpu_seconds(shell) - before) / (last - first + 1)


def many(machine):
    shell = Shell(machine)
    create(shell, 1, 5)
    early = create(shell, 6, 5 + SAMPLE)
    own_early = own_kib(shell)
    create(shell, 6 + SAMPLE, DOMAINS - SAMPLE)
    late = create(shell, DOMAINS - SAMPLE + 1, DOMAINS)
    names = demo.domains(demo.succeed(shell, 'tenon list', 60))
    tap.ok(all(f'g{i}' in names for i in range(1, DOMAINS + 1)), f'{DOMAINS} domains of {MEMORY_MB} MB are alive')
    tap.ok(late <= early * RATIO, f'a create: {early * 1000:.1f} million instructions at 10, {late * 1000:.1f} at {DOMAINS}')
    each = (own_kib(shell) - own_early) / (DOMAINS - 5 - SAMPLE)
    tap.ok(each <= IDLE_KIB, f'the hypervisor needs {each:.1f} KiB for one of them')
    for i in range(1, DOMAINS + 1):
        demo.succeed(shell, f'tenon destroy g{i}')
    names = demo.domains(demo.succeed(shell, 'tenon list'))
    tap.equal(list(names), ['Domain-0'], 'all are gone again')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', many, name='many', kernel=BUILD / 'tenon', cpus=1, icount=True,
         memory=4096, limit=600, modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
