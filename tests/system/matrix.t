#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Isolation: beside a guest that computes, hostile guests do what means harm, one category after the other
# (tests/guests/wreck.c, which tests/guests/oracle.t runs on Xen 4.17, too). Each gets its fault or error code, or dies
# for a reason that the tools name; Domain-0 answers a word within a second all the time; the sum comes out right.
import json
import re
import sys
import time

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, PROMPT, Shell
from tap import Tap

ANSWER_SECONDS = 1.0
# The quickest of these counts: a busy host delays one, a Domain-0 that is kept from its CPU delays all.
ANSWERS = 3
SURVIVED = 'privileged', 'msrs', 'calls-ones', 'calls-pointers', 'tables', 'exhaust', 'grants'
# What ends a domain, and how its end is named.
DEADLY = {
    'jump': r'unhandled page fault|no handler registered',
    'stack': r'cannot push a trap frame|unhandled page fault',
    'unmap': r'cannot push a trap frame|unhandled page fault|no handler registered',
}
# What Domain-0 and the hypervisor say of a guest's end may come anywhere.
NOTICE = re.compile(r'^(?:tenon:|\(tenon\)) .*\n', re.MULTILINE)
STEPS = 2000000             # as in checksum.c
A, C, MASK = 6364136223846793005, 1442695040888963407, 2 ** 64 - 1


def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column)) & MASK for column in zip(*b)] for row in a]


def expected(rounds):
    """The last number and the sum after so many rounds: powers of a matrix instead of the guest's loop."""
    step, n = [[A, 0, C], [A, 1, C], [0, 0, 1]], rounds * STEPS
    power = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    while n:
        if n & 1:
            power = multiply(step, power)
        step, n = multiply(step, step), n >> 1
    return (power[0][0] + power[0][2]) & MASK, (power[1][0] + power[1][2]) & MASK


def answer_time(shell):
    best = None
    for _ in range(ANSWERS):
        start = time.monotonic()
        shell.output('echo here')
        took = time.monotonic() - start
        best = took if best is None else min(best, took)
    return best


def console_of(shell, name, end):
    """What a domain printed so far."""
    machine = shell.machine
    shell.send(f'tenon console {name}')
    start, until = machine.position, time.monotonic() + 3
    while not re.search(end, machine.text[start:]) and time.monotonic() < until:
        machine.pump(0.2)
    machine.type(demo.DETACH)
    return machine.text[start:machine.expect('^' + PROMPT, 10, 'prompt after Ctrl-]').start()]


def entry(shell, name):
    text = demo.succeed(shell, 'tenon list --json')
    listed, _ = json.JSONDecoder().raw_decode(NOTICE.sub('', text).lstrip())
    found = [d for d in listed if d['name'] == name]
    return found[0] if found else None


def run(shell, category):
    """Runs a category to its end; returns the guest's entry, what it printed, and how slow Domain-0 was."""
    demo.succeed(shell, f'tenon create /tests/wreck.cfg cmdline={category}')
    slowest, until = 0, time.monotonic() + (4 if category == 'loop' else 60)
    while True:
        slowest = max(slowest, answer_time(shell))
        guest = entry(shell, 'wreck')
        if guest is None or set('sc') & set(guest['state']) or time.monotonic() > until:
            break
    text = console_of(shell, 'wreck', r'# end wreck \w+\n|# looping\n') if guest else ''
    return guest, text, slowest


def outcome(shell, category):
    mark = len(demo.succeed(shell, 'tenon dmesg'))
    guest, text, slowest = run(shell, category)
    log = demo.succeed(shell, 'tenon dmesg')[mark:]
    reason = re.search(r'crashed: (.*)', log) or re.search(r'crashed: (.*)', shell.machine.text[shell.mark:])
    named = guest and guest.get('shutdown_reason') == 'crash' and reason
    if category in SURVIVED:
        tap.ok('# end wreck pass' in text, f'{category}: each gets its fault or error code', text)
    elif category == 'loop':
        tap.ok(guest and 's' not in guest['state'] and 'c' not in guest['state'], 'loop: it loops with events masked')
    elif category in DEADLY:
        tap.ok(named and re.search(DEADLY[category], reason[1]), f'{category}: the domain dies, and the tools say why',
               f'{guest}\n{text}\n{log}')
    else:
        tap.ok('# end wreck pass' in text or named, f'{category}: it is answered, or the tools say why it died',
               f'{guest}\n{text}\n{log}')
    tap.ok(slowest <= ANSWER_SECONDS, f'{category}: Domain-0 answers within a second ({slowest * 1000:.0f} ms)')
    demo.succeed(shell, 'tenon destroy wreck')


def matrix(machine):
    shell = Shell(machine)
    demo.succeed(shell, 'tenon create /tests/checksum.cfg')
    for category in (*SURVIVED, 'calls-random', *DEADLY, 'loop'):
        shell.mark = len(machine.text)
        outcome(shell, category)
    text = console_of(shell, 'checksum', r'checksum \d+ \w+ \w+\n')
    rounds = re.findall(r'^checksum (\d+) (\w+) (\w+)\n', text, re.MULTILINE)
    wrong = [row for row in rounds if expected(int(row[0])) != (int(row[1], 16), int(row[2], 16))]
    tap.ok(rounds and not wrong, f'the sum of the guest beside them is right, {len(rounds)} rounds of it', wrong)
    demo.succeed(shell, 'tenon destroy checksum')
    tap.equal(list(demo.domains(demo.succeed(shell, 'tenon list'))), ['Domain-0'], 'all are gone')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', matrix, name='matrix', kernel=BUILD / 'tenon', cpus=2, limit=300,
         modules=[BUILD / 'minios/dom0', BUILD / 'tests/system/guests.cpio'])
tap.done()
