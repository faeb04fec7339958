# SPDX-License-Identifier: MIT
"""The demo: what a person would type at Domain-0's prompt to see Tenon work, and what must come back.

`make run` shows it; tests/system/demo.t asserts it.  A step that is not answered as it should be raises
ConsoleError.
"""
import json
import random
import re
import string
import time

from machine import BANNER, ConsoleError

DETACH = '\x1d'         # Ctrl-]
END_LINE = 'The demo is over'
INVITATION = 'The prompt is yours: try `help`. `poweroff` ends the machine.'


def require(condition, message):
    if not condition:
        raise ConsoleError(message)


def domains(listing):
    """The rows of `tenon list` by name: {name: [id, memory, vcpus, state, time]}."""
    rows = {}
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1].isdigit():
            rows[words[0]] = words[1:]
    return rows


def info_fields(text):
    """The fields of `tenon info`: 'name : value' lines."""
    pairs = (line.partition(':') for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def free_pages(shell):
    """Free memory of the machine, in pages."""
    fields = info_fields(succeed(shell, 'tenon info'))
    require('free_pages' in fields, f'tenon info names no free_pages: {fields}')
    return int(fields['free_pages'])


def succeed(shell, line, seconds=20):
    """Run a line that must end with status 0; returns its output."""
    output, status = shell.run(line, seconds)
    require(status == 0, f'{line!r} ended with status {status}: {output.strip()!r}')
    return output


def usage(shell):
    """What is in use: the machine's free pages, and Domain-0's event channels and grant table."""
    fields = info_fields(succeed(shell, 'usage'))
    return {'free_pages': free_pages(shell), 'event_channels': fields.get('event_channels'),
            'grant_frames': fields.get('grant_frames')}


def leaked(shell, before, kept=0):
    """What is missing or in use beyond `before`, with `kept` pages allowed, once all is given back: {} for nothing."""
    for _ in range(20):
        now = usage(shell)
        free = now.pop('free_pages')
        wrong = {name: value for name, value in now.items() if value != before[name]}
        if free < before['free_pages'] - kept:
            wrong['free_pages'] = free
        if not wrong:
            break
        time.sleep(0.5)
    return wrong


def wait_until_gone(shell, name, seconds=20):
    deadline = time.monotonic() + seconds
    while name in domains(shell.output('tenon list')):
        require(time.monotonic() < deadline, f'domain {name} still there after {seconds} s')
        time.sleep(0.2)


def talk(shell, name):
    """Attach to the console of a guest that runs `hello`, say a random word, find it in the answer."""
    machine = shell.machine
    word = ''.join(random.choices(string.ascii_lowercase, k=10))
    shell.send(f'tenon console {name}')
    machine.expect('^hello: type a line', 20, f'invitation of the guest {name}')
    machine.type(word + '\r', shell.pace)
    machine.expect(f'^hello: you said: {word}\n', 10, f'answer of the guest {name} with the word {word}')
    machine.type(DETACH, shell.pace)
    machine.expect(r'^tenon# ', 10, 'prompt after Ctrl-]')
    return word


def quiet(shell, line):
    """Run a line that says something only when it fails."""
    output = shell.output(line)
    require('tenon ' not in output, f'{line!r} answers {output.strip()!r}')


def run(shell):
    """All of the demo; returns the number of seconds that it took."""
    start = time.monotonic()
    fields = info_fields(shell.output('tenon info'))
    for field in ('nr_cpus', 'total_memory', 'free_memory', 'xen_version'):
        require(field in fields, f'tenon info does not say {field}')

    quiet(shell, 'tenon create /guests/hello.cfg')
    require('hello' in domains(shell.output('tenon list')), 'tenon list does not show hello')
    talk(shell, 'hello')

    quiet(shell, 'tenon pause hello')
    row = domains(shell.output('tenon list')).get('hello', ['', '', '', ''])
    require('p' in row[3], f'tenon list does not show hello as paused, but {row}')
    quiet(shell, 'tenon unpause hello')
    text = shell.output('tenon list --json')
    try:
        names = [domain['name'] for domain in json.loads(text)]
    except json.JSONDecodeError as error:
        raise ConsoleError(f'tenon list --json is not JSON: {error}') from error
    require(names == ['Domain-0', 'hello'], f'tenon list --json names the domains {names}')
    require(re.search(BANNER, shell.output('tenon dmesg'), re.MULTILINE), 'tenon dmesg lacks the banner')

    quiet(shell, 'tenon create /guests/brief.cfg')
    wait_until_gone(shell, 'brief')
    require('this is MiniOS' in shell.output('tenon console brief'), 'what brief printed is lost')
    quiet(shell, 'tenon destroy hello')
    require('hello' not in domains(shell.output('tenon list')), 'hello is still listed after tenon destroy')

    require(END_LINE in shell.output(f'echo {END_LINE}.'), "the demo's end line did not come back")
    return time.monotonic() - start


def end(_shell):
    """What is left to do before the machine may be powered off: nothing."""
