/* SPDX-License-Identifier: MIT */
/*
 * Drives the macros and inline functions of the ABI headers with a fixed sequence of pseudo-random steps and
 * prints what they do. Built once with hypercall-abi and once with Debian's headers; abi.t compares the two.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define __XEN_TOOLS__
#define xen_mb()  __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()
#define XEN_NETIF_DEFINE_TOEPLITZ
#define XEN_WANT_FLEX_CONSOLE_RING

#include <xen/xen.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/save.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/netif.h>
#include <xen/io/xs_wire.h>

struct small {
    uint32_t value;
};
DEFINE_RING_TYPES(test, struct small, uint64_t);
DEFINE_XEN_FLEX_RING_AND_INTF(bytes);

static uint32_t next_random(void)
{
    static uint64_t state = 0x2545f4914f6cdd1dull;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static uint8_t page[8192] __attribute__((aligned(4096)));

/* Sizes by tag and by pointer, for all kinds of rings and areas. */
static void ring_sizes(void)
{
    unsigned int bytes;

    for (bytes = 256; bytes <= sizeof(page); bytes += 96) {
        test_sring_t *t = (test_sring_t *)page;
        blkif_sring_t *b = (blkif_sring_t *)page;

        printf("size %u: %lu %lu %lu %lu %lu\n", bytes, (unsigned long)__CONST_RING_SIZE(test, bytes),
               (unsigned long)__RING_SIZE(t, bytes), (unsigned long)__CONST_RING_SIZE(blkif, bytes),
               (unsigned long)__RING_SIZE(b, bytes), (unsigned long)__CONST_RING_SIZE(netif_tx, bytes));
    }
    for (bytes = 0; bytes < 70; bytes++)
        printf("round %x: %x\n", bytes * 0x37, (unsigned int)__RD32(bytes * 0x37));
}

/* Both ends of a message ring in one thread, the index about to wrap around. */
static void message_ring(void)
{
    test_front_ring_t front;
    test_back_ring_t back;
    test_sring_t *shared = (test_sring_t *)page;
    unsigned int step, i, n;
    int notify, work;

    memset(page, 0xa5, sizeof(page));
    XEN_FRONT_RING_INIT(&front, shared, 512);
    BACK_RING_INIT(&back, shared, 512);
    printf("init %u %u %u %u %u %x %x\n", shared->req_prod, shared->req_event, shared->rsp_prod,
           shared->rsp_event, RING_SIZE(&front), shared->pvt.pvt_pad[3], shared->__pad[43]);
    shared->req_prod = shared->rsp_prod = -20u;
    shared->req_event = shared->rsp_event = -19u;
    FRONT_RING_ATTACH(&front, shared, shared->req_prod, 512);
    BACK_RING_ATTACH(&back, shared, shared->rsp_prod, 512);

    for (step = 0; step < 400; step++) {
        n = next_random() % (RING_FREE_REQUESTS(&front) + 1);
        for (i = 0; i < n; i++)
            RING_GET_REQUEST(&front, front.req_prod_pvt++)->value = next_random();
        if (next_random() % 4) {
            RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
        } else {
            RING_PUSH_REQUESTS(&front);
            notify = -1;
        }
        printf("%u: push %u notify %d full %d free %u", step, n, notify, RING_FULL(&front),
               RING_FREE_REQUESTS(&front));

        n = next_random() % (XEN_RING_NR_UNCONSUMED_REQUESTS(&back) + 1);
        printf(" wait %u", XEN_RING_NR_UNCONSUMED_REQUESTS(&back));
        for (i = 0; i < n; i++) {
            struct small request;

            RING_COPY_REQUEST(&back, back.req_cons, &request);
            back.req_cons++;
            *RING_GET_RESPONSE(&back, back.rsp_prod_pvt) = request.value * 3ull;
            back.rsp_prod_pvt++;
        }
        RING_FINAL_CHECK_FOR_REQUESTS(&back, work);
        printf(" work %d over %d %d", work, RING_REQUEST_CONS_OVERFLOW(&back, back.req_cons + 3),
               RING_REQUEST_PROD_OVERFLOW(&back, shared->req_prod + step % 40));
        if (next_random() % 4) {
            RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
        } else {
            RING_PUSH_RESPONSES(&back);
            notify = -1;
        }
        printf(" notify %d", notify);

        n = next_random() % (XEN_RING_NR_UNCONSUMED_RESPONSES(&front) + 1);
        printf(" over %d got", RING_RESPONSE_PROD_OVERFLOW(&front, shared->rsp_prod + step % 40));
        for (i = 0; i < n; i++) {
            uint64_t response;

            RING_COPY_RESPONSE(&front, front.rsp_cons, &response);
            front.rsp_cons++;
            printf(" %lx", response);
        }
        RING_FINAL_CHECK_FOR_RESPONSES(&front, work);
        printf(" work %d; %u %u %u %u\n", work, shared->req_prod, shared->req_event, shared->rsp_prod,
               shared->rsp_event);
    }
    /* A front end that claims more requests than fit. */
    shared->req_prod = back.req_cons + 1000;
    printf("claim %u %u\n", XEN_RING_NR_UNCONSUMED_REQUESTS(&back), RING_HAS_UNCONSUMED_REQUESTS(&back));
}

/* A byte ring: as much in and out as fits. */
static void byte_ring(void)
{
    const RING_IDX size = 64;
    unsigned char ring[64], data[64];
    RING_IDX prod = 0, cons = 0, masked;
    unsigned int step, i, n;

    for (step = 0; step < 300; step++) {
        n = next_random() % (size - bytes_queued(prod, cons, size) + 1);
        for (i = 0; i < n; i++)
            data[i] = (unsigned char)next_random();
        masked = bytes_mask(prod, size);
        if (n > 0)
            bytes_write_packet(ring, data, n, &masked, bytes_mask(cons, size), size);
        prod += n;
        printf("bytes %u: in %u masked %u queued %u", step, n, masked, bytes_queued(prod, cons, size));
        n = next_random() % (bytes_queued(prod, cons, size) + 1);
        memset(data, 0, sizeof(data));
        masked = bytes_mask(cons, size);
        if (n > 0)
            bytes_read_packet(data, ring, n, bytes_mask(prod, size), &masked, size);
        cons += n;
        printf(" out %u masked %u at %ld:", n, masked, (long)(bytes_get_ring_ptr(ring, cons, size) - ring));
        for (i = 0; i < n; i++)
            printf(" %02x", data[i]);
        printf("\n");
    }
    printf("flex %lu %lu %lu %u\n", XEN_FLEX_RING_SIZE(0), XEN_FLEX_RING_SIZE(3),
           offsetof(struct bytes_data_intf, ref), xencons_mask(5000, 2048));
}

static void hashes(void)
{
    uint8_t key[40], data[36];
    unsigned int step, i;

    for (step = 0; step < 50; step++) {
        for (i = 0; i < sizeof(key); i++)
            key[i] = (uint8_t)next_random();
        for (i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)next_random();
        printf("hash %08x %08x\n", xen_netif_toeplitz_hash(key, sizeof(key), data, step % 37),
               xen_netif_toeplitz_hash(key, step % 7, data, 12));
    }
}

static void the_rest(void)
{
    XEN_GUEST_HANDLE(void) handle;
    xen_uuid_t uuid = XEN_DEFINE_UUID(0x00112233, 0x4455, 0x6677, 0x8899, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff);
    struct trap_info trap = { .flags = 0 };
    static struct mc_info info;
    struct mcinfo_common *entry;
    unsigned int i, type;
    const char *messages[] = GNTTABOP_error_msgs;

    set_xen_guest_handle(handle, page);
    printf("handle %d\n", handle.p == page);
    for (i = 0; i < 16; i++)
        printf("%02x", uuid.a[i]);
    TI_SET_DPL(&trap, 3);
    printf(" trap %d %d", TI_GET_DPL(&trap), TI_GET_IF(&trap));
    TI_SET_IF(&trap, 17);
    printf(" %d %d %x\n", TI_GET_DPL(&trap), TI_GET_IF(&trap), trap.flags);
    printf("cr3 %lx %lx\n", xen_pfn_to_cr3(0x12345), xen_cr3_to_pfn(0x12345fff));

    info.mi_nentries = 3;
    entry = x86_mcinfo_first(&info);
    for (i = 0; i < 3; i++) {
        entry->type = (uint16_t)(i * 2 + 1);
        entry->size = (uint16_t)(16 + i * 8);
        entry = x86_mcinfo_next(entry);
    }
    for (type = 0; type < 7; type++) {
        struct mcinfo_common *found_entry;
        struct mc_info *list = &info;

        x86_mcinfo_lookup(found_entry, list, type);
        printf("mca %u: %ld\n", type, found_entry ? (long)((char *)found_entry - (char *)&info) : -1);
    }
    printf("messages %zu, xenstore errors %zu, save %zu %zu\n", sizeof(messages) / sizeof(messages[0]),
           sizeof(struct xsd_errors), (size_t)HVM_SAVE_CODE(VMCE_VCPU), (size_t)HVM_SAVE_LENGTH(VMCE_VCPU));
}

int main(void)
{
    ring_sizes();
    message_ring();
    byte_ring();
    hashes();
    the_rest();
    return 0;
}
