/* SPDX-License-Identifier: MIT */
/*
 * A 16550-compatible serial port. Output is polled until interrupts work; then it goes through a bounded buffer, which
 * the port's interrupt empties, and only a full buffer makes a writer wait. Input always comes by interrupt (or, where
 * the line cannot be had, by a timer that looks every 20 ms).
 */
#include "console/internal.h"

#include "cpu/asm.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/time.h"
#include "sched/timer.h"

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCRATCH = 7, DIVISOR_LOW = 0, DIVISOR_HIGH = 1 };

#define IER_RECEIVE     0x01
#define IER_TRANSMIT    0x02
#define LCR_DIVISOR     0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_DATA        0x01
#define LSR_EMPTY       0x20
#define LSR_IDLE        0x40
#define BASE_CLOCK      115200
#define FIFO_SIZE       16
#define BUFFER_SIZE     16384       /* a power of two */
#define POLL_LIMIT      1000000

/* com1= */
static struct line {
    u64 port, irq, baud;            /* baud 0: as the firmware left it */
    u8 lcr;
} line = { .port = 0x3f8, .irq = 4, .baud = 115200, .lcr = 0x03 };

static struct {
    bool present, buffered;
    u32 head, tail;                 /* buffer[tail..head) waits */
    char buffer[BUFFER_SIZE];
} serial;

static struct timer poll_timer;

static u8 port_in(unsigned int reg) { return inb(line.port + reg); }
static void port_out(unsigned int reg, u8 v) { outb(line.port + reg, v); }

/* BAUD[,DPS[,PORT[,IRQ]]], as 115200,8n1,0x3f8,4; BAUD may be auto. */
bool serial_configure(const char *text)
{
    struct line new = line;
    const bool as_found = !strncmp(text, "auto", 4);
    const char *s = as_found ? text + 4 : text;

    new.baud = as_found ? 0 : strtou64(text, &s, 10);
    if (!as_found && (!new.baud || BASE_CLOCK % new.baud))
        return false;
    if (*s == ',') {
        const char *parity = s[1] && s[2] ? strchr("noe", s[2]) : NULL;

        if (s[1] < '5' || s[1] > '8' || !parity || (s[3] != '1' && s[3] != '2'))
            return false;
        new.lcr = (s[1] - '5') | (s[3] == '2' ? 4 : 0) | (*parity == 'o' ? 8 : *parity == 'e' ? 0x18 : 0);
        s += 4;
    }
    if (*s == ',')
        new.port = strtou64(s + 1, &s, 0);
    if (*s == ',')
        new.irq = strtou64(s + 1, &s, 0);
    if (*s || new.port > 0xfff8 || new.irq > 15)
        return false;
    line = new;
    return true;
}

bool serial_init(void)
{
    port_out(SCRATCH, 0x5a);
    if (port_in(SCRATCH) != 0x5a)
        return false;
    port_out(IER, 0);
    if (line.baud) {
        port_out(LCR, line.lcr | LCR_DIVISOR);
        port_out(DIVISOR_LOW, BASE_CLOCK / line.baud);
        port_out(DIVISOR_HIGH, BASE_CLOCK / line.baud >> 8);
    }
    port_out(LCR, line.lcr);
    port_out(IIR_FCR, 0x07);        /* FIFOs on and empty; interrupt at each character */
    port_out(MCR, MCR_DTR_RTS_OUT2);
    serial.present = true;
    return true;
}

static void wait_for(u8 bits)
{
    for (unsigned int i = 0; i < POLL_LIMIT && (port_in(LSR) & bits) != bits; i++)
        cpu_relax();
}

/* Moves up to a FIFO from the buffer to a port that can take it. */
void serial_pump(void)
{
    if (!serial.buffered || !(port_in(LSR) & LSR_EMPTY))
        return;
    for (unsigned int i = 0; i < FIFO_SIZE && serial.tail != serial.head; i++)
        port_out(RBR_THR, serial.buffer[serial.tail++ % BUFFER_SIZE]);
    port_out(IER, IER_RECEIVE | (serial.tail != serial.head ? IER_TRANSMIT : 0));
}

/* Makes the buffer hold no more than that. */
static void drain(u32 size)
{
    while (serial.head - serial.tail > size) {
        wait_for(LSR_EMPTY);
        serial_pump();
    }
}

void serial_put(char c)
{
    if (!serial.buffered) {
        wait_for(LSR_EMPTY);
        port_out(RBR_THR, c);
        return;
    }
    drain(BUFFER_SIZE - 1);
    serial.buffer[serial.head++ % BUFFER_SIZE] = c;
    serial_pump();
}

void serial_flush(void)
{
    drain(0);
    if (serial.present)
        wait_for(LSR_EMPTY | LSR_IDLE);
}

void serial_force_polled(void)
{
    serial_flush();
    serial.buffered = false;
}

static void serial_interrupt(unsigned int gsi)
{
    for (unsigned int i = 0; i < 256 && (port_in(LSR) & LSR_DATA); i++)
        console_input(port_in(RBR_THR));
    console_pump();
    port_in(IIR_FCR);
}

static void poll(void *arg)
{
    serial_interrupt(0);
    timer_set(&poll_timer, now() + MILLISECS(20));
}

void serial_init_irq(void)
{
    const struct isa_line *isa = &machine.isa[line.irq & 15];
    const int rc = irq_bind(isa->gsi, IRQ_OF_HYPERVISOR, serial_interrupt, isa->level, isa->active_low);
    if (rc) {
        log_warn("Serial port: interrupt %u cannot be used (error %d); looking every 20 ms instead\n", isa->gsi,
                 rc);
        timer_init(&poll_timer, poll, NULL, 0);
        timer_set(&poll_timer, now() + MILLISECS(20));
    }
    serial.buffered = true;
    port_out(IER, IER_RECEIVE);
}

bool console_owns_ports(unsigned int first, unsigned int last)
{
    return serial.present && first < line.port + 8 && last >= line.port;
}
