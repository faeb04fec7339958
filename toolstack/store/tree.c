/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes: shared, counted, copied on change.
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* -- Permissions ----------------------------------------------------------------------------------------- */

struct perms *perms_new(const struct store_perm *entry, uint32_t count, uint64_t stamp)
{
    struct perms *perms = malloc(sizeof(*perms) + count * sizeof(*entry));

    if (!perms)
        return NULL;
    perms->refs = 1;
    perms->count = count;
    perms->stamp = stamp;
    memcpy(perms->entry, entry, count * sizeof(*entry));
    return perms;
}

struct perms *perms_get(struct perms *perms)
{
    perms->refs++;
    return perms;
}

void perms_put(struct perms *perms)
{
    if (--perms->refs == 0)
        free(perms);
}

/* -- Nodes ----------------------------------------------------------------------------------------------- */

/* A child's slot in the parent counts with the child; so the copy of a parent counts them again. */
static size_t own_bytes(const struct node *node)
{
    return sizeof(*node) + node->named.length + node->value_bytes +
           node->perms->count * sizeof(node->perms->entry[0]);
}

size_t node_bytes(const struct node *node)
{
    return own_bytes(node) + sizeof(struct named *);
}

static size_t all_bytes(const struct node *node)
{
    return own_bytes(node) + node->children.count * sizeof(struct named *);
}

struct node *node_new(struct tree_common *common, const char *name, size_t length, struct perms *perms)
{
    struct node *node = calloc(1, sizeof(*node) + length);

    if (!node)
        return NULL;
    memcpy(node->text, name, length);
    node->named = (struct named){ node->text, length };
    node->refs = 1;
    node->perms = perms_get(perms);
    node->changed = node->relisted = ++common->clock;
    common->bytes += all_bytes(node);
    return node;
}

struct node *node_get(struct node *node)
{
    node->refs++;
    return node;
}

void node_put(struct tree_common *common, struct node *node)
{
    if (--node->refs)
        return;
    node->next_dead = common->dead;
    common->dead = node;
}

bool tree_reap(struct tree_common *common, unsigned budget)
{
    while (common->dead && budget--) {
        struct node *node = common->dead;

        common->dead = node->next_dead;
        common->bytes -= all_bytes(node);
        for (uint32_t i = 0; i < node->children.count; i++)
            node_put(common, node_child(node, i));
        names_free(&node->children);
        perms_put(node->perms);
        free(node->value);
        free(node);
    }
    return common->dead != NULL;
}

bool value_copy(char **copy, const void *value, size_t bytes)
{
    *copy = NULL;
    if (bytes == 0)
        return true;
    *copy = malloc(bytes);
    if (*copy)
        memcpy(*copy, value, bytes);
    return *copy != NULL;
}

void node_set_value(struct tree_common *common, struct node *node, char *value, size_t bytes)
{
    free(node->value);
    node->value = value;
    common->bytes += bytes - node->value_bytes;
    node->value_bytes = bytes;
    node->changed = ++common->clock;
}

static struct node *copy_node(struct tree_common *common, const struct node *from)
{
    struct node *node = node_new(common, from->named.name, from->named.length, from->perms);
    char *value;

    if (!node)
        return NULL;
    if (!value_copy(&value, from->value, from->value_bytes))
        goto fail;
    node_set_value(common, node, value, from->value_bytes);
    if (!names_copy(&node->children, &from->children))
        goto fail;
    for (uint32_t i = 0; i < node->children.count; i++)
        node_get(node_child(node, i));
    node->listing_bytes = from->listing_bytes;
    node->changed = from->changed;
    node->relisted = from->relisted;
    common->bytes += node->children.count * sizeof(struct named *);
    return node;

fail:
    node_put(common, node);
    return NULL;
}

void node_set_perms(struct tree_common *common, struct node *node, struct perms *perms)
{
    struct perms *old = node->perms;

    common->bytes -= own_bytes(node);
    node->perms = perms_get(perms);
    common->bytes += own_bytes(node);
    perms_put(old);
    node->changed = ++common->clock;
}

/* -- Looking up ------------------------------------------------------------------------------------------ */

void tree_find(struct node *root, const char *path, struct tree_place *place)
{
    const char *name;
    size_t length;

    *place = (struct tree_place){ .node = root, .rest = path };
    while (path_next(&path, &name, &length)) {
        uint32_t at;

        if (place->node) {
            place->parent = place->node;
            place->node = names_find(&place->node->children, name, length, &at)
                              ? node_child(place->parent, at) : NULL;
            place->rest = place->node ? path : name;
        }
        if (!place->node)
            place->missing++;
    }
}

struct node *tree_node(struct node *root, const char *path)
{
    const char *name;
    size_t length;
    uint32_t at;

    while (root && path_next(&path, &name, &length))
        root = names_find(&root->children, name, length, &at) ? node_child(root, at) : NULL;
    return root;
}

/* -- Changes --------------------------------------------------------------------------------------------- */

/* Make the node in this slot the tree's own. */
static struct node *own(struct tree_common *common, struct node **slot)
{
    struct node *copy;

    if ((*slot)->refs == 1)
        return *slot;
    copy = copy_node(common, *slot);
    if (!copy)
        return NULL;
    node_put(common, *slot);
    *slot = copy;
    return copy;
}

/*
 * Make everything on the way down the path the tree's own, for as many components as exist, but the last
 * `spare`. Returns the last of these; *rest is what comes behind.
 */
static struct node *own_way(struct tree_common *common, struct node **root, const char *path, unsigned spare,
                            const char **rest)
{
    struct node *node = own(common, root);
    unsigned count = 0;
    const char *name, *scan = path;
    size_t length;

    while (path_next(&scan, &name, &length))
        count++;
    *rest = path;
    while (node && count-- > spare && path_next(&path, &name, &length)) {
        uint32_t at;

        if (!names_find(&node->children, name, length, &at))
            break;
        node = own(common, (struct node **)&node->children.at[at]);
        *rest = path;
    }
    return node;
}

struct node *tree_own(struct tree_common *common, struct node **root, const char *path)
{
    const char *rest;

    return own_way(common, root, path, 0, &rest);
}

/* The parent owns itself and has room. Takes over the reference to the child. */
static void link_child(struct tree_common *common, struct node *parent, uint32_t at, struct node *child)
{
    names_put(&parent->children, at, &child->named);
    parent->listing_bytes += child->named.length + 1;
    parent->relisted = ++common->clock;
    common->bytes += sizeof(struct named *);
}

static void unlink_child(struct tree_common *common, struct node *parent, uint32_t at)
{
    struct node *child = node_child(parent, at);

    names_drop(&parent->children, at);
    parent->listing_bytes -= child->named.length + 1;
    parent->relisted = ++common->clock;
    common->bytes -= sizeof(struct named *);
    node_put(common, child);
}

struct node *tree_make(struct tree_common *common, struct node **root, const char *path, struct perms *perms)
{
    struct node *above, *top, *last;
    const char *name;
    size_t length;
    uint32_t at;

    above = own_way(common, root, path, 0, &path);
    if (!above || !names_reserve(&above->children) || !path_next(&path, &name, &length))
        return NULL;
    names_find(&above->children, name, length, &at);
    top = last = node_new(common, name, length, perms);
    while (last && path_next(&path, &name, &length)) {
        struct node *child = names_reserve(&last->children) ? node_new(common, name, length, perms) : NULL;

        if (!child) {
            node_put(common, top);
            return NULL;
        }
        link_child(common, last, 0, child);
        last = child;
    }
    if (top)
        link_child(common, above, at, top);
    return last;
}

bool tree_remove(struct tree_common *common, struct node **root, const char *path)
{
    struct node *parent = own_way(common, root, path, 1, &path);
    const char *name;
    size_t length;
    uint32_t at;

    if (!parent || !path_next(&path, &name, &length))
        return false;
    if (names_find(&parent->children, name, length, &at))
        unlink_child(common, parent, at);
    return true;
}

bool tree_graft(struct tree_common *common, struct node **root, const char *path, struct node *node)
{
    struct node *parent = own_way(common, root, path, 1, &path);
    const char *name;
    size_t length;
    uint32_t at;

    if (!parent || !names_reserve(&parent->children) || !path_next(&path, &name, &length))
        return false;
    if (names_find(&parent->children, name, length, &at)) {
        node_put(common, node_child(parent, at));
        parent->children.at[at] = &node_get(node)->named;
    } else {
        link_child(common, parent, at, node_get(node));
    }
    return true;
}

/* -- Walks ----------------------------------------------------------------------------------------------- */

struct node *tree_walk_first(struct tree_walk *walk, struct node *top)
{
    walk->at[0] = top;
    walk->next[0] = 0;
    walk->depth = 1;
    return top;
}

struct node *tree_walk_next(struct tree_walk *walk)
{
    while (walk->depth) {
        struct node *node = walk->at[walk->depth - 1];

        if (walk->next[walk->depth - 1] < node->children.count) {
            struct node *child = node_child(node, walk->next[walk->depth - 1]++);

            walk->at[walk->depth] = child;
            walk->next[walk->depth] = 0;
            walk->depth++;
            return child;
        }
        walk->depth--;
    }
    return NULL;
}
