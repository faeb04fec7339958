#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The hypercall fuzzer for a long time: seed after seed, on one, two and four CPUs and as a guest in turn.

    soak.py --tenon build/debug/tenon --guest build/fuzz/hypercalls --minutes 30 [--seed N] [--seconds 60]

Each seed is printed with how it went; `--seed` makes the same runs again.  Status 1 if one went wrong.
"""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, 'tests/fuzz')
from fuzz import Run, symbolize

RUNS = dict(cpus=2), dict(cpus=1), dict(cpus=2, beside=True), dict(cpus=4)


def main():
    parser = argparse.ArgumentParser(description='Run the hypercall fuzzer for a long time.')
    parser.add_argument('--tenon', type=pathlib.Path, required=True)
    parser.add_argument('--guest', type=pathlib.Path, required=True)
    parser.add_argument('--minutes', type=float, default=30)
    parser.add_argument('--seconds', type=int, default=60, help='of each run')
    parser.add_argument('--seed', type=int, default=int(time.time()) % 1000000)
    parser.add_argument('--cpus', type=int, help='the same number for each run')
    parser.add_argument('--stop', action='store_true', help='end at the first run that goes wrong')
    args = parser.parse_args()
    end, seed, bad, calls = time.monotonic() + args.minutes * 60, args.seed, 0, 0
    while time.monotonic() < end:
        kind = dict(cpus=args.cpus) if args.cpus else RUNS[(seed - args.seed) % len(RUNS)]
        run = Run(args.tenon, args.guest, seed, args.seconds, **kind)
        print(('ok     ' if run.problem is None else 'FAILED ') + str(run), flush=True)
        calls += run.calls
        if run.problem:
            bad += 1
            backtrace = symbolize(run.text, args.tenon.with_name('tenon-syms'))
            print(f'{backtrace}\n--- {run.log}\n{run.tail(60)}\n---', flush=True)
            if args.stop:
                break
        seed += 1
    print(f'seeds {args.seed} to {seed - 1}: {calls} hypercalls, {bad} runs went wrong')
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
