#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run Debian's stock Linux bare, on Xen 4.17 and on Tenon, and print what its programs execute.

    bench_linux.py --build build [--only bare|xen|tenon] [--repeat N] [--no-wall]

On a hypervisor Linux is Domain-0, all protections against transient execution that the hypervisors have are off
(table (i) of bench.py), and the kernel's own are on everywhere. A figure is instructions by QEMU's icount, the
median of many readings (tests/bench/linux); each system runs --repeat times (2), and the runs must agree to a
thousandth (those on Xen differ in the sixth digit). "gap" is (Tenon - bare) / (Xen - bare): what is left of
Xen's cost. The last columns are of one more run without icount: times as ratios to bare, of each row's shortest
reading. They depend on what else the machine does.

BUILD/bench/linux/results.json has everything, BUILD/bench/log the consoles. Exit status: 0, or 1 if a row is
missing, two runs differ, or a bar is missed.
"""
import argparse
import json
import pathlib
import sys

import bench

SYSTEMS = ('bare', 'xen', 'tenon')
MEMORY = 1024           # MiB of the machine; Linux has LINUX_MEMORY of them
LINUX_MEMORY = 512
TIME_LIMIT = 300
BOOT = 'boot to init'
END = 'init: bench ended with status '
# Largest gaps. Rows that are not named, and in which Xen is above bare, must be below 1.
GAPS = {
    'null call (getppid)': 0.6, 'fork, exit, wait': 0.6, 'fork, exec, wait': 0.6,
    'pipe switch': 0.75, 'anonymous fault': 0.75, 'zero-page fault': 0.75,
    'protection fault, handler, mprotect': 0.75, 'mmap, touch, munmap 4 MB': 0.75,
}
# Rows that ask nothing of the kernel: at most this much above bare.
COMPUTING = ('clock read, vDSO', 'checksum, 64 bytes', 'copy 16 MB')
COMPUTING_BAR = 1.01
AGREEMENT = 0.001       # by how much of a figure two runs may differ


def linux_run(build, system, name, icount):
    """The console of Linux on one system, until the rows are all there."""
    _, cpu, options = bench.TABLES['i']
    # Where a random address crosses into another page table, fork has one more to copy: no random addresses.
    words = 'norandmaps tenon.test=bench'
    kernel, ramdisk = build / 'linux/vmlinux', build / 'bench/linux/ramdisk.cpio'
    if system == 'bare':
        return bench.boot(build, name, kernel, cpu, f'console=ttyS0,115200 mem={LINUX_MEMORY}M {words}',
                          str(ramdisk), MEMORY, END, TIME_LIMIT, icount)
    options = (f'console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning '
               f'dom0_mem={LINUX_MEMORY}M,max:{LINUX_MEMORY}M {options}')
    return bench.boot(build, name, build / bench.IMAGES[system], cpu, options,
                      f'{kernel} console=hvc0 {words},{ramdisk}', MEMORY, END, TIME_LIMIT, icount)


def rows_of(lines, name, loaded):
    """{row: (median, minimum)} of one console."""
    rows = {}
    for line in lines:
        if line.startswith('boot '):
            rows[BOOT] = (int(line[5:]) - loaded,) * 2
        elif line.startswith('row ') and '|' in line:
            row, *figures = line[4:].split('|')
            rows[row] = tuple(int(f) for f in figures[:2])
    ends = [line for line in lines if line.startswith(END)]
    if not ends or ends[0] != END + '0':
        raise bench.Failure('\n'.join([f'{name}: the benchmark failed in Linux; last console lines:',
                                       *lines[-bench.LAST_LINES:]]))
    return rows


def measure(build, system, repeat, loaded):
    """The medians of one system's rows, and what differs between its runs."""
    runs = []
    for n in range(repeat):
        name = f'linux-{system}-{n + 1}'
        runs.append(rows_of(linux_run(build, system, name, True), name, loaded))
    differing = []
    for row in dict.fromkeys(row for run in runs for row in run):
        medians = [run[row][0] for run in runs if row in run]
        if len(medians) < repeat or max(medians) - min(medians) > AGREEMENT * max(medians):
            differing.append(f'{row}: the runs on {system} differ: {medians}')
    return {row: figures[0] for row, figures in runs[0].items()}, differing


def wall(build, systems):
    """The shortest readings of each system in a run without icount."""
    times = {}
    for system in systems:
        name = f'linux-{system}-wall'
        rows = rows_of(linux_run(build, system, name, False), name, 0)
        times[system] = {row: figures[1] for row, figures in rows.items()}
    return times


def gap_of(row):
    bare, xen, tenon = (row.get(system) for system in SYSTEMS)
    return (tenon - bare) / (xen - bare) if None not in (bare, xen, tenon) and xen > bare else None


def judge(name, row):
    """What is wrong with a row, as lines."""
    wrong, gap = [], gap_of(row)
    bar = GAPS.get(name, 1)
    if gap is not None and (gap > bar if name in GAPS else gap >= bar):
        wrong.append(f'{name}: gap {gap:.3f}, bar {bar:.2f}')
    if name in COMPUTING and row['tenon'] > row['bare'] * COMPUTING_BAR:
        wrong.append(f'{name}: {row["tenon"] / row["bare"]:.3f} of bare, bar {COMPUTING_BAR}')
    return wrong


def ratio(times, system, name):
    try:
        return f'{times[system][name] / times["bare"][name]:8.2f}'
    except (KeyError, ZeroDivisionError):
        return f'{"-":>8}'


def print_table(rows, times, systems):
    """Prints the rows; returns what is wrong with them."""
    title, cpu, options = bench.TABLES['i']
    print(f'\nStock Linux: instructions, {title}\n           -cpu {cpu} {options}\n')
    timed = [s for s in systems if s in times and s != 'bare']
    print(f'{"row":38}' + ''.join(f'{s:>12}' for s in systems) + f'{"gap":>7}{"bar":>6}' +
          ('   time:' + ''.join(f'{s:>8}' for s in timed) if timed else ''))
    wrong = []
    for name, row in rows.items():
        gap = gap_of(row)
        print(f'{name:38}' + ''.join(f'{row.get(s, "missing"):>12}' for s in systems) +
              (f'{gap:7.2f}' if gap is not None else f'{"-":>7}') +
              (f'{GAPS[name]:6.2f}' if name in GAPS else ' ' * 6) +
              (' ' * 8 + ''.join(ratio(times, s, name) for s in timed) if timed else ''))
        missing = [f'{name}: no figure on {s}' for s in systems if s not in row]
        wrong += missing or (judge(name, row) if len(systems) == len(SYSTEMS) else [])
    return wrong


def main():
    parser = argparse.ArgumentParser(description='Count what stock Linux executes bare, on Xen and on Tenon.')
    parser.add_argument('--build', type=pathlib.Path, default=pathlib.Path('build'))
    parser.add_argument('--only', choices=SYSTEMS, help='one system only')
    parser.add_argument('--repeat', type=int, default=2, help='runs of each system, which must agree (2)')
    parser.add_argument('--no-wall', action='store_true', help='no runs for the time')
    args = parser.parse_args()
    systems = [args.only] if args.only else list(SYSTEMS)
    try:
        loaded = bench.loader_ticks(args.build, 'i')
        measured, wrong = {}, []
        for system in systems:
            measured[system], differing = measure(args.build, system, args.repeat, loaded)
            wrong += differing
        times = {} if args.no_wall else wall(args.build, systems)
    except bench.Failure as failure:
        sys.exit(str(failure))
    names = dict.fromkeys(name for rows in measured.values() for name in rows)
    rows = {name: {s: measured[s][name] for s in systems if name in measured[s]} for name in names}
    wrong += print_table(rows, times, systems)
    (args.build / 'bench/linux/results.json').write_text(
        json.dumps({'rows': rows, 'times': times, 'runs': args.repeat}, indent=1) + '\n')
    for line in wrong:
        print(f'not met: {line}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
