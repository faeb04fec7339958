#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run the bench guest on Tenon and on Debian's Xen 4.17 and print what each path of the hypervisor costs.

    bench.py --build build [--only xen|tenon] [--table i|ii] [--repeat N]

Both boot the same guest as Domain-0 in QEMU, whose icount makes the time-stamp counter a count of executed
instructions.  Table (i) has the protections against transient execution off on both, table (ii) both
hypervisors' defaults on an Intel processor.  A figure is the median of many readings around one path less
the readings themselves; the few instructions of the guest in it (arguments, the shortest handlers) are the
same on both.  Each machine runs --repeat times (2), and the runs must not differ by an instruction.

BUILD/bench/results.json has everything, BUILD/bench/log the consoles.  Exit status: 0, or 1 if a row is
missing, two runs differ, or a bar is missed.  (The time that a hypervisor waits for a timer while it starts
counts, too: an instruction takes a nanosecond, and so does a nanosecond without one.)
"""
import argparse
import json
import pathlib
import re
import select
import statistics
import struct
import subprocess
import sys
import time

TABLES = {
    'i': ('protections off on both', 'max,la57=off,smap=off', 'xpti=no spec-ctrl=no pv-l1tf=no'),
    'ii': ("Intel processor, each hypervisor's defaults", 'Skylake-Server,-smap', ''),
}
OPTIONS = ('console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning dom0_mem=64M,max:80M '
           'dom0_max_vcpus=2')
IMAGES = {'tenon': 'tenon', 'xen': 'oracle/xen'}
ICOUNT = ('-icount', 'shift=0,sleep=off', '-rtc', 'base=2026-01-01T00:00:00,clock=vm', '-seed', '1')
TIME_LIMIT = 120        # seconds for one machine; it takes one to twenty
LAST_LINES = 60
START = "start until Domain-0's first instruction"
# What table (i) must show: rows at most GATE of Xen's instructions, the median row too, and no row above 1.
GATE = 0.6
GATED = ('null hypercall', '#UD bounce and return', 'page-fault bounce and return',
         'user system call and return', 'event to self until its handler', 'event to self, handled and back',
         'mmu_update, 1 entry')
MEMORY_BARS = {         # at most, in bytes
    "the hypervisor's own": 36 << 20,
    "an idle domain's beyond its frames": 64 << 10,
    'lost by 8 domains made and destroyed': 0,
    'image, loaded': 700_000,
}


class Failure(Exception):
    """A machine that did not do what it should; the text says which and shows its last lines."""


def boot(build, name, image, cpu, options, module=None, memory=512, end=None, limit=TIME_LIMIT, icount=True):
    """One run of QEMU, until the line `end` begins or QEMU ends; returns the console's lines."""
    argv = ['qemu-system-x86_64', '-cpu', cpu, '-smp', '1', '-m', str(memory), '-nodefaults', '-no-reboot',
            '-display', 'none', '-monitor', 'none', *(ICOUNT if icount else ()),
            '-chardev', 'stdio,id=console,mux=off,signal=off', '-serial', 'chardev:console',
            '-kernel', str(image), '-append', options]
    if module:
        argv += ['-initrd', module]
    log = build / 'bench/log' / name
    log.parent.mkdir(parents=True, exist_ok=True)
    output, deadline, why = b'', time.monotonic() + limit, ''
    with open(log.with_suffix('.err'), 'wb') as errors:
        qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
    try:
        while not (end and re.search(rb'(?m)^' + re.escape(end.encode()) + rb'.*\n', output)):
            left = deadline - time.monotonic()
            if left <= 0:
                why = f'no end after {limit} s'
                break
            if select.select([qemu.stdout], [], [], left)[0]:
                data = qemu.stdout.read1(65536)
                if not data:
                    why = 'it ended early' if end else ''
                    break
                output += data.replace(b'\r', b'')
    finally:
        qemu.kill()
        qemu.wait()
        qemu.stdout.close()
    lines = output.decode('utf-8', 'replace').splitlines()
    log.write_text('\n'.join(lines) + '\n')
    if why:
        raise Failure('\n'.join([f'{name}: {why}; last console lines ({log}):', *lines[-LAST_LINES:],
                                 log.with_suffix('.err').read_text()]))
    return lines


def guest_run(build, name, hypervisor, table, argument='', memory=512):
    """The guest's console on one machine."""
    _, cpu, options = TABLES[table]
    return boot(build, name, build / IMAGES[hypervisor], cpu, f'{OPTIONS} {options}'.strip(),
                f'{build}/bench/guest {argument}'.strip(), memory, '# end bench ')


def loader_ticks(build, table):
    """What firmware and loader execute before a hypervisor's first instruction."""
    for line in boot(build, f'loader-{table}', build / 'bench/start', TABLES[table][1], ''):
        if line.startswith('loaded 0x'):
            return int(line[9:], 16)
    raise Failure(f'loader-{table}: no figure from build/bench/start')


def rows_of(lines, loaded):
    """{row: (median, minimum, maximum)}, with None for a row that the guest could not measure."""
    rows = {}
    for line in lines:
        if line.startswith('start '):
            ticks = int(line[6:]) - loaded
            rows[START] = (ticks, ticks, ticks)
        elif line.startswith('row '):
            name, *figures = line[4:].split('|')
            rows[name] = None if figures[0] == 'failed' else tuple(int(f) for f in figures[:3])
    return rows


def measure(build, hypervisor, table, repeat, loaded):
    """The rows of one hypervisor in one table, and the rows in which two runs differ."""
    runs = [rows_of(guest_run(build, f'{hypervisor}-{table}-{n + 1}', hypervisor, table), loaded)
            for n in range(repeat)]
    names = dict.fromkeys(name for run in runs for name in run)
    differing = [name for name in names if any(run.get(name) != runs[0].get(name) for run in runs)]
    return runs[0], differing


def loaded_size(image):
    """Bytes that an ELF32 image takes in memory."""
    data = image.read_bytes()
    offset, = struct.unpack_from('<I', data, 28)
    size, count = struct.unpack_from('<HH', data, 42)
    headers = [struct.unpack_from('<8I', data, offset + i * size) for i in range(count)]
    return sum(h[5] for h in headers if h[0] == 1)


def memory_of(build, hypervisor):
    """Bytes by name, on a machine of 4 GB."""
    figures = {'image, loaded': loaded_size(build / IMAGES[hypervisor])}
    for line in guest_run(build, f'{hypervisor}-memory', hypervisor, 'i', 'memory', 4096):
        if line.startswith('memory '):
            name, value = line[7:].split('|')
            figures[name] = int(value)
    return figures


def ratio_of(row):
    tenon, xen = row.get('tenon'), row.get('xen')
    return tenon[0] / xen[0] if tenon and xen and xen[0] else None


def print_table(table, result, hypervisors):
    """Prints the rows; returns what is wrong with them."""
    title, cpu, options = TABLES[table]
    rows, wrong = result['rows'], []
    print(f'\nTable ({table}): instructions, {title}\n           -cpu {cpu} {options}\n')
    print(f'{"path":52}' + ''.join(f'{h:>14}' for h in hypervisors) + f'{"ratio":>8}')
    ratios = {}
    for name, row in rows.items():
        ratio = ratio_of(row)
        if ratio is not None:
            ratios[name] = ratio
        print(f'{name:52}' + ''.join(f'{row[h][0] if row.get(h) else "failed":>14}' for h in hypervisors) +
              (f'{ratio:8.2f}' if ratio is not None else '       -') + (' *' if name in GATED else ''))
        wrong += [f'({table}) {name}: no figure on {h}' for h in hypervisors if not row.get(h)]
    for hypervisor, names in result['differing'].items():
        wrong += [f'({table}) {name}: two runs on {hypervisor} differ' for name in names]
    if ratios:
        median = statistics.median(ratios.values())
        result['median'] = median
        above = [name for name, ratio in ratios.items() if ratio > 1]
        print(f'\n{len(ratios)} rows, median ratio {median:.3f}, {len(above)} above 1.00'
              f'{": " + "; ".join(above) if above else ""}')
        if table == 'i':
            wrong += [f'({table}) {name}: ratio {ratios[name]:.3f}, bar 1.00' for name in above]
            wrong += [f'({table}) {name}: ratio {ratios[name]:.3f}, bar {GATE:.2f}'
                      for name in GATED if GATE < ratios.get(name, 0) <= 1]
            if median > GATE:
                wrong.append(f'({table}) median ratio {median:.3f}, bar {GATE:.2f}')
    return wrong


def print_memory(memory, hypervisors):
    print('\nMemory in KiB, on a machine of 4 GB (own = RAM - free - all that domains own)\n')
    print(f'{"":52}' + ''.join(f'{h:>14}' for h in hypervisors) + f'{"bar":>8}')
    wrong = []
    for name in dict.fromkeys(name for figures in memory.values() for name in figures):
        bar = MEMORY_BARS.get(name)
        cells = [memory[h].get(name) for h in hypervisors]
        print(f'{name:52}' + ''.join(f'{"-" if c is None else f"{c / 1024:.1f}":>14}' for c in cells) +
              (f'{bar / 1024:8.0f}' if bar is not None else ''))
        value = memory.get('tenon', {}).get(name, 0)
        if bar is not None and value > bar:
            wrong.append(f'memory: {name}: {value} bytes, bar {bar}')
    return wrong


def main():
    parser = argparse.ArgumentParser(description='Count what each path of Tenon and of Xen 4.17 executes.')
    parser.add_argument('--build', type=pathlib.Path, default=pathlib.Path('build'))
    parser.add_argument('--only', choices=tuple(IMAGES), help='one hypervisor only')
    parser.add_argument('--table', choices=tuple(TABLES), help='one table only')
    parser.add_argument('--repeat', type=int, default=2, help='runs of each machine, which must agree (2)')
    args = parser.parse_args()
    hypervisors = [args.only] if args.only else list(IMAGES)
    results, wrong = {'tables': {}}, []
    try:
        for table in [args.table] if args.table else TABLES:
            loaded = loader_ticks(args.build, table)
            measured = {h: measure(args.build, h, table, args.repeat, loaded) for h in hypervisors}
            names = dict.fromkeys(name for rows, _ in measured.values() for name in rows)
            result = {'rows': {name: {h: measured[h][0].get(name) for h in hypervisors} for name in names},
                      'differing': {h: measured[h][1] for h in hypervisors}, 'runs': args.repeat}
            results['tables'][table] = result
            wrong += print_table(table, result, hypervisors)
            sys.stdout.flush()
        results['memory'] = {h: memory_of(args.build, h) for h in hypervisors}
        wrong += print_memory(results['memory'], hypervisors)
    except Failure as failure:
        sys.exit(str(failure))
    (args.build / 'bench/results.json').write_text(json.dumps(results, indent=1) + '\n')
    if args.repeat > 1 and not any(any(t['differing'].values()) for t in results['tables'].values()):
        print(f'\n{args.repeat} runs of each machine were identical to the instruction.')
    for line in wrong:
        print(f'not met: {line}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
