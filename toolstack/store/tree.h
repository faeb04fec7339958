/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes. Nodes are counted and shared between trees: a transaction's snapshot is one more
 * reference to the root. A node with one reference on its whole way from the root belongs to one tree and is
 * changed in place; a change to a shared one copies it first, with the way to it.
 *
 * Paths here are absolute and valid. Nothing recurses: depth is up to the client.
 */
#ifndef TOOLSTACK_STORE_TREE_H
#define TOOLSTACK_STORE_TREE_H

#include "names.h"
#include "store.h"

#define STORE_DEPTH_MAX (XENSTORE_ABS_PATH_MAX / 2)
#define STORE_PATH_ROOM (XENSTORE_ABS_PATH_MAX + 1)      /* with the NUL */

/* Permissions, shared by the nodes that inherited them; never changed. */
struct perms {
    uint32_t refs;
    uint32_t count;                 /* at least 1: the owner */
    uint64_t stamp;                 /* of the store's clock: names no domain that was born later */
    struct store_perm entry[];
};

struct node {
    struct named named;
    struct names children;
    uint32_t refs;
    uint32_t value_bytes;
    uint32_t listing_bytes;         /* of the children's names, a NUL behind each */
    uint64_t changed;               /* stamp of the last change of value or permissions, or of its creation */
    uint64_t relisted;              /* and of the set of its children */
    struct perms *perms;
    char *value;
    struct node *next_dead;
    char text[];                    /* the name */
};

/* What trees of one store have in common. */
struct tree_common {
    uint64_t clock;                 /* gives stamps, never the same twice */
    size_t bytes;                   /* that all nodes take */
    struct node *dead;              /* nodes without references, not yet freed */
};

static inline struct node *node_child(const struct node *node, uint32_t place)
{
    return (struct node *)node->children.at[place];
}

/* NULL: no memory. Takes over nothing. */
struct perms *perms_new(const struct store_perm *entry, uint32_t count, uint64_t stamp);
struct perms *perms_get(struct perms *perms);
void perms_put(struct perms *perms);

/* A node of its own: no value, no children. NULL: no memory. */
struct node *node_new(struct tree_common *common, const char *name, size_t length, struct perms *perms);
struct node *node_get(struct node *node);
/* The last reference makes it dead: tree_reap() frees it, and lets go of its children. */
void node_put(struct tree_common *common, struct node *node);
/* Free up to `budget` dead nodes; true when there are more. */
bool tree_reap(struct tree_common *common, unsigned budget);

/* What the node takes of its owner's memory. */
size_t node_bytes(const struct node *node);

struct tree_place {
    struct node *node;              /* NULL: does not exist */
    struct node *parent;            /* NULL for the root; else the parent, or the last ancestor that exists */
    uint32_t missing;               /* components to make */
    const char *rest;               /* the path behind that ancestor; the empty string for a node */
};
void tree_find(struct node *root, const char *path, struct tree_place *place);
struct node *tree_node(struct node *root, const char *path);

/*
 * Changes; `root` is the tree's own pointer. On failure (no memory) the tree is as it was to any reader.
 */
/* An existing node made this tree's own, to be changed by node_set_*(). */
struct node *tree_own(struct tree_common *common, struct node **root, const char *path);
/* Make what is missing, with these permissions; the last is returned. The path does not exist yet. */
struct node *tree_make(struct tree_common *common, struct node **root, const char *path, struct perms *perms);
/* Remove an existing node that is not the root. */
bool tree_remove(struct tree_common *common, struct node **root, const char *path);
/* Put a shared node in the place of whatever is there; the parent exists. */
bool tree_graft(struct tree_common *common, struct node **root, const char *path, struct node *node);
/* The value is memory of malloc(), or NULL; the node takes it over. */
void node_set_value(struct tree_common *common, struct node *node, char *value, size_t bytes);
/* A copy for that; false: no memory. */
bool value_copy(char **copy, const void *value, size_t bytes);
void node_set_perms(struct tree_common *common, struct node *node, struct perms *perms);

/* All nodes of a subtree, each before its children; the tree must not change meanwhile. */
struct tree_walk {
    struct node *at[STORE_DEPTH_MAX + 1];
    uint32_t next[STORE_DEPTH_MAX + 1];
    unsigned depth;                 /* of what was returned last, 1 for the top */
};
struct node *tree_walk_first(struct tree_walk *walk, struct node *top);
struct node *tree_walk_next(struct tree_walk *walk);

#endif
