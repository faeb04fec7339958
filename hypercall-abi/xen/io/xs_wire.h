/* SPDX-License-Identifier: MIT */
/*
 * xenstore's wire protocol. A message is a struct xsd_sockmsg and len bytes of payload: strings, each ended
 * by a zero byte where the description says "|". A reply has the request's type, req_id and tx_id; a failure
 * has type XS_ERROR and the error's name. XS_WATCH_EVENT comes unasked. The ring page (start_info.store_mfn)
 * carries both directions.
 */
#ifndef _XS_WIRE_H
#define _XS_WIRE_H

#include <stdint.h>

enum xsd_sockmsg_type {
    XS_CONTROL,              /* command|arguments|... -> text; control domain only */
    XS_DIRECTORY,            /* path| -> name|name|... */
    XS_READ,                 /* path| -> value, no zero byte */
    XS_GET_PERMS,            /* path| -> permission|... ("n0", "r3", "w3", "b3": access letter and domain) */
    XS_WATCH,                /* path|token| -> "OK|"; fires once at once */
    XS_UNWATCH,              /* path|token| -> "OK|" */
    XS_TRANSACTION_START,    /* | -> transaction id as decimal text| */
    XS_TRANSACTION_END,      /* "T|" commit or "F|" drop -> "OK|"; EAGAIN: conflict, start over */
    XS_INTRODUCE,            /* domid|mfn|port| -> "OK|"; control domain only, as the next */
    XS_RELEASE,              /* domid| -> "OK|" */
    XS_GET_DOMAIN_PATH,      /* domid| -> "/local/domain/<domid>|" */
    XS_WRITE,                /* path|value -> "OK|"; makes the node and its parents */
    XS_MKDIR,                /* path| -> "OK|", also if it exists */
    XS_RM,                   /* path| -> "OK|"; with everything below */
    XS_SET_PERMS,            /* path|permission|... -> "OK|"; the first names owner and default */
    XS_WATCH_EVENT,          /* from the server: path|token| */
    XS_ERROR,                /* from the server: error name| */
    XS_IS_DOMAIN_INTRODUCED, /* domid| -> "T|" or "F|" */
    XS_RESUME,               /* domid| -> "OK|": it goes on after a suspend */
    XS_SET_TARGET,           /* domid|target domid| -> "OK|": the first may act for the second */
    XS_RESET_WATCHES = XS_SET_TARGET + 2, /* | -> "OK|": drop the caller's watches and transactions */
    XS_DIRECTORY_PART,       /* path|offset| -> generation|name|...: directory too big for one reply */
    XS_TYPE_COUNT,
    XS_INVALID = 0xffff
};
#define XS_DEBUG XS_CONTROL

/* Ways to write, of older clients. */
#define XS_WRITE_NONE        "NONE"
#define XS_WRITE_CREATE      "CREATE"
#define XS_WRITE_CREATE_EXCL "CREATE|EXCL"

/*
 * Errors travel by name. The table is there for who includes errno.h first; its order is that of the
 * protocol.
 */
struct xsd_errors {
    int errnum;
    const char *errstring;
};
#ifdef EINVAL
#define XSD_ERROR(x) { x, #x }
static const struct xsd_errors xsd_errors[] __attribute__((unused)) = {
    XSD_ERROR(EINVAL), XSD_ERROR(EACCES), XSD_ERROR(EEXIST), XSD_ERROR(EISDIR),
    XSD_ERROR(ENOENT), XSD_ERROR(ENOMEM), XSD_ERROR(ENOSPC), XSD_ERROR(EIO),
    XSD_ERROR(ENOTEMPTY), XSD_ERROR(ENOSYS), XSD_ERROR(EROFS), XSD_ERROR(EBUSY),
    XSD_ERROR(EAGAIN), XSD_ERROR(EISCONN), XSD_ERROR(E2BIG), XSD_ERROR(EPERM),
};
#endif

struct xsd_sockmsg {
    uint32_t type;   /* enum xsd_sockmsg_type */
    uint32_t req_id; /* chosen by the client */
    uint32_t tx_id;  /* 0: no transaction */
    uint32_t len;    /* payload bytes, at most XENSTORE_PAYLOAD_MAX */
};

/* Strings of a watch event, by position. */
enum xs_watch_type {
    XS_WATCH_PATH = 0,
    XS_WATCH_TOKEN
};

/* The ring page: bytes to and from the server. Indexes run freely. */
#define XENSTORE_RING_SIZE 1024
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE];
    char rsp[XENSTORE_RING_SIZE];
    XENSTORE_RING_IDX req_cons, req_prod;
    XENSTORE_RING_IDX rsp_cons, rsp_prod;
    uint32_t server_features; /* XENSTORE_SERVER_FEATURE_* */
    uint32_t connection;      /* XENSTORE_CONNECTED or _RECONNECT */
    uint32_t error;           /* XENSTORE_ERROR_*, set by the server before it gives the ring up */
};

#define XENSTORE_PAYLOAD_MAX  4096 /* a longer message ends the connection */
#define XENSTORE_ABS_PATH_MAX 3072 /* longer paths are refused; these count bytes without the zero */
#define XENSTORE_REL_PATH_MAX 2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1 /* the client may ask for a fresh connection */
#define XENSTORE_SERVER_FEATURE_ERROR        2 /* the field error exists */

#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1 /* set by the client, cleared by the server when the ring is reset */

#define XENSTORE_ERROR_NONE    0
#define XENSTORE_ERROR_COMM    1 /* connection failed */
#define XENSTORE_ERROR_RINGIDX 2 /* indexes that cannot be */
#define XENSTORE_ERROR_PROTO   3 /* message too long */

#endif /* _XS_WIRE_H */
