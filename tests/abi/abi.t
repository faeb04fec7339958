#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# hypercall-abi against Debian's libxen-dev: every constant, type size, member offset, member size and sign
# that our headers declare becomes a static assertion, compiled against both sets of headers, in three ways of
# including them (control tools, a guest of the latest interface version, one that names no version). What
# Debian's headers declare and ours do not must stand in excluded.txt with a reason. Also: each header alone
# as C99 and C++, the tables *.def against the headers, and docs/abi.md against the tables.
import fnmatch
import re
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = ['tests/lib', 'tests/abi']
from headers import Headers, run
from machine import BUILD
from tap import Tap

OURS, THEIRS = Path('hypercall-abi'), Path('/usr/include')
WORK = BUILD / 'tests/abi'
TOOLS_ONLY = {'domctl.h', 'sysctl.h'}
ASSEMBLY = ['xen.h', 'arch-x86_64.h', 'arch-x86/cpuid.h', 'elfnote.h', 'errno.h', 'features.h']
MODES = {
    'tools': ['-D__XEN_TOOLS__'],
    'guest': ['-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__'],
    'old guest': [],
}
SAMPLES = ['1, 2, 3', '5, 0, 9']      # arguments for function-like macros that make constants


class Layout:
    """Collects, header by header, how many things were compared and which differ."""

    def __init__(self):
        self.count, self.wrong = Counter(), {}

    def fail(self, header, text):
        self.wrong.setdefault(header, []).append(text)


def constant_lines(side, names):
    """Of object-like macros and calls of function-like ones, those that are arithmetic constants."""
    exprs = []
    for name, arity in names:
        if arity is None:
            exprs.append((name, name))
        elif arity:
            for sample in SAMPLES:
                call = f'{name}({", ".join(sample.split(", ")[:arity])})'
                if arity <= 3:
                    exprs.append((name, call))
    texts = side.expand([e for _, e in exprs])
    plain = [(n, e) for (n, e), t in zip(exprs, texts) if t and not re.search(r'[{}";@]', t)]
    bad = side.compile([f'_Static_assert((({e}) | 1) || 1, "");' for _, e in plain])
    return [pair for i, pair in enumerate(plain) if i not in bad], dict(zip([e for _, e in exprs], texts))


def assertions(ours):
    """(header, what, static assertion) for all that `ours` declares; the names of macros that are arithmetic
    constants; what each macro expands to."""
    checks = []
    constants, texts = constant_lines(ours, [(n, m[1]) for n, m in ours.macros.items()])
    exprs = [expr for _, expr in constants]
    facts = zip(constants, ours.values(exprs), ours.values([f'sizeof({e})' for e in exprs]),
                ours.values([f'({e}) < 0' for e in exprs]))
    for (name, expr), value, size, negative in facts:
        checks.append((ours.macros[name][0], expr,
                       f'(uint64_t)({expr}) == {value:#x}ull && sizeof({expr}) == {size} && '
                       f'(({expr}) < 0) == {negative}'))
    for name, (header, value) in ours.enumerators.items():
        checks.append((header, name, f'(int64_t)({name}) == {value}ll'))
    for name, (header, size) in ours.types.items():
        if size is not None:
            checks.append((header, f'sizeof {name}', f'sizeof({name}) == {size}'))
    for (label, path), (header, offset, size, sign) in ours.members.items():
        field = f'(({label} *)0)->{path}'
        checks.append((header, f'{label}.{path}', f'offsetof({label}, {path}) == {offset}'))
        if size is not None:
            checks.append((header, f'size of {label}.{path}', f'sizeof({field}) == {size}'))
        if sign is not None:
            checks.append((header, f'sign of {label}.{path}',
                           f'((__typeof__({field}))-1 < 0) == {int(sign)}'))
    checks = [(header, what, f'_Static_assert({text}, "");') for header, what, text in checks]
    return checks, {name for name, _ in constants}, texts


def compare(mode, flags, names, layout):
    """One mode: everything of ours against Debian's. Returns both sides."""
    tag = mode.replace(' ', '-')
    ours = Headers(f'ours-{tag}', OURS, names, flags, WORK)
    theirs = Headers(f'debian-{tag}', THEIRS, names, flags, WORK)
    checks, known, texts = assertions(ours)
    (WORK / f'asserts-{tag}.c').write_text(ours.includes + '\n'.join(c[2] for c in checks) + '\n')
    own = ours.compile([c[2] for c in checks])
    bad = theirs.compile([c[2] for c in checks])
    for i, (header, what, text) in enumerate(checks):
        layout.count[header] += 1
        if i in own:
            layout.fail(header, f'{mode}: {what}: the debug information and the compiler disagree: {text}')
        elif i in bad:
            layout.fail(header, f'{mode}: {what} differs from Debian\'s, or is missing there: {text}')

    strings = [n for n, m in ours.macros.items()
               if n not in known and m[1] is None and '"' in texts.get(n, '') and '{' not in texts[n]
               and n in theirs.macros]
    for name, text in zip(strings, theirs.expand(strings)):
        layout.count[ours.macros[name][0]] += 1
        if text != texts[name]:
            layout.fail(ours.macros[name][0], f'{mode}: {name} is {texts[name]}, Debian has {text}')
    for name, (header, arity, _) in ours.macros.items():
        if name not in known:
            layout.count[header] += 1
            if name not in theirs.macros and not name.startswith(('TENON_', 'xen_mb', 'xen_rmb', 'xen_wmb')):
                layout.fail(header, f'{mode}: macro {name} is not in Debian\'s headers')
            elif name in theirs.macros and theirs.macros[name][1] != arity:
                layout.fail(header, f'{mode}: macro {name} takes other arguments than Debian\'s')
    for key, fact in ours.bitfields.items():
        layout.count[fact[0]] += 1
        if theirs.bitfields.get(key) != fact:
            layout.fail(fact[0], f'{mode}: bit field {key} is {fact}, Debian has {theirs.bitfields.get(key)}')
    return ours, theirs


def declared(side):
    """header:name of all that a side declares."""
    found = {f'{m[0]}:{n}' for n, m in side.macros.items()}
    found |= {f'{t[0]}:{n}' for n, t in side.types.items()}
    found |= {f'{e[0]}:{n}' for n, e in side.enumerators.items()}
    for table in (side.members, side.bitfields):
        found |= {f'{fact[0]}:{label}.{path}' for (label, path), fact in table.items()}
    return found


def check_reverse(tap, sides):
    """What only Debian's headers have must be excluded, and no exclusion may be stale."""
    missing = set()
    for ours, theirs in sides:
        have = {d.split(':', 1)[1] for d in declared(ours)}
        missing |= {d for d in declared(theirs) if d.split(':', 1)[1] not in have}
    rows = [line.split(None, 1) for line in Path('tests/abi/excluded.txt').read_text().split('\n')
            if line.strip() and not line.startswith('#')]
    used = Counter()
    left = []
    for name in sorted(missing):
        hits = [row[0] for row in rows if fnmatch.fnmatchcase(name, row[0])]
        used.update(hits)
        if not hits:
            left.append(name)
    total = len({d for _, theirs in sides for d in declared(theirs)})
    tap.ok(not left, f'{total} names in Debian\'s headers: here, or among the {len(missing)} excluded',
           'add to hypercall-abi, or with a reason to tests/abi/excluded.txt:\n' + '\n'.join(left))
    stale = [row[0] for row in rows if not used[row[0]] or len(row) < 2]
    tap.ok(not stale, f'each of the {len(rows)} exclusions has a reason and excludes something',
           '\n'.join(stale))


def check_alone(tap, names):
    for name in names:
        modes = [MODES['tools']] if name in TOOLS_ONLY else MODES.values()
        for what, args in (('C99', ['gcc', '-std=c99', '-xc']), ('C++', ['g++', '-std=c++11', '-xc++'])):
            trouble = ''
            for flags in modes:
                _, err = run([*args, '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-I', OURS, *flags, '-'],
                             f'#include <xen/{name}>\n', check=False)
                trouble += err
            tap.ok(not trouble, f'xen/{name} compiles alone as {what}', trouble[:3000])


def check_assembly(tap):
    """Headers that assembly includes, and the .equ symbols that old interface versions get from errno.h."""
    source = '#define __ASSEMBLY__\n' + ''.join(f'#include <xen/{n}>\n' for n in ASSEMBLY)
    source += '.if XEN_ENOSYS != 38\n.error "XEN_ENOSYS"\n.endif\n.quad __HYPERVISOR_iret, DOMID_SELF\n'
    _, err = run(['gcc', '-I', OURS, '-c', '-o', WORK / 'assembly.o', '-xassembler-with-cpp', '-'], source,
                 check=False)
    tap.ok(not err, f'assembly can include {", ".join(ASSEMBLY)}', err)


def check_behaviour(tap):
    """Macros that are code: one program, built with both sets of headers, must say the same."""
    said = []
    for root in (OURS, THEIRS):
        program = WORK / f'behaviour-{root.name}'
        run(['gcc', '-std=gnu11', '-O1', '-I' if root == OURS else '-isystem', root, '-o', program,
             'tests/abi/behaviour.c'])
        said.append(run([program])[0].split('\n'))
    different = [f'ours: {a}\nDebian\'s: {b}' for a, b in zip(*said) if a != b]
    tap.ok(said[0] == said[1] and len(said[0]) > 100,
           f'rings, hashes and handles: {len(said[0]) - 1} results equal to Debian\'s',
           '\n'.join(different[:20]))


def table(name, macro):
    """Rows of a .def file as lists of words, strings without their quotes."""
    source = f'#define {macro}(...) @@ __VA_ARGS__\n#include "{OURS / name}"\n'
    out, _ = run(['gcc', '-E', '-P', '-I', '.', '-xc', '-'], source)
    rows = []
    for row in out.split('@@')[1:]:
        words = re.findall(r'"[^"]*"|\([^)]*\)|[^\s,()"]+', row)
        rows.append([w.strip('"') for w in words])
    return rows


def check_tables(tap, ours):
    rows = table('hypercalls.def', 'HYPERCALL')
    names = [m for m in ours.macros if m.startswith('__HYPERVISOR_') and 'VIRT' not in m]
    numbers = dict(zip(names, ours.values(names)))
    trouble = []
    for nr, name, nargs, kinds, who, state, text in rows:
        words = kinds.strip('()').replace(' ', '').split(',')
        if numbers.get(f'__HYPERVISOR_{name}') != int(nr):
            trouble.append(f'{name}: the header says {numbers.get("__HYPERVISOR_" + name)}, the row {nr}')
        if (words != ['none'] if nargs == '0' else len(words) != int(nargs)):
            trouble.append(f'{name}: {nargs} arguments, kinds {kinds}')
        if set(words) - {'cmd', 'cmd64', 'u32', 'u64', 'dom', 'va', 'ptr', 'none'}:
            trouble.append(f'{name}: unknown kind in {kinds}')
        if who not in ('ANY', 'PRIV') or state not in ('PRESENT', 'ABSENT') or not text:
            trouble.append(f'{name}: {who} {state} {text}')
    for name, nr in numbers.items():
        if [int(r[0]) for r in rows].count(nr) != 1:
            trouble.append(f'{name} ({nr}) has not exactly one row')
    if [int(r[0]) for r in rows] != sorted(int(r[0]) for r in rows):
        trouble.append('rows are not in ascending order')
    tap.ok(not trouble, f'hypercalls.def: {len(rows)} rows, one for each __HYPERVISOR_* number',
           '\n'.join(trouble))
    return {r[1]: r for r in rows}


# Names of sub-operations in the headers, by call; what matches and is none stands behind.
SUBOPS = {
    'mmu_update': (r'MMU_\w+', ()),
    'memory_op': (r'XENMEM_[a-z]\w*', r'XENMEM_(resource|access_op_|sharing_op_|paging_op_).*'),
    'set_segment_base': (r'SEGBASE_\w+', ()),
    'xen_version': (r'XENVER_\w+', ()),
    'console_io': (r'CONSOLEIO_\w+', ()),
    'grant_table_op': (r'GNTTABOP_(?!error)\w+', ()),
    'vm_assist': (r'VMASST_TYPE_\w+', ()),
    'vcpu_op': (r'VCPUOP_\w+', ()),
    'mmuext_op': (r'MMUEXT_\w+', ()),
    'nmi_op': (r'XENNMI_\w+', ()),
    'sched_op': (r'SCHEDOP_\w+', ()),
    'callback_op': (r'CALLBACKOP_\w+', ()),
    'event_channel_op': (r'EVTCHNOP_\w+', ()),
    'physdev_op': (r'PHYSDEVOP_[a-z]\w*', r'PHYSDEVOP_pirq_eoi_gmfn'),
    'platform_op': (r'XENPF_[a-z]\w*', r'XENPF_settime'),
    'xenpmu_op': (r'XENPMU_[a-z]\w*', ()),
    'hvm_op': (r'HVMOP_\w+', ()),
    'mca': (r'XEN_MC_[a-z]\w*', ()),
}


def check_subops(tap, ours, calls):
    rows = table('subops.def', 'SUBOP')
    trouble = []
    wanted = {}
    for call, (pattern, but) in SUBOPS.items():
        for name in ours.macros:
            if re.fullmatch(pattern, name) and not (but and re.fullmatch(but, name)):
                wanted[name] = call
    for call, struct in (('domctl', 'DOMCTL'), ('sysctl', 'SYSCTL')):
        text = (OURS / f'xen/{call}.h').read_text().split('The operations, and their')[1]
        for name in re.findall(rf'^#define (XEN_{struct}_\w+)', text, re.M):
            wanted[name] = call
    have = Counter(r[1] for r in rows)
    for call, macro, name, state, text in rows:
        if call not in calls:
            trouble.append(f'{macro}: there is no call {call}')
        elif calls[call][5] == 'ABSENT' and state != 'ABSENT':
            trouble.append(f'{macro}: PRESENT in {call}, which is ABSENT')
        if wanted.get(macro) != call:
            trouble.append(f'{macro} of {call}: not a sub-operation in the headers')
        if not macro.endswith(name) or not text or state not in ('PRESENT', 'ABSENT'):
            trouble.append(f'{macro}: {name} {state} {text}')
    trouble += [f'{m} of {c}: no row' for m, c in wanted.items() if have[m] != 1]
    tap.ok(not trouble, f'subops.def: {len(rows)} rows, one for each sub-operation in the headers',
           '\n'.join(trouble))


def main():
    tap = Tap()
    WORK.mkdir(parents=True, exist_ok=True)
    names = sorted(str(p.relative_to(OURS / 'xen')) for p in (OURS / 'xen').rglob('*.h'))
    layout, sides = Layout(), []
    for mode, flags in MODES.items():
        usable = [n for n in names if mode == 'tools' or n not in TOOLS_ONLY]
        sides.append(compare(mode, flags, usable, layout))
    for name in names:
        wrong = layout.wrong.get(name, [])
        tap.ok(not wrong, f'xen/{name}: {layout.count[name]} facts equal to Debian\'s', '\n'.join(wrong[:60]))
    total = sum(layout.count.values())
    tap.ok(total > 5000, f'{total} facts compared in all')
    check_reverse(tap, sides)
    check_alone(tap, names)
    check_assembly(tap)
    check_behaviour(tap)
    calls = check_tables(tap, sides[0][0])
    check_subops(tap, sides[0][0], calls)
    current, _ = run(['/usr/bin/python3', OURS / 'gen-abi-doc.py'])
    page = Path('docs/abi.md')
    tap.ok(page.exists() and page.read_text() == current, 'docs/abi.md is what gen-abi-doc.py makes',
           'run: make abi-doc')
    tap.done()


main()
