#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A Linux guest's life: booted to its init and shut down, processes on four vCPUs, its memory made less and
# more, its vCPUs taken and given, again and again; nothing is left of it afterwards. LIFE=n (environment):
# n boots and a fifth as many cycles, on one CPU and on four, or on CPUS=n alone; FORKS=n: so many processes.
import os
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from linux import Linux
from machine import BUILD, ConsoleError, Shell
from tap import Tap

TIMES = int(os.environ.get('LIFE', 1))
CYCLES = max(1, TIMES // 5)
SMALL, LARGE = 256, 512         # MiB
FORKS = int(os.environ.get('FORKS', 200))
VCPUS = 4
OPTIONS = 'dom0_mem=128M console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all'


def boot(shell):
    """A guest that says how many vCPUs it has; it is left at Domain-0's prompt."""
    guest = Linux(shell, 'debian', name='life', script=('hotplug',), memory=LARGE)
    guest.create()
    guest.machine.expect('^hotplug: 1 vCPUs', 90, "the first word of the guest's script")
    guest.detach()
    return guest


def shut_down(shell):
    demo.succeed(shell, 'tenon shutdown -w life', 60)
    demo.wait_until_gone(shell, 'life')


def repeat(times, what, function):
    """The number of the one that fails is shown."""
    start = time.monotonic()
    for i in range(times):
        try:
            function()
        except ConsoleError as error:
            raise ConsoleError(f'{what}, {i + 1} of {times}: {error}') from error
    tap.ok(True, f'{times} times: {what}')
    tap.diag(f'in {time.monotonic() - start:.1f} s')


def processes(shell):
    """All in one guest, which powers itself off when each has ended well."""
    guest = Linux(shell, 'debian', name='processes', script=('check', VCPUS, FORKS // VCPUS),
                  vcpus=VCPUS)
    guest.create()
    guest.passed('check', 120 + FORKS // 4)
    guest.ended()
    tap.ok(True, f'{FORKS} processes on {VCPUS} vCPUs')


def memory_becomes(shell, megabytes):
    demo.succeed(shell, f'tenon mem-set life {megabytes}')
    deadline = time.monotonic() + 60
    while (row := demo.domains(shell.output('tenon list'))['life'])[1] != str(megabytes):
        demo.require(time.monotonic() < deadline, f'life has {row[1]} MB and not {megabytes} after 60 s')
        time.sleep(0.2)


def cycles(machine):
    shell = Shell(machine)

    def once():
        boot(shell)
        shut_down(shell)

    def balloon():
        memory_becomes(shell, SMALL)
        memory_becomes(shell, LARGE)

    def vcpus():
        for count in VCPUS, 1:
            demo.succeed(shell, f'tenon vcpu-set life {count}')
            guest.attach()
            machine.expect(f'^hotplug: {count} vCPUs', 60, f'the guest with {count} vCPUs')
            guest.detach()

    once()
    before = demo.usage(shell)
    repeat(TIMES, 'booted to init and shut down', once)
    processes(shell)
    guest = boot(shell)
    repeat(CYCLES, f'memory {SMALL} and {LARGE} MB', balloon)
    repeat(CYCLES, f'vCPUs {VCPUS} and 1', vcpus)
    shut_down(shell)
    tap.equal(demo.leaked(shell, before), {}, 'nothing is left of any of them')
    said = shell.output('tenon console life')
    tap.ok(not any(word in said for word in ('BUG', 'WARNING', 'unable')),
           "the last one's log has nothing bad", said[-4000:])
    shell.poweroff()


tap = Tap()
for cpus in map(int, os.environ.get('CPUS', '1 4' if 'LIFE' in os.environ else '2').split()):
    tap.boot(f'{cpus} CPUs: Domain-0 answers to the end', cycles, name=f'linux-life-{cpus}cpu',
             kernel=BUILD / 'tenon', limit=420 + 60 * TIMES + FORKS // 4, cpus=cpus, memory=1024,
             options=OPTIONS, modules=[BUILD / 'minios/dom0', BUILD / 'linux/test-ramdisk.cpio'])
tap.done()
