/* A spinlock taken by a thread and by a signal handler that may interrupt it while it holds the lock. */

static volatile unsigned char lock;
static volatile int count;

static void bump(void)
{
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
    count++;
    lock = 0;
}

void nextrust_thread_0(void)
{
    bump();
}

void nextrust_signal(int signal)
{
    (void)signal;
    bump();
}
