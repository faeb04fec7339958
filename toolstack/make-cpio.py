#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a cpio archive in the "newc" format, the form of a RAM disk.

    make-cpio.py OUTPUT PATH=FILE...

Each FILE becomes PATH in the archive, in the order given, with the directories above it. Times and owners are
zero, so that the same files give the same archive.
"""
import os
import sys


def entry(number, name, mode, data):
    name = name.encode() + b'\0'
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b'070701' + b''.join(b'%08x' % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def main():
    output, pairs = sys.argv[1], [pair.split('=', 1) for pair in sys.argv[2:]]
    archive, seen = [], set()
    for path, source in pairs:
        parts = path.strip('/').split('/')
        for depth in range(1, len(parts)):
            above = '/'.join(parts[:depth])
            if above not in seen:
                seen.add(above)
                archive.append(entry(len(archive) + 1, above, 0o040755, b''))
        with open(source, 'rb') as file:
            archive.append(entry(len(archive) + 1, '/'.join(parts), 0o100755 if os.access(source, os.X_OK) else 0o100644, file.read()))
    archive.append(entry(0, 'TRAILER!!!', 0, b''))
    with open(output + '.new', 'wb') as file:
        file.write(b''.join(archive))
    os.replace(output + '.new', output)


try:
    main()
except (OSError, ValueError, IndexError) as error:
    sys.exit(f'make-cpio.py: {error}')
