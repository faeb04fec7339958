/* SPDX-License-Identifier: MIT */
/*
 * Reading a line from the console with echo and simple editing. One line is
 * edited at a time; what was typed before a time limit stays for the next call.
 */
#include <string.h>

#include <minios/console.h>

#define CTRL(c) ((c) & 0x1f)
#define DELETE 0x7f
#define ERASE_ONE "\b \b"

/* Room for a line of the largest size that read() of standard input asks for. */
static struct {
    char text[1024];
    size_t len;
    bool after_cr;      /* the last line ended with CR: an LF right behind belongs to it */
} line;

static void echo(const char *text)
{
    console_write(text, strlen(text));
}

static void erase(size_t n)
{
    while (n-- && line.len) {
        line.len--;
        echo(ERASE_ONE);
    }
}

static void erase_word(void)
{
    while (line.len && line.text[line.len - 1] == ' ') {
        erase(1);
    }
    while (line.len && line.text[line.len - 1] != ' ') {
        erase(1);
    }
}

static int finish(char *buf)
{
    size_t len = line.len;

    memcpy(buf, line.text, len);
    buf[len] = '\0';
    line.len = 0;
    return (int)len;
}

static void type(char c, size_t room)
{
    if (line.len + 1 < room && line.len < sizeof(line.text)) {
        line.text[line.len++] = c;
        console_write(&c, 1);
    } else {
        echo("\a");
    }
}

int console_read_line(char *buf, size_t size, int64_t timeout_ms)
{
    for (;;) {
        int c = console_getc(timeout_ms);
        bool after_cr = line.after_cr;

        if (c < 0) {
            return c;
        }
        line.after_cr = false;
        switch (c) {
        case '\n':
            if (after_cr && !line.len) {
                break;
            }
            echo("\n");
            return finish(buf);
        case '\r':
            line.after_cr = true;
            echo("\n");
            return finish(buf);
        case '\b':
        case DELETE:
            erase(1);
            break;
        case CTRL('u'):
            erase(line.len);
            break;
        case CTRL('w'):
            erase_word();
            break;
        case CTRL('c'):
            echo("^C\n");
            line.len = 0;
            return finish(buf);
        case CTRL('d'):
            if (!line.len) {
                return CONSOLE_EOF;
            }
            break;
        default:
            if ((unsigned char)c >= ' ' || c == '\t') {
                type((char)c, size);
            }
        }
    }
}
