/* SPDX-License-Identifier: MIT */
/*
 * Rings shared by a front end and a back end. A message ring lies in one or more pages: four indexes, then
 * slots that hold a request or the response that took its place. A byte ("flex") ring carries a stream each
 * way.
 *
 * The front end produces requests at req_prod_pvt and consumes responses at rsp_cons; the back end consumes
 * requests at req_cons and produces responses at rsp_prod_pvt. These are private; a push publishes them in
 * the shared page. Indexes run freely modulo 2^32 and are masked when a slot is addressed. A ring keeps no
 * lock and no flow control: at most RING_SIZE requests may be unanswered. The other end is not trusted: copy
 * a message once (RING_COPY_*), then look at the copy; test its indexes with the *_OVERFLOW macros.
 *
 * The includer supplies memset (and memcpy and size_t for byte rings) and may supply the barriers xen_mb,
 * xen_rmb and xen_wmb; otherwise the ones below are used.
 */
#ifndef __XEN_PUBLIC_IO_RING_H__
#define __XEN_PUBLIC_IO_RING_H__

#include <stddef.h>
#include <stdint.h>

#include "../xen-compat.h"

#if __XEN_INTERFACE_VERSION__ < 0x00030208
#define xen_mb()  mb()
#define xen_rmb() rmb()
#define xen_wmb() wmb()
#else
#ifndef xen_mb
#define xen_mb() __sync_synchronize()
#endif
#ifndef xen_rmb
#define xen_rmb() __asm__ __volatile__("" : : : "memory") /* x86 keeps loads, and stores, in order */
#endif
#ifndef xen_wmb
#define xen_wmb() __asm__ __volatile__("" : : : "memory")
#endif
#endif

typedef unsigned int RING_IDX;

/* The highest power of two that is not above x, as a constant expression; 0 for 0. */
#define __RD2(x)  ((x) & 0x00000002 ? 0x2 : (x) & 0x1)
#define __RD4(x)  ((x) & 0x0000000c ? __RD2((x) >> 2) << 2 : __RD2(x))
#define __RD8(x)  ((x) & 0x000000f0 ? __RD4((x) >> 4) << 4 : __RD4(x))
#define __RD16(x) ((x) & 0x0000ff00 ? __RD8((x) >> 8) << 8 : __RD8(x))
#define __RD32(x) ((x) & 0xffff0000 ? __RD16((x) >> 16) << 16 : __RD16(x))

/* Slots of a ring of sz bytes: by the tag of its type, and by a pointer to it. */
#define __CONST_RING_SIZE(tag, sz) \
    (__RD32(((sz) - offsetof(struct tag##_sring, ring)) / sizeof(((struct tag##_sring *)0)->ring[0])))
#define __RING_SIZE(s, sz) (__RD32(((sz) - ((long)(s)->ring - (long)(s))) / sizeof((s)->ring[0])))

/*
 * Declares the types of one kind of ring: <tag>_sring_t (the shared page), <tag>_front_ring_t and
 * <tag>_back_ring_t (each end's private view). pvt belongs to the protocol.
 */
#define DEFINE_RING_TYPES(tag, req_t, rsp_t)   \
    union tag##_sring_entry {                  \
        req_t req;                             \
        rsp_t rsp;                             \
    };                                         \
    struct tag##_sring {                       \
        RING_IDX req_prod, req_event;          \
        RING_IDX rsp_prod, rsp_event;          \
        union {                                \
            struct {                           \
                uint8_t smartpoll_active;      \
            } netif;                           \
            struct {                           \
                uint8_t msg;                   \
            } tapif_user;                      \
            uint8_t pvt_pad[4];                \
        } pvt;                                 \
        uint8_t __pad[44];                     \
        union tag##_sring_entry ring[1];       \
    };                                         \
    struct tag##_front_ring {                  \
        RING_IDX req_prod_pvt;                 \
        RING_IDX rsp_cons;                     \
        unsigned int nr_ents;                  \
        struct tag##_sring *sring;             \
    };                                         \
    struct tag##_back_ring {                   \
        RING_IDX rsp_prod_pvt;                 \
        RING_IDX req_cons;                     \
        unsigned int nr_ents;                  \
        struct tag##_sring *sring;             \
    };                                         \
    typedef struct tag##_sring tag##_sring_t;  \
    typedef struct tag##_front_ring tag##_front_ring_t; \
    typedef struct tag##_back_ring tag##_back_ring_t

/*
 * Set-up. The front end initialises the shared page (SHARED_RING_INIT) before the back end maps it, then its
 * view; XEN_FRONT_RING_INIT does both. ATTACH takes up a ring that is in use, at index i.
 */
#define SHARED_RING_INIT(s)                                      \
    do {                                                         \
        (s)->req_prod = 0;                                       \
        (s)->rsp_prod = 0;                                       \
        (s)->req_event = 1;                                      \
        (s)->rsp_event = 1;                                      \
        (void)memset(&(s)->pvt, 0, sizeof((s)->pvt));            \
        (void)memset((s)->__pad, 0, sizeof((s)->__pad));         \
    } while (0)

#define FRONT_RING_ATTACH(r, s, i, size)       \
    do {                                       \
        (r)->sring = (s);                      \
        (r)->nr_ents = __RING_SIZE(s, size);   \
        (r)->req_prod_pvt = (i);               \
        (r)->rsp_cons = (i);                   \
    } while (0)
#define FRONT_RING_INIT(r, s, size) FRONT_RING_ATTACH(r, s, 0, size)

#define XEN_FRONT_RING_INIT(r, s, size)        \
    do {                                       \
        SHARED_RING_INIT(s);                   \
        FRONT_RING_INIT(r, s, size);           \
    } while (0)

#define BACK_RING_ATTACH(r, s, i, size)        \
    do {                                       \
        (r)->sring = (s);                      \
        (r)->nr_ents = __RING_SIZE(s, size);   \
        (r)->rsp_prod_pvt = (i);               \
        (r)->req_cons = (i);                   \
    } while (0)
#define BACK_RING_INIT(r, s, size) BACK_RING_ATTACH(r, s, 0, size)

/* Slots; requests that the front end may still produce; whether there is none. */
#define RING_SIZE(r)          ((r)->nr_ents)
#define RING_FREE_REQUESTS(r) (RING_SIZE(r) - ((r)->req_prod_pvt - (r)->rsp_cons))
#define RING_FULL(r)          (RING_FREE_REQUESTS(r) == 0)

/* Messages that wait. The back end never sees more requests than it can answer, whatever req_prod claims. */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(r) ((r)->sring->rsp_prod - (r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(r)                                                       \
    __extension__({                                                                              \
        RING_IDX waiting__ = (r)->sring->req_prod - (r)->req_cons;                               \
        RING_IDX room__ = RING_SIZE(r) - ((r)->req_cons - (r)->rsp_prod_pvt);                    \
        waiting__ < room__ ? waiting__ : room__;                                                 \
    })

#ifdef XEN_RING_HAS_UNCONSUMED_IS_BOOL
#define RING_HAS_UNCONSUMED_RESPONSES(r) (XEN_RING_NR_UNCONSUMED_RESPONSES(r) != 0)
#define RING_HAS_UNCONSUMED_REQUESTS(r)  (XEN_RING_NR_UNCONSUMED_REQUESTS(r) != 0)
#else
#define RING_HAS_UNCONSUMED_RESPONSES(r) XEN_RING_NR_UNCONSUMED_RESPONSES(r)
#define RING_HAS_UNCONSUMED_REQUESTS(r)  XEN_RING_NR_UNCONSUMED_REQUESTS(r)
#endif

/* The slot of an index. What the other end wrote there may change at any time: prefer the copies. */
#define RING_GET_REQUEST(r, idx)  (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].req)
#define RING_GET_RESPONSE(r, idx) (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].rsp)

/* One copy of a message; volatile keeps the compiler from reading the shared slot again. */
#define RING_COPY_(kind, r, idx, dest)                                               \
    do {                                                                             \
        *(dest) = *(volatile __typeof__(dest))RING_GET_##kind(r, idx);               \
    } while (0)
#define RING_COPY_REQUEST(r, idx, req)  RING_COPY_(REQUEST, r, idx, req)
#define RING_COPY_RESPONSE(r, idx, rsp) RING_COPY_(RESPONSE, r, idx, rsp)

/* Has the back end consumed as many requests as it may? Does the other end claim more than fits? */
#define RING_REQUEST_CONS_OVERFLOW(r, cons)  ((cons) - (r)->rsp_prod_pvt >= RING_SIZE(r))
#define RING_REQUEST_PROD_OVERFLOW(r, prod)  ((prod) - (r)->rsp_prod_pvt > RING_SIZE(r))
#define RING_RESPONSE_PROD_OVERFLOW(r, prod) ((prod) - (r)->rsp_cons > RING_SIZE(r))

/* Publishes what was produced: contents first, then the index. */
#define RING_PUSH_REQUESTS(r)                        \
    do {                                             \
        xen_wmb();                                   \
        (r)->sring->req_prod = (r)->req_prod_pvt;    \
    } while (0)
#define RING_PUSH_RESPONSES(r)                       \
    do {                                             \
        xen_wmb();                                   \
        (r)->sring->rsp_prod = (r)->rsp_prod_pvt;    \
    } while (0)

/*
 * Pushing and sleeping without losing an event and without needless ones. The consumer writes to *_event the
 * index at whose passing it wants to be notified; the producer, after its push, sets notify if the push
 * passed it. A consumer that found nothing sets *_event by FINAL_CHECK and looks once more; work is true if
 * it must go on.
 */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(r, notify)                                           \
    do {                                                                                         \
        RING_IDX new__ = (r)->req_prod_pvt;                                                      \
        RING_IDX pushed__ = new__ - (r)->sring->req_prod;                                        \
        xen_wmb();                                                                               \
        (r)->sring->req_prod = new__;                                                            \
        xen_mb(); /* the index is visible before the event index is read */                      \
        (notify) = (RING_IDX)(new__ - (r)->sring->req_event) < pushed__;                         \
    } while (0)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(r, notify)                                          \
    do {                                                                                         \
        RING_IDX new__ = (r)->rsp_prod_pvt;                                                      \
        RING_IDX pushed__ = new__ - (r)->sring->rsp_prod;                                        \
        xen_wmb();                                                                               \
        (r)->sring->rsp_prod = new__;                                                            \
        xen_mb();                                                                                \
        (notify) = (RING_IDX)(new__ - (r)->sring->rsp_event) < pushed__;                         \
    } while (0)

#define RING_FINAL_CHECK_FOR_REQUESTS(r, work)                     \
    do {                                                           \
        (work) = RING_HAS_UNCONSUMED_REQUESTS(r);                  \
        if (!(work)) {                                             \
            (r)->sring->req_event = (r)->req_cons + 1;             \
            xen_mb();                                              \
            (work) = RING_HAS_UNCONSUMED_REQUESTS(r);              \
        }                                                          \
    } while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(r, work)                    \
    do {                                                           \
        (work) = RING_HAS_UNCONSUMED_RESPONSES(r);                 \
        if (!(work)) {                                             \
            (r)->sring->rsp_event = (r)->rsp_cons + 1;             \
            xen_mb();                                              \
            (work) = RING_HAS_UNCONSUMED_RESPONSES(r);             \
        }                                                          \
    } while (0)

/*
 * Pages of ring protocols are 4 KiB everywhere. A byte ring takes half of the 2^order pages that both share.
 */
#ifndef XEN_PAGE_SHIFT
#define XEN_PAGE_SHIFT 12
#endif
#define XEN_FLEX_RING_SIZE(order) (1UL << ((order) + XEN_PAGE_SHIFT - 1))

/*
 * Functions of a byte ring with a size that is a power of two:
 *   <tag>_mask           index within the buffer
 *   <tag>_get_ring_ptr   address of an index
 *   <tag>_queued         bytes between two indexes; equal masks of different indexes mean full
 *   <tag>_read_packet    copies size bytes out and moves the masked consumer; the caller knows that so many
 *                        wait
 *   <tag>_write_packet   copies size bytes in and moves the masked producer; the caller knows that so many
 *                        fit
 * and struct <tag>_data, the addresses of both halves.
 */
#define DEFINE_XEN_FLEX_RING(tag)                                                                          \
    static inline RING_IDX tag##_mask(RING_IDX idx, RING_IDX ring_size)                                    \
    {                                                                                                      \
        return idx & (ring_size - 1);                                                                      \
    }                                                                                                      \
    static inline unsigned char *tag##_get_ring_ptr(unsigned char *buf, RING_IDX idx, RING_IDX ring_size)  \
    {                                                                                                      \
        return &buf[tag##_mask(idx, ring_size)];                                                           \
    }                                                                                                      \
    static inline RING_IDX tag##_queued(RING_IDX prod, RING_IDX cons, RING_IDX ring_size)                  \
    {                                                                                                      \
        RING_IDX used = tag##_mask(prod - cons, ring_size);                                                \
        return used == 0 && prod != cons ? ring_size : used;                                               \
    }                                                                                                      \
    static inline void tag##_read_packet(void *opaque, const unsigned char *buf, size_t size,              \
                                         RING_IDX masked_prod, RING_IDX *masked_cons, RING_IDX ring_size)  \
    {                                                                                                      \
        size_t to_end = ring_size - *masked_cons;                                                          \
        size_t first = size < to_end ? size : to_end;                                                      \
        (void)masked_prod;                                                                                 \
        memcpy(opaque, buf + *masked_cons, first);                                                         \
        memcpy((unsigned char *)opaque + first, buf, size - first);                                        \
        *masked_cons = tag##_mask(*masked_cons + (RING_IDX)size, ring_size);                               \
    }                                                                                                      \
    static inline void tag##_write_packet(unsigned char *buf, const void *opaque, size_t size,             \
                                          RING_IDX *masked_prod, RING_IDX masked_cons, RING_IDX ring_size) \
    {                                                                                                      \
        size_t to_end = ring_size - *masked_prod;                                                          \
        size_t first = size < to_end ? size : to_end;                                                      \
        (void)masked_cons;                                                                                 \
        memcpy(buf + *masked_prod, opaque, first);                                                         \
        memcpy(buf, (const unsigned char *)opaque + first, size - first);                                  \
        *masked_prod = tag##_mask(*masked_prod + (RING_IDX)size, ring_size);                               \
    }                                                                                                      \
    struct tag##_data {                                                                                    \
        unsigned char *in;                                                                                 \
        unsigned char *out;                                                                                \
    }

/*
 * The page of indexes that such a pair of rings shares, with the grant references of its 2^ring_order data
 * pages.
 */
#define DEFINE_XEN_FLEX_RING_AND_INTF(tag) \
    struct tag##_data_intf {               \
        RING_IDX in_cons, in_prod;         \
        uint8_t pad1[56];                  \
        RING_IDX out_cons, out_prod;       \
        uint8_t pad2[56];                  \
        RING_IDX ring_order;               \
        grant_ref_t ref[];                 \
    };                                     \
    DEFINE_XEN_FLEX_RING(tag)

#endif /* __XEN_PUBLIC_IO_RING_H__ */
