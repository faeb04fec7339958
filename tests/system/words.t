#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Each word of `tenon` and of Domain-0's shell when it is used as it should be; what on_poweroff, on_reboot
# and on_crash do; line editing; twenty guests at once.
import json
import re
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap

UP = '\x1b[A'
HELLO = '/guests/hello.cfg'


def says(shell, line, pattern, name=None):
    """The line succeeds, and its output has the pattern."""
    output, status = shell.run(line)
    return tap.ok(status == 0 and re.search(pattern, output, re.MULTILINE), name or line,
                  f'status {status}, wanted {pattern!r}\n{output}')


def wait_for(shell, name, wanted, what):
    """Wait until `wanted` holds for the row of `name` in tenon list (None: no row)."""
    for _ in range(50):
        row = demo.domains(shell.output('tenon list')).get(name)
        if wanted(row):
            return tap.ok(True, what)
        shell.machine.pump(0.2)
    return tap.ok(False, what, f'row of {name}: {row}')


def names_and_ids(shell):
    says(shell, f'tenon create -p {HELLO}', '^', 'create -p')
    row = demo.domains(shell.output('tenon list')).get('hello', ['?'] * 5)
    tap.ok('p' in row[3], 'create -p leaves the guest paused', row)
    tap.equal(row[1:3], ['16', '1'], 'list: memory and vCPUs')
    says(shell, 'tenon domid hello', f'^{row[0]}$')
    says(shell, f'tenon domname {row[0]}', '^hello$')
    says(shell, 'tenon rename hello other', '^')
    says(shell, 'tenon list other', f'^other +{row[0]} +16 ')
    says(shell, 'tenon domid other', f'^{row[0]}$', 'the new name counts')
    says(shell, f'tenon unpause {row[0]}', '^', 'unpause by id')
    says(shell, 'tenon uptime other', r'^other +\d+ +0:00:\d\d$')
    wait_for(shell, 'other', lambda r: r and 'p' not in r[3], 'unpause lets it run')
    listed = json.loads(shell.output('tenon list --json other'))
    tap.equal([(d['name'], d['domid'], d['memory_mb'], d['maxmem_mb'], d['vcpus']) for d in listed],
              [('other', int(row[0]), 16, 16, 1)], 'list --json of one domain')
    says(shell, f'tenon destroy {row[0]}', '^', 'destroy by id')
    says(shell, 'tenon list', r'^Domain-0 +0 +64 ')


def help_and_files(shell):
    for word in ('create', 'list', 'console', 'destroy', 'dmesg', 'uptime'):
        says(shell, 'tenon help', rf'^  {word} ', f'tenon help names {word}')
    says(shell, 'tenon help create', 'tenon create')
    says(shell, 'help', 'poweroff')
    says(shell, 'ls /guests', 'hello.cfg')
    says(shell, f'cat {HELLO}', '^name = "hello"')
    shell.output('echo first')
    shell.machine.type(UP + '\r')
    shell.machine.expect('^first\n', 10, 'the line that arrow-up brought back')
    shell.machine.expect('^tenon# ', 10, 'prompt')
    shell.machine.type('echo aXb\b\bd\x1b[Dc\x05e\r')  # two characters gone, a step left, Ctrl-e
    shell.machine.expect('^acde\n', 10, 'the edited line')
    shell.machine.expect('^tenon# ', 10, 'prompt')
    tap.ok(True, 'line editing')


def consoles(shell):
    machine = shell.machine
    machine.type(f'tenon create -c {HELLO} vcpus=4 memory=24\r')
    machine.expect('24 MB of memory, 4 vCPU', 20, 'greeting of the guest with its memory and vCPUs')
    machine.expect('^hello: type a line', 20, 'invitation of the guest')
    machine.type('quit\r')
    machine.expect('^hello: bye', 10, "the guest's last line")
    machine.expect('^tenon# ', 10, 'prompt after the end of the guest')
    tap.ok(True, 'create -c: console attached, values overridden, prompt back when the guest ends')
    says(shell, 'tenon console hello', '^hello: bye', 'what it printed is kept after its end')


def endings(shell):
    """on_poweroff, on_reboot, on_crash, in the forms that can be told apart."""
    demo.succeed(shell, f'tenon create {HELLO} name=keep cmdline=quiet-exit on_poweroff=preserve')
    wait_for(shell, 'keep', lambda r: r and 's' in r[3], 'on_poweroff=preserve: listed as shut down')
    # The watcher's notice of the end may come behind the array.
    listed, _ = json.JSONDecoder().raw_decode(shell.output('tenon list --json keep').lstrip())
    tap.equal(listed[0].get('shutdown_reason'), 'poweroff', 'list --json says why')
    demo.succeed(shell, 'tenon destroy keep')

    demo.succeed(shell, f'tenon create {HELLO} name=dead cmdline=crash on_crash=preserve')
    wait_for(shell, 'dead', lambda r: r and 'c' in r[3], 'on_crash=preserve: listed as crashed')
    shell.send('tenon console dead')
    shell.machine.expect('^hello: crashing as asked', 10, 'last output of the crashed guest')
    shell.machine.type(demo.DETACH)
    shell.machine.expect('^tenon# ', 10, 'prompt after Ctrl-]')
    demo.succeed(shell, 'tenon destroy dead')

    demo.succeed(shell, f'tenon create {HELLO} name=again cmdline=reboot')
    first = demo.domains(shell.output('tenon list'))['again'][0]
    shell.send('tenon console again')
    shell.machine.expect('^hello: type a line', 20, 'invitation of the guest')
    shell.machine.type('quit\r')
    shell.machine.expect('^tenon# ', 20, 'prompt after the reboot of the guest')
    wait_for(shell, 'again', lambda r: r and r[0] != first, 'on_reboot: restarted, as a new domain')
    demo.succeed(shell, 'tenon destroy again')


def crowd(shell):
    before = demo.free_pages(shell)
    for i in range(20):
        demo.succeed(shell, f'tenon create {HELLO} name=g{i} memory=12')
    rows = demo.domains(shell.output('tenon list'))
    tap.equal(len(rows), 21, 'twenty guests and Domain-0 are listed')
    for name in ('g0', 'g19'):
        demo.talk(shell, name)
    tap.ok(True, 'the first and the last of them answer')
    for i in range(20):
        demo.succeed(shell, f'tenon destroy g{i}')
    after = demo.free_pages(shell)
    tap.ok(after >= before, 'all memory is back', f'{after} pages free, {before} before')


def whole(machine):
    shell = Shell(machine)
    for part in (names_and_ids, help_and_files, consoles, endings, crowd):
        part(shell)
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', whole, name='words', kernel=BUILD / 'tenon', limit=180, cpus=2,
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
