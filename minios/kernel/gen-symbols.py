#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# gen-symbols.py [NAME]: makes the assembly source of an image's table of functions from the output of nm on standard
# input: offsets from image_start, ascending, each with the place of its name; for MiniOS also the program's name. Empty
# input gives the empty table of a first link. The table lies behind all code, so adding it moves no function.
# minios/kernel/symbols.c and xen-like/lib/symbols.c read it.
import sys

symbols, start = {}, None
for line in sys.stdin:
    fields = line.split()
    if len(fields) != 3:        # an undefined symbol has no address
        continue
    address, kind, name = fields
    if name == 'image_start':
        start = int(address, 16)
    elif kind in ('t', 'T') and not name.startswith(('.', 'image_')):
        symbols.setdefault(int(address, 16), name)
if symbols and start is None:
    sys.exit('gen-symbols.py: no image_start in the input; is it the output of nm for a linked image?')

names, position = [], 0
print('    .section .rodata.symbols, "a", @progbits')
for name in sys.argv[1:]:
    print('    .globl minios_app_name\nminios_app_name:\n    .asciz "%s"' % name)
print('    .globl symbol_count, symbol_table, symbol_names')
print('    .balign 4\nsymbol_count:\n    .long %d\nsymbol_table:' % len(symbols))
for address in sorted(symbols):
    print('    .long %d, %d' % (address - start, position))
    names.append('    .asciz "%s"' % symbols[address])
    position += len(symbols[address]) + 1
print('symbol_names:', *names, '    .byte 0', '    .section .note.GNU-stack, "", @progbits', sep='\n')
