#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Line coverage of the hypervisor's files by the host unit tests.

    coverage.py DIRECTORY NAME...

Runs the programs DIRECTORY/NAME, built with --coverage, and prints for each file of xen-like/ how many of its lines ran
in any of them.  Fails where a program fails, or a file that the bar names (BAR) has less than MINIMUM per cent.
"""
import fnmatch
import json
import pathlib
import subprocess
import sys

MINIMUM = 85
LIMIT = 600     # seconds for one program
# Frames, page tables, allocator, grants, event channels, scheduler, timers, decoder.
BAR = ['xen-like/mm/frame.c', 'xen-like/mm/pagetable.c', 'xen-like/mm/buddy.c', 'xen-like/mm/heap.c',
       'xen-like/mm/domain_frames.c', 'xen-like/grant/*.c', 'xen-like/event/*.c', 'xen-like/sched/*.c',
       'xen-like/pv/decode.c']


def run(program):
    """Run a test program; its output only where it fails."""
    done = subprocess.run(['timeout', str(LIMIT), program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode == 0:
        return True
    print(f'{program} failed with status {done.returncode}:')
    print(''.join(line + '\n' for line in done.stdout.splitlines() if not line.startswith('ok ')), end='')
    return False


def collect(directory, counts):
    """Add the line counts of all notes below directory to counts[file][line]."""
    data = [str(path.resolve()) for path in sorted(directory.rglob('*.gcda'))]
    if not data:
        return
    text = subprocess.run(['gcov', '--json-format', '--stdout', *data], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    for line in text.splitlines():
        for file in json.loads(line)['files']:
            name = file['file']
            if not name.startswith('xen-like/'):
                continue
            lines = counts.setdefault(name, {})
            for entry in file['lines']:
                lines[entry['line_number']] = lines.get(entry['line_number'], 0) + entry['count']


def ranges(numbers):
    """[1, 2, 3, 7] as '1-3 7'."""
    out = []
    for number in numbers:
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ' '.join(str(a) if a == b else f'{a}-{b}' for a, b in out)


def main():
    directory, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for old in directory.rglob('*.gcda'):
        old.unlink()
    good = all([run(directory / name) for name in names])
    counts = {}
    collect(directory, counts)
    print('  lines   run      %  file (lines that never ran)')
    for name, lines in sorted(counts.items()):
        missed = sorted(number for number, count in lines.items() if not count)
        percent = 100 * (1 - len(missed) / len(lines)) if lines else 100
        barred = any(fnmatch.fnmatch(name, pattern) for pattern in BAR)
        low = barred and percent < MINIMUM
        good = good and not low
        print(f'{len(lines):7} {len(lines) - len(missed):5} {percent:6.1f}{"*" if barred else " "} {name}'
              f'{f" ({ranges(missed)})" if missed else ""}')
        if low:
            print(f'{"":21} ^ less than {MINIMUM}%: tests of tests/unit are missing')
    print(f'* {MINIMUM}% is the least that these files must have')
    return 0 if good else 1


sys.exit(main())
