/* SPDX-License-Identifier: MIT */
/*
 * Random requests of three clients, over the wire, against a model that does the same the plain way: nodes
 * are rows of a table, a transaction is a copy of the table, and conflicts are found by comparing rows.
 *
 * The tree is three levels of three children: 40 rows, numbered level by level.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS      40
#define ROOT      0
#define CLIENTS   3         /* 0 is privileged; the others are the domains 1 and 2 */
#define TXS       3         /* of each client at most */
#define ENTRIES   3

enum { USED = 1, LISTED = 2, TREE = 4, SET = 8, PLACED = 16 };

struct entry {
    unsigned domid, birth;
    char access;
};

struct row {
    bool exists;
    char value[8];
    unsigned count;
    struct entry perms[ENTRIES];
    unsigned long changed, relisted;
};

struct tx_model {
    bool open, doomed;
    uint32_t id;
    bool charged[CLIENTS];
    unsigned notes[ROWS];
    struct row base[ROWS], now[ROWS];
};

static struct row rows[ROWS];
static struct tx_model txs[CLIENTS][TXS];
static struct client *clients[CLIENTS];
static unsigned births[CLIENTS];
static unsigned long stamps;
static uint64_t random_state;

static unsigned pick(unsigned count)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % count;
}

/* -- The table ------------------------------------------------------------------------------------------- */

static int parent_of(int i)
{
    return i == ROOT ? -1 : (i - 1) / 3;
}

static const char *path_of(int i)
{
    static char path[8];
    char *end = path + sizeof(path) - 1;

    if (i == ROOT)
        return "/";
    *end = '\0';
    for (; i != ROOT; i = parent_of(i)) {
        *--end = 'a' + (i - 1) % 3;
        *--end = '/';
    }
    return end;
}

static bool below(int i, int top)
{
    while (i > top)
        i = parent_of(i);
    return i == top;
}

static bool valid(const struct entry *e)
{
    return e->birth == births[e->domid];
}

static unsigned owner_of(const struct row *row)
{
    return valid(&row->perms[0]) ? row->perms[0].domid : 0;
}

/* What the client may do with the node: 'r', 'w' and 'o' in a string. */
static const char *rights(unsigned who, const struct row *row)
{
    const struct entry *e = &row->perms[0];

    if (who == 0 || (e->domid == who && valid(e)))
        return "rwo";
    for (unsigned i = 1; i < row->count; i++) {
        if (row->perms[i].domid == who && valid(&row->perms[i])) {
            e = &row->perms[i];
            break;
        }
    }
    return e->access == 'r' ? "r" : e->access == 'w' ? "w" : e->access == 'b' ? "rw" : "";
}

static int nearest(const struct row *table, int i)
{
    while (!table[i].exists)
        i = parent_of(i);
    return i;
}

/* NULL, or the error of using the node so. Who could write it may know that it is not there to be owned. */
static const char *refusal(const struct row *table, unsigned who, int i, char use)
{
    if (use == 'o' && !table[i].exists)
        use = 'w';
    if (!strchr(rights(who, &table[nearest(table, i)]), use))
        return "ERROR EACCES|";
    return table[i].exists ? NULL : "ERROR ENOENT|";
}

/* -- Changes --------------------------------------------------------------------------------------------- */

static void charge(struct tx_model *tx, unsigned domid)
{
    if (tx)
        tx->charged[domid] = true;
}

static void note(struct tx_model *tx, int i, unsigned how)
{
    if (tx)
        tx->notes[i] |= how;
}

static void make(struct row *table, unsigned who, struct tx_model *tx, int i)
{
    struct row *row = &table[i], *above = &table[parent_of(i)];

    if (!above->exists) {
        make(table, who, tx, parent_of(i));
    } else {
        note(tx, parent_of(i), USED);
    }
    note(tx, i, USED | SET);
    memset(row, 0, sizeof(*row));
    row->exists = true;
    row->perms[0] = above->perms[0];
    row->count = 1;
    if (who == 0 || owner_of(above) == who) {
        memcpy(row->perms, above->perms, sizeof(row->perms));
        row->count = above->count;
    } else {
        row->perms[0].domid = who;
        row->perms[0].birth = births[who];
        for (unsigned e = 1; e < above->count; e++)
            if (valid(&above->perms[e]))
                row->perms[row->count++] = above->perms[e];
    }
    charge(tx, owner_of(row));
    row->changed = row->relisted = ++stamps;
    above->relisted = ++stamps;
}

static void drop(struct row *table, struct tx_model *tx, int top)
{
    for (int i = top; i < ROWS; i++) {
        if (table[i].exists && below(i, top)) {
            charge(tx, owner_of(&table[i]));
            table[i].exists = false;
        }
    }
    table[parent_of(top)].relisted = ++stamps;
}

static void same_content(struct row *to, const struct row *from)
{
    memcpy(to->value, from->value, sizeof(to->value));
    memcpy(to->perms, from->perms, sizeof(to->perms));
    to->count = from->count;
}

/* -- Transactions ---------------------------------------------------------------------------------------- */

static bool differs(const struct row *a, const struct row *b, bool listing)
{
    if (!a->exists || !b->exists)
        return a->exists != b->exists;
    return a->changed != b->changed || (listing && a->relisted != b->relisted);
}

static bool conflict(const struct tx_model *tx)
{
    if (tx->doomed)
        return true;
    for (int i = 0; i < ROWS; i++) {
        if (tx->notes[i] && differs(&tx->base[i], &rows[i], tx->notes[i] & LISTED))
            return true;
        if (tx->notes[i] & TREE)
            for (int j = i; j < ROWS; j++)
                if (below(j, i) && differs(&tx->base[j], &rows[j], true))
                    return true;
    }
    return false;
}

static void set_row(int i, const struct row *from)
{
    if (!rows[i].exists) {
        rows[i] = *from;
        rows[i].relisted = ++stamps;
        if (i != ROOT)
            rows[parent_of(i)].relisted = ++stamps;
    }
    same_content(&rows[i], from);
    rows[i].changed = ++stamps;
}

static void carry_over(const struct tx_model *tx)
{
    for (int i = 0; i < ROWS; i++) {
        const struct row *ours = &tx->now[i];

        if (tx->notes[i] & PLACED) {
            if (ours->exists != rows[i].exists)
                rows[parent_of(i)].relisted = ++stamps;
            for (int j = i; j < ROWS; j++)
                if (below(j, i))
                    rows[j] = tx->now[j];
        } else if ((tx->notes[i] & SET) && ours->exists) {
            set_row(i, ours);
        }
    }
}

/* -- Requests -------------------------------------------------------------------------------------------- */

struct try {
    unsigned who;
    struct tx_model *tx;
    struct row *table;
    int i;
    char payload[64];
    char answer[256];
};

static void do_read(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'r');

    *type = XS_READ;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    note(t->tx, t->i, USED);
    strcpy(t->answer, error ? error : t->table[t->i].value);
}

static void do_directory(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'r');

    *type = XS_DIRECTORY;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    note(t->tx, t->i, USED | LISTED);
    strcpy(t->answer, error ? error : "");
    for (int child = 3 * t->i + 1; !error && child <= 3 * t->i + 3 && child < ROWS; child++)
        if (t->table[child].exists)
            sprintf(t->answer + strlen(t->answer), "%c|", 'a' + (child - 1) % 3);
}

static void do_get_perms(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'r');
    const struct row *row = &t->table[t->i];

    *type = XS_GET_PERMS;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    note(t->tx, t->i, USED);
    strcpy(t->answer, error ? error : "");
    for (unsigned e = 0; !error && e < row->count; e++)
        if (e == 0 || valid(&row->perms[e]))
            sprintf(t->answer + strlen(t->answer), "%c%u|", row->perms[e].access,
                    e == 0 ? owner_of(row) : row->perms[e].domid);
}

static void do_write(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'w');
    struct row *row = &t->table[t->i];
    char value[8];

    *type = XS_WRITE;
    snprintf(value, sizeof(value), "%u", pick(1000));
    snprintf(t->payload, sizeof(t->payload), "%s|%s", path_of(t->i), value);
    strcpy(t->answer, error ? error : "OK|");
    if (error && strcmp(error, "ERROR ENOENT|"))
        return;
    if (error)
        make(t->table, t->who, t->tx, t->i);
    strcpy(t->answer, "OK|");
    charge(t->tx, owner_of(row));
    note(t->tx, t->i, USED | SET);
    strcpy(row->value, value);
    row->changed = ++stamps;
}

static void do_mkdir(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'w');

    *type = XS_MKDIR;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    strcpy(t->answer, error && strcmp(error, "ERROR ENOENT|") ? error : "OK|");
    if (!error)
        note(t->tx, t->i, USED);
    else if (t->answer[0] == 'O')
        make(t->table, t->who, t->tx, t->i);
}

static void do_rm(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'w');

    *type = XS_RM;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    strcpy(t->answer, t->i == ROOT ? "ERROR EINVAL|" : error ? error : "OK|");
    if (t->i == ROOT)
        return;
    if (error && strcmp(error, "ERROR ENOENT|") == 0 && t->table[parent_of(t->i)].exists) {
        strcpy(t->answer, "OK|");
        note(t->tx, parent_of(t->i), USED);
        note(t->tx, t->i, USED);
    } else if (!error) {
        note(t->tx, t->i, USED | TREE | PLACED);
        drop(t->table, t->tx, t->i);
    }
}

static void do_set_perms(struct try *t, uint32_t *type)
{
    const char *error = refusal(t->table, t->who, t->i, 'o');
    struct row *row = &t->table[t->i];
    struct entry perms[ENTRIES];
    unsigned count = 1 + pick(ENTRIES);

    *type = XS_SET_PERMS;
    snprintf(t->payload, sizeof(t->payload), "%s|", path_of(t->i));
    for (unsigned e = 0; e < count; e++) {
        unsigned domid = e == 0 && t->who && pick(4) ? t->who : pick(CLIENTS);

        perms[e] = (struct entry){ domid, births[domid], "nrwb"[pick(4)] };
        sprintf(t->payload + strlen(t->payload), "%c%u|", perms[e].access, domid);
    }
    strcpy(t->answer, error ? error : "OK|");
    if (error)
        return;
    if (t->who && perms[0].domid != row->perms[0].domid) {
        strcpy(t->answer, "ERROR EPERM|");
        return;
    }
    charge(t->tx, owner_of(row));
    charge(t->tx, perms[0].domid);
    note(t->tx, t->i, USED | SET);
    memcpy(row->perms, perms, count * sizeof(perms[0]));
    row->count = count;
    row->changed = ++stamps;
}

/* Requests that must be refused, and requests whose answers the model does not know. */
static void do_nonsense(struct try *t, uint32_t *type)
{
    static const struct {
        uint32_t type;
        const char *payload, *answer;
    } tries[] = {
        { XS_READ, "/a//b|", "ERROR EINVAL|" }, { XS_WRITE, "/a", "ERROR EINVAL|" },
        { XS_SET_PERMS, "/a|", "ERROR EINVAL|" }, { XS_SET_PERMS, "/a|q1|", "ERROR EINVAL|" },
        { 20, "|", "ERROR ENOSYS|" }, { 99, "", "ERROR ENOSYS|" },
        { XS_MKDIR, "", "ERROR EINVAL|" }, { XS_RM, "/a|/b|", "ERROR EINVAL|" },
        { XS_WATCH, "/a|t|", NULL }, { XS_WATCH, "/|t|1|", NULL }, { XS_WATCH, "/b/c|u|", NULL },
        { XS_UNWATCH, "/a|t|", NULL }, { XS_UNWATCH, "/|t|", NULL }, { XS_UNWATCH, "/b/c|u|", NULL },
        { XS_DIRECTORY_PART, "/|0|", NULL },
    };
    unsigned which = pick(sizeof(tries) / sizeof(tries[0]));

    *type = tries[which].type;
    strcpy(t->payload, tries[which].payload);
    strcpy(t->answer, tries[which].answer ? tries[which].answer : "?");
    if (*type == XS_DIRECTORY_PART)
        note(t->tx, ROOT, USED | LISTED);
}

static bool compare(struct try *t, uint32_t type)
{
    const char *got = ask(clients[t->who], type, t->tx ? t->tx->id : 0, t->payload);

    clients[t->who]->event_count = 0;
    if (strcmp(t->answer, "?") == 0 || strcmp(got, t->answer) == 0)
        return true;
    diag("client %u, type %u, transaction %u, %s: answered %s, the model says %s", t->who, type,
         t->tx ? t->tx->id : 0, t->payload, got, t->answer);
    return false;
}

/* -- What else happens ----------------------------------------------------------------------------------- */

static bool start_or_end(unsigned who)
{
    struct tx_model *tx = &txs[who][pick(TXS)];
    bool commit = pick(4), conflicting;
    struct try t = { .who = who, .tx = tx };

    if (!tx->open) {
        memset(tx, 0, sizeof(*tx));
        tx->open = true;
        memcpy(tx->base, rows, sizeof(rows));
        memcpy(tx->now, rows, sizeof(rows));
        tx->id = begin(clients[who]);
        return tx->id != 0;
    }
    conflicting = commit && conflict(tx);
    strcpy(t.payload, commit ? "T|" : "F|");
    strcpy(t.answer, conflicting ? "ERROR EAGAIN|" : "OK|");
    tx->open = false;
    if (commit && !conflicting)
        carry_over(tx);
    return compare(&t, XS_TRANSACTION_END);
}

/* A guest dies, and another with its id comes. */
static void rebirth(unsigned who)
{
    store_release(store, who);
    client_ends(clients[who]);
    clients[who] = guest(who);
    for (unsigned c = 0; c < CLIENTS; c++) {
        for (unsigned i = 0; i < TXS; i++) {
            txs[c][i].open &= c != who;
            txs[c][i].doomed |= txs[c][i].charged[who];
        }
    }
    for (int i = 1; i < ROWS; i++)
        if (rows[i].exists && owner_of(&rows[i]) == who)
            drop(rows, NULL, i);
    births[who] += CLIENTS;
}

/* All of the tree, as domain 0 sees it. */
static bool same_trees(void)
{
    for (int i = 0; i < ROWS; i++) {
        struct try t = { .table = rows, .i = i };
        uint32_t type;

        do_read(&t, &type);
        if (!compare(&t, type))
            return false;
        do_get_perms(&t, &type);
        if (!compare(&t, type))
            return false;
    }
    return true;
}

static bool one_request(void)
{
    static void (*const requests[])(struct try *, uint32_t *) = {
        do_read, do_read, do_directory, do_get_perms, do_write, do_write, do_write, do_mkdir, do_rm,
        do_set_perms, do_nonsense,
    };
    unsigned who = pick(CLIENTS), slot = pick(2 * TXS);
    struct try t = { .who = who, .table = rows, .i = pick(ROWS) };
    uint32_t type;

    if (pick(10) == 0)
        return start_or_end(who);
    if (pick(500) == 0) {
        rebirth(1 + pick(CLIENTS - 1));
        return true;
    }
    if (slot < TXS && txs[who][slot].open) {
        t.tx = &txs[who][slot];
        t.table = t.tx->now;
    }
    if (t.tx && t.tx->doomed) {
        do_read(&t, &type);
        strcpy(t.answer, "ERROR EAGAIN|");
    } else {
        requests[pick(sizeof(requests) / sizeof(requests[0]))](&t, &type);
    }
    return compare(&t, type);
}

void test_model(unsigned long seed, unsigned long requests)
{
    unsigned long done = 0;
    bool same = true;

    diag("model: seed %lu, %lu requests", seed, requests);
    random_state = seed;
    memset(txs, 0, sizeof(txs));
    memset(rows, 0, sizeof(rows));
    rows[ROOT] = (struct row){ .exists = true, .count = 1, .perms = { { 0, 0, 'n' } } };
    for (unsigned i = 0; i < CLIENTS; i++)
        births[i] = i;
    store_begins(NULL);
    clients[0] = administrator();
    clients[1] = guest(1);
    clients[2] = guest(2);
    for (; same && done < requests; done++) {
        same = one_request();
        if (same && done % 200 == 0)
            same = same_trees();
    }
    ok(same, "the store and the model agree on %lu random requests (seed %lu)", done, seed);
    store_is_sound("after them");
    client_ends(clients[0]);
    store_ends();
    client_ends(clients[1]);
    client_ends(clients[2]);
}
