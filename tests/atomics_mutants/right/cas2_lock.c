/* One lock for everything, in two words that cas2 changes together: whether it is held, and a count of
   acquisitions. A count that another thread has moved on makes the attempt fail, and that is all it does. */

#include "atomic_routines.h"

#define OBJECT_LOCKS

static volatile value4 holders, acquisitions;

static inline int take(void)
{
    register value4 d0 __asm__("d0") = 0;
    register value4 d1 __asm__("d1") = acquisitions;
    register value4 d2 __asm__("d2") = 1;
    register value4 d3 __asm__("d3") = d1 + 1;
    register volatile value4 *a0 __asm__("a0") = &holders;
    register volatile value4 *a1 __asm__("a1") = &acquisitions;
    byte taken;

    __asm__ volatile("cas2.l %0:%1,%3:%4,(%5):(%6)\n\t"
                     "seq %2"
                     : "+d"(d0), "+d"(d1), "=d"(taken)
                     : "d"(d2), "d"(d3), "a"(a0), "a"(a1)
                     : "cc", "memory");
    return taken;
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
    holders = 0;
}

#include "atomic_spinlock.c"
