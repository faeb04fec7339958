/* SPDX-License-Identifier: MIT */
/*
 * Watches: which changes fire them, once and in order, who may know, and special paths.
 */
#include "client.h"

static struct client *a, *g;

static void what_fires(void)
{
    says(a, XS_WATCH, 0, "/w/dir|tok|", "OK|");
    events_are(a, "/w/dir|tok|", "a watch fires at first");
    says(a, XS_WRITE, 0, "/w/dir|", "OK|");
    events_are(a, "/w/dir|tok|", "the path is made");
    says(a, XS_WRITE, 0, "/w/dir/a/b|", "OK|");
    events_are(a, "/w/dir/a/b|tok|", "something below is made, with its parent");
    says(a, XS_WRITE, 0, "/w/dirty|", "OK|");
    says(a, XS_WRITE, 0, "/w|", "OK|");
    says(a, XS_READ, 0, "/w/dir|", "");
    says(a, XS_MKDIR, 0, "/w/dir/a|", "OK|");
    says(a, XS_RM, 0, "/w/dir/none|", "OK|");
    says(a, XS_WRITE, 0, "/w/dir//|", "ERROR EINVAL|");
    events_are(a, "", "a sibling, the parent, no change, a failure");
    says(a, XS_WRITE, 0, "/w/dir/a/b|", "OK|");
    says(a, XS_SET_PERMS, 0, "/w/dir/a|r0|", "OK|");
    says(a, XS_MKDIR, 0, "/w/dir/c|", "OK|");
    says(a, XS_RM, 0, "/w/dir/a|", "OK|");
    events_are(a, "/w/dir/a/b|tok|/w/dir/a|tok|/w/dir/c|tok|/w/dir/a|tok|",
               "the same value, permissions, mkdir, rm");
    says(a, XS_RM, 0, "/w|", "OK|");
    events_are(a, "/w/dir|tok|", "something above is removed");
    says(a, XS_MKDIR, 0, "/w|", "OK|");
    says(a, XS_RM, 0, "/w|", "OK|");
    events_are(a, "", "what is above comes and goes without it");
    says(a, XS_UNWATCH, 0, "/w/dir|other|", "ERROR ENOENT|");
    says(a, XS_UNWATCH, 0, "/w|tok|", "ERROR ENOENT|");
    says(a, XS_WATCH, 0, "/w/dir|tok|", "ERROR EEXIST|");
    says(a, XS_UNWATCH, 0, "/w/dir|tok|", "OK|");
    says(a, XS_WRITE, 0, "/w/dir|", "OK|");
    events_are(a, "", "nothing is watched");
}

static void several(void)
{
    says(a, XS_WATCH, 0, "/|root|", "OK|");
    says(a, XS_WATCH, 0, "/s|one|", "OK|");
    says(a, XS_WATCH, 0, "/s|two|", "OK|");
    events_are(a, "/|root|/s|one|/s|two|", "three watches begin");
    says(a, XS_WRITE, 0, "/s/x|", "OK|");
    events_are(a, "/s/x|root|/s/x|one|/s/x|two|", "each tells of a change, from the root down");
    says(a, XS_UNWATCH, 0, "/s|one|", "OK|");
    says(a, XS_WRITE, 0, "/s/x|", "OK|");
    events_are(a, "/s/x|root|/s/x|two|", "those that are left");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
    says(a, XS_WRITE, 0, "/s/x|", "OK|");
    events_are(a, "", "all were dropped");
}

static void depths(void)
{
    says(a, XS_WATCH, 0, "/d|zero|0|", "OK|");
    says(a, XS_WATCH, 0, "/d|one|1|", "OK|");
    says(a, XS_WATCH, 0, "/d|any||", "OK|");
    says(a, XS_WATCH, 0, "/d|bad|x|", "ERROR EINVAL|");
    says(a, XS_WATCH, 0, "/d|bad|1|2|", "ERROR EINVAL|");
    events_are(a, "/d|zero|/d|one|/d|any|", "watches of depths begin");
    says(a, XS_WRITE, 0, "/d/1/2|", "OK|");
    says(a, XS_WRITE, 0, "/d/1|", "OK|");
    says(a, XS_WRITE, 0, "/d|", "OK|");
    events_are(a, "/d/1/2|any|/d/1|one|/d/1|any|/d|zero|/d|one|/d|any|", "each as deep as it asked");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
}

static void arguments(void)
{
    char text[3000];

    says(a, XS_WATCH, 0, "/x|", "ERROR EINVAL|");
    says(a, XS_WATCH, 0, "/x|t", "ERROR EINVAL|");
    says(a, XS_WATCH, 0, "", "ERROR EINVAL|");
    says(a, XS_WATCH, 0, "/x//|t|", "ERROR EINVAL|");
    says(a, XS_WATCH, 0, "|t|", "ERROR EINVAL|");
    says(a, XS_UNWATCH, 0, "/x|", "ERROR EINVAL|");
    says(a, XS_WATCH, 7777, "/x|t|", "OK|");        /* no transaction matters */
    says(a, XS_UNWATCH, 0, "/x|t|", "OK|");
    says(a, XS_WATCH, 0, "/x||", "OK|");
    events_are(a, "/x|t|/x||", "an empty token");
    says(a, XS_UNWATCH, 0, "/x||", "OK|");
    for (unsigned i = 0; i < 2000; i++)
        text[i] = 't';
    text[0] = '/';
    text[2] = '|';
    text[1999] = '|';
    text[2000] = '\0';
    says(a, XS_WATCH, 0, text, "ERROR EINVAL|");
}

static void relative_paths(void)
{
    says(a, XS_MKDIR, 0, "/local/domain/1|", "OK|");
    says(a, XS_SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
    says(g, XS_WATCH, 0, "device|rel|", "OK|");
    says(g, XS_WATCH, 0, "/local/domain/1/device|abs|", "OK|");
    events_are(g, "device|rel|/local/domain/1/device|abs|", "relative and absolute watches begin");
    says(g, XS_WRITE, 0, "device/vif/0|x", "OK|");
    says(g, XS_READ, 0, "/local/domain/1/device/vif/0|", "x");
    events_are(g, "device/vif/0|rel|/local/domain/1/device/vif/0|abs|", "events are as the watch was");
    says(g, XS_RM, 0, "/local/domain/1/device|", "OK|");
    events_are(g, "device|rel|/local/domain/1/device|abs|", "rm, too");
    says(g, XS_UNWATCH, 0, "device|rel|", "OK|");
    says(g, XS_UNWATCH, 0, "device|abs|", "OK|");
}

/* No one learns of nodes that he may not read. */
static void secrets(void)
{
    struct client *h = guest(2);
    uint32_t t;

    says(g, XS_WATCH, 0, "/|all|", "OK|");
    says(g, XS_WATCH, 0, "/secret|s|", "OK|");
    says(g, XS_WATCH, 0, "/secret/in|in|", "OK|");
    events_are(g, "/|all|/secret|s|/secret/in|in|", "a guest may watch what it likes");
    says(a, XS_WRITE, 0, "/secret/in/side|", "OK|");
    says(a, XS_WRITE, 0, "/secret/in|", "OK|");
    events_are(g, "", "what it may not read changes");
    says(a, XS_SET_PERMS, 0, "/secret/in|n0|r1|", "OK|");
    events_are(g, "/secret/in|all|/secret/in|s|/secret/in|in|", "now it may read it");
    says(a, XS_WRITE, 0, "/secret/in|", "OK|");
    events_are(g, "/secret/in|all|/secret/in|s|/secret/in|in|", "and sees it change");
    says(a, XS_SET_PERMS, 0, "/secret/in|n0|", "OK|");
    events_are(g, "/secret/in|all|/secret/in|s|/secret/in|in|", "the right is taken away");
    says(a, XS_SET_PERMS, 0, "/secret/in|n0|r1|", "OK|");
    events_are(g, "/secret/in|all|/secret/in|s|/secret/in|in|", "and given");
    says(a, XS_RM, 0, "/secret|", "OK|");
    events_are(g, "/secret/in|in|", "the secret place goes: only what it could read is told");
    says(a, XS_MKDIR, 0, "/open|", "OK|");
    says(a, XS_SET_PERMS, 0, "/open|b0|", "OK|");
    events_are(g, "/open|all|", "a place for all");
    says(h, XS_MKDIR, 0, "/open/one|", "OK|");
    says(h, XS_SET_PERMS, 0, "/open/one|n2|", "OK|");
    events_are(g, "/open/one|all|/open/one|all|", "what is made there can be seen, by its parent");
    says(h, XS_MKDIR, 0, "/open/one/two/three|", "OK|");
    says(h, XS_RM, 0, "/open/one/two|", "OK|");
    t = begin(a);
    says(a, XS_WRITE, t, "/open/one/four/five|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    t = begin(a);
    says(a, XS_RM, t, "/open/one/four/five|", "OK|");
    says(a, XS_RM, t, "/open/one/four|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    events_are(g, "", "what is made and removed below a secret of another is not");
    store_release(store, 2);
    client_ends(h);
    events_are(g, "/open/one|all|", "its owner dies, and it goes with him");
    says(a, XS_RM, 0, "/open|", "OK|");
    says(g, XS_RESET_WATCHES, 0, "|", "OK|");
}

static void special_paths(void)
{
    struct client *h;

    says(a, XS_WATCH, 0, "@introduceDomain|i|", "OK|");
    says(a, XS_WATCH, 0, "@releaseDomain|r|", "OK|");
    says(g, XS_WATCH, 0, "@introduceDomain|gi|", "OK|");
    says(g, XS_WATCH, 0, "@releaseDomain|gr|", "OK|");
    says(a, XS_WATCH, 0, "/|all|", "OK|");
    events_are(a, "@introduceDomain|i|@releaseDomain|r|/|all|", "special watches begin");
    events_are(g, "@introduceDomain|gi|@releaseDomain|gr|", "a guest's too");
    h = guest(5);
    events_are(a, "@introduceDomain|i|", "a domain is introduced");
    domain_states[5] = STORE_DOMAIN_SHUTDOWN;
    store_domains_changed(store);
    store_domains_changed(store);
    events_are(a, "@releaseDomain|r|", "it shuts down: once");
    says(a, XS_RESUME, 0, "5|", "OK|");
    store_domains_changed(store);
    events_are(a, "@releaseDomain|r|", "resumed, it is told again");
    domain_states[5] = STORE_DOMAIN_NONE;
    store_domains_changed(store);
    ok(h->closed, "the connection of a domain that is gone is closed");
    client_ends(h);
    events_are(a, "@releaseDomain|r|", "it goes");
    events_are(g, "", "guests are not told of other domains");
    says(g, XS_SET_PERMS, 0, "@releaseDomain|n0|r1|", "ERROR EINVAL|");
    says(a, XS_GET_PERMS, 0, "@releaseDomain|", "ERROR EINVAL|");
    says(a, XS_SET_PERMS, 0, "@releaseDomain|n0|r1|", "OK|");
    h = guest(5);
    store_release(store, 5);
    client_ends(h);
    events_are(g, "@releaseDomain|gr|", "unless domain 0 lets them");
    events_are(a, "@introduceDomain|i|@releaseDomain|r|", "domain 0 knows both");
    says(a, XS_SET_PERMS, 0, "@other|n0|", "ERROR ENOENT|");
    says(a, XS_WATCH, 0, "@other|x|", "OK|");
    events_are(a, "@other|x|", "an unknown special path can be watched, for nothing");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
}

/* The same connection inside the program: events by a function, which may call the store. */
static void of_domain0(void)
{
    ok(store_watch(domain0, "/z", "z", -1) == 0 && store_watch(domain0, "/z", "z0", 0) == 0,
       "domain 0 watches");
    domain0_events_are("/z|z|/z|z0|", "they begin");
    store_write(domain0, 0, "/z/y", "", 0);
    store_write(domain0, 0, "/z", "", 0);
    domain0_events_are("/z/y|z|/z|z|/z|z0|", "changes");
    ok(store_unwatch(domain0, "/z", "z") == 0 && store_unwatch(domain0, "/z", "z") < 0, "unwatch, once");
    store_write(domain0, 0, "/z", "", 0);
    domain0_events_are("/z|z0|", "one is left");
    ok(store_unwatch(domain0, "/z", "z0") == 0, "none is");
}

/* Events that the client has not taken yet are not queued twice. */
static void pending_twice(void)
{
    says(a, XS_WATCH, 0, "/p|t|", "OK|");
    events_are(a, "/p|t|", "a watch begins");
    for (unsigned i = 0; i < 3; i++) {
        store_write(domain0, 0, "/p/1", "", 0);
        store_write(domain0, 0, "/p/2", "", 0);
    }
    events_are(a, "/p/1|t|/p/2|t|", "six changes of two paths before the client looks");
    store_write(domain0, 0, "/p/1", "", 0);
    events_are(a, "/p/1|t|", "the next one is told again");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
}

void test_watches(void)
{
    store_begins(NULL);
    a = administrator();
    g = guest(1);
    what_fires();
    several();
    depths();
    arguments();
    relative_paths();
    secrets();
    special_paths();
    of_domain0();
    pending_twice();
    store_is_sound("after watches");
    client_ends(a);
    store_ends();
    client_ends(g);
}
