#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Bad input at Domain-0's prompt: kernel images and configs that are wrong (tests/system/images.py makes
# them), domains that do not exist, mistyped words.  Each must give one line that says what failed, on which
# object, and a status other than zero; afterwards no domain is left and no memory is missing.
import re
import sys

sys.path.insert(0, 'tests/lib')
import demo
from machine import BUILD, Shell
from tap import Tap

# Line to type, and what its complaint must say.
CASES = [
    ('tenon create /bad/empty.cfg', r'/bad/empty'),
    ('tenon create /bad/truncated-header.cfg', r'/bad/truncated-header.*(truncated|cut short|ELF)'),
    ('tenon create /bad/truncated-segment.cfg', r'/bad/truncated-segment.*(truncated|cut short|beyond)'),
    ('tenon create /bad/truncated-gz.cfg', r'/bad/truncated-gz'),
    ('tenon create /bad/altered-gz.cfg', r'/bad/altered-gz'),
    ('tenon create /bad/truncated-bz.cfg', r'/bad/truncated-bz.*truncated'),
    ('tenon create /bad/altered-bz.cfg', r'/bad/altered-bz.*damaged'),
    ('tenon create /bad/old-bz.cfg', r'/bad/old-bz.*protocol 2.03'),
    ('tenon create /bad/foreign-bz.cfg', r'/bad/foreign-bz.*bzip2'),
    ('tenon create /bad/dictionary-bz.cfg', r'/bad/dictionary-bz.*dictionary'),
    ('tenon create /bad/bomb-gz.cfg', r'/bad/bomb-gz.*unpacks to more'),
    ('tenon create /bad/not-elf.cfg', r'/bad/not-elf.*ELF'),
    ('tenon create /bad/not-x86-64.cfg', r'/bad/not-x86-64.*x86-64'),
    ('tenon create /bad/no-notes.cfg', r'/bad/no-notes.*notes?'),
    ('tenon create /bad/overlap.cfg', r'/bad/overlap.*overlap'),
    ('tenon create /bad/too-large.cfg', r'too-large.*memory'),
    ('tenon create /bad/beyond-address-space.cfg', r'/bad/beyond-address-space'),
    ('tenon create /bad/wild-entry.cfg', r'/bad/wild-entry.*entry'),
    ('tenon create /bad/wild-headers.cfg', r'/bad/wild-headers'),
    ('tenon create /bad/syntax.cfg', r'/bad/syntax.cfg:2'),
    ('tenon create /bad/unknown-key.cfg', r'/bad/unknown-key.cfg:4.*colour'),
    ('tenon create /bad/missing-file.cfg', r'/bad/nowhere'),
    ('tenon create /bad/no-kernel.cfg', r'kernel'),
    ('tenon create /bad/too-much-memory.cfg', r'memory'),
    ('tenon create /bad/too-little-memory.cfg', r'memory'),
    ('tenon create /bad/not-a-number.cfg', r'/bad/not-a-number.cfg:3.*memory'),
    ('tenon create /bad/bad-action.cfg', r'/bad/bad-action.cfg:4.*on_crash'),
    ('tenon create /bad/name-in-use.cfg', r'Domain-0.*in use|Domain-0.*exists'),
    ('tenon create /bad/absent.cfg', r'/bad/absent.cfg'),
    ('tenon create', r'config|usage'),
    ('tenon destroy nobody', r'nobody'),
    ('tenon console nobody', r'nobody'),
    ('tenon pause 77', r'77'),
    ('tenon unpause nobody', r'nobody'),
    ('tenon rename nobody somebody', r'nobody'),
    ('tenon domid nobody', r'nobody'),
    ('tenon destroy Domain-0', r'Domain-0'),
    ('tenon destroy 99999999999999999999', r'9999'),
    ('tenon lsit', r'lsit'),
    ('tenno list', r'tenno'),
]


def complaints(machine):
    shell = Shell(machine)
    # A sound image first: what is refused below is refused for its own fault.
    for name in ('good', 'good-gz', 'good-bz'):
        demo.succeed(shell, f'tenon create /bad/{name}.cfg')
        demo.wait_until_gone(shell, name)
    before, listed = demo.free_pages(shell), set(demo.domains(shell.output('tenon list')))
    for line, pattern in CASES:
        output, status = shell.run(line)
        lines = output.strip().splitlines()
        tap.ok(status != 0 and len(lines) == 1 and re.search(pattern, output),
               f'{line}: one line, and a status', f'status {status}, wanted {pattern!r}\n{output}')
    demo.succeed(shell, 'tenon create /guests/hello.cfg')
    output, status = shell.run('tenon create /guests/hello.cfg')
    tap.ok(status != 0 and re.search('hello.*(in use|exists)', output),
           'a second domain of the same name', output)
    demo.succeed(shell, 'tenon destroy hello')
    tap.equal(set(demo.domains(shell.output('tenon list'))), listed, 'no half-made domain is left')
    tap.equal(demo.free_pages(shell), before, 'no memory is missing')
    shell.poweroff()


tap = Tap()
tap.boot('Domain-0 answers to the end', complaints, name='input', kernel=BUILD / 'tenon', limit=180,
         modules=[BUILD / 'minios/dom0', BUILD / 'tests/system/ramdisk.cpio'])
tap.done()
