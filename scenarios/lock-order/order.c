/* Two locks, taken in one order by one thread and in the other by the other. */

static volatile unsigned char first, second;
static volatile int done;

static void acquire(volatile unsigned char *lock)
{
    while (__atomic_test_and_set(lock, __ATOMIC_ACQUIRE))
        ;
}

static void release(volatile unsigned char *lock)
{
    *lock = 0;
}

void nextrust_thread_0(void)
{
    acquire(&first);
    acquire(&second);
    done++;
    release(&second);
    release(&first);
}

void nextrust_thread_1(void)
{
    acquire(&second);
    acquire(&first);
    done++;
    release(&first);
    release(&second);
}

int nextrust_check(void)
{
    return done != 2;
}
