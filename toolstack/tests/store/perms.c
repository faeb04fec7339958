/* SPDX-License-Identifier: MIT */
/*
 * Permissions: who may read, write and set them, how they are inherited, and that they end with the domain
 * that they name.
 */
#include "client.h"

static struct client *a, *one, *two;

static void access_letters(void)
{
    says(a, XS_WRITE, 0, "/n|v", "OK|");
    says(a, XS_GET_PERMS, 0, "/n|", "n0|");
    says(one, XS_READ, 0, "/n|", "ERROR EACCES|");
    says(one, XS_GET_PERMS, 0, "/n|", "ERROR EACCES|");
    says(one, XS_READ, 0, "/n/below|", "ERROR EACCES|");
    says(one, XS_WRITE, 0, "/n|w", "ERROR EACCES|");
    says(one, XS_MKDIR, 0, "/n/below|", "ERROR EACCES|");
    says(one, XS_RM, 0, "/n|", "ERROR EACCES|");
    says(one, XS_RM, 0, "/n/below|", "ERROR EACCES|");
    says(a, XS_SET_PERMS, 0, "/n|n0|r1|", "OK|");
    says(one, XS_READ, 0, "/n|", "v");
    says(one, XS_GET_PERMS, 0, "/n|", "n0|r1|");
    says(one, XS_READ, 0, "/n/below|", "ERROR ENOENT|");
    says(one, XS_WRITE, 0, "/n|w", "ERROR EACCES|");
    says(two, XS_READ, 0, "/n|", "ERROR EACCES|");
    says(a, XS_SET_PERMS, 0, "/n|r0|w1|", "OK|");
    says(one, XS_READ, 0, "/n|", "ERROR EACCES|");
    says(one, XS_WRITE, 0, "/n|w", "OK|");
    says(two, XS_READ, 0, "/n|", "w");
    says(two, XS_WRITE, 0, "/n|x", "ERROR EACCES|");
    says(a, XS_SET_PERMS, 0, "/n|b0|n1|", "OK|");
    says(one, XS_READ, 0, "/n|", "ERROR EACCES|");
    says(two, XS_WRITE, 0, "/n|x", "OK|");
    says(two, XS_READ, 0, "/n|", "x");
    says(two, XS_SET_PERMS, 0, "/n|b0|", "ERROR EACCES|");
    says(two, XS_SET_PERMS, 0, "/n/below|b0|", "ERROR ENOENT|");
    says(one, XS_SET_PERMS, 0, "/n/below|b0|", "ERROR EACCES|");
    says(two, XS_RM, 0, "/n|", "OK|");
}

static void ownership(void)
{
    says(a, XS_WRITE, 0, "/home/f|", "OK|");
    says(a, XS_SET_PERMS, 0, "/home|n1|r2|", "OK|");
    says(one, XS_WRITE, 0, "/home/x/y|v", "OK|");
    says(one, XS_GET_PERMS, 0, "/home/x|", "n1|r2|");
    says(one, XS_GET_PERMS, 0, "/home/x/y|", "n1|r2|");
    says(one, XS_READ, 0, "/home/f|", "ERROR EACCES|");
    says(two, XS_READ, 0, "/home/x/y|", "v");
    says(two, XS_MKDIR, 0, "/home/x/z|", "ERROR EACCES|");
    says(one, XS_SET_PERMS, 0, "/home/x|b1|", "OK|");
    says(two, XS_MKDIR, 0, "/home/x/z|", "OK|");
    says(two, XS_GET_PERMS, 0, "/home/x/z|", "b2|");
    says(one, XS_SET_PERMS, 0, "/home/x/z|b1|", "ERROR EACCES|");
    says(two, XS_SET_PERMS, 0, "/home/x/z|b1|", "ERROR EPERM|");
    says(a, XS_MKDIR, 0, "/home/x/by0|", "OK|");
    says(a, XS_GET_PERMS, 0, "/home/x/by0|", "b1|");
    says(one, XS_RM, 0, "/home/f|", "ERROR EACCES|");
    says(one, XS_RM, 0, "/home/x|", "OK|");
    says(a, XS_READ, 0, "/home/x/z|", "ERROR ENOENT|");
    says(a, XS_READ, 0, "/home/f|", "");
}

static void malformed(void)
{
    static const char *const bad[] = {
        "/home|", "/home|x1|", "/home|n|", "/home||", "/home|n1|r|", "/home|n65536|", "/home|n-1|",
        "/home|n1x|", "/home|n1", "|n1|", "/home/|n1|",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        says(a, XS_SET_PERMS, 0, bad[i], "ERROR EINVAL|");
    says(a, XS_SET_PERMS, 0, "/none|n0|", "ERROR ENOENT|");
    says(a, XS_SET_PERMS, 0, "@none|n0|", "ERROR ENOENT|");
    says(a, XS_SET_PERMS, 0, "/home|n77|", "ERROR ENOENT|");
    says(a, XS_GET_PERMS, 0, "/home|", "n1|r2|");
}

/* A domain may be allowed to act for another one. */
static void targets(void)
{
    says(two, XS_WRITE, 0, "/home/t|x", "ERROR EACCES|");
    says(two, XS_SET_TARGET, 0, "2|1|", "ERROR EACCES|");
    says(a, XS_SET_TARGET, 0, "2|9|", "ERROR ENOENT|");
    says(a, XS_SET_TARGET, 0, "2|", "ERROR EINVAL|");
    says(a, XS_SET_TARGET, 0, "2|1|", "OK|");
    says(two, XS_WRITE, 0, "/home/t|x", "OK|");
    says(two, XS_GET_PERMS, 0, "/home/t|", "n2|r2|");
    says(two, XS_SET_PERMS, 0, "/home|n1|b2|", "OK|");
    says(a, XS_WRITE, 0, "/for1|x", "OK|");
    says(a, XS_SET_PERMS, 0, "/for1|n0|r1|", "OK|");
    says(two, XS_READ, 0, "/for1|", "x");
    says(two, XS_WRITE, 0, "/for1|y", "ERROR EACCES|");
    says(one, XS_SET_PERMS, 0, "/home/t|n1|", "ERROR EACCES|");
}

/* The id of a dead domain is given to a new one. */
static void reused_id(void)
{
    struct client *again;

    says(a, XS_WRITE, 0, "/shared|s", "OK|");
    says(a, XS_SET_PERMS, 0, "/shared|n0|b1|r2|", "OK|");
    says(a, XS_SET_PERMS, 0, "@releaseDomain|n0|r1|", "OK|");
    says(one, XS_WRITE, 0, "/home/deep/er|v", "OK|");
    says(one, XS_WRITE, 0, "/shared/by1|v", "OK|");
    says(a, XS_WRITE, 0, "/home/deep/of0|v", "OK|");
    ok(store_release(store, 1) == 0 && one->closed, "domain 1 is released");
    client_ends(one);
    domain_states[1] = STORE_DOMAIN_NONE;
    says(a, XS_READ, 0, "/home|", "ERROR ENOENT|");
    says(a, XS_READ, 0, "/shared/by1|", "ERROR ENOENT|");
    says(a, XS_GET_PERMS, 0, "/shared|", "n0|r2|");
    says(two, XS_READ, 0, "/for1|", "ERROR EACCES|");
    again = guest(1);
    says(again, XS_READ, 0, "/shared|", "ERROR EACCES|");
    says(again, XS_WRITE, 0, "/shared|x", "ERROR EACCES|");
    says(a, XS_GET_PERMS, 0, "/shared|", "n0|r2|");
    says(a, XS_WRITE, 0, "/shared/new|x", "OK|");
    says(again, XS_READ, 0, "/shared/new|", "ERROR EACCES|");
    says(a, XS_SET_PERMS, 0, "/shared|b0|r1|", "OK|");
    says(two, XS_WRITE, 0, "/shared/by2|x", "OK|");
    says(again, XS_READ, 0, "/shared/by2|", "x");
    store_release(store, 1);
    client_ends(again);
    one = guest(1);
    says(two, XS_WRITE, 0, "/shared/by2/below|x", "OK|");
    says(two, XS_GET_PERMS, 0, "/shared/by2/below|", "b2|");
    store_is_sound("after ids were used again");
}

/* Permissions that name a domain which is not there yet do not mean the one that comes. */
static void future_id(void)
{
    struct client *three;

    says(a, XS_WRITE, 0, "/later|x", "OK|");
    says(a, XS_SET_PERMS, 0, "/later|n0|r3|", "OK|");
    three = guest(3);
    says(three, XS_READ, 0, "/later|", "ERROR EACCES|");
    says(a, XS_SET_PERMS, 0, "/later|n0|r3|", "OK|");
    says(three, XS_READ, 0, "/later|", "x");
    store_release(store, 3);
    client_ends(three);
    /* A domain that exists, though it is not introduced yet, is meant. */
    says(a, XS_SET_PERMS, 0, "/later|n3|", "OK|");
    three = guest(3);
    says(three, XS_READ, 0, "/later|", "x");
    store_release(store, 3);
    client_ends(three);
    says(a, XS_READ, 0, "/later|", "ERROR ENOENT|");
}

void test_perms(void)
{
    store_begins(NULL);
    a = administrator();
    one = guest(1);
    two = guest(2);
    access_letters();
    ownership();
    malformed();
    targets();
    reused_id();
    future_id();
    store_is_sound("after work on permissions");
    client_ends(a);
    store_ends();
    client_ends(one);
    client_ends(two);
}
