/* The queue of Michael and Scott (1996): each thread puts K nodes of its own at its end, and takes one from its head. */
struct node {
    struct node *volatile next;
};
static struct node first, nodes[N * K];
static struct node *volatile head = &first, *volatile tail = &first;
static volatile int taken[N];

static int swapped(struct node *volatile *where, struct node *seen, struct node *new)
{
    return __atomic_compare_exchange_n(where, &seen, new, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void body(int me)
{
    for (int i = 0; i < K; i++) {
        struct node *own = &nodes[me * K + i];
        for (;;) {
            struct node *last = tail, *next = last->next;
            if (next)
                swapped(&tail, last, next);
            else if (swapped(&last->next, 0, own)) {
                swapped(&tail, last, own);
                break;
            }
        }
    }
    for (;;) {
        struct node *old = head, *last = tail, *next = old->next;
        if (old == last)
            swapped(&tail, last, next);
        else if (swapped(&head, old, next)) {
            taken[me] = 1;
            break;
        }
    }
}

#include "threads.h"
int nextrust_check(void)
{
    int count = 0;
    for (struct node *node = head->next; node; node = node->next)
        count++;
    return count != N * K - N;
}
