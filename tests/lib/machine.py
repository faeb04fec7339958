# SPDX-License-Identifier: MIT
"""A QEMU machine whose serial console a test reads and types on.

    with Machine('boot', iso='build/tenon.iso', cpus=4, memory=4096) as m:
        shell = Shell(m)                    # waits for Domain-0's prompt
        output, status = shell.run('tenon list')
        shell.poweroff()

Everything that the console says goes to build/logs/NAME.log as well.  Each wait has a time limit and raises
ConsoleError with what was waited for; QEMU itself runs below timeout(1) and dies with its driver.  The
console is compared as text: carriage returns and terminal escape sequences are taken out first.
"""
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time

BUILD = pathlib.Path(os.environ.get('TENON_BUILD', 'build'))
QEMU = 'qemu-system-x86_64'
OVMF = '/usr/share/OVMF'
# Debian 12's QEMU 7.2 reads the frames of iretq and lretq at CPL 3 as a supervisor access, so that guests
# which use them cannot run with SMAP on; one system test turns it on all the same.
DEFAULT_CPU = 'max,la57=off,smap=off'
ICOUNT = ['-icount', 'shift=0,sleep=off', '-rtc', 'base=2026-01-01T00:00:00,clock=vm', '-seed', '1']
DEFAULT_OPTIONS = 'dom0_mem=64M console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all'
PROMPT = 'tenon# '
BANNER = r'Tenon \d'
# The hypervisor's messages, as they come between the characters of an echo.
MESSAGES = r'(?:\n(?:\(tenon\) .*\n)+)*'
PR_SET_PDEATHSIG = 1

ESCAPES = re.compile(rb'\x1b(?:\[[0-9;?=]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78cDEHMNOZ])|[\r\x00]')
# What QEMU says of features of a processor that it cannot emulate, and of a guest's breakpoint that it cannot set;
# the machine goes on without them.
QEMU_WARNING = re.compile(r'^qemu-system-x86_64: (?:warning: TCG doesn.t support|tried to set invalid watchpoint) .*\n',
                          re.MULTILINE)
UNFINISHED_ESCAPE = re.compile(rb'\x1b(?:\[[0-9;?=]*[ -/]*|[()])?\Z')


class ConsoleError(Exception):
    """What was expected of the machine and did not come."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Machine:
    """One run of QEMU.  Boots the CD image `iso` (`uefi` says how), or `kernel` with the list `modules` as a
    multiboot1 loader does.  `limit` is in seconds and bounds the whole run; `echo`, if given, is called with
    what the console says, as bytes and as text.  A reset ends QEMU unless `reboot`.  `qmp` opens QEMU's
    control socket, for save_memory and monitor.  With `icount` the time-stamp counter counts instructions, and
    runs on one CPU are the same each time.  Memory is in MiB."""

    def __init__(self, name, iso=None, kernel=None, modules=(), options=DEFAULT_OPTIONS, uefi=False,
                 memory=512, cpus=1, cpu=DEFAULT_CPU, limit=120, echo=None, reboot=False, qmp=False, icount=False):
        self.name, self.limit, self.echo = name, limit, echo
        self.text = ''              # all of the console so far
        self.position = 0           # what lies before it was matched already
        self._partial = b''
        logs = BUILD / 'logs'
        logs.mkdir(parents=True, exist_ok=True)
        self.log_path = logs / f'{name}.log'
        self.log = open(self.log_path, 'w', encoding='utf-8')
        words = [QEMU, '-machine', 'pc', '-cpu', cpu, '-smp', str(cpus), '-m', str(memory),
                 '-display', 'none', '-nodefaults', '-vga', 'std', '-monitor', 'none',
                 '-chardev', 'stdio,id=console,mux=off,signal=off', '-serial', 'chardev:console']
        if uefi:
            variables = logs / f'{name}.vars'
            variables.write_bytes(pathlib.Path(OVMF, 'OVMF_VARS_4M.fd').read_bytes())
            words += ['-drive', f'if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.fd',
                      '-drive', f'if=pflash,format=raw,unit=1,file={variables}']
        if iso:
            words += ['-cdrom', str(iso), '-boot', 'd']
        else:
            words += ['-kernel', str(kernel), '-append', options]
            if modules:
                words += ['-initrd', ','.join(str(m) for m in modules)]
        if not reboot:
            words += ['-no-reboot']
        if icount:
            words += ICOUNT
        self.qmp_path = logs / f'{name}.qmp'
        if qmp:
            words += ['-qmp', f'unix:{self.qmp_path},server=on,wait=off']
        self.command = words
        self.stderr_path = logs / f'{name}.stderr'
        self.started = time.monotonic()
        with open(self.stderr_path, 'wb') as stderr:
            self.process = subprocess.Popen(
                ['timeout', '--kill-after=5', str(limit), *self.command], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=stderr, bufsize=0, preexec_fn=_die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Reading

    def pump(self, seconds):
        """Take in what the console says within `seconds`, at least once; False at the end of the machine."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, seconds))
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            return False
        raw, data = data, self._partial + data
        unfinished = UNFINISHED_ESCAPE.search(data)
        self._partial = data[unfinished.start():] if unfinished else b''
        data = data[:unfinished.start()] if unfinished else data
        data = ESCAPES.sub(lambda m: b'\n' if m.group().endswith(b'H') else b'', data)
        text = data.decode('utf-8', 'replace')
        if self.echo:
            self.echo(raw, text)
        self.text += text
        self.log.write(text)
        self.log.flush()
        return True

    def expect(self, pattern, seconds=20, what=None):
        """Wait until the regular expression `pattern` occurs after what was matched last; returns a match."""
        deadline = time.monotonic() + seconds
        regex = re.compile(pattern, re.MULTILINE)
        what = what or repr(pattern)
        while True:
            match = regex.search(self.text, self.position)
            if match:
                self.position = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConsoleError(f'{self.name}: no {what} within {seconds} s')
            if not self.pump(min(left, 1)):
                raise ConsoleError(f'{self.name}: QEMU ended (status {self.wait(5)}) before {what}')

    def wait(self, seconds=20):
        """Wait for the end of QEMU; returns its exit status (124 is its time limit)."""
        deadline = time.monotonic() + seconds
        while self.pump(min(1, deadline - time.monotonic())):
            if time.monotonic() > deadline:
                raise ConsoleError(f'{self.name}: QEMU still runs after {seconds} s')
        return self.process.wait(timeout=5)

    def tail(self, lines=60):
        """The last lines of the console, and what QEMU itself had to say."""
        return '\n'.join(self.text.rstrip('\n').split('\n')[-lines:]) + '\n' + self.errors()

    def errors(self):
        """What QEMU itself complained of: its console is not mixed with that."""
        return QEMU_WARNING.sub('', self.stderr_path.read_text(encoding='utf-8', errors='replace'))

    def _qmp(self, requests):
        """Carry out (command, arguments) pairs on QEMU's control socket; returns the last one's answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(30)
            control.connect(str(self.qmp_path))
            stream = control.makefile('rw')
            stream.readline()
            for command, arguments in [('qmp_capabilities', {}), *requests]:
                stream.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
                stream.flush()
                while 'return' not in (answer := json.loads(stream.readline())):
                    if 'error' in answer:
                        raise ConsoleError(f'{self.name}: {command}: {answer["error"]}')
        return answer['return']

    def save_memory(self, megabytes):
        """The first part of the machine's physical memory, as bytes."""
        image = self.qmp_path.with_suffix('.mem').resolve()
        self._qmp([('pmemsave', {'val': 0, 'size': megabytes << 20, 'filename': str(image)})])
        contents = image.read_bytes()
        image.unlink()
        return contents

    def monitor(self, line, cpu=0):
        """The answer of QEMU's monitor to a line that a person could type there, as text."""
        return self._qmp([('human-monitor-command', {'command-line': line, 'cpu-index': cpu})])

    # Typing

    def type(self, text, pace=0.0):
        """Send keystrokes; with `pace` seconds between them, as a person does."""
        for chunk in (text if pace else [text]):
            try:
                self.process.stdin.write(chunk.encode())
            except BrokenPipeError as error:
                raise ConsoleError(f'{self.name}: QEMU ended while typing {text!r}') from error
            until = time.monotonic() + pace
            while pace and time.monotonic() < until:
                self.pump(until - time.monotonic())

    def close(self):
        """End QEMU if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            try:
                stream.close()
            except OSError:
                pass


class Shell:
    """Domain-0's shell on the console of a machine."""

    def __init__(self, machine, boot_seconds=60, pace=0.0):
        self.machine, self.pace = machine, pace
        self.boot = machine.expect('^' + PROMPT, boot_seconds, "Domain-0's prompt")

    def send(self, line):
        """Type a line and wait for its whole echo.  (A notice may come in between; the shell then shows again
        what of the line was there.)"""
        self.machine.type(line + '\r', self.pace)
        echo = MESSAGES.join(re.escape(c) for c in line)
        self.machine.expect(echo + MESSAGES + r' *\n', 10, f'echo of {line!r}')

    def output(self, line, seconds=20):
        """Type a line; returns what comes before the next prompt."""
        self.send(line)
        start = self.machine.position
        match = self.machine.expect('^' + PROMPT, seconds, f'prompt after {line!r}')
        return self.machine.text[start:match.start()]

    def run(self, line, seconds=20):
        """Type a line; returns its output and its status."""
        text = self.output(line, seconds)
        status = re.search(r'^(\d+)$', self.output('echo $?'), re.MULTILINE)
        if not status:
            raise ConsoleError(f'{self.machine.name}: no status after {line!r}')
        return text, int(status.group(1))

    def poweroff(self, seconds=20):
        """Power the machine off; QEMU must end with status 0 by itself."""
        self.machine.type('poweroff\r', self.pace)
        status = self.machine.wait(seconds)
        if status:
            raise ConsoleError(f'{self.machine.name}: QEMU ended with status {status} after poweroff')


def report(machine, reason, lines=60):
    """Say why a machine failed, with the end of its console, on standard error."""
    print(f'\n{reason}\n--- last {lines} console lines ({machine.log_path}) ---\n{machine.tail(lines)}\n---',
          file=sys.stderr)
