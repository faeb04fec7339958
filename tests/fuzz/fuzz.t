#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The hypercall fuzzer with some seeds, a short while each, on a hypervisor with assertions: one CPU; two CPUs,
# both fuzzing, with page tables isolated; a processor model with other protections; four CPUs.  SEED=N in the
# environment adds a seed.
import os
import sys

sys.path.insert(0, 'tests/lib')
sys.path.insert(0, 'tests/fuzz')
from fuzz import Run, symbolize
from machine import BUILD
from tap import Tap

SKYLAKE = 'Skylake-Server,-smap'
RUNS = [dict(seed=1, cpus=1), dict(seed=2, cpus=2, more='xpti=yes'), dict(seed=3, cpus=1, cpu=SKYLAKE),
        dict(seed=4, cpus=4)]
SECONDS = 10

tap = Tap()
tenon = BUILD / 'debug/tenon'
if not tenon.exists():
    tenon = BUILD / 'tenon'
if os.environ.get('SEED'):
    RUNS.append(dict(seed=int(os.environ['SEED']), cpus=2))
for arguments in RUNS:
    run = Run(tenon, BUILD / 'fuzz/hypercalls', seconds=SECONDS, **arguments)
    backtrace = symbolize(run.text, tenon.with_name('tenon-syms'))
    tap.ok(run.problem is None, f'seed {run.seed} on {run.cpus} CPUs: the hypervisor lives, no memory is lost',
           f'{run}\n{backtrace}\n--- {run.log}\n{run.tail(60)}')
    tap.diag(run)
tap.done()
