/* One lock that is tested by one instruction and set by the next: between them two threads may see it free. */

typedef unsigned long word;

static volatile unsigned char held;

static void acquire(void)
{
    while (held)
        ;
    held = 0x80;
    __asm__ volatile("" ::: "memory");
}

static void release(void)
{
    __asm__ volatile("" ::: "memory");
    held = 0;
}

word next_fetch_add(volatile word *object, word value, int order) __asm__("__atomic_fetch_add_4");
word next_exchange(volatile word *object, word value, int order) __asm__("__atomic_exchange_4");

word next_fetch_add(volatile word *object, word value, int order)
{
    word before;

    (void)order;
    acquire();
    before = *object;
    *object = before + value;
    release();
    return before;
}

word next_exchange(volatile word *object, word value, int order)
{
    word before;

    (void)order;
    acquire();
    before = *object;
    *object = value;
    release();
    return before;
}
