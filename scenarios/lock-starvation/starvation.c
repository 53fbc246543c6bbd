/* A spinlock promises no turn: of two threads that take it for ever, one may never get it. */

static volatile unsigned char lock;
static volatile int inside;

static void visit(void)
{
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
    inside = 1;
    inside = 0;
    lock = 0;
}

void nextrust_thread_0(void)
{
    visit();
}

void nextrust_thread_1(void)
{
    visit();
}
