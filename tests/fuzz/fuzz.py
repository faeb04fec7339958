# SPDX-License-Identifier: MIT
"""Runs of the hypercall fuzzer, for fuzz.t and soak.py: what one run printed, and what that says of Tenon.

The fuzzer is the first domain, or with `beside` an ordinary guest beside MiniOS as Domain-0. A run is good when
the hypervisor lived: the guest ended with all its own checks passed, or the domain died with a reason that the
console names, or it spoilt itself and says so, and the machine ended. A panic, an assertion, silence, or a check
that failed is not; beside Domain-0, nor is a Domain-0 that does not answer, or memory that is missing at the end.
"""
import re
import subprocess
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, DEFAULT_OPTIONS, PROMPT, ConsoleError, Machine, Shell

OPTIONS = ('console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem=64M,max:80M '
           'dom0_max_vcpus={vcpus} {more}')
TROUBLE = re.compile(r'^.*(\*\*\* Panic|assertion failed|second fault|VIOLATION|not ok |double fault).*$',
                     re.MULTILINE)
DEATH = re.compile(r'^\(tenon\) d\d+: (?:vCPU \d+ crashed: (.+)|(.+): ended;.*)$', re.MULTILINE)
STARTED = re.compile(r'^# seed \d+', re.MULTILINE)
# What a run takes beyond its seconds: to boot, to undo everything, and where the host is busy.
SLACK = 90
# QEMU 7.2 ends by an assertion of its own on some code that no processor would run.
QEMU_FAILED = re.compile(r'^.*(tcg fatal error|Bail out! ERROR:).*$', re.MULTILINE)
# What the hypervisor may have taken for good, once: pages of small objects, tables of its own.
PAGES_KEPT = 16
# What the hypervisor shows of a machine that hangs: Ctrl-a three times, then its debug keys.
HANG_KEYS = '\x01\x01\x01', 'd', '0', 'q', 'r', 'e', 'l'


class Run:
    """One seed on one machine, for a number of seconds or of hypercalls; with `icount` on one CPU it is the
    same each time."""

    def __init__(self, tenon, guest, seed, seconds=0, calls=0, cpus=1, cpu=None, more='', icount=False,
                 beside=False, echo=None):
        self.seed, self.cpus = seed, cpus
        self.problem = None         # what was wrong, in a line; None: nothing
        self.death = None           # the reason for which the domain died, if it did
        self.calls = 0
        self.finished = False       # the guest came to its accounts
        self.name = f'fuzz-{seed}-{cpus}' + ('-guest' if beside else '')
        self.limit = seconds + SLACK
        self.arguments = f'seed={seed} ' + (f'seconds={seconds}' if seconds else f'calls={calls}')
        if beside:
            modules = [BUILD / 'minios/dom0', BUILD / 'tests/system/guests.cpio']
            options = DEFAULT_OPTIONS + ' ' + more
        else:
            modules, options = [f'{guest} {self.arguments}'], OPTIONS.format(vcpus=cpus, more=more)
        started = time.monotonic()
        with Machine(self.name, kernel=tenon, modules=modules, cpus=cpus, options=options, icount=icount,
                     limit=self.limit + SLACK, echo=echo, **({'cpu': cpu} if cpu else {})) as m:
            try:
                text = self.beside_dom0(m) if beside else self.alone(m)
            except ConsoleError as error:
                text, self.problem = m.text, f'the machine hangs, or Domain-0: {error}'
                self.ask_hypervisor(m)
            self.text, self.errors, self.tail, self.log = m.text, m.errors(), m.tail, m.log_path
        self.elapsed = time.monotonic() - started
        self.judge(text)

    def alone(self, machine):
        status = machine.wait(self.limit)
        if status:
            self.problem = f'QEMU ended with status {status}'
        return machine.text

    def beside_dom0(self, machine):
        """Returns what the guest printed. One that does little comes first: it makes what is kept for ever."""
        shell = Shell(machine)
        self.life(shell, 'seed=0 calls=1')
        before = demo.free_pages(shell)
        text = self.life(shell, self.arguments)
        for _ in range(20):
            missing = before - demo.free_pages(shell)
            if missing <= PAGES_KEPT:
                break
            time.sleep(0.2)
        else:
            self.problem = f'{missing} pages are missing after the guest'
        shell.poweroff()
        return text

    def life(self, shell, arguments):
        demo.succeed(shell, f'tenon create /tests/hypercalls.cfg vcpus={self.cpus} cmdline="{arguments}"')
        deadline = time.monotonic() + self.limit
        while True:
            row = demo.domains(demo.succeed(shell, 'tenon list')).get('hypercalls')
            if row is None or set('sc') & set(row[3]):
                break
            if time.monotonic() > deadline:
                raise ConsoleError(f'{self.name}: the guest still runs after {self.limit} s')
            time.sleep(1)
        text = self.last_output(shell)
        demo.succeed(shell, 'tenon destroy hypercalls')
        return text

    @staticmethod
    def last_output(shell):
        machine = shell.machine
        shell.send('tenon console hypercalls')
        start = machine.position
        until = time.monotonic() + 2
        while not re.search(r'end hypercalls \w+\n', machine.text[start:]) and time.monotonic() < until:
            machine.pump(0.2)
        machine.type(demo.DETACH)
        return machine.text[start:machine.expect('^' + PROMPT, 10, 'prompt after Ctrl-]').start()]

    @staticmethod
    def ask_hypervisor(machine):
        """Where everything is, for the log."""
        try:
            for key in HANG_KEYS:
                machine.type(key)
                for _ in range(10):
                    machine.pump(0.1)
        except (ConsoleError, OSError):
            pass                    # QEMU is gone: there is nothing to ask

    def judge(self, text):
        trouble = TROUBLE.search(self.text) or TROUBLE.search(text)
        death = DEATH.search(self.text)
        calls = re.findall(r'^# (\d+) (?:hyper)?calls', text, re.MULTILINE)
        self.calls = int(calls[-1]) if calls else 0
        self.death = (death[1] or death[2]) if death else None
        self.finished = '# end hypercalls pass' in text
        if trouble:
            self.problem = trouble[0].strip()
        elif QEMU_FAILED.search(self.errors):
            self.problem, self.death = None, 'QEMU itself failed'
        elif self.problem is None and not STARTED.search(text):
            self.problem = 'the fuzzer did not start'
        elif self.problem is None and not self.finished and not death and 'Bail out!' not in text:
            self.problem = 'the run ended without a reason'

    def __str__(self):
        how = self.problem or ('ran to its end' if self.finished else
                               f'the domain died: {self.death}' if self.death else 'the fuzzer spoilt itself')
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
