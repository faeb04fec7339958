#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# CPU time goes where it was asked to go.  Guests that use all they can get run on four and on two CPUs, each CPU
# a thread of QEMU: two on two CPUs, weights 512 and 256 on one CPU, a cap of 25, three on two CPUs; the null
# scheduler.  Each share is within 5% of what was asked.  And the words that show and change all that.
import re
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, DEFAULT_OPTIONS, Shell
from tap import Tap

SECONDS = 4                 # that one measurement takes
TOLERANCE = 0.05
ATTEMPTS = 5


def spin(shell, name, *settings):
    demo.succeed(shell, ' '.join(['tenon create /guests/hello.cfg', f'name={name}', 'cmdline=spin', *settings]))


def shares(shell):
    """Per cent of a CPU that each domain gets, by name."""
    text = demo.succeed(shell, f'tenon top -b -d {SECONDS} -i 2', seconds=SECONDS + 20)
    last = text[text.rindex('NAME'):]
    return {m[1]: float(m[2]) for m in re.finditer(r'^ *(\S+) [-a-z]{6} +\d+ +(\d+\.\d) ', last, re.MULTILINE)}


def check(shell, title, wanted):
    """
    The domains of `wanted` get as many per cent.  A host that is busy itself takes time from the machine's CPUs unevenly,
    so that a measurement may be repeated; a share that is wrong stays wrong.
    """
    for attempt in range(ATTEMPTS):
        got = shares(shell)
        good = all(abs(got.get(name, 0) - part) <= part * TOLERANCE for name, part in wanted.items())
        if good:
            break
    tap.ok(good, f'{title}: ' + ', '.join(f'{name} {got.get(name)}%' for name in wanted), f'wanted {wanted}, got {got}')


def words(shell):
    """What the words show, with guests a and b there."""
    text = demo.succeed(shell, 'tenon vcpu-list')
    rows = dict(re.findall(r'^(\S+) +\d+ +0 .* ([^ \n]+ / [^ \n]+)$', text, re.MULTILINE))
    tap.equal(rows, {'Domain-0': '0 / all', 'a': '1-2 / 2', 'b': 'all / all'}, 'vcpu-list shows affinities')
    text = demo.succeed(shell, 'tenon sched-credit')
    tap.equal(re.findall(r'^(\S+) +\d+ +(\d+) +(\d+)$', text, re.MULTILINE),
              [('Domain-0', '256', '0'), ('a', '256', '0'), ('b', '300', '150')], 'sched-credit shows shares')
    tap.ok('tslice=30ms ratelimit=1000us' in text, 'and the parameters of the scheduler', text)
    demo.succeed(shell, 'tenon sched-credit -s -t 10 -r 500')
    text = demo.succeed(shell, 'tenon sched-credit -s')
    tap.ok('tslice=10ms ratelimit=500us' in text, 'which can be set', text)
    for wrong, words_of_it in (('sched-credit -s -t 5000', 'refused'), ('vcpu-pin a 7 all', 'no vCPU 7'),
                               ('vcpu-pin a 0 200', 'no such CPU'), ('sched-credit -d nobody -w 2', 'nobody')):
        text, status = shell.run('tenon ' + wrong)
        tap.ok(status == 1 and words_of_it in text, f'tenon {wrong}: fails with a reason', (status, text))
    demo.succeed(shell, 'tenon sched-credit -s -t 30 -r 1000')
    demo.succeed(shell, 'tenon debug-keys r')


def fair(machine):
    shell = Shell(machine)
    demo.succeed(shell, 'tenon vcpu-pin Domain-0 all 0')
    spin(shell, 'a', 'cpus=1-2', 'cpus_soft=2')
    spin(shell, 'b', 'cpu_weight=300', 'cap=150')
    words(shell)
    for name in 'ab':
        demo.succeed(shell, f'tenon vcpu-pin {name} 0 2-3 all')
        demo.succeed(shell, f'tenon sched-credit -d {name} -w 256 -c 0')
    check(shell, 'two guests on two CPUs', {'a': 100, 'b': 100})
    spin(shell, 'c', 'cpus=2-3')
    check(shell, 'three guests on two CPUs', {'a': 66.7, 'b': 66.7, 'c': 66.7})
    demo.succeed(shell, 'tenon destroy c')
    for name in 'ab':
        demo.succeed(shell, f'tenon vcpu-pin {name} all 3')
    demo.succeed(shell, 'tenon sched-credit -d a -w 512')
    check(shell, 'weights 512 and 256 on one CPU', {'a': 66.7, 'b': 33.3})
    demo.succeed(shell, 'tenon sched-credit -d b -c 25')
    check(shell, 'a cap of 25 beside another', {'a': 75, 'b': 25})
    demo.succeed(shell, 'tenon pause a')
    check(shell, 'a cap of 25 with nobody else there', {'b': 25})
    shell.poweroff()


def two(machine):
    shell = Shell(machine)
    spin(shell, 'a', 'cpus=1', 'cpu_weight=512')
    spin(shell, 'b', 'cpus=1', 'cpu_weight=256')
    check(shell, 'two CPUs: weights 512 and 256 on one', {'a': 66.7, 'b': 33.3})
    shell.poweroff()


def null(machine):
    shell = Shell(machine)
    for name in 'abc':
        spin(shell, name)
    check(shell, 'sched=null: a CPU each', {'a': 100, 'b': 100, 'c': 100})
    spin(shell, 'd')
    check(shell, 'one more waits', {'a': 100, 'b': 100, 'c': 100, 'd': 0})
    demo.succeed(shell, 'tenon destroy b')
    check(shell, 'until a CPU is free', {'a': 100, 'c': 100, 'd': 100})
    text, status = shell.run('tenon sched-credit')
    tap.ok(status == 1 and 'sched=credit' in text, 'sched-credit says that this scheduler has no shares', text)
    shell.poweroff()


tap = Tap()
MODULES = [BUILD / 'minios/dom0', BUILD / 'dom0-ramdisk.cpio']
tap.boot('credit on four CPUs', fair, name='sched-4', kernel=BUILD / 'tenon', cpus=4, modules=MODULES)
tap.boot('credit on two CPUs', two, name='sched-2', kernel=BUILD / 'tenon', cpus=2, modules=MODULES)
tap.boot('null on four CPUs', null, name='sched-null', kernel=BUILD / 'tenon', cpus=4, modules=MODULES,
         options=DEFAULT_OPTIONS + ' sched=null')
tap.done()
