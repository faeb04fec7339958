# SPDX-License-Identifier: MIT
"""A Linux guest of tests/linux, driven from Domain-0's prompt and from its own shell.

The terminal is at one of the two: create() and attach() take it to the guest, detach() and the end of the
guest take it back.
"""
import re
import time

from demo import DETACH, domains, require

PROMPT = r'^/ # '
ATTACHED = r'^tenon: console of '
DOM0_PROMPT = r'^tenon# '


class Linux:
    """The guest `name`, whose configuration is /guests/CONFIG.cfg with `keys` changed."""

    def __init__(self, shell, config, name=None, script=None, **keys):
        """`script` is one of tests/linux/guest with its arguments, run instead of the guest's shell."""
        self.shell, self.machine = shell, shell.machine
        self.config, self.name = config, name or config
        if script:
            words = '+'.join(str(word) for word in script[1:])
            keys['cmdline'] = f'console=hvc0 tenon.test={script[0]} tenon.args={words}'
        if name:
            keys['name'] = name
        self.keys = ' '.join(f"'{key}=\"{value}\"'" if isinstance(value, str) else f'{key}={value}'
                             for key, value in keys.items())

    def create(self, seconds=60):
        """Make the guest, and stay at its console."""
        self.shell.send(f'tenon create -c /guests/{self.config}.cfg {self.keys}'.rstrip())
        self.machine.expect(ATTACHED, seconds, f'console of the new guest {self.name}')

    def attach(self):
        self.shell.send(f'tenon console {self.name}')
        self.machine.expect(ATTACHED, 10, f'console of {self.name}')

    def number(self):
        """The id that the guest has now; None: there is no such guest."""
        row = domains(self.shell.output('tenon list')).get(self.name)
        return int(row[0]) if row else None

    def again(self, before, seconds=60):
        """Wait until the guest that had the id `before` has rebooted, and attach to what it is now."""
        deadline = time.monotonic() + seconds
        while (now := self.number()) in (None, before):
            require(time.monotonic() < deadline, f'{self.name} does not come again: its id is {now}')
            time.sleep(0.3)
        self.attach()

    def detach(self):
        self.machine.type(DETACH, self.shell.pace)
        self.machine.expect(DOM0_PROMPT, 10, 'prompt after Ctrl-]')

    def up(self, seconds=60):
        """Wait for the guest's init, and for its shell."""
        self.machine.expect(r'^init: up', seconds, f'init of {self.name}')
        self.machine.expect(PROMPT, 30, f'shell of {self.name}')

    def line(self, line, seconds=20):
        """Type a line, of less than 70 characters, at the guest's shell; returns what it printed."""
        machine = self.machine
        machine.type(line + '\r', self.shell.pace)
        machine.expect(re.escape(line) + r' *\n', 10, f'echo of {line!r} by {self.name}')
        start = machine.position
        match = machine.expect(PROMPT, seconds, f"{self.name}'s prompt after {line!r}")
        return machine.text[start:match.start()]

    def passed(self, script, seconds):
        """Wait for the good end of a script."""
        self.machine.expect(f'^init: {script} ended with status 0', seconds,
                            f'good end of {script} in {self.name}')

    def ended(self, seconds=30):
        """Wait until the guest is gone, which takes the terminal back to Domain-0."""
        self.machine.expect(DOM0_PROMPT, seconds, f'end of {self.name}')

    def clean(self):
        """Nothing in the kernel's log that a kernel says when it is in trouble."""
        said = self.line('sh /tests/check $(nproc) 0', 30)
        require('the log is clean' in said, f'the log of {self.name} says: {said.strip()}')
