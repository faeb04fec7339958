#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Page-table isolation, seen from outside: QEMU is stopped while each of two CPUs runs guest code, one in kernel and
# one in user mode, and its monitor says what is mapped then.  Where isolation is on that may be, of the hypervisor, no
# more than the entry code, the IDT, the CPU's own entry stacks and descriptor window, and the M2P for all to read; not
# by way of a linear page table either.
import re
import subprocess
import sys

sys.path.insert(0, 'tests/lib')
from machine import BUILD, ConsoleError
from tap import Tap

PAGE = 4096
HV_START, HV_END = 0xffff800000000000, 0xffff880000000000
M2P_END = 0xffff808000000000
WINDOWS, WINDOW_SIZE, WINDOW_PAGES = 0xffff810000000000, 2 << 20, 34
STACKS, STACK_STRIDE = 0xffff81807f000000, 64 << 10
EXCEPTION_PAGES, INFO_PAGE = 4, 15      # of a CPU's stack
DIRECT_MAP = 0xffff840000000000


def symbols():
    """Addresses in the hypervisor's image by name."""
    lines = subprocess.run(['nm', BUILD / 'tenon-syms'], capture_output=True, text=True, check=True).stdout.split('\n')
    return {words[2]: int(words[0], 16) for words in map(str.split, lines) if len(words) == 3}


def allowed(cpu, names):
    """Ranges of the hypervisor's, as (start, end), that may be mapped for ring 0 while a guest runs on this CPU."""
    stack, window = STACKS + cpu * STACK_STRIDE, WINDOWS + cpu * WINDOW_SIZE
    return [(names['entry_text_start'], names['entry_text_end']), (names['idt'], names['idt'] + PAGE),
            (stack, stack + EXCEPTION_PAGES * PAGE), (stack + INFO_PAGE * PAGE, stack + (INFO_PAGE + 1) * PAGE),
            (window, window + WINDOW_PAGES * PAGE)]


def stop_in_guest(machine, cpu):
    """Stop the machine at a moment when this CPU runs a guest."""
    for _ in range(50):
        machine.monitor('stop')
        if 'CPL=3' in machine.monitor('info registers', cpu):
            return
        machine.monitor('cont')
    raise ConsoleError(f'CPU {cpu} was never found in a guest')


def mapped(machine, cpu):
    """What is mapped at the hypervisor's addresses, or for ring 0 alone wherever it is: (start, end, user, writable)."""
    rows = re.findall(r'^([0-9a-f]+)-([0-9a-f]+) [0-9a-f]+ (\S+)', machine.monitor('info mem', cpu), re.MULTILINE)
    rows = [(int(start, 16), int(end, 16), flags) for start, end, flags in rows]
    return [(start, end, 'u' in flags, 'w' in flags) for start, end, flags in rows
            if (end > HV_START and start < HV_END) or 'u' not in flags]


def text(rows):
    return ', '.join(f'{start:x}-{end:x}' for start, end, *_ in rows) or 'nothing'


def check_isolated(machine, cpu, names):
    stop_in_guest(machine, cpu)
    rows = mapped(machine, cpu)
    machine.monitor('cont')
    for_all = [r for r in rows if r[2]]
    wrong = [r for r in for_all if r[0] < HV_START or r[1] > M2P_END or r[3]]
    tap.ok(for_all and not wrong, f'{machine.name}, CPU {cpu}: guests can read the M2P, and nothing else', text(wrong))
    own = [r for r in rows if not r[2]]
    wrong = [r for r in own if not any(a <= r[0] and r[1] <= b for a, b in allowed(cpu, names))]
    tap.ok(own and not wrong, f'{machine.name}, CPU {cpu}: only entry code, stacks and descriptors are mapped beside it',
           text(wrong))


def check_open(machine, cpu):
    stop_in_guest(machine, cpu)
    rows = mapped(machine, cpu)
    machine.monitor('cont')
    tap.ok(any(r[0] <= DIRECT_MAP < r[1] for r in rows), f'{machine.name}, CPU {cpu}: the direct map is mapped', text(rows))
    wrong = [r for r in rows if r[2] and (r[1] > M2P_END or r[3])]
    tap.ok(not wrong, f'{machine.name}, CPU {cpu}: guests can read the M2P, and nothing else', text(wrong))


def check(machine, isolated, line, names):
    machine.expect('^spinning', 60)
    tap.ok(re.search(line, machine.text, re.MULTILINE), f'{machine.name}: the console says what is on', f'no line {line!r}')
    for cpu in (0, 1):
        if isolated:
            check_isolated(machine, cpu, names)
        else:
            check_open(machine, cpu)


CASES = [
    ('isolation-intel', 'Skylake-Server,-smap', '', True, 'xpti: .*Domain-0 on, other domains on'),
    ('isolation-forced', 'max,la57=off,smap=off', 'xpti spec-ctrl=rsb,md-clear,bti-thunk=lfence', True,
     'spec-ctrl: bti-thunk=lfence .* rsb=entry md-clear=exit'),
    ('isolation-dom0-off', 'Skylake-Server,-smap', 'xpti=dom0=off', False, 'xpti: .*Domain-0 off, other domains on'),
    ('isolation-amd', 'max,la57=off,smap=off', '', False, 'xpti: .*Domain-0 off, other domains off'),
    ('isolation-no', 'Skylake-Server,-smap', 'spec-ctrl=no', False, 'pv-l1tf: .*Domain-0 off, other domains off'),
]

tap = Tap()
names = symbols()
for name, cpu, options, isolated, line in CASES:
    tap.boot(f'{name}: done', lambda m: check(m, isolated, line, names), name=name, kernel=BUILD / 'tenon', cpu=cpu, cpus=2,
             modules=[BUILD / 'tests/system/spin'], qmp=True, limit=90,
             options=f'dom0_mem=64M dom0_max_vcpus=2 console=com1 com1=115200,8n1 loglvl=all {options}')
tap.done()
