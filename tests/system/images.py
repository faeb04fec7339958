#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""images.py OUT: the files that the system tests add to Domain-0's RAM disk.

OUT/bad gets one sound kernel image of a few hundred bytes (it powers itself off at once), the same image made
wrong in one way each, a config for each, and configs that are wrong themselves.  tests/system/input.t knows
which complaint belongs to which.
"""
import gzip
import pathlib
import struct
import sys

sys.path.insert(0, 'toolstack/tests')
import samples

PT_LOAD, PT_NOTE = 1, 4
EM_386, EM_X86_64 = 3, 62
# Notes of the owner "Xen", by the numbers of <xen/elfnote.h>.
NOTE_ENTRY, NOTE_HYPERCALL_PAGE, NOTE_VIRT_BASE, NOTE_PADDR_OFFSET = 1, 2, 3, 4
NOTE_XEN_VERSION, NOTE_GUEST_OS, NOTE_LOADER, NOTE_PAE_MODE = 5, 6, 8, 9
VIRT_BASE = 0xffffffff80000000
LOAD = 0x100000             # physical address of the image
PAGE = 4096

# sched_op(SCHEDOP_shutdown, { SHUTDOWN_poweroff }): mov eax,29; mov edi,2; lea rsi,[rip+4]; syscall; jmp .;
# .long 0
CODE = bytes.fromhex('b81d000000 bf02000000 488d3504000000 0f05 ebfe 00000000')


def note(kind, description):
    name = b'Xen\0'
    header = struct.pack('<III', len(name), len(description), kind)
    return header + name + description + bytes(-len(description) % 4)


def notes(entry):
    return (note(NOTE_GUEST_OS, b'test\0') + note(NOTE_XEN_VERSION, b'xen-3.0\0') +
            note(NOTE_LOADER, b'generic\0') + note(NOTE_PAE_MODE, b'yes\0') +
            note(NOTE_VIRT_BASE, struct.pack('<Q', VIRT_BASE)) +
            note(NOTE_PADDR_OFFSET, struct.pack('<Q', 0)) + note(NOTE_ENTRY, struct.pack('<Q', entry)) +
            note(NOTE_HYPERCALL_PAGE, struct.pack('<Q', VIRT_BASE + LOAD + PAGE)))


def elf(segments=None, with_notes=True, entry=VIRT_BASE + LOAD, machine=EM_X86_64, memory_size=2 * PAGE,
        header_offset=64):
    """An ELF64 image; `segments` are (physical address, size in memory) beside the first."""
    loads = [(LOAD, memory_size)] + (segments or [])
    headers = len(loads) + with_notes
    text = 64 + 56 * (len(loads) + 1)
    note_bytes = notes(entry) if with_notes else b''
    contents = CODE.ljust(PAGE, b'\x90')
    out = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 2, machine, 1, entry, header_offset, 0, 0,
                      64, 56, headers, 64, 0, 0)
    for i, (physical, size) in enumerate(loads):
        file_size = len(contents) if i == 0 else 0
        virtual = (VIRT_BASE + physical) % 2 ** 64
        out += struct.pack('<IIQQQQQQ', PT_LOAD, 7, text, virtual, physical, file_size, size, PAGE)
    if with_notes:
        size = len(note_bytes)
        out += struct.pack('<IIQQQQQQ', PT_NOTE, 4, text + len(contents), 0, 0, size, size, 4)
    return out.ljust(text, b'\0') + contents + note_bytes


def kernels():
    good = elf()
    packed = gzip.compress(good, mtime=0)
    linux_like = samples.bzimage(samples.FORMATS['xz'](good), len(good), 'xz')
    payload = len(linux_like) - 600         # within the packed data
    return {
        'good': good,
        'good-gz': packed,
        'empty': b'',
        'truncated-header': good[:40],
        'truncated-segment': good[:64 + 56 * 2 + 100],
        'truncated-gz': packed[:len(packed) // 2],
        'altered-gz': packed[:20] + bytes(b ^ 0x55 for b in packed[20:40]) + packed[40:],
        'good-bz': linux_like,
        'truncated-bz': linux_like[:payload],
        'altered-bz': samples.patched(linux_like, payload, b'altered'),
        'old-bz': samples.patched(linux_like, 0x206, b'\x03\x02'),
        'foreign-bz': samples.bzimage(samples.FORMATS['bzip2'](good), len(good), 'bzip2'),
        'dictionary-bz': samples.bzimage(samples.FORMATS['xz-dictionary'](good), len(good), 'xz'),
        'bomb-gz': gzip.compress(good + bytes(64 << 20), mtime=0),
        'not-elf': b'This is a text, not a kernel.\n' * 20,
        'not-x86-64': elf(machine=EM_386),
        'no-notes': elf(with_notes=False),
        'overlap': elf(segments=[(LOAD + PAGE, PAGE)]),
        'too-large': elf(memory_size=64 << 20),
        'beyond-address-space': elf(segments=[(2 ** 64 - PAGE, PAGE)]),
        'wild-entry': elf(entry=VIRT_BASE + (1 << 30)),
        'wild-headers': elf(header_offset=2 ** 63),
    }


CONFIGS = {
    'syntax': 'name = "syntax"\nkernel = "/bad/good\nmemory = 16\n',
    'unknown-key': 'name = "unknown-key"\nkernel = "/bad/good"\nmemory = 16\ncolour = "red"\n',
    'missing-file': 'name = "missing-file"\nkernel = "/bad/nowhere"\nmemory = 16\n',
    'no-kernel': 'name = "no-kernel"\nmemory = 16\n',
    'too-much-memory': 'name = "too-much-memory"\nkernel = "/bad/good"\nmemory = 1000000\n',
    'too-little-memory': 'name = "too-little-memory"\nkernel = "/bad/good"\nmemory = 1\n',
    'not-a-number': 'name = "not-a-number"\nkernel = "/bad/good"\nmemory = "much"\n',
    'bad-action': 'name = "bad-action"\nkernel = "/bad/good"\nmemory = 16\non_crash = "weep"\n',
    'name-in-use': 'name = "Domain-0"\nkernel = "/bad/good"\nmemory = 16\n',
}


def main():
    bad = pathlib.Path(sys.argv[1]) / 'bad'
    bad.mkdir(parents=True, exist_ok=True)
    for name, contents in kernels().items():
        (bad / name).write_bytes(contents)
        (bad / f'{name}.cfg').write_text(f'name = "{name}"\nkernel = "/bad/{name}"\nmemory = 16\n')
    for name, contents in CONFIGS.items():
        (bad / f'{name}.cfg').write_text(contents)


if __name__ == '__main__':
    main()
