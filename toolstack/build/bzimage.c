/* SPDX-License-Identifier: MIT */
/*
 * The setup header of a bzImage.
 */
#include "bzimage.h"

#include <inttypes.h>
#include <string.h>

#define SECTOR 512u
#define DEFAULT_SETUP_SECTORS 4u    /* what 0 means, in very old images */
#define VERSION_WITH_PAYLOAD 0x208u
/* Smaller than this a payload cannot be an ELF header and the size behind it. */
#define PAYLOAD_MIN 68u

enum {
    SETUP_SECTORS = 0x1f1,          /* 1 byte */
    BOOT_FLAG = 0x1fe,              /* 2: 0xaa55 */
    MAGIC = 0x202,                  /* 4: "HdrS" */
    VERSION = 0x206,                /* 2 */
    PAYLOAD_OFFSET = 0x248,         /* 4: from the end of the setup sectors */
    PAYLOAD_LENGTH = 0x24c,         /* 4 */
};

static uint32_t number(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;

    memcpy(&value, at, bytes);
    return value;
}

bool is_bzimage(const uint8_t *head, size_t size)
{
    return size >= BZIMAGE_HEADER && number(head + BOOT_FLAG, 2) == 0xaa55 && memcmp(head + MAGIC, "HdrS",
                                                                                     4) == 0;
}

int bzimage_payload(const uint8_t *head, size_t size, uint64_t file_size, const char *path, uint64_t *start,
                    uint64_t *payload_size, struct tn_error *err)
{
    uint32_t version, sectors;

    if (!is_bzimage(head, size))
        return tn_fail(err, "kernel %s: no bzImage: give Linux's vmlinuz", path);
    version = number(head + VERSION, 2);
    if (version < VERSION_WITH_PAYLOAD)
        return tn_fail(err, "kernel %s: a bzImage of boot protocol %u.%02u, which does not say where its ELF"
                            " image lies: give one of 2.08 or later, or its vmlinux", path, version >> 8,
                       version & 0xff);
    sectors = head[SETUP_SECTORS] ? head[SETUP_SECTORS] : DEFAULT_SETUP_SECTORS;
    *start = (uint64_t)(sectors + 1) * SECTOR + number(head + PAYLOAD_OFFSET, 4);
    *payload_size = number(head + PAYLOAD_LENGTH, 4);
    if (*payload_size < PAYLOAD_MIN)
        return tn_fail(err, "kernel %s: a bzImage without a payload (%" PRIu64 " bytes): the file is"
                            " damaged, or was built without one", path, *payload_size);
    if (*start > file_size || file_size - *start < *payload_size)
        return tn_fail(err, "kernel %s: truncated: its payload ends at %" PRIu64 ", the file at %" PRIu64
                            " bytes", path, *start + *payload_size, file_size);
    return 0;
}
