#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Guests that are asked to end, by their nodes in xenstore; the tree that they find there, and the words that look at
# it; guests that do not listen, or write nonsense; nothing left behind after fifty of them.
import os
import re
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, ConsoleError, Shell
from tap import Tap

HELLO = '/guests/hello.cfg'
CYCLES, WARM_UP = int(os.environ.get('CYCLES', 50)), 3


def says(shell, line, pattern, name=None):
    """The line succeeds, and its output has the pattern."""
    output, status = shell.run(line, 30)
    return tap.ok(status == 0 and re.search(pattern, output, re.MULTILINE), name or line,
                  f'status {status}, wanted {pattern!r}\n{output}')


def refuses(shell, line, pattern, name=None):
    output, status = shell.run(line, 60)
    return tap.ok(status != 0 and re.search(pattern, output), name or line,
                  f'status {status}, wanted {pattern!r}\n{output}')


def domid(shell, name):
    # A message of Domain-0 may come behind it.
    return demo.succeed(shell, f'tenon domid {name}').split()[0]


def wait_ready(shell, name, seconds=20):
    """Until the guest's kernel has said that it listens."""
    path = f'/local/domain/{domid(shell, name)}/control/feature-poweroff'
    deadline = time.monotonic() + seconds
    while shell.output(f'tenon xenstore read {path}').split('\n')[0] != '1':
        demo.require(time.monotonic() < deadline, f'{name} does not listen after {seconds} s')
        time.sleep(0.1)


def tree(shell):
    demo.succeed(shell, f'tenon create {HELLO} maxvcpus=2 maxmem=32')
    base = f'/local/domain/{domid(shell, "hello")}'
    says(shell, f'tenon xenstore ls {base}', r'^name = "hello"\n(.*\n)*^memory = ""\n target = "16384"',
         'ls of a guest: indented')
    says(shell, f'tenon xenstore ls -f -p {base}', rf'^{base}/cpu/1/availability = "offline"   \(n0,r\d+\)$',
         'ls -f -p: whole paths, and permissions')
    says(shell, 'tenon xenstore ls', '^local = ""\n domain = ""\n  0 = ""', 'ls of everything')
    says(shell, 'tenon xenstore list /local/domain', f'^0\n{base.rpartition("/")[2]}$')
    says(shell, f'tenon xenstore read {base}/vm {base}/memory/static-max', r'^/vm/[0-9a-f-]{36}\n32768$')
    says(shell, f'tenon xenstore write {base}/data/a "b c" {base}/data/d e', '^')
    says(shell, f'tenon xenstore read -p {base}/data/a', f'^{base}/data/a: b c$')
    says(shell, f'tenon xenstore exists {base}/data/d', '^')
    says(shell, f'tenon xenstore chmod -r {base}/data n0 b1', '^')
    says(shell, f'tenon xenstore ls -p {base}/data', r'^a = "b c"   \(n0,b1\)$', 'chmod -r changed what is below')
    says(shell, f'tenon xenstore rm {base}/data/a', '^')
    refuses(shell, f'tenon xenstore exists {base}/data/a', '^')
    refuses(shell, f'tenon xenstore read {base}/nowhere', 'ENOENT')
    refuses(shell, f'tenon xenstore rm {base}/nowhere', 'ENOENT')
    refuses(shell, 'tenon xenstore read relative//path', 'EINVAL')
    refuses(shell, 'tenon xenstore raed /', 'did you mean read')
    refuses(shell, 'tenon xenstore chmod / z1', 'usage')
    shell.send(f'tenon xenstore watch -n 2 {base}/name')
    shell.machine.expect(f'^{base}/name$', 10, 'the first event of a watch')
    shell.machine.type('\x03')
    shell.machine.expect('^tenon# ', 10, 'prompt after Ctrl-c')
    tap.ok(True, 'watch: an event at once, Ctrl-c leaves')
    says(shell, f'tenon xenstore watch -n 1 {base}/name {base}/domid', f'^{base}/(name|domid)$', 'watch -n 1 ends')
    demo.succeed(shell, 'tenon rename hello other')
    says(shell, f'tenon xenstore read {base}/name', '^other$', 'rename changes the node')
    demo.succeed(shell, 'tenon destroy other')
    refuses(shell, f'tenon xenstore exists {base}', '^', 'the tree of a destroyed guest is gone')
    says(shell, 'tenon xenstore ls /vm', '^(?!.*other)', '/vm has nothing of it')


def words(shell):
    demo.succeed(shell, f'tenon create {HELLO} vcpus=1 maxvcpus=4 memory=16 maxmem=32')
    base = f'/local/domain/{domid(shell, "hello")}'
    says(shell, 'tenon mem-set hello 24', '^')
    says(shell, f'tenon xenstore read {base}/memory/target', '^24576$', 'mem-set: the target')
    says(shell, 'tenon mem-set hello 20480k', '^', 'mem-set with a unit')
    refuses(shell, 'tenon mem-set hello 33', 'maximum is 32 MB')
    refuses(shell, 'tenon mem-set hello much', 'not a size')
    refuses(shell, 'tenon mem-set Domain-0 24', 'Domain-0')
    says(shell, 'tenon mem-max hello 40', '^')
    says(shell, 'tenon mem-set hello 40', '^', 'up to the new maximum')
    says(shell, 'tenon vcpu-set hello 3', '^')
    says(shell, f'tenon xenstore ls -f {base}/cpu',
         'cpu/2/availability = "online"\n(.*\n)*.*cpu/3/availability = "offline"')
    refuses(shell, 'tenon vcpu-set hello 5', '1 to 4 vCPUs')
    refuses(shell, 'tenon vcpu-set hello x', 'not a number')
    says(shell, 'tenon sysrq hello h', '^')
    says(shell, f'tenon xenstore read {base}/control/sysrq', '^h$', 'sysrq: the key')
    refuses(shell, 'tenon shutdown Domain-0', 'Domain-0')
    refuses(shell, 'tenon shutdown nobody', 'nobody')
    refuses(shell, 'tenon shutdown', 'usage')
    demo.succeed(shell, 'tenon destroy hello')


def endings(shell):
    demo.succeed(shell, f'tenon create {HELLO}')
    wait_ready(shell, 'hello')
    says(shell, 'tenon shutdown -w hello', '^', 'shutdown -w of a guest that listens')
    demo.wait_until_gone(shell, 'hello')
    says(shell, 'tenon console hello', 'hello: asked to shut down, bye', 'it heard of it, and is gone')

    demo.succeed(shell, f'tenon create {HELLO} memory=20')
    wait_ready(shell, 'hello')
    first = domid(shell, 'hello')
    says(shell, 'tenon reboot hello', '^', 'reboot of a guest that listens')
    for _ in range(100):
        row = demo.domains(shell.output('tenon list')).get('hello')
        if row and row[0] != first:
            break
        time.sleep(0.1)
    tap.ok(row and row[0] != first and row[1] == '20', 'it is there again, of the same configuration', row)
    wait_ready(shell, 'hello')
    demo.succeed(shell, f'tenon create {HELLO} name=second on_poweroff=preserve')
    wait_ready(shell, 'second')
    says(shell, 'tenon shutdown -a -w', '^', 'shutdown -a -w')
    demo.wait_until_gone(shell, 'hello')
    tap.ok('s' in demo.domains(shell.output('tenon list'))['second'][3], 'on_poweroff=preserve holds for it, too')
    refuses(shell, 'tenon shutdown second', 'has ended')
    demo.succeed(shell, 'tenon destroy second')

    demo.succeed(shell, f'tenon create {HELLO} name=deaf cmdline=deaf')
    refuses(shell, 'tenon shutdown deaf', 'tenon destroy deaf', 'a guest that does not listen: what to do is said')
    demo.succeed(shell, 'tenon destroy deaf')
    demo.succeed(shell, f'tenon create -p {HELLO} name=still')
    refuses(shell, 'tenon shutdown still', 'tenon unpause still', 'a paused guest: what to do is said')
    demo.succeed(shell, 'tenon destroy still')


def babble(shell):
    """A guest that writes nonsense into its ring, beside one that works: Domain-0 and the other answer."""
    demo.succeed(shell, f'tenon create {HELLO} name=babbler cmdline=babble')
    slowest = 0
    for i in range(5):
        start = time.monotonic()
        demo.succeed(shell, f'tenon create {HELLO} name=good{i}')
        wait_ready(shell, f'good{i}')
        says(shell, f'tenon shutdown -w good{i}', '^', f'guest {i} beside one that babbles: made, asked, ended')
        slowest = max(slowest, time.monotonic() - start)
    tap.diag(f'slowest of them: {slowest:.2f} s')
    demo.succeed(shell, 'tenon destroy babbler')


def cycle(shell):
    demo.succeed(shell, f'tenon create {HELLO}')
    wait_ready(shell, 'hello')
    demo.succeed(shell, 'tenon shutdown -w hello', 30)
    demo.wait_until_gone(shell, 'hello')


def leaks(shell):
    for _ in range(WARM_UP):
        cycle(shell)
    before, nodes = demo.usage(shell), shell.output('tenon xenstore ls -f')
    for i in range(CYCLES):
        try:
            cycle(shell)
        except ConsoleError as error:
            raise ConsoleError(f'guest {i + 1} of {CYCLES}: {error}') from error
    tap.equal(demo.leaked(shell, before), {}, f'{CYCLES} guests made and shut down: nothing leaks')
    tap.equal(shell.output('tenon xenstore ls -f'), nodes, 'the store is as before')


def whole(machine):
    shell = Shell(machine)
    for part in (tree, words, endings, babble, leaks):
        part(shell)
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', whole, name='lifecycle', kernel=BUILD / 'tenon', limit=400, cpus=2,
         modules=[BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio'])
tap.done()
