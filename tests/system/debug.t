#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# What helps to debug the hypervisor: the keys after Ctrl-a three times, with guests running beside them; and, on a debug
# build, that each fault made on purpose is found and reported: a CPU that hangs, a full stack, locks in the wrong order,
# writing to freed memory.
import sys

sys.path.insert(0, 'tests/lib')
from machine import BUILD, DEFAULT_OPTIONS, Shell
from tap import Tap

SWITCH = '\x01\x01\x01'
DOM0 = dict(modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])

# A key, and what it must show with a guest that waits.
KEYS = [
    ('h', r"key 'q': domains and vCPUs"),
    ('0', r'Domain-0, vCPU 0, kernel mode: rip e033:'),
    ('a', r'CPU 1: \d+ timers'),
    ('d', r'CPU 1  rip [0-9a-f]{4}:'),
    ('e', r'port +\d+: interdomain vCPU 0.* with port \d+ of domain 0'),
    ('g', r'Domain \d+: \d+ of \d+ frames, \d+ entries in use'),
    ('i', r'GSI +4: vector .* for serial_interrupt'),
    ('l', r'Only a debug build|CPU 1: 0 locks held'),
    ('m', r'Hypervisor \d+ KiB'),
    ('n', r'CPU 1: \d+ NMIs, 0 of unknown cause'),
    ('q', r'Domain 1: alive.*\n.*frames 4096 of'),
    ('r', r'CPU 1: (idle|busy)'),
    ('w', r'Tenon \d.* loaded at'),
    ('?', r'no such key'),
]

# A key of a debug build, and how the machine must end.
FAULTS = [
    ('K', 2, r'Panic on CPU \d: watchdog: CPU 1 has run no timers for 2 seconds(.|\n)* hang\+0x'),
    ('K', 1, r'Panic on CPU 0: watchdog: CPU 0 has run no timers for 2 seconds(.|\n)* hang\+0x'),
    ('O', 1, r'Panic on CPU 0: double fault: the stack is full(.|\n)* recurse\+0x'),
    ('L', 1, r'Panic on CPU 0: lock order: lock (.|\n)*Backtrace:'),
    ('W', 1, r'Panic on CPU 0: freed memory at .* was written to(.|\n)*Backtrace:'),
]


def keys(machine):
    shell = Shell(machine)
    shell.run('tenon create /guests/hello.cfg')
    machine.type(SWITCH)
    machine.expect(r'Console input goes to the hypervisor')
    for key, shows in KEYS:
        machine.type(key)
        machine.expect(shows, what=f'answer to key {key!r}: {shows!r}')
    machine.type(SWITCH)
    machine.expect(r'Console input goes to Domain-0')
    machine.type('\r')
    shell.run('tenon destroy hello')
    shell.poweroff()


def fault(key, shows):
    def body(machine):
        Shell(machine)
        machine.type(SWITCH)
        machine.expect(r'Console input goes to the hypervisor')
        machine.type(key)
        machine.expect(shows)
        machine.expect(r'The hypervisor stops here')
        machine.wait()
    return body


def reset(machine):
    Shell(machine)
    machine.type(SWITCH + 'R')
    machine.wait()


tap = Tap()
tap.boot('every key answers', keys, name='debug-keys', kernel=BUILD / 'tenon', cpus=2, **DOM0)
tap.boot('the watchdog lets a machine be that works', keys, name='debug-watchdog', kernel=BUILD / 'tenon', cpus=2,
         options=DEFAULT_OPTIONS + ' watchdog watchdog_timeout=5', **DOM0)
tap.boot("'R' resets", reset, name='debug-reset', kernel=BUILD / 'tenon', **DOM0)
debug = BUILD / 'debug/tenon'
if not debug.exists():
    debug = BUILD / 'tenon'     # the build itself is one for debugging
for key, cpus, shows in FAULTS:
    tap.boot(f'{key!r} with {cpus} CPUs is found', fault(key, shows), name=f'debug-{key}-{cpus}', kernel=debug, cpus=cpus,
             options=DEFAULT_OPTIONS + ' watchdog watchdog_timeout=2', **DOM0)
tap.done()
