#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Our store and Debian's xenstored 4.17 are asked the same by a privileged client and two guests, over rings: every kind
# of request, well and badly made, then random ones. Answers and events must be the same, but for what is listed here
# with its reason.   store-oracle.t [SEED [REQUESTS]]
import mmap
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, 'tests/lib')
from tap import Tap

BUILD = pathlib.Path(os.environ.get('TENON_BUILD', 'build')).resolve()
XENSTORED = BUILD / 'third-party/xen-utils-4.17/usr/lib/xen-4.17/bin/xenstored'
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 800
SECONDS = 100
RING = 1024
REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD = range(2 * RING, 2 * RING + 16, 4)
(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, START, END, INTRODUCE, RELEASE, DOMAIN_PATH, WRITE, MKDIR, RM,
 SET_PERMS, WATCH_EVENT, ERROR, IS_INTRODUCED, RESUME, SET_TARGET, UNUSED, RESET_WATCHES) = range(22)

# (request, why the answers differ)
DIFFERENCES = {
    (1, GET_PERMS, 'x|'): 'entries that name no domain are left out',
    (1, WRITE, 'big|' + 'v' * 2040): 'the size of a node is that of its value alone',
    (1, MKDIR, 'q' * 2048 + '|'): 'the size of a node is that of its value alone',
    (0, WATCH, '/w|d|1|'): 'a watch may have a depth',
    (0, UNWATCH, '/w|d|'): 'that one',
    (0, DOMAIN_PATH, 'x|'): 'a number that is none is refused',
}


class Client:
    """A domain with its ring, the file ringN."""

    def __init__(self, folder, kicks, domid):
        with open(folder / f'ring{domid}', 'r+b') as page:
            self.page = mmap.mmap(page.fileno(), 4096)
        self.kicks, self.domid, self.events, self.sent = kicks, domid, [], 0

    def index(self, at):
        return struct.unpack_from('<I', self.page, at)[0]

    def advance(self, at, value):
        struct.pack_into('<I', self.page, at, value & 0xffffffff)
        os.write(self.kicks, struct.pack('<I', self.domid))

    def move(self, count, ready, at, one):
        """Move bytes by `one` as they are ready."""
        deadline = time.monotonic() + 20
        while count:
            step, start = min(ready(), count), self.index(at)
            for i in range(step):
                one((start + i) % RING)
            if step:
                self.advance(at, start + step)
                count -= step
            else:
                if time.monotonic() > deadline:
                    raise TimeoutError(f'domain {self.domid} gets no answer')
                time.sleep(0.0002)

    def send(self, data):
        source = iter(data)
        self.move(len(data), lambda: RING - (self.index(REQ_PROD) - self.index(REQ_CONS)) % 2 ** 32, REQ_PROD,
                  lambda i: self.page.__setitem__(i, next(source)))

    def receive(self, count):
        data = bytearray()
        self.move(count, lambda: (self.index(RSP_PROD) - self.index(RSP_CONS)) % 2 ** 32, RSP_CONS,
                  lambda i: data.append(self.page[RING + i]))
        return bytes(data)

    def ask(self, kind, payload, transaction=0):
        """The answer as text, "|" for zero bytes; events go to self.events."""
        data = payload.replace('|', '\0').encode('latin1')
        self.sent += 1
        self.send(struct.pack('<IIII', kind, self.sent, transaction, len(data)) + data)
        while True:
            got, number, _, length = struct.unpack('<IIII', self.receive(16))
            text = self.receive(length).decode('latin1').replace('\0', '|')
            if got != WATCH_EVENT:
                good = (got, number) == (kind, self.sent)
                return f'ERROR {text}' if got == ERROR else text if good else f'wrong header: {got}, {number}'
            self.events.append(text)


class Daemon:
    """One of the two, in a folder of its own, with a privileged client and two guests."""

    def __init__(self, name, command, env=None):
        self.folder = BUILD / 'toolstack/oracle' / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for domid in range(3):
            (self.folder / f'ring{domid}').write_bytes(bytes(4096))
        (self.folder / 'port').write_text('0')
        os.mkfifo(self.folder / 'kicks')
        self.kicks = os.open(self.folder / 'kicks', os.O_RDWR)
        with open(self.folder / 'log', 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(['timeout', str(SECONDS), *command], cwd=self.folder, stdout=log,
                                            stderr=log, env={**os.environ, **(env or {})})
        self.clients = [Client(self.folder, self.kicks, domid) for domid in range(3)]

    def prepare(self):
        for domid in 1, 2:
            self.clients[0].ask(INTRODUCE, f'{domid}|1|1|')
        for path in '/tool', '/local', '/vm':
            self.clients[0].ask(RM, path + '|')

    def ask(self, who, kind, payload, transaction=0):
        """The answer, and the events that each client got: what they are, for the order among watches is free."""
        answer = self.clients[who].ask(kind, payload, transaction)
        if kind == DIRECTORY and not answer.startswith('ERROR'):
            answer = sorted(answer.split('|'))
        if kind == START and answer.rstrip('|').isdigit():
            answer = 'a number'
        for client in self.clients:     # events may come behind one answer, not behind two
            client.ask(DOMAIN_PATH, '1|')
            client.ask(DOMAIN_PATH, '1|')
        events = [sorted(client.events) for client in self.clients]
        for client in self.clients:
            client.events.clear()
        return answer, events

    def end(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.kicks)


def listed():
    """Every kind of request, well and badly made."""
    yield from ((0, MKDIR, f'/local/domain/{d}|') for d in (1, 2))
    yield from ((0, SET_PERMS, f'/local/domain/{d}|n{d}|') for d in (1, 2))
    for path in '/|', '/a|', '/a/b|', '//|', '/a/|', '|', '', '/a', '/a b|', '/a.b|', '/a|/b|', '@releaseDomain|', \
            'rel/x|':
        for kind in READ, DIRECTORY, GET_PERMS, RM, MKDIR:
            yield 0, kind, path
        yield 0, WRITE, path + 'v'
        yield 0, SET_PERMS, path + 'n0|'
    for perms in 'x1|', 'n|', '|', 'n1|r|', 'n1x|', 'n1', 'n0|r1|', 'n0|r1|w2|b3|n4|r5|r6|r7|', 'n1|', 'b0|', \
            'n0|n0|', 'n77|':
        yield from ((0, WRITE, '/n|v'), (0, SET_PERMS, '/n|' + perms), (0, GET_PERMS, '/n|'), (0, RM, '/n|'))
    for words in '/w|', '/w|t', '', '/w//|t|', '|t|', '@bad//|t|', '/w|t|', '/w|t|', '/w||', \
            '@introduceDomain|i|', '@foo|i|', '/d/e/f|sub|', 'rel|r|', '/w|d|1|':
        yield 0, WATCH, words
    yield 0, UNWATCH, '/w|d|'
    for kind, payload in (WRITE, '/w|1'), (WRITE, '/w/x/y|1'), (MKDIR, '/w/x|'), (MKDIR, '/w/z|'), \
            (SET_PERMS, '/w/z|n0|'), (RM, '/w/x|'), (RM, '/w/none|'), (RM, '/w/none/n|'), (RM, '/w|'), \
            (RM, '/w|'), (WRITE, '/wx|'), (WRITE, '/d/e/f/g|'), (RM, '/d|'), (MKDIR, '/d|'), (WRITE, 'rel/a|'), \
            (RM, 'rel|'), (UNWATCH, 'rel|r|'), (UNWATCH, '/w|zz|'), (UNWATCH, '/w|'), (RESET_WATCHES, '|'), \
            (DOMAIN_PATH, '7|'), (DOMAIN_PATH, '0070|'), (DOMAIN_PATH, 'x|'), (DOMAIN_PATH, ''), \
            (IS_INTRODUCED, '7|'), (IS_INTRODUCED, '0|'), (RELEASE, '77|'), (RELEASE, '0|'), (RESUME, '77|'), \
            (SET_TARGET, '7|8|'), (SET_TARGET, '1|'), (INTRODUCE, '3|2|'), (CONTROL, 'check|'), \
            (CONTROL, 'nonsense|'), (CONTROL, ''), (UNUSED, '|'), (99, '|'), (WATCH_EVENT, '/a|'), \
            (ERROR, 'EINVAL|'), (END, 'T|'):
        yield 0, kind, payload
    yield from ((0, START, '|', 9999), (0, END, 'T|', 9999), (1, READ, '/|', 9999))
    yield from guests()


def guests():
    """What guests may and may not."""
    home, other = '/local/domain/1', '/local/domain/1/x'
    for kind, payload in (READ, '/|'), (READ, '/none|'), (DIRECTORY, '/local|'), (WRITE, 'x|1'), \
            (GET_PERMS, 'x|'), (WRITE, 'a/b/c|1'), (GET_PERMS, 'a/b|'):
        yield 1, kind, payload
    for kind, payload in (READ, other + '|'), (READ, home + '/none|'), (WRITE, home + '/none|'), \
            (RM, home + '/none|'), (RM, other + '|'), (SET_PERMS, home + '/none|n2|'):
        yield 2, kind, payload
    yield 1, SET_PERMS, 'x|n1|r2|'
    for kind, payload in (READ, other + '|'), (WRITE, other + '|2'), (WRITE, other + '/y|2'), \
            (READ, other + '/none|'), (GET_PERMS, other + '|'), (SET_PERMS, other + '|n2|'):
        yield 2, kind, payload
    for perms in 'n2|', 'n1|r2|r3|r4|r5|', 'n1|r2|r3|r4|r5|r6|', 'n1|r77|':
        yield 1, SET_PERMS, 'x|' + perms
    yield from ((1, GET_PERMS, 'x|'), (1, SET_PERMS, 'x|b1|'), (2, WRITE, other + '/y|2'),
                (2, GET_PERMS, other + '/y|'), (2, SET_PERMS, other + '/y|b1|'), (0, MKDIR, other + '/by0|'),
                (0, GET_PERMS, other + '/by0|'), (1, RM, 'x|'))
    for kind, payload in (INTRODUCE, '3|1|1|'), (RELEASE, '2|'), (RESUME, '1|'), (SET_TARGET, '1|2|'), \
            (CONTROL, 'check|'), (IS_INTRODUCED, '2|'), (DOMAIN_PATH, '2|'), (UNUSED, '|'), (99, '|'), \
            (GET_PERMS, '@releaseDomain|'), (SET_PERMS, '@releaseDomain|n0|'), (WATCH, 'w|t|'), \
            (WATCH, '/|all|'), (WATCH, '@introduceDomain|i|'), (WATCH, '/sec/in|in|'):
        yield 1, kind, payload
    yield 0, SET_PERMS, '@releaseDomain|n0|r1|'
    for kind, payload in (WRITE, '/sec/in/side|'), (WRITE, '/sec/in|'), (SET_PERMS, '/sec/in|n0|r1|'), \
            (WRITE, '/sec/in|'), (SET_PERMS, '/sec/in|n0|'), (SET_PERMS, '/sec/in|n0|r1|'), (RM, '/sec|'), \
            (SET_TARGET, '2|1|'):
        yield 0, kind, payload
    yield from ((1, WRITE, 'w/a|'), (1, RM, 'w|'), (1, RESET_WATCHES, '|'), (2, WRITE, home + '/t|'),
                (2, GET_PERMS, home + '/t|'), (0, GET_PERMS, home + '|'), (2, SET_PERMS, home + '|b1|'),
                (1, WRITE, 'x/y|1'), (2, READ, other + '/y|'), (0, SET_PERMS, home + '|n1|'),
                (1, WRITE, 'big|' + 'v' * 2040), (1, WRITE, 'big|' + 'v' * 2049), (1, RM, 'big|'),
                (1, MKDIR, 'q' * 2048 + '|'), (1, MKDIR, 'q' * 2049 + '|'), (1, RM, 'q' * 2048 + '|'))


def random_requests(seed, count):
    dice, homes = random.Random(seed), ('/local/domain/1', '/local/domain/2', '/s')
    yield from ((0, MKDIR, '/s|'), (0, SET_PERMS, '/s|b0|'), (1, WATCH, '/|w|'), (2, WATCH, '/s|w2|'),
                (2, WATCH, '/local/domain/1/a|w3|'))
    for _ in range(count):
        who, top = dice.choice((0, 1, 1, 2, 2)), dice.choice(homes)
        path = top + ''.join('/' + dice.choice('abc') for _ in range(dice.randint(0, 3)))
        kind = dice.choice((READ, WRITE, WRITE, WRITE, MKDIR, RM, DIRECTORY, GET_PERMS, SET_PERMS))
        if path == top and kind in (RM, SET_PERMS):
            kind = READ
        tail = ''
        if kind == WRITE:
            tail = str(dice.randint(0, 99))
        elif kind == SET_PERMS:
            tail = ''.join(f'{dice.choice("nrwb")}{dice.choice((who, 0, 1, 2))}|' for _ in range(dice.randint(1, 3)))
        yield who, kind, f'{path}|{tail}'


def compare(tap, daemons, requests, what):
    wrong, asked = [], 0
    for request in requests:
        asked += 1
        theirs, ours = (daemon.ask(*request) for daemon in daemons)
        if theirs != ours and request[:3] not in DIFFERENCES:
            wrong.append(f'{request}\n  xenstored: {theirs}\n  ours:      {ours}')
    tap.ok(not wrong, f'{asked} {what}: the same answers and events', '\n'.join(wrong[:20]))


def main():
    tap = Tap()
    shim = BUILD / 'toolstack/oracle-shim'
    xen = Daemon('xen', [XENSTORED, '--no-fork', '--internal-db=on', '--pid-file', 'pid'],
                 {'LD_LIBRARY_PATH': shim, 'XENSTORED_RUNDIR': '.', 'XENSTORED_PATH': 'socket'})
    ours = Daemon('tenon', [BUILD / 'toolstack/store-serve'])
    try:
        for daemon in xen, ours:
            daemon.prepare()
        compare(tap, (xen, ours), listed(), 'requests of every kind')
        compare(tap, (xen, ours), random_requests(SEED, REQUESTS), f'random requests (seed {SEED})')
    except TimeoutError as error:
        tap.ok(False, 'both answer', f'{error}\n' + ''.join((d.folder / 'log').read_text() for d in (xen, ours)))
    finally:
        xen.end()
        ours.end()
    tap.done()


main()
