#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pack a kernel in every way that the domain builder takes, and in some that it refuses.

    samples.py OUTPUT_DIR IMAGE

IMAGE is an ELF kernel.  OUTPUT_DIR gets `plain` (the image), and for each format `FORMAT` (packed) and
`bz-FORMAT` (packed within a bzImage that has nothing else in it).
"""
import gzip
import lzma
import pathlib
import struct
import subprocess
import sys
import zlib

SETUP_SECTORS = 4
PAYLOAD_OFFSET = 0x2cc      # where Linux has it


def run(*command):
    return lambda data: subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


LZMA2 = {'id': lzma.FILTER_LZMA2, 'preset': 9, 'dict_size': 32 << 20}
FORMATS = {
    'gzip': lambda data: gzip.compress(data, 9, mtime=0),
    # As Linux's xz_wrap.sh packs it.
    'xz': lambda data: lzma.compress(data, check=lzma.CHECK_CRC32, filters=[{'id': lzma.FILTER_X86}, LZMA2]),
    'lzma': lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    'zstd': run('zstd', '-q', '-19', '-c'),
    'lz4': run('lz4', '-q', '-l', '-9', '-c'),
    # What xz itself makes, and what cannot be checked.
    'xz-crc64': lambda data: lzma.compress(data, check=lzma.CHECK_CRC64),
    'xz-sha256': lambda data: lzma.compress(data, check=lzma.CHECK_SHA256),
    'lz4-frame': run('lz4', '-q', '-c'),
    'bzip2': run('bzip2', '-c'),
    # A dictionary of 4 GB, of 1 GB, of 2 GB: more than any packer of kernels uses.
    'xz-dictionary': lambda data: xz_header(FORMATS['xz'](data), b'\x21\x01', 40),
    'lzma-dictionary': lambda data: patched(FORMATS['lzma'](data), 1, struct.pack('<I', 1 << 30)),
    'zstd-dictionary': lambda data: zstd_window(data, 31),
    # A kernel, and behind it zeroes without end.
    'gzip-bomb': lambda data: gzip.compress(data + bytes(100 << 20), 9, mtime=0),
}


def patched(data, at, by):
    return data[:at] + by + data[at + len(by):]


def xz_header(data, properties, value):
    """Change the byte behind `properties` in the header of the first block, and its check value."""
    start, size = 12, (data[12] + 1) * 4
    at = data.index(properties, start) + len(properties)
    header = patched(data[start:start + size - 4], at - start, bytes([value]))
    return data[:start] + header + struct.pack('<I', zlib.crc32(header)) + data[start + size:]


def zstd_window(data, log):
    """Pack from a pipe, so that the frame has a window and no size, and change the window."""
    packed = FORMATS['zstd'](data)
    descriptor = packed[4]
    if descriptor & 0x20:
        sys.exit('samples.py: zstd made a frame of a single segment; this needs one with a window')
    return patched(packed, 5, bytes([(log - 10) << 3]))


def bzimage(payload, size, form):
    """Boot code of zeroes with a setup header, and the payload; only gzip holds its own size at its end."""
    if form != 'gzip':
        payload += struct.pack('<I', size)
    image = bytearray((SETUP_SECTORS + 1) * 512 + PAYLOAD_OFFSET)
    image[0x1f1] = SETUP_SECTORS
    struct.pack_into('<H', image, 0x1fe, 0xaa55)
    struct.pack_into('<4sH', image, 0x202, b'HdrS', 0x20f)
    struct.pack_into('<II', image, 0x248, PAYLOAD_OFFSET, len(payload))
    return bytes(image) + payload + bytes(512)


def main():
    folder, image = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'plain').write_bytes(image)
    for form, pack in FORMATS.items():
        packed = pack(image)
        (folder / form).write_bytes(packed)
        (folder / f'bz-{form}').write_bytes(bzimage(packed, len(image), form))


if __name__ == '__main__':
    try:
        main()
    except (OSError, IndexError, lzma.LZMAError, subprocess.CalledProcessError) as error:
        sys.exit(f'samples.py: {error}')
