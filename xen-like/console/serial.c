/* SPDX-License-Identifier: MIT */
/*
 * A 16550-compatible serial port. Output is polled until interrupts work; then it goes through a bounded buffer, which
 * the port's interrupt empties, and only a full buffer makes a writer wait. Input always comes by interrupt (or, where
 * the line cannot be had, by a timer that looks every 20 ms).
 */
#include "console/console.h"
#include "console/internal.h"

#include "cpu/asm.h"
#include "cpu/irq.h"
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

static struct {
    u16 port;
    unsigned int irq, baud;         /* baud 0: as the firmware left it */
    u8 lcr;
    bool present, buffered;
    u32 head, tail;                 /* buffer[tail..head) waits */
    char buffer[BUFFER_SIZE];
} serial = { .port = 0x3f8, .irq = 4, .baud = 115200, .lcr = 0x03 };

static struct timer poll_timer;

static u8 port_in(unsigned int reg) { return inb(serial.port + reg); }
static void port_out(unsigned int reg, u8 v) { outb(serial.port + reg, v); }

/* BAUD[,DPS[,PORT[,IRQ]]], as 115200,8n1,0x3f8,4; BAUD may be auto. */
bool serial_configure(const char *text)
{
    u64 baud, port = serial.port, irq = serial.irq;
    u8 lcr = serial.lcr;
    const char *s;

    if (!strncmp(text, "auto", 4)) {
        baud = 0;
        s = text + 4;
    } else {
        baud = strtou64(text, &s, 10);
        if (s == text || !baud || baud > BASE_CLOCK || BASE_CLOCK % baud)
            return false;
    }
    if (*s == ',') {
        static const char parities[] = "noe";
        const char *parity = s[1] && s[2] ? strchr(parities, s[2]) : NULL;

        if (s[1] < '5' || s[1] > '8' || !parity || (s[3] != '1' && s[3] != '2'))
            return false;
        lcr = (s[1] - '5') | (s[3] == '2' ? 4 : 0) | (*parity == 'o' ? 8 : *parity == 'e' ? 0x18 : 0);
        s += 4;
    }
    if (*s == ',')
        port = strtou64(s + 1, &s, 0);
    if (*s == ',')
        irq = strtou64(s + 1, &s, 0);
    if (*s || port > 0xfff8 || irq > 15)
        return false;
    serial.baud = baud;
    serial.lcr = lcr;
    serial.port = port;
    serial.irq = irq;
    return true;
}

bool serial_init(void)
{
    port_out(SCRATCH, 0x5a);
    if (port_in(SCRATCH) != 0x5a)
        return false;
    port_out(IER, 0);
    if (serial.baud) {
        unsigned int divisor = BASE_CLOCK / serial.baud;

        port_out(LCR, serial.lcr | LCR_DIVISOR);
        port_out(DIVISOR_LOW, divisor);
        port_out(DIVISOR_HIGH, divisor >> 8);
    }
    port_out(LCR, serial.lcr);
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

void serial_put(char c)
{
    if (!serial.present)
        return;
    if (!serial.buffered) {
        wait_for(LSR_EMPTY);
        port_out(RBR_THR, c);
        return;
    }
    while (serial.head - serial.tail == BUFFER_SIZE) {
        wait_for(LSR_EMPTY);
        serial_pump();
    }
    serial.buffer[serial.head++ % BUFFER_SIZE] = c;
    serial_pump();
}

void serial_flush(void)
{
    if (!serial.present)
        return;
    while (serial.tail != serial.head) {
        wait_for(LSR_EMPTY);
        serial_pump();
    }
    wait_for(LSR_EMPTY | LSR_IDLE);
}

void serial_force_polled(void)
{
    serial_flush();
    serial.buffered = false;
}

static void receive(void)
{
    for (unsigned int i = 0; i < 256 && (port_in(LSR) & LSR_DATA); i++)
        console_input(port_in(RBR_THR));
}

static void serial_interrupt(unsigned int gsi)
{
    receive();
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
    bool level, active_low;
    unsigned int gsi;
    int rc;

    if (!serial.present)
        return;
    gsi = isa_irq_to_gsi(serial.irq, &level, &active_low);
    rc = irq_bind(gsi, IRQ_OF_HYPERVISOR, serial_interrupt, level, active_low);
    if (rc) {
        log_warn("Serial port: interrupt %u cannot be used (error %d); looking every 20 ms instead\n", gsi, rc);
        timer_init(&poll_timer, poll, NULL, 0);
        timer_set(&poll_timer, now() + MILLISECS(20));
    }
    serial.buffered = true;
    port_out(IER, IER_RECEIVE);
}

bool console_owns_ports(unsigned int first, unsigned int last)
{
    return serial.present && first < serial.port + 8u && last >= serial.port;
}
