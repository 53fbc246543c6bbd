/* One fair lock for everything: a thread draws a ticket and waits for its number. */

#include "atomic_routines.h"

#define OBJECT_LOCKS

static volatile value2 next, serving;

static inline int advance(value2 ticket)
{
    value2 found = ticket;

    __asm__ volatile("cas.w %0,%1,(%2)"
                     : "+d"(found)
                     : "d"((value2)(ticket + 1)), "a"(&next)
                     : "cc", "memory");
    return found == ticket;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    value2 ticket;

    (void)object, (void)bytes;
    do
        ticket = next;
    while (!advance(ticket));
    while (serving != ticket)
        ;
    COMPILER_BARRIER();
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    (void)object, (void)bytes;
    COMPILER_BARRIER();
    serving = serving + 1;
}

#include "atomic_spinlock.c"
