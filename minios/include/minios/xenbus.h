/* SPDX-License-Identifier: MIT */
/*
 * Client of xenstore, the tree of small values through which a guest and the
 * control domain talk. For threads, not for handlers; several threads may call
 * at once. Relative paths are below this domain's own /local/domain/ID.
 *
 * All functions return 0 or -errno: what the store answers (ENOENT, EACCES,
 * EAGAIN, ...), ENODEV where there is no store, ETIMEDOUT where it does not
 * answer within XENBUS_TIMEOUT_MS, EIO once it broke the protocol.
 */
#ifndef MINIOS_XENBUS_H
#define MINIOS_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XENBUS_TIMEOUT_MS 10000

/* A transaction, or none. */
typedef uint32_t xenbus_tx;
#define XENBUS_NO_TX ((xenbus_tx)0)

/* The value, of malloc and with a zero byte behind it; *length (may be NULL) is without that byte. */
int xenbus_read(xenbus_tx tx, const char *path, char **value, size_t *length);
int xenbus_write(xenbus_tx tx, const char *path, const char *value);
int xenbus_mkdir(xenbus_tx tx, const char *path);
/* With everything below. */
int xenbus_rm(xenbus_tx tx, const char *path);

/* Names of the children: *names is one block of malloc with `count` strings, one behind the other. */
int xenbus_directory(xenbus_tx tx, const char *path, char **names, size_t *count);

/* Permissions as the protocol writes them ("n0", "r3"): the first is the owner's. `count` of them. */
int xenbus_set_perms(xenbus_tx tx, const char *path, const char *const *perms, size_t count);

/*
 * What is done in a transaction is seen by others all at once, when it ends with `commit`, or never. -EAGAIN:
 * somebody else changed what it used: start over.
 */
int xenbus_transaction_start(xenbus_tx *tx);
int xenbus_transaction_end(xenbus_tx tx, bool commit);

/*
 * Notice of changes at `path` and below. A watch fires once when it is set. Events queue up, one for each path
 * that changed since it was last asked for; when too many do, the watched path stands for all of them.
 */
struct xenbus_watch;
int xenbus_watch(const char *path, struct xenbus_watch **watch);
/* The path of the next event, of malloc; -ETIMEDOUT when there is none within `timeout_ms` (WAIT_FOREVER). */
int xenbus_watch_next(struct xenbus_watch *watch, char **path, int64_t timeout_ms);
/* The watch is gone when it returns, whatever it returns. No thread may be waiting for it. */
int xenbus_unwatch(struct xenbus_watch *watch);

/*
 * Start a thread that does what the control domain asks for in control/shutdown: `handler` is called with
 * SHUTDOWN_poweroff, SHUTDOWN_reboot or SHUTDOWN_crash, after the request was acknowledged.
 */
int xenbus_shutdown_start(void (*handler)(unsigned int reason));

#endif
