#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A large guest ends: the hypervisor hands Domain-0 its one CPU back now and then (destroydomain's -EAGAIN), so that
# Domain-0 answers while the guest's memory is given back, and sees it become less.
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap

MEMORY_MB = 1024


def large(machine):
    shell = Shell(machine)
    before = demo.free_pages(shell)
    demo.succeed(shell, f'tenon create /guests/crash.cfg name=large memory={MEMORY_MB}', 120)
    seen = []
    deadline = time.monotonic() + 120
    while (row := demo.domains(shell.output('tenon list')).get('large')) is not None:
        demo.require(time.monotonic() < deadline, 'the guest is still there')
        seen.append(int(row[1]))
    tap.ok(any(0 < mb < MEMORY_MB for mb in seen), 'Domain-0 answers while the memory of a large guest goes back',
           f'memory at each answer: {seen}')
    tap.equal(seen, sorted(seen, reverse=True), 'it becomes less each time')
    left = before - demo.free_pages(shell)
    tap.ok(left < MEMORY_MB, f'all of it is given back, but for {left} pages')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', large, name='large', kernel=BUILD / 'tenon', cpus=1, memory=1536, limit=300,
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
