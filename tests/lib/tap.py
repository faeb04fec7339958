# SPDX-License-Identifier: MIT
"""The Test Anything Protocol for the system tests: numbered checks, a plan at the end, an exit status."""
import sys
import traceback

from machine import ConsoleError, Machine


class Tap:
    """Counts checks and prints them."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, detail=None):
        """One check; `detail` is shown when it fails."""
        self.count += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.count} - {name}', flush=True)
        if not good and detail is not None:
            self.diag(detail)
        return good

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name, f'got {got!r}\nwanted {wanted!r}')

    def skip(self, name, why):
        self.count += 1
        print(f'ok {self.count} - {name} # SKIP {why}', flush=True)

    @staticmethod
    def diag(text):
        for line in str(text).rstrip('\n').split('\n'):
            print('# ' + line, flush=True)

    def boot(self, title, body, **machine):
        """Run `body(machine)` on a new machine; that it ends without ConsoleError is a check of its own."""
        with Machine(**machine) as m:
            try:
                body(m)
            except ConsoleError as error:
                self.ok(False, title, f'{error}\n--- last 60 console lines ({m.log_path})\n{m.tail(60)}')
            except Exception:       # a defect of the test itself: show it, and where the machine stood
                self.ok(False, title, f'{traceback.format_exc()}\n{m.tail(60)}')
            else:
                self.ok(True, title)

    def done(self):
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)
