#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Debian's stock Linux as a guest of MiniOS Domain-0: the stock and the cloud kernel as they are packaged, 1
# and 4 vCPUs, 192 MB and more; it powers off and reboots by `tenon` and from inside; GRUB for PV guests
# reaches its prompt, and boots Linux. STRESS=seconds has stress-ng run for longer than 5 seconds; MEMORY=MiB
# (on a machine that has this and 1 GB) adds a guest of that size.
import os
import sys

sys.path.insert(0, 'tests/lib')
import demo
import demo_linux
from linux import Linux
from machine import BUILD, Shell
from tap import Tap

OPTIONS = 'dom0_mem=192M console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all'
STRESS = int(os.environ.get('STRESS', '5'))
MEMORY = int(os.environ.get('MEMORY', '0'))
tap = Tap()


def check(title, body):
    """A part of the test on the running machine: an error in one part ends this machine."""
    body()
    tap.ok(True, title)


def script(shell, config, name, words, seconds, **keys):
    """A guest that runs a script and powers itself off."""
    def body():
        guest = Linux(shell, config, name, script=words, **keys)
        guest.create(seconds)
        guest.passed(words[0], seconds)
        guest.ended()
    check(f'{name}: {words[0]} {" ".join(map(str, words[1:]))} passes, powers off', body)


def power(shell):
    """Off and on again, by `tenon` and from inside."""
    guest = Linux(shell, 'debian', 'power', memory=192)
    guest.create()
    guest.up()
    guest.detach()
    first = guest.number()
    guest.attach()
    guest.machine.type('reboot -f\r')
    guest.ended()
    guest.again(first)
    guest.up()
    tap.ok(True, 'reboot from inside: the guest comes again')
    guest.detach()
    second = guest.number()
    demo.succeed(shell, 'tenon reboot power')
    guest.again(second)
    guest.up()
    guest.clean()
    tap.ok(True, 'tenon reboot: the guest comes again, its log is clean')
    guest.detach()
    answer = demo.succeed(shell, 'tenon sysrq power h')
    guest.attach()
    guest.machine.expect('sysrq: HELP', 10, f'answer to tenon sysrq (which said {answer!r})')
    tap.ok(True, 'tenon sysrq: the guest answers')
    guest.detach()
    demo.succeed(shell, 'tenon shutdown power')
    demo.wait_until_gone(shell, 'power', 60)
    tap.ok(True, 'tenon shutdown: the guest is gone')


def grub(shell):
    guest = Linux(shell, 'pvgrub')
    guest.create()
    guest.machine.expect(r'^grub> ', 60, "GRUB's prompt")
    guest.detach()
    demo.succeed(shell, 'tenon destroy pvgrub')
    tap.ok(True, 'GRUB for PV guests: its prompt')
    guest = Linux(shell, 'grub-linux')
    guest.create()
    guest.passed('check', 90)
    guest.ended()
    tap.ok(True, 'GRUB for PV guests boots Linux from its memory disk')


def demonstration(shell):
    demo_linux.run(shell)
    demo_linux.end(shell)
    tap.ok(True, 'the demo of make run-linux')


def body(machine):
    shell = Shell(machine)
    before = demo.usage(shell)
    demonstration(shell)
    script(shell, 'debian', 'small', ('check', 1, 100), 60, memory=192)
    if MEMORY:
        script(shell, 'debian', 'large', ('check', 4, 100), 180, vcpus=4, memory=MEMORY, maxmem=MEMORY)
    script(shell, 'debian-cloud', 'cloud', ('check', 4, 100), 180, vcpus=4)
    script(shell, 'debian', 'stress', ('stress', STRESS), 2 * STRESS + 90, vcpus=4, memory=512,
           ramdisk='/guests/stress.cpio.gz')
    power(shell)
    grub(shell)
    tap.equal(demo.leaked(shell, before), {}, 'all memory is free again')
    shell.poweroff()


tap.boot('Linux guests: the machine powers off', body, name='linux-guest', kernel=BUILD / 'tenon',
         modules=[BUILD / 'minios/dom0', BUILD / 'linux/test-ramdisk.cpio'], options=OPTIONS, memory=1536 + MEMORY,
         cpus=2, limit=600 + 2 * STRESS)
tap.done()
