/* The queue lock of Mellor-Crummey and Scott (1991) around an addition of two accesses, K times each. */
struct place {
    struct place *volatile next;
    volatile int waits;
};
static struct place *volatile tail;
static struct place places[N];
static volatile int count;

static void body(int number)
{
    struct place *me = &places[number];
    for (int i = 0; i < K; i++) {
        me->next = 0;
        me->waits = 1;
        struct place *before = __atomic_exchange_n(&tail, me, __ATOMIC_ACQ_REL);
        if (before) {
            before->next = me;
            while (me->waits)
                ;
        }
        int seen = count;
        count = seen + 1;
        if (!me->next) {
            struct place *last = me;
            if (__atomic_compare_exchange_n(&tail, &last, (struct place *)0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                continue;
            while (!me->next)
                ;
        }
        me->next->waits = 0;
    }
}

#include "threads.h"
int nextrust_check(void) { return count != N * K; }
