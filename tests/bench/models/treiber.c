/* Treiber's stack (1986): each thread pushes K nodes of its own. */
struct node {
    struct node *volatile next;
};
static struct node *volatile top;
static struct node nodes[N * K];

static void body(int me)
{
    for (int i = 0; i < K; i++) {
        struct node *own = &nodes[me * K + i], *seen = top;
        do
            own->next = seen;
        while (!__atomic_compare_exchange_n(&top, &seen, own, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    }
}

#include "threads.h"
int nextrust_check(void)
{
    int count = 0;
    for (struct node *node = top; node; node = node->next)
        count++;
    return count != N * K;
}
