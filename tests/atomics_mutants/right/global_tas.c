/* One lock for everything, taken by tas after a look: waiters read until it seems free. */

#include "atomic_routines.h"

#define OBJECT_LOCKS

static volatile byte held;

static inline int take(void)
{
    byte was_held;

    __asm__ volatile("tas (%1)\n\t"
                     "smi %0"
                     : "=d"(was_held)
                     : "a"(&held)
                     : "cc", "memory");
    return !was_held;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    (void)object, (void)bytes;
    do
        while (held)
            ;
    while (!take());
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    (void)object, (void)bytes;
    COMPILER_BARRIER();
    held = 0;
}

#include "atomic_spinlock.c"
