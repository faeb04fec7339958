#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run the test guests on the oracle, Debian's Xen 4.17, and on Tenon, and compare.

    oracle.py --build build [--only xen|tenon] [--guest NAME]... [--jobs N] [--tap]

Each guest of guests.txt boots as Domain-0 of each hypervisor in QEMU, the same way: both images are
multiboot1 kernels, the guest is the first module.  It prints TAP on the console and "# end NAME pass|fail" as
its last line, which ends the machine.  Those that guests.txt marks `guest` also run as guests beside a
Domain-0 that makes them, all in one boot of each hypervisor (oracle_guests.py).  A check must pass on Xen
first, for Xen defines what is right; then on Tenon.

Without --tap: each guest's result, the checks that failed, a table of the differences, and the exit status 1
if there was any.  With --tap: one TAP line for each check on each hypervisor.  What a complete run on Xen
printed is kept in BUILD/oracle/cache, under a hash of the guest, the hypervisor and the machine.  Each run's
console is in BUILD/oracle/log.
"""
import argparse
import concurrent.futures
import hashlib
import itertools
import pathlib
import re
import select
import subprocess
import sys
import time

import oracle_guests

HERE = pathlib.Path(__file__).resolve().parent
MACHINES = {
    'skylake': ['-cpu', 'Skylake-Server,-smap', '-smp', '1'],
    'max': ['-cpu', 'max,la57=off,smap=off', '-smp', '1'],
    'smap': ['-cpu', 'max,la57=off', '-smp', '1'],
    'smp': ['-cpu', 'Skylake-Server,-smap', '-smp', '2'],
    'wide': ['-cpu', 'Skylake-Server,-smap', '-smp', '2'],
}
AS_GUEST = 'guest'       # instead of a machine
VCPUS = {'smp': 2, 'wide': 32}
OPTIONS = ('console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning dom0_mem=64M,max:80M '
           'dom0_max_vcpus=%d')
GUEST_ARGUMENTS = 'one two=2 "three"'
TIME_LIMIT = 60         # seconds; a guest takes one or two
SILENCE_LIMIT = 25      # seconds without a line: the guest or the hypervisor hangs
LAST_LINES = 60
NOISE = re.compile(r"^qemu-system-x86_64: warning: TCG doesn't support requested feature")
CHECK = re.compile(r'^(ok|not ok) (\d+) - (.*?)(?: # (SKIP .*))?$')


class Run:
    """One guest on one hypervisor on one machine: what it printed and what that says."""

    def __init__(self, hypervisor, guest, machine, console, cached):
        self.hypervisor, self.guest, self.machine, self.cached = hypervisor, guest, machine, cached
        self.lines = [line for line in console.splitlines() if not NOISE.match(line)]
        self.checks = []        # (passed, name, skip reason or None, notes that follow)
        self.error = None
        self.parse()

    @property
    def subject(self):
        return self.guest if self.machine == 'skylake' else f'{self.guest} ({self.machine})'

    def parse(self):
        plan = end = None
        for line in self.lines:
            match = CHECK.match(line)
            if match:
                self.checks.append((match[1] == 'ok', match[3], match[4], []))
                if int(match[2]) != len(self.checks):
                    self.error = f'check {match[2]} came as number {len(self.checks)}'
            elif line.startswith('#   ') and self.checks:
                self.checks[-1][3].append(line)
            elif line.startswith('Bail out!'):
                self.error = line
            elif re.match(r'^1\.\.\d+$', line):
                plan = int(line[3:])
            elif line.startswith(f'# end {self.guest} '):
                end = line.split()[-1]
        if self.error:
            return
        if end is None:
            self.error = (f'no end line after {len(self.checks)} checks: '
                          'the machine crashed, hung or ended early')
        elif plan != len(self.checks):
            self.error = f'{len(self.checks)} checks of {plan} arrived'
        elif (end == 'pass') != all(check[0] for check in self.checks):
            self.error = f'the guest says {end}, its checks say otherwise'

    @property
    def complete(self):
        return self.error is None

    @property
    def failures(self):
        return [check for check in self.checks if not check[0]]


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def command(image, guest, machine):
    vcpus = VCPUS.get(machine, 1)
    return ['qemu-system-x86_64', *MACHINES[machine], '-m', '512', '-nodefaults', '-no-reboot',
            '-display', 'none', '-monitor', 'none', '-serial', 'chardev:console',
            '-chardev', 'stdio,id=console,mux=off,signal=off',
            '-kernel', str(image), '-initrd', f'{guest} {GUEST_ARGUMENTS}', '-append', OPTIONS % vcpus]


def boot(argv, end):
    """Run QEMU until the line that begins with `end`, its exit, or a limit; return all that it printed."""
    qemu = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, started, heard = b'', time.monotonic(), time.monotonic()
    try:
        while re.search(rb'(?m)^' + re.escape(end.encode()) + rb'.*\n', output) is None:
            wait = min(started + TIME_LIMIT, heard + SILENCE_LIMIT) - time.monotonic()
            if wait <= 0:
                output += b'\n(stopped: no end line in time)\n'
                break
            if not select.select([qemu.stdout], [], [], wait)[0]:
                continue
            data = qemu.stdout.read1(65536)
            if not data:
                break
            output += data.replace(b'\r', b'')
            heard = time.monotonic()
    finally:
        qemu.kill()
        qemu.wait()
        qemu.stdin.close()
        qemu.stdout.close()
    return output.decode('utf-8', 'replace')


def run(build, hypervisor, guest, machine):
    image = build / ('oracle/xen' if hypervisor == 'xen' else 'tenon')
    path = build / 'guests' / guest
    argv = command(image, path, machine)
    name = sha256(path.read_bytes(), image.read_bytes(), ' '.join(argv).encode())
    cache = build / 'oracle/cache' / name
    if hypervisor == 'xen' and cache.exists():
        return Run(hypervisor, guest, machine, cache.read_text(), True)
    console = boot(argv, f'# end {guest} ')
    result = Run(hypervisor, guest, machine, console, False)
    keep(build, result, console, cache)
    return result


def keep(build, result, console, cache):
    """Write a run's log, and for a complete one on Xen what the next time need not be run."""
    log = build / 'oracle/log' / f'{result.hypervisor}-{result.guest}-{result.machine}'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(console)
    if result.hypervisor == 'xen' and result.complete and not result.failures:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(console)


def run_guests(build, hypervisor, guests):
    """Run those that no earlier run on Xen is known of, as guests, in one boot; all of them in order."""
    kept = guests if hypervisor == 'xen' else []
    caches = {guest: oracle_guests.cache_path(build, guest) for guest in kept}
    known = {guest: cache.read_text() for guest, cache in caches.items() if cache.exists()}
    missing = [guest for guest in guests if guest not in known]
    consoles = oracle_guests.run(build, hypervisor, missing) if missing else {}
    for guest in guests:
        console = known.get(guest) or consoles[guest]
        result = Run(hypervisor, guest, AS_GUEST, console, guest in known)
        if guest in consoles:
            keep(build, result, console, caches.get(guest))
        yield result


def read_list(wanted):
    rows = []
    for line in (HERE / 'guests.txt').read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            guest, *machines = line.split()
            rows += [(guest, machine) for machine in machines]
    unknown = set(wanted) - {guest for guest, _ in rows}
    if unknown:
        sys.exit(f'oracle: no such guest: {", ".join(sorted(unknown))}; tests/guests/guests.txt lists them')
    return [row for row in rows if not wanted or row[0] in wanted]


def differences(runs):
    """(subject, check, verdict on Xen, verdict on Tenon) wherever the two are not the same."""
    def verdict(check):
        return 'skip' if check[2] else 'ok' if check[0] else 'FAIL'

    table = []
    pairs = {}
    for result in runs:
        pairs.setdefault((result.guest, result.machine), {})[result.hypervisor] = result
    for pair in pairs.values():
        if len(pair) < 2:
            continue
        xen = {check[1]: verdict(check) for check in pair['xen'].checks}
        tenon = {check[1]: verdict(check) for check in pair['tenon'].checks}
        for name in list(xen) + [name for name in tenon if name not in xen]:
            if xen.get(name) != tenon.get(name):
                table.append((pair['xen'].subject, name, xen.get(name, '-'), tenon.get(name, '-')))
    return table


def report(result):
    passed = len(result.checks) - len(result.failures)
    state = 'ok' if result.complete and not result.failures else 'FAILED'
    print(f'{result.hypervisor:5} {result.subject:24} {passed:3} of {len(result.checks):3} checks  {state}'
          f'{"  (kept from an earlier run)" if result.cached else ""}', flush=True)
    for check in result.failures:
        print(f'        not ok - {check[1]}')
        for text in check[3]:
            print(f'        {text}')
    if result.error:
        print(f'        {result.error}; last console lines:')
        for line in result.lines[-LAST_LINES:]:
            print(f'        | {line}')


def tap_lines(result):
    for passed, name, reason, notes in result.checks:
        directive = f' # {reason}' if reason else ''
        yield passed, f'{result.hypervisor} {result.subject}: {name}{directive}', notes
    tail = [f'# | {line}' for line in result.lines[-LAST_LINES:]] if result.error else []
    yield (result.complete, f'{result.hypervisor} {result.subject}: ran to its end',
           ([f'# {result.error}'] if result.error else []) + tail)


def main():
    parser = argparse.ArgumentParser(description='Run the test guests on Xen 4.17 and on Tenon.')
    parser.add_argument('--build', type=pathlib.Path, default=pathlib.Path('build'))
    parser.add_argument('--only', choices=('xen', 'tenon'), help='one hypervisor only')
    parser.add_argument('--guest', action='append', default=[], help='one guest only (may be repeated)')
    parser.add_argument('--jobs', type=int, default=1, help='machines at a time')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    args = parser.parse_args()
    rows = read_list(args.guest)
    hypervisors = [args.only] if args.only else ['xen', 'tenon']
    needed = [args.build / 'guests' / guest for guest, _ in rows]
    needed += [args.build / ('oracle/xen' if hypervisor == 'xen' else 'tenon') for hypervisor in hypervisors]
    guests = [guest for guest, machine in rows if machine == AS_GUEST]
    for hypervisor in hypervisors if guests else []:
        needed += oracle_guests.needed(args.build, hypervisor)
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        sys.exit(f'oracle: {missing[0]} is not there; `make oracle` builds all that this needs')
    work = [(hypervisor, guest, machine) for guest, machine in rows if machine != AS_GUEST
            for hypervisor in hypervisors]
    runs, count = [], 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = [pool.map(lambda item: run(args.build, *item), work)]
        results += [run_guests(args.build, hypervisor, guests) for hypervisor in hypervisors if guests]
        for result in itertools.chain(*results):
            runs.append(result)
            if not args.tap:
                report(result)
                continue
            for passed, name, notes in tap_lines(result):
                count += 1
                print(f'{"ok" if passed else "not ok"} {count} - {name}')
                for text in notes:
                    print(text)
            sys.stdout.flush()
    bad = [result for result in runs if result.error or result.failures]
    table = differences(runs)
    if args.tap:
        print(f'1..{count}')
    else:
        if table:
            print('\nDifferences:')
            for subject, name, xen, tenon in table:
                print(f'  {subject:24} {name:64} xen {xen:5} tenon {tenon}')
        for hypervisor in hypervisors:
            mine = [result for result in runs if result.hypervisor == hypervisor]
            checks = sum(len(result.checks) for result in mine)
            failed = sum(len(result.failures) for result in mine)
            broken = sum(result.error is not None for result in mine)
            print(f'{hypervisor}: {len(mine)} runs, {checks} checks, {failed} failed, {broken} runs broken')
        print(f'{len(table)} differences')
    sys.exit(1 if bad or table else 0)


if __name__ == '__main__':
    main()
