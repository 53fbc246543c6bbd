/* 8-byte objects under a lock, but loads do not take it: they read two halves, and a store may come between them. */

typedef unsigned long long value;

static volatile unsigned char held;

static inline int taken(void)
{
    unsigned char was_held;

    __asm__ volatile("tas (%1)\n\t"
                     "smi %0"
                     : "=d"(was_held)
                     : "a"(&held)
                     : "cc", "memory");
    return was_held;
}

static void acquire(void)
{
    while (taken())
        ;
}

static void release(void)
{
    __asm__ volatile("" ::: "memory");
    held = 0;
}

value next_load(const volatile value *object, int order) __asm__("__atomic_load_8");
void next_store(volatile value *object, value next, int order) __asm__("__atomic_store_8");

value next_load(const volatile value *object, int order)
{
    (void)order;
    return *object;
}

void next_store(volatile value *object, value next, int order)
{
    (void)order;
    acquire();
    *object = next;
    release();
}
