/* SPDX-License-Identifier: MIT */
/*
 * FIFO events: a port has a word with its flags and the port that follows it in a queue; a vCPU has a queue a
 * priority, whose heads and ready bits are in its control block. Words and control blocks are pages of the
 * guest, which may write there what it likes. So they are told what happened, and nothing is concluded from
 * them but whether a port is masked or linked: no link is followed and no head is read, and the tails are
 * kept here. A guest that spoils its words loses events of its own.
 *
 * A vCPU's fifo_lock guards its queues. What d->event.fifo names goes away under the event lock, and after
 * each vCPU's fifo_lock has been taken once: whoever holds one of these may use what it found.
 */
#include "event/private.h"

#include "pv/hypercall.h"

#define EVENT_BUSY     (1u << EVTCHN_FIFO_BUSY)
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))

struct fifo_queues {
    struct evtchn_fifo_control_block *block;    /* NULL: none yet */
    u32 tail[EVTCHN_FIFO_MAX_QUEUES];           /* the port that was put in last; 0: none was */
};

struct event_fifo {
    unsigned int nr_words;                      /* ports that have a word */
    event_word_t *pages[EVTCHN_PORTS / WORDS_PER_PAGE];
    struct fifo_queues queues[];                /* one a vCPU */
};

static event_word_t *word_of(struct event_fifo *f, unsigned int port)
{
    return port < load_acquire(&f->nr_words) ? &f->pages[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE] : NULL;
}

/* --- queues --- */

/*
 * Locks the queues of v, which chn's event is for, and those that chn was last in. Returns the other vCPU,
 * which may be v itself. NULL: the port has moved each time that its queue was about to be locked, and loses
 * the event.
 */
static struct vcpu *lock_queues(struct vcpu *v, const struct evtchn *chn)
{
    for (unsigned int tries = 0; tries < 8; tries++) {
        struct vcpu *last = v->domain->vcpu[READ_ONCE(chn->queue_vcpu)];

        spin_lock_pair(&v->event.fifo_lock, &last->event.fifo_lock);
        if (READ_ONCE(chn->queue_vcpu) == last->id)
            return last;
        spin_unlock_pair(&v->event.fifo_lock, &last->event.fifo_lock);
    }
    return NULL;
}

/*
 * Makes port follow the one whose word this is; false where that is in no queue any more. The guest may
 * change the word at the same time: BUSY makes it wait, and one that does not wait loses the event.
 */
static bool set_link(event_word_t *word, u32 port)
{
    event_word_t old = READ_ONCE(*word);

    for (unsigned int tries = 0; tries < 8 && old & EVENT_LINKED; tries++) {
        if (atomic_cmpxchg(word, &old, (old & ~(EVENT_BUSY | EVTCHN_FIFO_LINK_MASK)) | port))
            return true;
        old = atomic_or(word, EVENT_BUSY) | EVENT_BUSY;
    }
    return atomic_and(word, ~EVENT_BUSY) & EVENT_LINKED;
}

/* Puts chn at the end of its queue of v; true where the queue becomes ready. */
static bool enqueue(struct event_fifo *f, struct vcpu *v, struct evtchn *chn)
{
    struct fifo_queues *last = &f->queues[chn->queue_vcpu], *q = &f->queues[v->id];
    unsigned int priority = READ_ONCE(chn->priority);
    u32 *tail = &q->tail[priority];
    bool linked;

    if (atomic_or(word_of(f, chn->port), EVENT_LINKED) & EVENT_LINKED)
        return false;
    /* The guest has taken the port out: a queue that ended with it is empty. */
    if (last->tail[chn->queue_priority] == chn->port)
        last->tail[chn->queue_priority] = 0;
    WRITE_ONCE(chn->queue_vcpu, (u8)v->id);
    chn->queue_priority = (u8)priority;
    linked = *tail && set_link(word_of(f, *tail), chn->port);
    if (!linked)
        WRITE_ONCE(q->block->head[priority], chn->port);
    *tail = chn->port;
    return !linked && !(atomic_or(&q->block->ready, 1u << priority) & (1u << priority));
}

static void fifo_set_pending(struct domain *d, struct evtchn *chn)
{
    struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)], *last = v ? lock_queues(v, chn) : NULL;
    u32 was = EVENT_PENDING;
    struct event_fifo *f;
    bool ready = false;

    if (!last)
        return;
    f = d->event.fifo;
    if (f && !word_of(f, chn->port)) {
        chn->pending = true;
    } else if (f && f->queues[v->id].block) {
        was = atomic_or(word_of(f, chn->port), EVENT_PENDING);
        ready = !(was & (EVENT_MASKED | EVENT_LINKED)) && enqueue(f, v, chn);
    }
    spin_unlock_pair(&v->event.fifo_lock, &last->event.fifo_lock);
    if (ready)
        vcpu_notify(v);
    if (!(was & EVENT_PENDING))
        wake_pollers(d, chn->port);
}

/* d is the current domain. */
static void fifo_unmask(struct domain *d, struct evtchn *chn)
{
    spin_lock(&current->event.fifo_lock);
    event_word_t *word = d->event.fifo ? word_of(d->event.fifo, chn->port) : NULL;
    event_word_t was = word ? atomic_and(word, ~EVENT_MASKED) : 0;
    spin_unlock(&current->event.fifo_lock);
    if (was & EVENT_PENDING)
        fifo_set_pending(d, chn);
}

static void fifo_clear_pending(struct domain *d, struct evtchn *chn)
{
    event_word_t *word = word_of(d->event.fifo, chn->port);

    chn->pending = false;
    if (word)
        atomic_and(word, ~EVENT_PENDING);
}

static u32 fifo_flags(struct domain *d, const struct evtchn *chn)
{
    event_word_t *word = d->event.fifo ? word_of(d->event.fifo, chn->port) : NULL;

    return word ? READ_ONCE(*word) : 0;
}

const struct event_mode fifo_mode = {
    .ports = EVTCHN_PORTS,
    .set_pending = fifo_set_pending,
    .unmask = fifo_unmask,
    .clear_pending = fifo_clear_pending,
    .flags = fifo_flags,
};

/* --- pages of the guest --- */

static void *page_get(struct domain *d, mfn_t mfn)
{
    return frame_get_and_type(mfn, d, FRAME_WRITABLE) ? mfn_to_virt(mfn) : NULL;
}

static void page_put(void *p)
{
    if (p)
        frame_put_and_type(mfn_to_frame(virt_to_mfn(p)));
}

/* Returns when all that were in this file with what they had found before have left it. */
static void wait_for_users(struct domain *d)
{
    for_each_vcpu(d, v) {
        spin_lock(&v->event.fifo_lock);
        spin_unlock(&v->event.fifo_lock);
    }
}

/* Events that are pending now come with their port's word. */
static void change_to_fifo(struct domain *d, struct event_fifo *f)
{
    d->event.fifo = f;
    WRITE_ONCE(d->event.mode, &fifo_mode);
    smp_mb();   /* whoever sets a bit that the loop does not see, sees this */
    for (unsigned int port = 1; port < min(d->event.valid_ports, (unsigned int)EVTCHN_2L_PORTS); port++)
        if (port_to_chn(d, port)->state != CHN_FREE && test_bit(port, d->shared_info->evtchn_pending))
            port_to_chn(d, port)->pending = true;
}

int fifo_init_control(struct vcpu *v, mfn_t mfn, unsigned int offset)
{
    struct domain *d = v->domain;

    if (offset % 8 || offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -EINVAL;
    spin_guard(&d->event.lock);
    struct event_fifo *f = d->event.fifo;
    if (!f)
        f = domain_xzalloc_bytes(d, sizeof(*f) + d->max_vcpus * sizeof(f->queues[0]));
    if (!f)
        return -ENOMEM;
    char *page = f->queues[v->id].block ? NULL : page_get(d, mfn);
    if (page)
        store_release(&f->queues[v->id].block, (struct evtchn_fifo_control_block *)(page + offset));
    if (f != d->event.fifo && page)
        change_to_fifo(d, f);
    else if (f != d->event.fifo)
        domain_xfree(d, f);
    return page ? 0 : -EINVAL;
}

int fifo_expand_array(struct domain *d, mfn_t mfn)
{
    spin_guard(&d->event.lock);
    struct event_fifo *f = d->event.fifo;
    if (!f)
        return -EOPNOTSUPP;
    unsigned int port = f->nr_words;
    if (port == EVTCHN_PORTS)
        return -ENOSPC;
    f->pages[port / WORDS_PER_PAGE] = page_get(d, mfn);
    if (!f->pages[port / WORDS_PER_PAGE])
        return -EINVAL;
    store_release(&f->nr_words, port + WORDS_PER_PAGE);
    /* Those who saw no word have noted their event when this returns. */
    wait_for_users(d);
    for (; port < min(f->nr_words, d->event.valid_ports); port++) {
        struct evtchn *chn = port_to_chn(d, port);

        if (chn->pending) {
            chn->pending = false;
            fifo_set_pending(d, chn);
        }
    }
    return 0;
}

void fifo_destroy(struct domain *d)
{
    struct event_fifo *f = d->event.fifo;

    if (!f)
        return;
    WRITE_ONCE(d->event.mode, &two_level_mode);
    WRITE_ONCE(d->event.fifo, NULL);
    wait_for_users(d);
    for (unsigned int i = 0; i < f->nr_words / WORDS_PER_PAGE; i++)
        page_put(f->pages[i]);
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        page_put(f->queues[i].block);
    domain_xfree(d, f);
}
