# SPDX-License-Identifier: MIT
"""Runs of the hypercall fuzzer, for fuzz.t and soak.py: what one run printed, and what that says of Tenon.

A run is good when the hypervisor lived: the guest ended with all its own checks passed, or the domain died
with a reason that the console names, and the machine ended.  A panic, an assertion, silence, or a check that
failed is not.
"""
import re
import subprocess
import sys
import time

sys.path.insert(0, 'tests/lib')
from machine import ConsoleError, Machine

OPTIONS = ('console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem=64M,max:80M '
           'dom0_max_vcpus={vcpus} {more}')
TROUBLE = re.compile(r'^.*(\*\*\* Panic|assertion failed|second fault|VIOLATION|not ok |double fault).*$',
                     re.MULTILINE)
DEATH = re.compile(r'^\(tenon\) d0: (?:vCPU \d+ crashed: (.+)|(.+): ended;.*)$', re.MULTILINE)
STARTED = re.compile(r'^# seed \d+', re.MULTILINE)
# What a run takes beyond its seconds: to boot, to undo everything, and where the host is busy.
SLACK = 60


class Run:
    """One seed on one machine."""

    def __init__(self, tenon, guest, seed, seconds, cpus=1, cpu=None, more='', echo=None):
        self.seed, self.seconds, self.cpus = seed, seconds, cpus
        self.problem = None         # what was wrong, in a line; None: nothing
        self.death = None           # the reason for which the domain died, if it did
        self.calls = 0
        machine = {'cpu': cpu} if cpu else {}
        self.name = f'fuzz-{seed}-{cpus}'
        started = time.monotonic()
        with Machine(self.name, kernel=tenon, modules=[f'{guest} seed={seed} seconds={seconds}'], cpus=cpus,
                     options=OPTIONS.format(vcpus=cpus, more=more), limit=seconds + 2 * SLACK, echo=echo,
                     **machine) as m:
            try:
                status = m.wait(seconds + SLACK)
            except ConsoleError as error:
                status, self.problem = None, f'the machine hangs: {error}'
            self.text = m.text
            self.tail = m.tail
            self.log = m.log_path
        self.elapsed = time.monotonic() - started
        self.judge(status)

    def judge(self, status):
        trouble = TROUBLE.search(self.text)
        death = DEATH.search(self.text)
        calls = re.search(r'^# (\d+) hypercalls', self.text, re.MULTILINE) or \
            (re.findall(r'^# (\d+) calls', self.text, re.MULTILINE) or [None])[-1]
        self.calls = int(calls[1] if isinstance(calls, re.Match) else calls or 0)
        self.death = (death[1] or death[2]) if death else None
        if trouble:
            self.problem = trouble[0].strip()
        elif self.problem is None and status:
            self.problem = f'QEMU ended with status {status}'
        elif self.problem is None and not STARTED.search(self.text):
            self.problem = 'the fuzzer did not start'
        elif self.problem is None and '# end hypercalls pass' not in self.text and not death and \
                'Bail out!' not in self.text:
            self.problem = 'the run ended without a reason'

    def __str__(self):
        how = self.problem or (f'the domain died: {self.death}' if self.death else 'ran to its end')
        return f'seed {self.seed}, {self.cpus} CPUs, {self.elapsed:.0f} s, {self.calls} calls: {how}'


def symbolize(text, symbols):
    """The addresses of a backtrace, with file and line."""
    addresses = re.findall(r'\[<([0-9a-f]{16})>\]', text)
    if not addresses:
        return ''
    out = subprocess.run(['addr2line', '-fe', str(symbols), *addresses], capture_output=True, text=True,
                         check=False)
    lines = out.stdout.splitlines()
    return '\n'.join(f'{a} {f} {where}' for a, f, where in zip(addresses, lines[::2], lines[1::2]))
