#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Nothing leaks: 200 domains are made and destroyed (CREATED=n in the environment: n), and 50 crash by themselves.
# Afterwards free memory, Domain-0's event channels and its grants are what they were.
import os
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, ConsoleError, Shell
from tap import Tap

CREATED, CRASHED, WARM_UP = int(os.environ.get('CREATED', 200)), 50, 3


def create_and_destroy(shell):
    demo.succeed(shell, 'tenon create /guests/hello.cfg')
    demo.succeed(shell, 'tenon destroy hello')


def crash(shell):
    demo.succeed(shell, 'tenon create /guests/crash.cfg')
    demo.wait_until_gone(shell, 'crash')


# Ids are not used again soon.  For each 512 of them the hypervisor keeps two pages (who has the id, whose frames are
# its); there are 32752 ids.
IDS_KEPT = 2 * ((2 * WARM_UP + CREATED + CRASHED) // 512)


def cycles(machine):
    shell = Shell(machine)
    # The first few make what is kept for ever: buckets of event channels, a thread's stack, room for console
    # output.
    for _ in range(WARM_UP):
        create_and_destroy(shell)
        crash(shell)
    before = demo.usage(shell)
    tap.diag(f'in use before: {before}')
    for name, count, cycle in (('created and destroyed', CREATED, create_and_destroy),
                               ('crashed by themselves', CRASHED, crash)):
        start = time.monotonic()
        for i in range(count):
            try:
                cycle(shell)
            except ConsoleError as error:
                raise ConsoleError(f'domain {i + 1} of {count}: {error}') from error
        tap.diag(f'{count} domains {name} in {time.monotonic() - start:.1f} s')
        tap.equal(demo.leaked(shell, before, IDS_KEPT), {}, f'{count} domains {name}: nothing leaks')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', cycles, name='leak', kernel=BUILD / 'tenon', limit=max(300, CREATED), cpus=2,
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
