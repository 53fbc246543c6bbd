/* A ticket lock serves in the order in which tickets were drawn: of two threads that take it for ever, each waits for
   one round of the other at most. A ticket drawn by cas may be lost to others for ever; waiting begins at the doorway. */

static volatile unsigned char next, served;
static volatile int inside;

__attribute__((noinline)) void nextrust_doorway(void)
{
    __asm__ volatile("");
}

static void visit(void)
{
    unsigned char mine = __atomic_load_n(&next, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&next, &mine, (mine + 1) & 3, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    nextrust_doorway();
    while (served != mine)
        ;
    inside = 1;
    inside = 0;
    /* Numbers return to 0, so that threads come back to states that they have been in. */
    served = (mine + 1) & 3;
}

void nextrust_thread_0(void)
{
    visit();
}

void nextrust_thread_1(void)
{
    visit();
}
