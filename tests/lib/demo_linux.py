# SPDX-License-Identifier: MIT
"""The demo with Debian's stock Linux as a guest: `make run-linux` shows it, tests/linux/guest.t asserts it.

Run, it leaves the terminal at the shell of the guest `debian`; end() goes back to Domain-0 and shuts the
guest down from there.
"""
import time

from demo import domains, require, succeed, wait_until_gone
from linux import Linux

INVITATION = 'This is the shell of the guest; Ctrl-] goes back to Domain-0.'
NAME = 'debian'


def run(shell):
    """From Domain-0's prompt to the guest's; returns the number of seconds that it took."""
    start = time.monotonic()
    guest = Linux(shell, NAME)
    guest.create()
    shell.machine.expect(r'Booting kernel on Xen', 60, "the kernel's own word for where it runs")
    guest.up()
    kernel = guest.line('uname -r')
    require('-amd64' in kernel, f'uname -r in the guest says {kernel!r}')
    return time.monotonic() - start


def end(shell):
    """Leave the guest's shell, and have the guest shut itself down."""
    Linux(shell, NAME).detach()
    require(NAME in domains(shell.output('tenon list')), f'tenon list does not show {NAME}')
    succeed(shell, f'tenon shutdown {NAME}')
    wait_until_gone(shell, NAME, 60)
