/* 64 locks, chosen by the object's word: (address >> 2) & 63. Wrong on m68k, where objects are aligned to 2 bytes only: two
   that overlap by half a word begin in different words and take different locks. */

typedef unsigned char byte;
typedef unsigned long word;

static volatile byte locks[64];

static inline int taken(volatile byte *lock)
{
    byte was_held;

    __asm__ volatile("tas (%1)\n\t"
                     "smi %0"
                     : "=d"(was_held)
                     : "a"(lock)
                     : "cc", "memory");
    return was_held;
}

static volatile byte *acquire(const volatile void *object)
{
    volatile byte *lock = &locks[((word)object >> 2) & 63];

    while (taken(lock))
        ;
    return lock;
}

static void release(volatile byte *lock)
{
    __asm__ volatile("" ::: "memory");
    *lock = 0;
}

#define FETCH(name, after)                                                                                                 \
    word next_fetch_##name(volatile word *object, word value, int order) __asm__("__atomic_fetch_" #name "_4");            \
    word next_fetch_##name(volatile word *object, word value, int order)                                                   \
    {                                                                                                                      \
        volatile byte *lock = acquire(object);                                                                             \
        word before = *object;                                                                                             \
                                                                                                                           \
        (void)order;                                                                                                       \
        *object = after;                                                                                                   \
        release(lock);                                                                                                     \
        return before;                                                                                                     \
    }

FETCH(add, before + value)
FETCH(sub, before - value)
FETCH(or, before | value)
FETCH(and, before & value)
FETCH(xor, before ^ value)
FETCH(nand, ~(before & value))

word next_load(const volatile word *object, int order) __asm__("__atomic_load_4");
void next_store(volatile word *object, word value, int order) __asm__("__atomic_store_4");

word next_load(const volatile word *object, int order)
{
    volatile byte *lock = acquire(object);
    word before = *object;

    (void)order;
    release(lock);
    return before;
}

void next_store(volatile word *object, word value, int order)
{
    volatile byte *lock = acquire(object);

    (void)order;
    *object = value;
    release(lock);
}
