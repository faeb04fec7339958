#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Take the ELF image out of a bzImage that xz packed, as Debian's stock kernel is.

    vmlinux.py VMLINUZ OUTPUT

For the runs in which Linux is Domain-0, or runs bare through its PVH entry: hypervisors and loaders then start
the same image, and unpacking it is in nobody's figures. The header's fields are those of Linux's boot protocol
(Documentation/x86/boot.rst): setup_sects at 0x1f1, "HdrS" at 0x202, payload_offset and payload_length at 0x248.
"""
import lzma
import os
import pathlib
import struct
import sys

XZ_MAGIC = b'\xfd7zXZ\0'


def payload(image):
    if image[0x202:0x206] != b'HdrS':
        raise ValueError('not a bzImage')
    setup_sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from('<II', image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return image[start:start + length]


def main():
    source, output = sys.argv[1:]
    try:
        packed = payload(pathlib.Path(source).read_bytes())
        if not packed.startswith(XZ_MAGIC):
            raise ValueError('its payload is not xz')
        # Four bytes with the unpacked size follow the stream.
        unpacked = lzma.LZMADecompressor().decompress(packed)
        pathlib.Path(output + '.new').write_bytes(unpacked)
        os.replace(output + '.new', output)
    except (OSError, ValueError, struct.error, lzma.LZMAError) as reason:
        sys.exit(f'vmlinux.py: {source}: {reason}')


if __name__ == '__main__':
    main()
