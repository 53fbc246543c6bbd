/* One lock for everything, taken by bset, which every m68k CPU has. */

#include "atomic_routines.h"

#define OBJECT_LOCKS

static volatile byte held;

static inline int take(void)
{
    byte was_free;

    __asm__ volatile("bset #7,(%1)\n\t"
                     "seq %0"
                     : "=d"(was_free)
                     : "a"(&held)
                     : "cc", "memory");
    return was_free;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    (void)object, (void)bytes;
    while (!take())
        ;
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    (void)object, (void)bytes;
    COMPILER_BARRIER();
    held &= 0x7f;
}

#include "atomic_spinlock.c"
