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


def usage(shell):
    """What is in use: the machine's free pages, and Domain-0's event channels and grant table."""
    fields = demo.info_fields(demo.succeed(shell, 'usage'))
    return {'free_pages': demo.free_pages(shell), 'event_channels': fields.get('event_channels'),
            'grant_frames': fields.get('grant_frames')}


def create_and_destroy(shell):
    demo.succeed(shell, 'tenon create /guests/hello.cfg')
    demo.succeed(shell, 'tenon destroy hello')


def crash(shell):
    demo.succeed(shell, 'tenon create /guests/crash.cfg')
    demo.wait_until_gone(shell, 'crash')


# Ids are not used again soon.  For each 512 of them the hypervisor keeps two pages (who has the id, whose frames are
# its); there are 32752 ids.
IDS_KEPT = 2 * ((2 * WARM_UP + CREATED + CRASHED) // 512)


def leaked(shell, before):
    """What is missing or in use beyond `before`, once the last domain is given back; {} when nothing is."""
    for _ in range(10):
        now = usage(shell)
        free = now.pop('free_pages')
        wrong = {name: value for name, value in now.items() if value != before[name]}
        if free < before['free_pages'] - IDS_KEPT:
            wrong['free_pages'] = free
        if not wrong:
            break
        time.sleep(0.5)
    return wrong


def cycles(machine):
    shell = Shell(machine)
    # The first few make what is kept for ever: buckets of event channels, a thread's stack, room for console
    # output.
    for _ in range(WARM_UP):
        create_and_destroy(shell)
        crash(shell)
    before = usage(shell)
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
        tap.equal(leaked(shell, before), {}, f'{count} domains {name}: nothing leaks')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', cycles, name='leak', kernel=BUILD / 'tenon', limit=max(300, CREATED), cpus=2,
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
