/* 64 locks by 4-byte word. A word on a 2-byte boundary straddles two of them, so an object takes the lock of every word
   that it covers, by ascending index. */

#include "atomic_routines.h"

#define OBJECT_LOCKS
#define WORD_LOCKS 64

static volatile byte held[WORD_LOCKS];

static inline int take(volatile byte *lock)
{
    byte was_held;

    __asm__ volatile("tas (%1)\n\t"
                     "smi %0"
                     : "=d"(was_held)
                     : "a"(lock)
                     : "cc", "memory");
    return !was_held;
}

static inline size words(const volatile void *object, size bytes)
{
    size covered = (((size)object & 3) + bytes + 3) >> 2;

    return covered < WORD_LOCKS ? covered : WORD_LOCKS;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    size first = ((size)object >> 2) & (WORD_LOCKS - 1), last = first + words(object, bytes), index;

    for (index = WORD_LOCKS; index < last; index++)
        while (!take(&held[index - WORD_LOCKS]))
            ;
    for (index = first; index < last && index < WORD_LOCKS; index++)
        while (!take(&held[index]))
            ;
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    size first = ((size)object >> 2) & (WORD_LOCKS - 1), last = first + words(object, bytes), index;

    COMPILER_BARRIER();
    for (index = first; index < last; index++)
        held[index & (WORD_LOCKS - 1)] = 0;
}

#include "atomic_spinlock.c"
