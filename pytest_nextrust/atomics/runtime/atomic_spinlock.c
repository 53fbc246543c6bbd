/* Atomic operations for m68k by spinlocks: every routine that GNU C, clang and Rust call for atomics, in sizes 1, 2, 4
   and 8, and the generic ones for any size.

   Objects on m68k are aligned to 2 bytes, so accesses of different sizes and addresses overlap: a word may straddle
   what others use as two. Whatever overlaps excludes each other here, loads included.

   Limits: a thread that is stopped for good inside a routine holds up all others that need its lock. A signal handler
   that interrupts one, and itself calls a routine that needs the same lock, waits for ever: the holder cannot go on
   before the handler returns. Use atomic_cas.c where handlers use atomics. Code that compilers expand in line takes no
   locks (loads and stores of 1 to 4 bytes on every CPU, all operations of these sizes from the 68020 up): do not mix it
   with these routines on one object.

   Runs on every m68k CPU; needs no other code. */

#include "atomic_routines.h"
#include "atomic_locks.h"

/* What the routines are made of. */

#define UPDATE(N, object, old, next, expression)                                                                       \
    do {                                                                                                               \
        acquire_object(object, N);                                                                                     \
        old = *(volatile value##N *)object;                                                                            \
        next = (value##N)(expression);                                                                                 \
        *(volatile value##N *)object = next;                                                                           \
        release_object(object, N);                                                                                     \
    } while (0)

#define PRIMITIVES(N)                                                                                                  \
    static inline value##N load_##N(const volatile void *object)                                                       \
    {                                                                                                                  \
        value##N found;                                                                                                \
        acquire_object(object, N);                                                                                     \
        found = *(const volatile value##N *)object;                                                                    \
        release_object(object, N);                                                                                     \
        return found;                                                                                                  \
    }                                                                                                                  \
    static inline void store_##N(volatile void *object, value##N value)                                                \
    {                                                                                                                  \
        acquire_object(object, N);                                                                                     \
        *(volatile value##N *)object = value;                                                                          \
        release_object(object, N);                                                                                     \
    }                                                                                                                  \
    static inline value##N compare_and_swap_##N(volatile void *object, value##N expected, value##N desired)            \
    {                                                                                                                  \
        value##N found;                                                                                                \
        acquire_object(object, N);                                                                                     \
        found = *(volatile value##N *)object;                                                                          \
        if (found == expected)                                                                                         \
            *(volatile value##N *)object = desired;                                                                    \
        release_object(object, N);                                                                                     \
        return found;                                                                                                  \
    }

PRIMITIVES(1)
PRIMITIVES(2)
PRIMITIVES(4)
PRIMITIVES(8)

ROUTINES(1)
ROUTINES(2)
ROUTINES(4)
ROUTINES(8)

EXPORT(void, sync_synchronize, "__sync_synchronize", void)
{
    COMPILER_BARRIER(); /* one CPU sees its own accesses in order */
}

EXPORT(void, atomic_load, "__atomic_load", size bytes, const void *object, void *output, ORDER)
{
    locked_load(bytes, object, output);
}

EXPORT(void, atomic_store, "__atomic_store", size bytes, void *object, const void *input, ORDER)
{
    locked_store(bytes, object, input);
}

EXPORT(void, atomic_exchange, "__atomic_exchange", size bytes, void *object, const void *input, void *output, ORDER)
{
    locked_exchange(bytes, object, input, output);
}

EXPORT(int, atomic_compare_exchange, "__atomic_compare_exchange", size bytes, void *object, void *expected,
       const void *input, ORDER, FAILURE)
{
    return locked_compare_exchange(bytes, object, expected, input);
}

EXPORT(int, atomic_is_lock_free, "__atomic_is_lock_free", __attribute__((unused)) size bytes,
       __attribute__((unused)) const void *object)
{
    return 0;
}
