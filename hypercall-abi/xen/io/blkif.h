/* SPDX-License-Identifier: MIT */
/*
 * Block split driver: one message ring of 1 to 16 pages, data in granted pages. Sector numbers and counts
 * are in units of 512 bytes, whatever the device's own sector is.
 *
 * xenstore, back end: params, mode (r, w), device-type, info (VDISK_*), sectors, sector-size,
 * physical-sector-size, max-ring-page-order, feature-barrier, feature-flush-cache, feature-discard with
 * discard-granularity, -alignment and discard-secure, feature-persistent, feature-max-indirect-segments,
 * multi-queue-max-queues, state. Front end: ring-ref (or ring-page-order and ring-ref0...),
 * event-channel, protocol, feature-persistent, virtual-device, multi-queue-num-queues with queue-N/...,
 * state.
 */
#ifndef __XEN_PUBLIC_IO_BLKIF_H__
#define __XEN_PUBLIC_IO_BLKIF_H__

#include "ring.h"
#include "../grant_table.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t
#endif
#define blkif_sector_t uint64_t

/* Operations. */
#define BLKIF_OP_READ  0
#define BLKIF_OP_WRITE 1

/* A write that all earlier ones come before, and all later ones after. */
#define BLKIF_OP_WRITE_BARRIER 2

/* All writes answered before are on stable storage when this is answered. May carry no segments. */
#define BLKIF_OP_FLUSH_DISKCACHE 3

/* Used by others; refuse. */
#define BLKIF_OP_RESERVED_1 4

/* The contents of a range are no longer needed (struct blkif_request_discard). */
#define BLKIF_OP_DISCARD 5

/* Read or write with its segments in pages of their own (struct blkif_request_indirect). */
#define BLKIF_OP_INDIRECT 6

/* Segments in a request; pages of segments in an indirect one. */
#define BLKIF_MAX_SEGMENTS_PER_REQUEST 11

#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* One granted page, or part of it: sectors 0 to 7, both ends included. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect;
};

/* Copy it once before use; nr_segments and the sectors are not to be trusted. */
struct blkif_request {
    uint8_t operation;            /* BLKIF_OP_* */
    uint8_t nr_segments;          /* 1 to BLKIF_MAX_SEGMENTS_PER_REQUEST; 0 for a flush */
    blkif_vdev_t handle;          /* the front end's number of the device */
    uint64_t id;                  /* comes back in the response */
    blkif_sector_t sector_number; /* first sector on the device */
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;

#define BLKIF_DISCARD_SECURE (1<<0) /* must not be readable afterwards */
struct blkif_request_discard {
    uint8_t operation; /* BLKIF_OP_DISCARD */
    uint8_t flag;      /* BLKIF_DISCARD_SECURE or 0 */
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

struct blkif_request_indirect {
    uint8_t operation;   /* BLKIF_OP_INDIRECT */
    uint8_t indirect_op; /* BLKIF_OP_READ or BLKIF_OP_WRITE */
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    /* pages of 512 struct blkif_request_segment */
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};
typedef struct blkif_request_indirect blkif_request_indirect_t;

struct blkif_response {
    uint64_t id;       /* of the request */
    uint8_t operation; /* of the request */
    int16_t status;    /* BLKIF_RSP_* */
};
typedef struct blkif_response blkif_response_t;

/* The back end does not know the operation, */
#define BLKIF_RSP_EOPNOTSUPP -2

/* it failed, */
#define BLKIF_RSP_ERROR -1

/* it is done. */
#define BLKIF_RSP_OKAY 0

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

/* Bits of the node info. */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

#endif /* __XEN_PUBLIC_IO_BLKIF_H__ */
