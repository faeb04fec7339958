#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run.py --iso build/tenon.iso: what `make run` does once everything is built; with --linux `make run-linux`.

Boots the CD image in QEMU through GRUB and shows the console live while the demo is typed.  On a terminal it
then hands over what the demo left there (Domain-0's prompt; with --linux the shell of the guest), until
`poweroff` or Ctrl-\\; without one it powers the machine off.  The exit status is 0 only if the demo came to
its end and QEMU ended well (or the user left); else the reason and the last console lines are shown.
"""
import argparse
import os
import select
import sys
import termios
import tty

import demo
import demo_linux
from machine import BANNER, ConsoleError, Machine, Shell, report

LEAVE = b'\x1c'         # Ctrl-\
TYPING_PACE = 0.012     # seconds between keystrokes


def show(raw, text):
    """Pass console output on: as it is to a terminal, without control sequences to a file."""
    sys.stdout.buffer.write(raw if sys.stdout.isatty() else text.encode())
    sys.stdout.buffer.flush()


def hand_over(machine, invitation):
    """Join the user's terminal and the console until one of them ends; True if that was the machine."""
    terminal = sys.stdin.fileno()
    print(f'\r\n[{invitation} Ctrl-\\ leaves at once.]\r')
    machine.type('\r')
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        while True:
            ready, _, _ = select.select([terminal, machine.process.stdout], [], [])
            if machine.process.stdout in ready and not machine.pump(0):
                return True
            if terminal in ready:
                keys = os.read(terminal, 1024)
                if not keys or LEAVE in keys:
                    return False
                machine.type(keys.decode('utf-8', 'replace'))
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        print()


def drive(machine, interactive, chosen):
    machine.expect(r'GRUB', 60, "GRUB's menu")
    machine.expect(BANNER, 60, "Tenon's banner")
    shell = Shell(machine, pace=TYPING_PACE)
    seconds = chosen.run(shell)
    if interactive:
        if hand_over(machine, chosen.INVITATION) and machine.wait(10):
            raise ConsoleError(f'QEMU ended with status {machine.wait(10)}')
    else:
        chosen.end(shell)
        shell.poweroff()
    print(f'\nrun: the demo passed in {seconds:.0f} s; transcript: {machine.log_path}')


def main():
    parser = argparse.ArgumentParser(description='Boot Tenon in QEMU and show the demo.')
    parser.add_argument('--iso', required=True)
    parser.add_argument('--linux', action='store_true', help='the demo with Debian as a guest')
    parser.add_argument('--memory', type=int, default=512, help='MiB')
    parser.add_argument('--cpus', type=int, default=2)
    args = parser.parse_args()
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with Machine('run-linux' if args.linux else 'run', iso=args.iso, memory=args.memory, cpus=args.cpus,
                 echo=show, limit=8 * 3600 if interactive else 300) as machine:
        try:
            drive(machine, interactive, demo_linux if args.linux else demo)
        except ConsoleError as error:
            report(machine, f'run: failed: {error}')
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == '__main__':
    main()
