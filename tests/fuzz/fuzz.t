#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The hypercall fuzzer with some seeds and a fixed number of calls each, on a hypervisor with assertions: as the first
# domain on one CPU, where a run is the same each time; on two and four CPUs that all fuzz, with page tables isolated;
# on a processor model with other protections; and as a guest on two CPUs beside MiniOS as Domain-0. SEED=N in the
# environment adds a seed.
import os
import sys

sys.path.insert(0, 'tests/lib')
sys.path.insert(0, 'tests/fuzz')
from fuzz import Run, symbolize
from machine import BUILD
from tap import Tap

SKYLAKE = 'Skylake-Server,-smap'
RUNS = [dict(seed=1, icount=True, calls=60000), dict(seed=2, icount=True, calls=30000, cpu=SKYLAKE),
        dict(seed=3, cpus=2, calls=20000, more='xpti=yes'), dict(seed=4, cpus=4, calls=8000),
        dict(seed=5, cpus=2, calls=20000, beside=True)]

tap = Tap()
tenon = BUILD / 'debug/tenon'
if not tenon.exists():
    tenon = BUILD / 'tenon'
if os.environ.get('SEED'):
    RUNS.append(dict(seed=int(os.environ['SEED']), cpus=2, calls=100000))
for arguments in RUNS:
    run = Run(tenon, BUILD / 'fuzz/hypercalls', **arguments)
    backtrace = symbolize(run.text, tenon.with_name('tenon-syms'))
    where = 'a guest' if arguments.get('beside') else 'Domain-0'
    tap.ok(run.problem is None,
           f'seed {run.seed}, {where} with {run.cpus} vCPUs: the hypervisor lives, no memory is lost',
           f'{run}\n{backtrace}\n--- {run.log}\n{run.tail(60)}')
    tap.diag(run)
    if arguments.get('icount'):
        tap.ok(run.finished, f'seed {run.seed}: the fuzzer came to its end', str(run))
tap.done()
