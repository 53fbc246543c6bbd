/* what: One fair lock for everything: waiters form a queue of nodes on their stacks, and the lock is handed from one
        to the next.
   needs: overlap
   witness: explore */

#include "coverage.h"

struct node {
    struct node *volatile next;
    volatile v4 waits;
};

/* The last in the queue. */
static struct node *volatile tail;

SHORT struct node *swap_tail(struct node *expected, struct node *next)
{
    return (struct node *)cas_4(&tail, (v4)expected, (v4)next);
}

SINGLE void enter(struct node *own)
{
    struct node *before;

    own->next = 0;
    own->waits = 1;
    do
        before = tail;
    while (swap_tail(before, own) != before);
    if (before) {
        before->next = own;
        while (own->waits)
            ;
    }
    BARRIER();
}

SINGLE void leave(struct node *own)
{
    BARRIER();
    if (!own->next && swap_tail(own, 0) == own)
        return;
    while (!own->next)
        ;
    own->next->waits = 0;
}

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    struct node own;
    v4 old;

    enter(&own);
    old = AT(4, object);
    AT(4, object) = old + value;
    leave(&own);
    return old;
}

EXPORT(v8, load, "__atomic_load_8", volatile void *object, int order)
{
    struct node own;
    v8 found;

    (void)order;
    enter(&own);
    found = AT(8, object);
    leave(&own);
    return found;
}

EXPORT(void, store, "__atomic_store_8", volatile void *object, v8 value, int order)
{
    struct node own;

    (void)order;
    enter(&own);
    AT(8, object) = value;
    leave(&own);
}

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add(&n, 1); }
THREAD(1) { fetch_and_add(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
