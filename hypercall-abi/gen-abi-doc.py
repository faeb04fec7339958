#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes docs/abi.md, the reference of hypercalls, to standard output, from hypercalls.def, subops.def and
the headers. The C preprocessor reads them, so that the page says what the compiler sees."""
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

INTRO = '''# The hypercall interface

*Made by `hypercall-abi/gen-abi-doc.py` from `hypercall-abi/hypercalls.def` and `subops.def`: change
those, then run `make abi-doc`.*

Tenon's guest interface is Xen 4.17's for x86-64 PV domains: numbers, structures and behaviour. This page
lists every call and sub-operation of it and says which ones Tenon has. What each does in detail, its
arguments and errors, stands in the headers below `hypercall-abi/xen/`, named in the last column.

A call is made by the SYSCALL instruction, or through the hypercall page: number in `%rax`, arguments in
`%rdi`, `%rsi`, `%rdx`, `%r10`, `%r8`, result in `%rax`. `%rcx` and `%r11` are lost. A negative result is
minus one of the errors of `xen/errno.h`.

- **Arguments**: `cmd` a sub-operation (`cmd64`: with an index in its upper bits), `u32` and `u64` values,
  `dom` a domain id, `va` an address that is kept or mapped, `ptr` the address of a structure or array that
  is read or written during the call.
- **Who**: `any` domain, or `priv`: control domains only; others get `-EPERM`.
- **Tenon**: **yes**, or no: the call returns `-ENOSYS`, a sub-operation the error that its header names.
'''

HEADERS = {
    'console_io': 'xen.h', 'vm_assist': 'xen.h', 'multicall': 'xen.h', 'mmu_update': 'xen.h',
    'mmuext_op': 'xen.h',
    'update_va_mapping': 'xen.h', 'update_va_mapping_otherdomain': 'xen.h',
    'set_trap_table': 'arch-x86/xen.h', 'set_gdt': 'arch-x86/xen.h', 'stack_switch': 'arch-x86/xen.h',
    'fpu_taskswitch': 'arch-x86/xen.h', 'set_debugreg': 'arch-x86/xen.h', 'get_debugreg': 'arch-x86/xen.h',
    'update_descriptor': 'arch-x86/xen.h', 'iret': 'arch-x86/xen-x86_64.h',
    'set_segment_base': 'arch-x86/xen-x86_64.h', 'set_callbacks': 'callback.h', 'callback_op': 'callback.h',
    'memory_op': 'memory.h', 'set_timer_op': 'vcpu.h', 'vcpu_op': 'vcpu.h', 'xen_version': 'version.h',
    'grant_table_op': 'grant_table.h', 'sched_op': 'sched.h', 'event_channel_op': 'event_channel.h',
    'event_channel_op_compat': 'event_channel.h', 'physdev_op': 'physdev.h', 'physdev_op_compat': 'physdev.h',
    'sched_op_compat': 'sched.h', 'platform_op': 'platform.h', 'domctl': 'domctl.h', 'sysctl': 'sysctl.h',
    'nmi_op': 'nmi.h', 'xenpmu_op': 'pmu.h', 'hvm_op': 'hvm/hvm_op.h', 'mca': 'arch-x86/xen-mca.h',
}


def preprocess(source):
    """What the preprocessor makes of a text, with the headers in reach."""
    p = subprocess.run(['gcc', '-E', '-P', '-D__XEN_TOOLS__', '-I', HERE, '-xc', '-'], input=source,
                       text=True, capture_output=True)
    if p.returncode:
        sys.exit(f'gen-abi-doc.py: the preprocessor refuses the tables:\n{p.stderr}')
    return p.stdout


def rows(table, macro, includes=''):
    """The rows of a table as lists of words."""
    text = preprocess(f'{includes}#define {macro}(...) @@ __VA_ARGS__\n#include "{table}"\n')
    return [[w.strip('"') for w in re.findall(r'"[^"]*"|\([^)]*\)|[^\s,()"]+', row)]
            for row in text.split('@@')[1:]]


def numbers(macros):
    """The values of sub-operation macros; all are plain numbers."""
    names = sorted({h for h in HEADERS.values()})
    text = preprocess(''.join(f'#include <xen/{n}>\n' for n in names)
                      + ''.join(f'@@ "{m}" {m}\n' for m in macros))
    pairs = re.findall(r'@@ "(\w+)" (.*)', text)
    bad = [name for name, value in pairs if not re.fullmatch(r'\d+', value.strip())]
    if bad:
        sys.exit(f'gen-abi-doc.py: no number in the headers for {", ".join(bad)}')
    return {name: int(value) for name, value in pairs}


def table(head, lines):
    out = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    return '\n'.join(out + ['| ' + ' | '.join(str(c) for c in line) + ' |' for line in lines])


def main():
    calls = rows('hypercalls.def', 'HYPERCALL')
    subops = rows('subops.def', 'SUBOP')
    value = numbers([row[1] for row in subops])
    shown = {'PRESENT': '**yes**', 'ABSENT': 'no'}
    with_subops = {row[0] for row in subops}

    have = sum(row[5] == 'PRESENT' for row in calls)
    sub_have = sum(row[3] == 'PRESENT' for row in subops)
    print(INTRO)
    print(f'Of {len(calls)} numbers Tenon has {have}; of {len(subops)} sub-operations {sub_have}.\n')
    print('## Calls\n')
    lines = []
    for nr, name, _, kinds, who, state, text in calls:
        kinds = kinds.strip('()').replace(' ', '').replace(',', ', ')
        header = HEADERS.get(name)
        lines.append([nr, f'[`{name}`](#{name})' if name in with_subops else f'`{name}`',
                      '' if kinds == 'none' else kinds, who.lower(), shown[state], text,
                      f'`{header}`' if header else ''])
    print(table(['No.', 'Call', 'Arguments', 'Who', 'Tenon', 'Meaning', 'Header'], lines))
    print('\n## Sub-operations')
    for name in [row[1] for row in calls if row[1] in with_subops]:
        lines = [[value[macro], f'`{macro}`', shown[state], text]
                 for call, macro, _, state, text in subops if call == name]
        lines.sort(key=lambda line: line[0])
        print(f'\n### {name}\n')
        print(table(['No.', 'Name', 'Tenon', 'Meaning'], lines))


main()
