/* Sixteen locks by 16-byte block, taken by cas.l from 0 to the address of the thread's own frame, so that a debugger
   sees who holds one. Objects of several blocks take them in ascending order. */

#include "atomic_routines.h"

#define OBJECT_LOCKS
#define BLOCK_LOCKS 16

static volatile value4 owner[BLOCK_LOCKS];

static inline int take(volatile value4 *lock, value4 self)
{
    value4 found = 0;

    __asm__ volatile("cas.l %0,%1,(%2)" : "+d"(found) : "d"(self), "a"(lock) : "cc", "memory");
    return found == 0;
}

static inline size block(const volatile void *object)
{
    return (size)object >> 4;
}

/* From the object's first block to its last, by index: all where it is large. */
static inline int covers(const volatile void *object, size bytes, size index)
{
    size blocks = block((const volatile byte *)object + (bytes ? bytes - 1 : 0)) - block(object);

    return ((index - block(object)) & (BLOCK_LOCKS - 1)) <= blocks;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    size index;

    for (index = 0; index < BLOCK_LOCKS; index++)
        if (covers(object, bytes, index))
            while (!take(&owner[index], (value4)&index))
                ;
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    size index;

    COMPILER_BARRIER();
    for (index = 0; index < BLOCK_LOCKS; index++)
        if (covers(object, bytes, index))
            owner[index] = 0;
}

#include "atomic_spinlock.c"
