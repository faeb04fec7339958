#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# gen-symbols.py NAME: makes the assembly source of the program's name and of its function-name table
# (symbols.c) from `nm -n` output on standard input; empty input gives the empty table of the first link.
# The table lies behind all code, so adding it moves no function.
import sys

symbols = []
for line in sys.stdin:
    fields = line.split()
    if len(fields) == 3 and fields[1] in 'tT' and not fields[2].startswith('.'):
        address = int(fields[0], 16)
        if not symbols or symbols[-1][0] != address:
            symbols.append((address, fields[2]))

print('    .section .rodata.symbol_table, "a", @progbits')
print('    .globl minios_app_name\nminios_app_name:\n    .asciz "%s"' % sys.argv[1])
print('    .globl symbol_count, symbol_addresses, symbol_names, symbol_text')
print('    .balign 4\nsymbol_count:\n    .long %d' % len(symbols))
print('symbol_addresses:')
for address, _ in symbols:
    print('    .long 0x%x' % address)
print('symbol_names:')
offset = 0
for _, name in symbols:
    print('    .long %d' % offset)
    offset += len(name) + 1
print('symbol_text:')
for _, name in symbols:
    print('    .asciz "%s"' % name)
print('    .byte 0')
print('    .section .note.GNU-stack, "", @progbits')
