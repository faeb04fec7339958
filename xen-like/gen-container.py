# SPDX-License-Identifier: MIT
"""Writes the linked hypervisor (ELF64) as an ELF32 file with one segment at its physical address, which multiboot1 and
multiboot2 loaders take. Usage: gen-container.py INPUT OUTPUT"""
import struct
import sys

LIMIT = 4 << 20     # everything must lie below 4 MiB where the loader does not relocate
DATA_OFFSET = 4096  # the multiboot1 header must lie in the file's first 8192 bytes


def main(source, target):
    data = open(source, "rb").read()
    if data[:5] != b"\x7fELF\x02":
        sys.exit(f"{source}: not an ELF64 file; link it with xen-like/build.mk")
    entry, phoff = struct.unpack_from("<QQ", data, 24)
    phentsize, phnum = struct.unpack_from("<HH", data, 54)
    loads = []
    for i in range(phnum):
        kind, _, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + i * phentsize)
        if kind == 1 and memsz:
            loads.append((paddr, vaddr, offset, filesz, memsz))
    loads.sort()
    base = loads[0][0]
    image = bytearray()
    end = base
    for paddr, vaddr, offset, filesz, memsz in loads:
        if vaddr - paddr != loads[0][1] - base:
            sys.exit(f"{source}: the segments at {base:#x} and {paddr:#x} are not loaded as one piece")
        if filesz:
            image.extend(bytes(paddr - base - len(image)))
            image += data[offset:offset + filesz]
        end = paddr + memsz
    if end > LIMIT:
        sys.exit(f"{source}: the image ends at {end:#x}, above {LIMIT:#x}: it has grown too large")
    physical_entry = entry - loads[0][1] + base
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, physical_entry, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    header += struct.pack("<IIIIIIII", 1, DATA_OFFSET, base, base, len(image), end - base, 7, 4096)
    with open(target, "wb") as out:
        out.write(header.ljust(DATA_OFFSET, b"\0") + image)


main(*sys.argv[1:])
