#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fetch a third-party package from Debian, check it, unpack it.

    fetch.py --pins tests/lib/third-party.txt --dir build/third-party NAME

NAME has a row in the pins file.  Afterwards build/third-party/NAME/ holds the contents of the package (a
binary package as it would be installed, `usr/src/newlib/...`, or the folders of it that the row names; a source
package as its upstream tarball without the outer folder), and the file .done in it says that all of it is
there.

Nothing on the machine changes.  The sources of packages are derived from the machine's own apt configuration
(its mirrors and keys; only entries for the running Debian release), with lists and cache of our own below
--dir, so that it works where the machine has no deb-src entries, and without root.  apt checks Debian's
signature.  The pinned hash says whether it is also the very file that was tested: Debian replaces old
revisions, so a difference is a warning, recorded in DIR/mismatches.txt, and an error only if the environment
says PIN=strict.
"""
import argparse
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile


class Failure(Exception):
    """What went wrong, as one line for the user."""


def release_codename():
    for line in pathlib.Path('/etc/os-release').read_text().splitlines():
        if line.startswith('VERSION_CODENAME='):
            return line.split('=', 1)[1].strip('"')
    raise Failure('/etc/os-release has no VERSION_CODENAME: this needs Debian 12 or a system derived from it')


def one_line_entries(text):
    """Entries of a sources.list, each as a dictionary of deb822 fields."""
    names = {'signed-by': 'Signed-By', 'trusted': 'Trusted', 'check-valid-until': 'Check-Valid-Until'}
    for line in text.splitlines():
        match = re.match(r'\s*deb(?:-src)?\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s+(.*)', line.split('#')[0])
        if match:
            options, uri, suite, components = match.groups()
            entry = {'URIs': uri, 'Suites': suite, 'Components': components.strip()}
            for option in (options or '').split():
                key, _, value = option.partition('=')
                if key in names:
                    entry[names[key]] = value
            yield entry


def deb822_entries(text):
    """Entries of a *.sources file; continuation lines (keys written out) stay as they are."""
    for stanza in re.split(r'\n\s*\n', text):
        entry, field = {}, None
        for line in stanza.splitlines():
            if line.startswith('#') or not line.strip():
                continue
            if line[0].isspace() and field:
                entry[field] += '\n' + line
            elif ':' in line:
                field, _, value = line.partition(':')
                entry[field] = value.strip()
        if entry.get('Enabled', 'yes').lower() != 'no' and 'URIs' in entry:
            yield entry


def machine_entries(codename):
    """The machine's entries for main of this Debian release, its updates and its security fixes."""
    etc = pathlib.Path('/etc/apt')
    entries = []
    for path in [etc / 'sources.list', *sorted((etc / 'sources.list.d').glob('*'))]:
        if path.suffix == '.list' and path.is_file():
            entries += one_line_entries(path.read_text())
        elif path.suffix == '.sources':
            entries += deb822_entries(path.read_text())
    chosen = []
    for entry in entries:
        suites = [s for s in entry.get('Suites', '').split()
                  if re.match(re.escape(codename) + r'($|[-/])', s)]
        if suites and 'main' in entry.get('Components', '').split():
            fields = {k: v for k, v in entry.items()
                      if k in ('URIs', 'Signed-By', 'Trusted', 'Check-Valid-Until')}
            fields.update(Suites=' '.join(suites), Components='main')
            if fields not in chosen:
                chosen.append(fields)
    if not chosen:
        raise Failure(f'/etc/apt names no mirror for {codename} main: add one to /etc/apt/sources.list')
    return chosen


class Apt:
    """apt-get with lists, cache and sources of its own, for one kind of entry (deb or deb-src) and, where it is
    not the machine's own, one architecture."""

    def __init__(self, root, kind, architecture=None):
        self.root = root / '-'.join(filter(None, ['apt', kind, architecture]))
        self.stamp = self.root / 'updated'
        for folder in ('lists/partial', 'cache/archives/partial', 'download'):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        sources = self.root / 'debian.sources'
        sources.write_text('\n\n'.join(
            '\n'.join([f'Types: {kind}'] + [f'{k}: {v}' for k, v in entry.items()])
            for entry in machine_entries(release_codename())) + '\n')
        options = {
            'Dir::Etc::sourcelist': sources, 'Dir::Etc::sourceparts': '-',
            'Dir::State::Lists': self.root / 'lists', 'Dir::Cache': self.root / 'cache',
            'APT::Sandbox::User': '', 'Debug::NoLocking': 'true',
            'Acquire::Languages': 'none', 'Acquire::Retries': '3',
        }
        if architecture:
            options.update({'APT::Architecture': architecture, 'APT::Architectures': architecture})
        self.options = [o for k, v in options.items() for o in ('-o', f'{k}={v}')]

    def run(self, *words, program='apt-get'):
        done = subprocess.run([program, '-q', *self.options, *words], cwd=self.root / 'download',
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=900, check=False)
        return done.returncode, done.stdout

    def update(self):
        """New lists; returns what apt complained of, if it did.  A mirror that is being synchronized may lack one
        suite's list and have the package all the same."""
        code, output = self.run('update')
        if code:
            return 'apt-get update: ' + complaint(output) + '; '
        self.stamp.touch()
        return ''

    def attempt(self, *steps):
        """Carry out `steps`, functions that return a status and an output; when the lists are out of date, once
        more with new ones.  Returns the last step's output."""
        fresh = not self.stamp.exists()
        trouble = self.update() if fresh else ''
        code, output = in_turn(steps)
        if code and not fresh:
            trouble = self.update()
            code, output = in_turn(steps)
        if code:
            raise Failure(trouble + complaint(output))
        return output

    def download(self, *words):
        self.attempt(lambda: self.run(*words))

    def download_behind(self, package):
        """Download the package that `package`, which has no files of its own, depends on; returns its name."""
        behind = None

        def look():
            nonlocal behind
            code, output = self.run('show', '--no-all-versions', package, program='apt-cache')
            names = re.findall(r'^Depends: (\S+)', output, re.MULTILINE)
            behind = names[0] if names else None
            return code or not names, output

        self.attempt(look, lambda: self.run('download', behind))
        return behind


def in_turn(steps):
    """The status and output of the last step, or of the first that fails."""
    for step in steps:
        code, output = step()
        if code:
            break
    return code, output


def complaint(output):
    lines = output.splitlines() or ['(silent)']
    return next((line for line in lines if line.startswith('E:')), lines[-1])


def fetch(root, package, how):
    """Download; returns the file to check and unpack."""
    architecture = 'i386' if how == 'i386' else None
    apt = Apt(root, 'deb-src' if how == 'source' else 'deb', architecture)
    package = package.removesuffix(f'-{architecture}')
    download = apt.root / 'download'
    stem = f'{package}_'
    for old in download.glob(stem + '*'):
        old.unlink()
    if how == 'behind':
        stem = f'{apt.download_behind(package)}_'
        files = list(download.glob(stem + '*.deb'))
    elif how != 'source':
        apt.download('download', package)
        files = list(download.glob(stem + '*.deb'))
    else:
        apt.download('source', '--download-only', package)
        files = list(download.glob(stem + '*.orig.tar.*'))
        files = [f for f in files if not f.name.endswith('.asc')]
    if len(files) != 1:
        raise Failure(f'{package}: apt-get left {len(files)} files where one was expected, in {download}')
    return files[0]


def check(root, path, pinned):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest == pinned:
        return
    line = f'{path.name} has SHA-256 {digest}, the tested one has {pinned}'
    record = root / 'mismatches.txt'
    known = record.read_text().splitlines() if record.exists() else []
    if line not in known:
        record.write_text('\n'.join([*known, line]) + '\n')
    if os.environ.get('PIN') == 'strict':
        raise Failure(line + ' (PIN=strict): update tests/lib/third-party.txt, or run without PIN=strict')
    print(f'fetch: warning: {line}; Debian signs it, so it is used', file=sys.stderr)


def unpack(path, how, folders, target):
    """Unpack a file into `target`: of a binary package only what lies below `folders`, if there are any."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if how != 'source':
        with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', str(path)], stdout=subprocess.PIPE) as deb:
            only = ['--wildcards', *(f'./{folder}' for folder in folders)] if folders else []
            subprocess.run(['tar', '-x', '--no-same-owner', '-C', str(target), *only], stdin=deb.stdout, check=True)
        if deb.returncode:
            raise Failure(f'dpkg-deb cannot read {path}')
        return
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition('/')[2]
            if member.name:
                archive.extract(member, target, set_attrs=member.isfile())


def pins(path):
    rows = {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.partition('#')[0].split()
        if words:
            package, how, digest = words[:3]
            rows[package] = (how, digest, words[3:])
    return rows


def main():
    parser = argparse.ArgumentParser(description='Fetch a package from Debian, check it, unpack it.')
    parser.add_argument('--pins', required=True)
    parser.add_argument('--dir', required=True)
    parser.add_argument('name')
    args = parser.parse_args()
    root = pathlib.Path(args.dir).resolve()
    root.mkdir(parents=True, exist_ok=True)
    try:
        rows = pins(args.pins)
        if args.name not in rows:
            raise Failure(f'{args.name}: no such row in {args.pins}')
        how, pinned, folders = rows[args.name]
        with open(root / 'lock', 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = fetch(root, args.name, how)
            check(root, path, pinned)
            target = root / args.name
            unpack(path, how, folders, target)
            (target / '.done').touch()
    except (Failure, OSError, subprocess.SubprocessError, tarfile.TarError) as reason:
        sys.exit(f'fetch: {args.name}: {reason}')


if __name__ == '__main__':
    main()
