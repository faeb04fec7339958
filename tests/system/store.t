#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# xenstore through guests' real rings: the protocol and its quotas, and how long a request takes beside clients that
# never take their answers and clients that fill their ring with garbage. QEMU counts instructions as time, so that
# these times are the same on any host.
import re
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap

CONFIG = '/guests/store.cfg'
HOSTILE = 3             # clients of each kind


def start(shell, name, role):
    demo.succeed(shell, f'tenon create {CONFIG} name={name} cmdline={role}')


def ended(shell, name, seconds=60):
    """What the guest has said, when it has ended."""
    demo.wait_until_gone(shell, name, seconds)
    return shell.output(f'tenon console {name}')


def cases(shell):
    start(shell, 'cases', 'cases')
    output = ended(shell, 'cases', 120)
    for good, name in re.findall(r'^(ok|not ok) \d+ - (.*)$', output, re.MULTILINE):
        tap.ok(good == 'ok', name)
    tap.ok('# end store pass' in output, 'the guest came to its end', output)


def latency(shell, name):
    start(shell, name, 'client')
    output = ended(shell, name)
    found = re.search(r'^# latency (\d+) ns', output, re.MULTILINE)
    return int(found.group(1)) if tap.ok(found, f'{name}: the client says how long its requests took', output) else 0


def hostile(shell):
    alone = latency(shell, 'alone')
    for kind, says in ('silent', 'silent now'), ('garbage', 'garbage from now on'):
        for i in range(HOSTILE):
            start(shell, f'{kind}{i}', kind)
            shell.send(f'tenon console {kind}{i}')
            shell.machine.expect(says, 20, f'"{says}" of {kind}{i}')
            shell.machine.type('\x1d')
            shell.machine.expect('^tenon# ', 10, 'prompt after the console')
        beside = latency(shell, f'beside-{kind}')
        tap.ok(0 < beside <= 2 * alone, f'beside {HOSTILE} of the kind "{kind}" a request takes at most twice the time',
               f'alone {alone} ns, then {beside} ns')
        tap.diag(f'a request takes {alone} ns alone, {beside} ns beside {HOSTILE} of the kind "{kind}"')
    answer = demo.succeed(shell, 'tenon xenstore read /local/domain/0/name')
    tap.ok(re.search('^Domain-0$', answer, re.MULTILINE), "Domain-0's own requests are answered", answer)
    for kind in 'silent', 'garbage':
        for i in range(HOSTILE):
            demo.succeed(shell, f'tenon destroy {kind}{i}')
    left = shell.output('tenon xenstore list /local/domain').split()
    tap.equal(left, ['0'], 'nothing of them is left in the store')


def whole(machine):
    shell = Shell(machine)
    cases(shell)
    hostile(shell)
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', whole, name='store', kernel=BUILD / 'tenon', limit=400, icount=True,
         modules=[BUILD / 'minios/dom0', BUILD / 'tests/system/ramdisk.cpio'])
tap.done()
