/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked circular lists with the links inside the elements. A head is a link of its own; an element
 * that stands in no list is linked to itself.
 */
#pragma once

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l) { l->next = l->prev = l; }

static inline bool list_empty(const struct list *l) { return l->next == l; }

/* Behind the head, or behind any other element. */
static inline void list_add(struct list *e, struct list *head)
{
    *e = (struct list){ head->next, head };
    e->next->prev = head->next = e;
}

static inline void list_add_tail(struct list *e, struct list *head) { list_add(e, head->prev); }

/* Takes e out of its list, and leaves it linked to itself, so that a second removal does nothing. */
static inline void list_del(struct list *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
    list_init(e);
}

#define list_entry(p, type, member) container_of(p, type, member)

#define list_for_each(type, e, head, member)                                                \
    for (type *e = list_entry((head)->next, type, member); &e->member != (head);            \
         e = list_entry(e->member.next, type, member))
