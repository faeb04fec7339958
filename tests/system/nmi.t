#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# NMIs at any instruction of the entry code: while one CPU makes hypercalls and another system calls as fast as they can,
# the debug key for registers asks all CPUs by NMI, over and over.  Many must be found inside the entry code, on either
# root where guests are isolated, and nothing may come of it.
import re
import subprocess
import sys
import time

sys.path.insert(0, 'tests/lib')
from machine import BUILD
from tap import Tap

SECONDS = 6
WANTED = 20             # NMIs inside the entry code; there are hundreds


def entry_code():
    lines = subprocess.run(['nm', BUILD / 'tenon-syms'], capture_output=True, text=True, check=True).stdout.split('\n')
    names = {words[2]: int(words[0], 16) for words in map(str.split, lines) if len(words) == 3}
    return range(names['entry_text_start'], names['entry_text_end'])


def storm(machine, code):
    machine.expect('^spinning', 60)
    machine.type('\x01\x01\x01')
    machine.pump(1)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        machine.type('d', pace=0.01)
    hits = sum(int(rip, 16) in code for rip in re.findall(r'rip [0-9a-f]+:([0-9a-f]+)', machine.text))
    tap.ok(hits >= WANTED, f'{machine.name}: NMIs inside the entry code', f'{hits}, wanted {WANTED}')
    machine.type('h')
    machine.expect('registers and backtrace', 20, 'answer to the last key')
    tap.ok('Panic' not in machine.text, f'{machine.name}: nothing comes of them', machine.tail(40))


CASES = [
    ('nmi-isolated', 'Skylake-Server,-smap', ''),
    ('nmi-protected', 'max,la57=off', 'xpti spec-ctrl=rsb,md-clear'),
    ('nmi-plain', 'max,la57=off,smap=off', 'spec-ctrl=no'),
]

tap = Tap()
code = entry_code()
for name, cpu, options in CASES:
    tap.boot(f'{name}: done', lambda m: storm(m, code), name=name, kernel=BUILD / 'tenon', cpu=cpu, cpus=3, limit=60,
             modules=[f'{BUILD}/tests/system/spin busy'],
             options=f'dom0_mem=64M dom0_max_vcpus=2 console=com1 com1=115200,8n1 loglvl=all {options}')
tap.done()
