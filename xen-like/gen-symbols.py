# SPDX-License-Identifier: MIT
"""Turns the output of nm for the hypervisor's first link into the table of its functions (standard output, as
assembler text): offsets from the image's start, ascending, each with the place of its name. lib/symbols.c reads it."""
import sys

# The table lies behind all code, so adding it does not move what it names.
symbols = {}
start = None
for line in sys.stdin:
    address, kind, name = (line.split() + ["", ""])[:3]
    if name == "image_start":
        start = int(address, 16)
    if kind in "tT" and not name.startswith((".L", "image_")):
        symbols.setdefault(int(address, 16), name)
if start is None or not symbols:
    sys.exit("gen-symbols.py: no image_start or no function in the input; is it the output of nm for the linked image?")

out = ["/* Made by gen-symbols.py. */", '.section .symbols, "a"', ".balign 8", ".globl symbol_count, symbol_table, symbol_names",
       ".hidden symbol_count, symbol_table, symbol_names", f"symbol_count: .quad {len(symbols)}", "symbol_table:"]
names = []
position = 0
for address in sorted(symbols):
    out.append(f".long {address - start}, {position}")
    names.append(f'.asciz "{symbols[address]}"')
    position += len(symbols[address]) + 1
out += ["symbol_names:"] + names + ['.section .note.GNU-stack, "", @progbits']
print("\n".join(out))
