/* SPDX-License-Identifier: MIT */
/* The text screen, 80 by 25, in the adapter's memory at 0xb8000. Lines scroll; nothing is ever read back but to scroll. */
#include "console/internal.h"

#include "cpu/asm.h"
#include "mm/alloc.h"

#define COLUMNS     80
#define ROWS        25
#define ADDRESS     0xb8000
#define BYTES       (COLUMNS * ROWS * 2)
#define BLANK       0x0720      /* light grey on black */

static u16 *cells;              /* NULL: no text screen */
static unsigned int row, column;

static void show_cursor(void)
{
    unsigned int at = row * COLUMNS + column;

    outb(0x3d4, 0x0e);
    outb(0x3d5, at >> 8);
    outb(0x3d4, 0x0f);
    outb(0x3d5, at);
}

void screen_init(void)
{
    cells = (u16 *)(DIRECT_MAP_START + ADDRESS);
    for (unsigned int i = 0; i < COLUMNS * ROWS; i++)
        cells[i] = BLANK;
    show_cursor();
}

bool screen_remap(void)
{
    cells = ioremap(MADDR(ADDRESS), BYTES, false);
    return cells != NULL;
}

static void new_line(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    memmove(cells, cells + COLUMNS, BYTES - COLUMNS * 2);
    for (unsigned int i = 0; i < COLUMNS; i++)
        cells[row * COLUMNS + i] = BLANK;
}

void screen_put(char c)
{
    if (!cells)
        return;
    if (c == '\t') {
        do
            screen_put(' ');
        while (column % 8);
    } else if (c == '\n') {
        new_line();
    } else if (c == '\r') {
        column = 0;
    } else if (c == '\b') {
        column -= column > 0;
    } else if ((u8)c >= ' ') {
        cells[row * COLUMNS + column] = 0x0700 | (u8)c;
        if (++column == COLUMNS)
            new_line();
    }
    show_cursor();
}
