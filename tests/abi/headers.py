# SPDX-License-Identifier: MIT
"""What a set of C headers declares, found by the compiler itself: macros from the preprocessor's output,
types, members and enumerators from debug information. Nothing is listed by hand, so nothing is forgotten."""
import re
import subprocess
from pathlib import Path


def run(args, text=None, check=True):
    """Standard output and standard error of a command; a failure that was not expected ends the test."""
    p = subprocess.run([str(a) for a in args], input=text, capture_output=True, text=True)
    if check and p.returncode:
        raise SystemExit(f'Bail out! {" ".join(map(str, args))}: exit {p.returncode}\n{p.stderr[:4000]}')
    return p.stdout, p.stderr


class Die:
    """One debug-information entry."""

    def __init__(self, tag):
        self.tag, self.attrs, self.children = tag, {}, []

    def num(self, name, default=None):
        text = self.attrs.get(name)
        return default if text is None else int(text.split()[0], 0)


class Headers:
    """The headers `names` below `root`, with `flags`; `work` is a directory for files in between."""

    def __init__(self, tag, root, names, flags, work):
        self.tag, self.root, self.names, self.work = tag, Path(root), names, Path(work)
        self.flags = ['-std=gnu11', '-w', '-isystem' if str(root) == '/usr/include' else '-I', root, *flags]
        self.prologue = '#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n' \
                        '#define xen_mb() 0\n#define xen_rmb() 0\n#define xen_wmb() 0\n'
        first = [n for n in ('xen.h', 'hvm/save.h') if n in names]   # some of Debian's rely on these two
        order = dict.fromkeys([*first, *names])
        self.includes = self.prologue + ''.join(f'#include <xen/{n}>\n' for n in order)
        self.macros = {}      # name -> (header, parameter count or None, replacement text)
        self.types = {}       # 'struct x' or typedef name -> (header, size)
        self.members = {}     # (type, path) -> (header, offset, size, sign or None)
        self.bitfields = {}   # (type, path) -> (header, bit position, bits)
        self.enumerators = {}  # name -> (header, value)
        self._read_macros()
        self._read_types()

    def header(self, path):
        """The name of a header of the set, None for any other file."""
        try:
            name = str(Path(path).resolve().relative_to(self.root.resolve() / 'xen'))
        except ValueError:
            return None
        return name if name in self.names else None

    def _read_macros(self):
        out, _ = run(['gcc', *self.flags, '-dD', '-E', '-xc', '-'], self.includes)
        here = None
        for line in out.split('\n'):
            mark = re.match(r'# \d+ "([^"]*)"', line)
            if mark:
                here = self.header(mark[1])
                continue
            undef = re.match(r'#undef (\w+)', line)
            if undef:
                self.macros.pop(undef[1], None)
            define = re.match(r'#define (\w+)(\(([^)]*)\))?\s*(.*)', line)
            if define and here:
                params = None if define[2] is None else len([p for p in define[3].split(',') if p.strip()])
                self.macros[define[1]] = (here, params, define[4].strip())

    def _read_types(self):
        source, obj = self.work / f'{self.tag}.c', self.work / f'{self.tag}.o'
        source.write_text(self.includes)
        run(['gcc', *self.flags, '-gdwarf-4', '-fno-eliminate-unused-debug-types', '-c', source, '-o', obj])
        files = self._file_table(run(['readelf', '--debug-dump=rawline', obj])[0])
        top, dies = self._parse(run(['readelf', '--debug-dump=info', obj])[0])
        self.dies = dies
        for die in top:
            where = files.get(die.num('decl_file', 0))
            header = self.header(where) if where else None
            if header is None or 'declaration' in die.attrs:
                continue
            name = die.attrs.get('name')
            kind = die.tag.removesuffix('_type')
            if kind in ('structure', 'union', 'enumeration') and name:
                label = {'structure': 'struct', 'union': 'union', 'enumeration': 'enum'}[kind] + ' ' + name
                self.types[label] = (header, die.num('byte_size', 0))
                self._walk(header, label, '', die, 0)
            elif kind == 'typedef':
                target = self._strip(die)
                self.types[name] = (header, self._size(target))
                if target is not None and not target.attrs.get('name'):
                    self._walk(header, name, '', target, 0)
            if kind == 'enumeration':
                for child in die.children:
                    self.enumerators[child.attrs['name']] = (header, child.num('const_value'))

    @staticmethod
    def _file_table(text):
        dirs, files = {}, {}
        table = None
        for line in text.split('\n'):
            if 'Directory Table' in line:
                table = dirs
            elif 'File Name Table' in line:
                table = files
            row = re.match(r'  (\d+)\t(.*)', line)
            if row and table is dirs:
                dirs[int(row[1])] = row[2].strip()
            elif row and table is files:
                cells = row[2].split('\t')
                files[int(row[1])] = f'{dirs.get(int(cells[0]), ".")}/{cells[3]}'
        return files

    @staticmethod
    def _parse(text):
        """The entries below the compilation unit, and all of them by their offset."""
        dies, stack, top, die = {}, [], [], None
        for line in text.split('\n'):
            head = re.match(r' <(\w+)><(\w+)>: Abbrev Number: (\d+)(?: \(DW_TAG_(\w+)\))?', line)
            if head:
                if head[4] is None:
                    die = None
                    continue
                die, level = Die(head[4]), int(head[1], 16)
                dies[int(head[2], 16)] = die
                del stack[level:]
                stack.append(die)
                if level == 1:
                    top.append(die)
                elif level > 1:
                    stack[level - 1].children.append(die)
                continue
            attr = re.match(r'\s+<\w+>\s+DW_AT_(\w+)\s*: (?:\(indirect string, offset: \w+\): )?(.*)', line)
            if attr and die is not None:
                die.attrs[attr[1]] = attr[2].strip()
        return top, dies

    def _type(self, die):
        ref = die.attrs.get('type')
        return None if ref is None else self.dies[int(ref.strip('<>'), 16)]

    def _strip(self, die):
        """The type behind typedefs and qualifiers."""
        while die is not None and die.tag in ('typedef', 'const_type', 'volatile_type', 'member'):
            die = self._type(die)
        return die

    def _size(self, die):
        """Bytes; None for a type without a size."""
        die = self._strip(die)
        if die is None:
            return None
        if die.tag == 'array_type':
            count = 1
            for dimension in die.children:
                bound = dimension.num('upper_bound')
                if bound is None and dimension.num('count') is None:
                    return None
                count *= dimension.num('count', 0) if bound is None else bound + 1
            each = self._size(self._type(die))
            return None if each is None else count * each
        return die.num('byte_size')

    def _walk(self, header, label, prefix, die, base):
        for member in die.children:
            if member.tag != 'member':
                continue
            offset = base + member.num('data_member_location', 0)
            target = self._strip(member)
            name = member.attrs.get('name')
            path = prefix + name if name else None
            if member.num('bit_size'):
                position = offset * 8 + member.num('data_bit_offset', member.num('bit_offset', 0))
                self.bitfields[label, path] = (header, position, member.num('bit_size'))
                continue
            if name:
                sign = None
                if target is not None and target.tag == 'base_type':
                    sign = 'unsigned' not in target.attrs.get('encoding', '')
                self.members[label, path] = (header, offset, self._size(member), sign)
            if target is not None and target.tag in ('structure_type', 'union_type') \
                    and not target.attrs.get('name'):
                self._walk(header, label, path + '.' if name else prefix, target, offset)

    def compile(self, lines):
        """Indexes of the lines that do not compile, each a declaration of its own behind the headers."""
        body = ''.join(f'#line {n + 1} "line"\n{line}\n' for n, line in enumerate(lines))
        _, err = run(['gcc', *self.flags, '-fmax-errors=0', '-ftrack-macro-expansion=0', '-fsyntax-only',
                      '-xc', '-'], self.includes + body, check=False)
        bad = {int(n) - 1 for n in re.findall(r'^line:(\d+):(?:\d+:)? error:', err, re.M)}
        stray = [e for e in re.findall(r'^.*error:.*$', err, re.M) if not e.startswith('line:')]
        if stray:
            raise SystemExit('Bail out! the headers themselves do not compile:\n' + '\n'.join(stray[:20]))
        return bad

    def expand(self, expressions):
        """Each expression as the preprocessor leaves it, blanks squeezed."""
        body = ''.join(f'@@ {e}\n' for e in expressions)
        out, _ = run(['gcc', *self.flags, '-E', '-P', '-xc', '-'], self.includes + body)
        parts = out[out.index('@@'):].split('@@')[1:] if expressions else []
        return [re.sub(r'\s+', ' ', p).strip() for p in parts]

    def values(self, expressions):
        """The values of constant expressions, as 64 bits."""
        flip = 0x5a5a_c3c3_5a5a_c3c3      # keeps any value from being emitted as zero fill
        body = 'const uint64_t values[] = {\n' + \
            ''.join(f'(uint64_t)({e}) ^ {flip:#x}ull,\n' for e in expressions) + '};\n'
        out, _ = run(['gcc', *self.flags, '-S', '-o', '-', '-xc', '-'], self.includes + body)
        words = re.findall(r'^\t\.quad\t(-?\w+)$', out[out.index('values:'):], re.M)
        return [(int(w, 0) & (1 << 64) - 1) ^ flip for w in words]
