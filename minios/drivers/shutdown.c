/* SPDX-License-Identifier: MIT */
/*
 * Requests of the control domain to end: control/shutdown holds a word, which is
 * acknowledged by emptying it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <minios/kernel.h>
#include <minios/thread.h>
#include <minios/xenbus.h>

#define NODE "control/shutdown"

static const struct {
    const char *word;
    unsigned int reason;
    const char *feature;        /* node that says that the word is understood */
} words[] = {
    { "poweroff", SHUTDOWN_poweroff, "control/feature-poweroff" },
    { "halt", SHUTDOWN_poweroff, NULL },
    { "reboot", SHUTDOWN_reboot, "control/feature-reboot" },
    { "crash", SHUTDOWN_crash, NULL },
};

static struct {
    struct xenbus_watch *watch;
    void (*handler)(unsigned int reason);
} control;

/* What is asked for now, or NULL; acknowledges it. */
static const char *take_request(void)
{
    const char *found = NULL;
    char *value;

    if (xenbus_read(XENBUS_NO_TX, NODE, &value, NULL)) {
        return NULL;            /* the node need not be there */
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcmp(words[i].word, value)) {
            found = words[i].word;
        }
    }
    if (*value && !found) {
        printk("minios: %s: %s asks for '%s', which is not known here\n", minios_app_name, NODE, value);
    }
    free(value);
    if (found && xenbus_write(XENBUS_NO_TX, NODE, "")) {
        printk("minios: %s: %s cannot be acknowledged\n", minios_app_name, NODE);
    }
    return found;
}

static void shutdown_thread(void *arg)
{
    char *path;

    (void)arg;
    while (!xenbus_watch_next(control.watch, &path, WAIT_FOREVER)) {
        const char *word = take_request();

        free(path);
        for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++) {
            if (words[i].word == word) {
                control.handler(words[i].reason);
            }
        }
    }
}

int xenbus_shutdown_start(void (*handler)(unsigned int reason))
{
    struct thread *t;
    int ret = xenbus_watch(NODE, &control.watch);

    if (ret) {
        return ret;
    }
    control.handler = handler;
    /* Where the control domain made no such nodes, it does not look at them either. */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].feature && (ret = xenbus_write(XENBUS_NO_TX, words[i].feature, "1"))) {
            printk("minios: %s: %s cannot be written: %s\n", minios_app_name, words[i].feature,
                   strerror(-ret));
        }
    }
    t = thread_create("shutdown", shutdown_thread, NULL, 0);
    if (!t) {
        xenbus_unwatch(control.watch);
        return -ENOMEM;
    }
    thread_detach(t);
    return 0;
}
