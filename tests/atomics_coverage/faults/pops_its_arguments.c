/* what: The routine returns by rtd, as -mrtd makes it: the caller takes the arguments off a second time.
   finds: register
   survives: it is assembly
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, work, "work", volatile void *object, v4 value)
{
    UPDATE(ONE, 4, old + value);
    return old;
}

__asm__(".text\n\t"
        ".globl __sync_fetch_and_add_4\n"
        "__sync_fetch_and_add_4:\n\t"
        "move.l 8(%sp),-(%sp)\n\t"
        "move.l 8(%sp),-(%sp)\n\t"
        "jsr work\n\t"
        "addq.l #8,%sp\n\t"
        "rtd #8");

#ifdef WITNESS
extern v4 fetch_and_add(volatile void *object, v4 value) __asm__("__sync_fetch_and_add_4");
static v4 n, moved;
THREAD(0)
{
    v4 before, after;
    __asm__ volatile("move.l %%sp,%0" : "=d"(before));
    __asm__ volatile("move.l #1,-(%%sp)\n\tmove.l %1,-(%%sp)\n\tjsr __sync_fetch_and_add_4\n\taddq.l #8,%%sp\n\t"
                     "move.l %%sp,%0\n\tmove.l %2,%%sp"
                     : "=&d"(after) : "a"(&n), "d"(before) : "d0", "d1", "a0", "a1", "cc", "memory");
    moved = after - before;
}
CHECK { return moved == 0 ? 0 : 1; }
#endif
