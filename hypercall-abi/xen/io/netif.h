/* SPDX-License-Identifier: MIT */
/*
 * Network split driver. Two message rings, transmit (front end to back end) and receive, or several pairs of
 * them (queues), and an optional control ring. Every frame of a packet is granted, 4096 bytes at most.
 *
 * xenstore, front end: tx-ring-ref, rx-ring-ref, event-channel (or event-channel-tx and -rx with
 * feature-split- event-channels), request-rx-copy (1), feature-rx-notify, feature-sg, feature-gso-tcpv4,
 * -tcpv6, feature-no-csum- offload, feature-ipv6-csum-offload, multi-queue-num-queues with queue-N/...,
 * ctrl-ring-ref and event-channel-ctrl, state. Back end: mac (in the front end's directory), handle,
 * feature-rx-copy, feature-sg, feature-gso-*, feature-multicast-control, multi-queue-max-queues,
 * feature-ctrl-ring, carrier, state.
 */
#ifndef __XEN_PUBLIC_IO_NETIF_H__
#define __XEN_PUBLIC_IO_NETIF_H__

#include "ring.h"
#include "../grant_table.h"

/* A packet may take so many transmit slots with any back end. */
#define XEN_NETIF_NR_SLOTS_MIN 18

/*
 * Control ring: hashing of packets to queues. A hash covers addresses, or addresses and TCP ports; where both
 * are on, TCP packets use the second.
 */
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4     0
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4      (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP 1
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP  (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6     2
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6      (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP 3
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP  (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

#define XEN_NETIF_CTRL_HASH_ALGORITHM_NONE     0 /* the back end chooses the queue */
#define XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ 1

#ifdef XEN_NETIF_DEFINE_TOEPLITZ
/*
 * Toeplitz: for each set bit n of buf, most significant first, the 32 key bits from n on are XORed together.
 */
static uint32_t xen_netif_toeplitz_hash(const uint8_t *key, unsigned int keylen, const uint8_t *buf,
                                        unsigned int buflen)
{
    uint32_t hash = 0;
    uint32_t window = 0; /* key bits n to n + 31 */
    unsigned int i, bit;

    for (i = 0; i < 4; i++)
        window = (window << 8) | (i < keylen ? key[i] : 0);
    for (i = 0; i < buflen; i++) {
        uint8_t next = i + 4 < keylen ? key[i + 4] : 0;

        for (bit = 0; bit < 8; bit++) {
            if ((buf[i] << bit) & 0x80)
                hash ^= window;
            window = (window << 1) | ((next >> (7 - bit)) & 1);
        }
    }
    return hash;
}
#endif

/* Requests, with the meaning of data[0], data[1], data[2]. */
#define XEN_NETIF_CTRL_TYPE_INVALID               0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS        1  /* returns the hash types offered, as bits */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS        2  /* bits */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY          3  /* grant, bytes */
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE 4  /* returns the most entries */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE 5  /* entries */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING      6  /* grant of u32 queue numbers, entries, first entry */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM    7  /* algorithm */
#define XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE 8  /* queue; returns grants that may stay mapped */
#define XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING      9  /* queue, grant of xen_netif_gref list, entries */
#define XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING      10 /* the same */
struct xen_netif_ctrl_request {
    uint16_t id; /* comes back in the response */
    uint16_t type;
    uint32_t data[3];
};

#define XEN_NETIF_CTRL_STATUS_SUCCESS           0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED     1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER 2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW   3
struct xen_netif_ctrl_response {
    uint16_t id;
    uint16_t type;
    uint32_t status;
    uint32_t data;
};

/* A grant that the back end may keep mapped; its own status comes back in the list. */
#define _XEN_NETIF_CTRLF_GREF_readonly 0
#define XEN_NETIF_CTRLF_GREF_readonly  (1U << _XEN_NETIF_CTRLF_GREF_readonly)
struct xen_netif_gref {
    grant_ref_t ref;
    uint16_t flags;
    uint16_t status;
};

DEFINE_RING_TYPES(xen_netif_ctrl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response);

/*
 * Transmit. A packet is a run of slots: first request (size: of the whole packet), extra slots if it has
 * extra_info, further requests while more_data is set (size: of the fragment). Every slot is answered; those
 * of extras with NETIF_RSP_NULL.
 */
#define _NETTXF_csum_blank     (0)
#define NETTXF_csum_blank      (1U << _NETTXF_csum_blank) /* checksum holds the pseudo-header sum only */
#define _NETTXF_data_validated (1)
#define NETTXF_data_validated  (1U << _NETTXF_data_validated) /* checksum is known to be right, or blank */
#define _NETTXF_more_data      (2)
#define NETTXF_more_data       (1U << _NETTXF_more_data)
#define _NETTXF_extra_info     (3)
#define NETTXF_extra_info      (1U << _NETTXF_extra_info)

#define XEN_NETIF_MAX_TX_SIZE 0xFFFF

struct netif_tx_request {
    grant_ref_t gref;
    uint16_t offset; /* in the page */
    uint16_t flags;  /* NETTXF_* */
    uint16_t id;     /* comes back in the response */
    uint16_t size;   /* bytes */
};
typedef struct netif_tx_request netif_tx_request_t;

/* Extra slots, in place of a request or response. */
#define XEN_NETIF_EXTRA_TYPE_NONE      (0)
#define XEN_NETIF_EXTRA_TYPE_GSO       (1) /* to be segmented */
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD (2) /* wants a multicast address, or no longer: transmit only */
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL (3)
#define XEN_NETIF_EXTRA_TYPE_HASH      (4) /* hash of the packet */
#define XEN_NETIF_EXTRA_TYPE_MAX       (5)

#define _XEN_NETIF_EXTRA_FLAG_MORE (0)
#define XEN_NETIF_EXTRA_FLAG_MORE  (1U << _XEN_NETIF_EXTRA_FLAG_MORE) /* another extra slot follows */

#define XEN_NETIF_GSO_TYPE_NONE  (0)
#define XEN_NETIF_GSO_TYPE_TCPV4 (1)
#define XEN_NETIF_GSO_TYPE_TCPV6 (2)

struct netif_extra_info {
    uint8_t type;  /* XEN_NETIF_EXTRA_TYPE_* */
    uint8_t flags; /* XEN_NETIF_EXTRA_FLAG_MORE */
    union {
        struct {
            uint16_t size; /* payload of a segment */
            uint8_t type;  /* XEN_NETIF_GSO_TYPE_* */
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6];
        } mcast;
        struct {
            uint8_t type; /* one _XEN_NETIF_CTRL_HASH_TYPE_* */
            uint8_t algorithm;
            uint8_t value[4]; /* least significant byte first */
        } hash;
        uint16_t pad[3];
    } u;
};
typedef struct netif_extra_info netif_extra_info_t;

struct netif_tx_response {
    uint16_t id;
    int16_t status; /* NETIF_RSP_* */
};
typedef struct netif_tx_response netif_tx_response_t;

/*
 * Receive. The front end offers empty pages; the back end fills them and answers in the slot of the request.
 * status is the fragment's size, or negative.
 */
struct netif_rx_request {
    uint16_t id; /* comes back in the response */
    uint16_t pad;
    grant_ref_t gref;
};
typedef struct netif_rx_request netif_rx_request_t;

#define _NETRXF_data_validated (0)
#define NETRXF_data_validated  (1U << _NETRXF_data_validated)
#define _NETRXF_csum_blank     (1)
#define NETRXF_csum_blank      (1U << _NETRXF_csum_blank)
#define _NETRXF_more_data      (2)
#define NETRXF_more_data       (1U << _NETRXF_more_data)
#define _NETRXF_extra_info     (3)
#define NETRXF_extra_info      (1U << _NETRXF_extra_info)
#define _NETRXF_gso_prefix     (4)
#define NETRXF_gso_prefix      (1U << _NETRXF_gso_prefix) /* no data in this slot, only the segment size */

struct netif_rx_response {
    uint16_t id;
    uint16_t offset; /* in the page */
    uint16_t flags;  /* NETRXF_* */
    int16_t status;
};
typedef struct netif_rx_response netif_rx_response_t;

DEFINE_RING_TYPES(netif_tx, struct netif_tx_request, struct netif_tx_response);
DEFINE_RING_TYPES(netif_rx, struct netif_rx_request, struct netif_rx_response);

#define NETIF_RSP_DROPPED -2
#define NETIF_RSP_ERROR   -1
#define NETIF_RSP_OKAY    0
#define NETIF_RSP_NULL    1 /* answer to an extra slot */

#endif /* __XEN_PUBLIC_IO_NETIF_H__ */
