/* What the runtimes of this folder are written with: routines over a suite of locks, and locks.

   A suite L is two functions, L_enter(object, bytes) and L_leave(object, bytes), between which an object is the caller's;
   each routine below is defined by naming the suite that it uses, so a fault is a routine with another suite, or a suite
   that is wrong. All accesses are volatile: what stands here as a read and a write is that at every level, -O0 to -Os.

   With -DWITNESS a file also has a test for `nextrust explore`, which knows nothing of routines and their meaning:
   threads that call them, and a check of what is left. Where the runtime is wrong, the test fails. */

#ifndef COVERAGE_H
#define COVERAGE_H

typedef __SIZE_TYPE__ size;
typedef unsigned char byte;
typedef unsigned char v1 __attribute__((may_alias));
typedef unsigned short v2 __attribute__((may_alias));
typedef unsigned int v4 __attribute__((may_alias));
typedef unsigned long long v8 __attribute__((may_alias));

#define SINGLE __attribute__((unused, noinline)) static
#define SHORT __attribute__((unused)) static inline
#define BARRIER() __asm__ volatile("" : : : "memory")

/* Compilers refuse definitions of their own built-in names: a name of ours, and the symbol. */
#define EXPORT(result, name, symbol, ...)                                                                              \
    result name(__VA_ARGS__) __asm__(symbol);                                                                          \
    result name(__VA_ARGS__)

/* -- locks ---------------------------------------------------------------------------------------------------------- */

/* One attempt: whether the lock was free and now is ours. */
SHORT int try_lock(volatile byte *lock)
{
    byte busy;

    __asm__ volatile("tas (%1)\n\tsmi %0" : "=d"(busy) : "a"(lock) : "cc", "memory");
    return !busy;
}

SHORT void lock(volatile byte *held)
{
    while (!try_lock(held))
        ;
}

SHORT void unlock(volatile byte *held)
{
    BARRIER();
    *held = 0;
}

/* What *object held: it was swapped if that is what was expected. */
SHORT v4 cas_4(volatile void *object, v4 expected, v4 next)
{
    __asm__ volatile("cas.l %0,%1,(%2)" : "+d"(expected) : "d"(next), "a"(object) : "cc", "memory");
    return expected;
}

SHORT v2 cas_2(volatile void *object, v2 expected, v2 next)
{
    __asm__ volatile("cas.w %0,%1,(%2)" : "+d"(expected) : "d"(next), "a"(object) : "cc", "memory");
    return expected;
}

SHORT v1 cas_1(volatile void *object, v1 expected, v1 next)
{
    __asm__ volatile("cas.b %0,%1,(%2)" : "+d"(expected) : "d"(next), "a"(object) : "cc", "memory");
    return expected;
}

union halves {
    v8 whole;
    v4 half[2];
};

/* Both words, or neither: whether they held what was expected. */
SHORT int cas2(volatile void *one, volatile void *other, v4 first, v4 second, v4 new_first, v4 new_second)
{
    byte swapped;

    __asm__ volatile("cas2.l %1:%2,%3:%4,(%5):(%6)\n\tseq %0"
                     : "=&d"(swapped), "+d"(first), "+d"(second)
                     : "d"(new_first), "d"(new_second), "a"(one), "a"(other)
                     : "cc", "memory");
    return swapped != 0;
}

/* What the 8 bytes held. */
SHORT v8 cas_8(volatile void *object, v8 expected, v8 next)
{
    union halves e, n;
    register v4 head __asm__("d0");
    register v4 tail __asm__("d1");

    e.whole = expected;
    n.whole = next;
    head = e.half[0];
    tail = e.half[1];
    __asm__ volatile("cas2.l %0:%1,%2:%3,(%4):(%5)"
                     : "+d"(head), "+d"(tail)
                     : "d"(n.half[0]), "d"(n.half[1]), "a"(object), "a"((volatile byte *)object + 4)
                     : "cc", "memory");
    e.half[0] = head;
    e.half[1] = tail;
    return e.whole;
}

/* Suites. NONE takes no lock. */
SHORT void NONE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
}

SHORT void NONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
}

/* One lock for everything. */
#define GLOBAL(L)                                                                                                      \
    static volatile byte L##_held;                                                                                     \
    SHORT void L##_enter(volatile const void *object, size bytes)                                                      \
    {                                                                                                                  \
        (void)object, (void)bytes;                                                                                     \
        lock(&L##_held);                                                                                               \
    }                                                                                                                  \
    SHORT void L##_leave(volatile const void *object, size bytes)                                                      \
    {                                                                                                                  \
        (void)object, (void)bytes;                                                                                     \
        unlock(&L##_held);                                                                                             \
    }

/* A table of locks, and one of them for an object: that of its first byte, by an expression of its address `at`. */
#define LOCKS(table, count) static volatile byte table[count]
#define HASHED(L, table, index)                                                                                        \
    SHORT volatile byte *L##_lock(volatile const void *object)                                                         \
    {                                                                                                                  \
        size at = (size)object;                                                                                        \
        return &table[index];                                                                                          \
    }                                                                                                                  \
    SHORT void L##_enter(volatile const void *object, size bytes)                                                      \
    {                                                                                                                  \
        (void)bytes;                                                                                                   \
        lock(L##_lock(object));                                                                                        \
    }                                                                                                                  \
    SHORT void L##_leave(volatile const void *object, size bytes)                                                      \
    {                                                                                                                  \
        (void)bytes;                                                                                                   \
        unlock(L##_lock(object));                                                                                      \
    }

/* A table of locks, and for an object the lock of its first byte and that of its last, the lower index first. */
#define BOTH_ENDS(L, table, index)                                                                                     \
    SHORT size L##_index(size at)                                                                                      \
    {                                                                                                                  \
        return index;                                                                                                  \
    }                                                                                                                  \
    SINGLE void L##_enter(volatile const void *object, size bytes)                                                     \
    {                                                                                                                  \
        size one = L##_index((size)object), other = L##_index((size)object + bytes - 1);                               \
        lock(&table[one < other ? one : other]);                                                                       \
        if (one != other)                                                                                              \
            lock(&table[one < other ? other : one]);                                                                   \
    }                                                                                                                  \
    SINGLE void L##_leave(volatile const void *object, size bytes)                                                     \
    {                                                                                                                  \
        size one = L##_index((size)object), other = L##_index((size)object + bytes - 1);                               \
        unlock(&table[one]);                                                                                           \
        if (one != other)                                                                                              \
            unlock(&table[other]);                                                                                     \
    }

/* -- routines ------------------------------------------------------------------------------------------------------- */

#define DO_add(a, b) ((a) + (b))
#define DO_sub(a, b) ((a) - (b))
#define DO_or(a, b) ((a) | (b))
#define DO_and(a, b) ((a) & (b))
#define DO_xor(a, b) ((a) ^ (b))
#define DO_nand(a, b) (~((a) & (b)))

#define AT(N, object) (*(volatile v##N *)(object))

#define UPDATE(L, N, expression)                                                                                       \
    v##N old, next;                                                                                                    \
    L##_enter(object, N);                                                                                              \
    old = AT(N, object);                                                                                               \
    next = (v##N)(expression);                                                                                         \
    AT(N, object) = next;                                                                                              \
    L##_leave(object, N);                                                                                              \
    (void)old, (void)next

#define SYNC_FETCH(L, op, N)                                                                                           \
    EXPORT(v##N, sync_fetch_and_##op##_##N, "__sync_fetch_and_" #op "_" #N, volatile void *object, v##N value)         \
    {                                                                                                                  \
        UPDATE(L, N, DO_##op(old, value));                                                                             \
        return old;                                                                                                    \
    }
#define SYNC_OP(L, op, N)                                                                                              \
    EXPORT(v##N, sync_##op##_and_fetch_##N, "__sync_" #op "_and_fetch_" #N, volatile void *object, v##N value)         \
    {                                                                                                                  \
        UPDATE(L, N, DO_##op(old, value));                                                                             \
        return next;                                                                                                   \
    }
#define ATOMIC_FETCH(L, op, N)                                                                                         \
    EXPORT(v##N, atomic_fetch_##op##_##N, "__atomic_fetch_" #op "_" #N, volatile void *object, v##N value, int order)  \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        UPDATE(L, N, DO_##op(old, value));                                                                             \
        return old;                                                                                                    \
    }
#define ATOMIC_OP(L, op, N)                                                                                            \
    EXPORT(v##N, atomic_##op##_fetch_##N, "__atomic_" #op "_fetch_" #N, volatile void *object, v##N value, int order)  \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        UPDATE(L, N, DO_##op(old, value));                                                                             \
        return next;                                                                                                   \
    }
#define VAL_CAS(L, N)                                                                                                  \
    EXPORT(v##N, sync_val_compare_and_swap_##N, "__sync_val_compare_and_swap_" #N, volatile void *object,              \
           v##N expected, v##N value)                                                                                  \
    {                                                                                                                  \
        v##N old;                                                                                                      \
        L##_enter(object, N);                                                                                          \
        old = AT(N, object);                                                                                           \
        if (old == expected)                                                                                           \
            AT(N, object) = value;                                                                                     \
        L##_leave(object, N);                                                                                          \
        return old;                                                                                                    \
    }
#define BOOL_CAS(L, N)                                                                                                 \
    EXPORT(int, sync_bool_compare_and_swap_##N, "__sync_bool_compare_and_swap_" #N, volatile void *object,             \
           v##N expected, v##N value)                                                                                  \
    {                                                                                                                  \
        int equal;                                                                                                     \
        L##_enter(object, N);                                                                                          \
        equal = AT(N, object) == expected;                                                                             \
        if (equal)                                                                                                     \
            AT(N, object) = value;                                                                                     \
        L##_leave(object, N);                                                                                          \
        return equal;                                                                                                  \
    }
#define TEST_AND_SET(L, N)                                                                                             \
    EXPORT(v##N, sync_lock_test_and_set_##N, "__sync_lock_test_and_set_" #N, volatile void *object, v##N value)        \
    {                                                                                                                  \
        UPDATE(L, N, value);                                                                                           \
        return old;                                                                                                    \
    }
#define LOCK_RELEASE(L, N)                                                                                             \
    EXPORT(void, sync_lock_release_##N, "__sync_lock_release_" #N, volatile void *object)                              \
    {                                                                                                                  \
        L##_enter(object, N);                                                                                          \
        AT(N, object) = 0;                                                                                             \
        L##_leave(object, N);                                                                                          \
    }
#define LOAD(L, N)                                                                                                     \
    EXPORT(v##N, atomic_load_##N, "__atomic_load_" #N, volatile void *object, int order)                               \
    {                                                                                                                  \
        v##N found;                                                                                                    \
        (void)order;                                                                                                   \
        L##_enter(object, N);                                                                                          \
        found = AT(N, object);                                                                                         \
        L##_leave(object, N);                                                                                          \
        return found;                                                                                                  \
    }
#define STORE(L, N)                                                                                                    \
    EXPORT(void, atomic_store_##N, "__atomic_store_" #N, volatile void *object, v##N value, int order)                 \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        L##_enter(object, N);                                                                                          \
        AT(N, object) = value;                                                                                         \
        L##_leave(object, N);                                                                                          \
    }
#define EXCHANGE(L, N)                                                                                                 \
    EXPORT(v##N, atomic_exchange_##N, "__atomic_exchange_" #N, volatile void *object, v##N value, int order)           \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        UPDATE(L, N, value);                                                                                           \
        return old;                                                                                                    \
    }
#define COMPARE_EXCHANGE(L, N)                                                                                         \
    EXPORT(int, atomic_compare_exchange_##N, "__atomic_compare_exchange_" #N, volatile void *object,                   \
           volatile void *expected, v##N value, int order, int failure)                                                \
    {                                                                                                                  \
        v##N found, wanted = AT(N, expected);                                                                          \
        (void)order, (void)failure;                                                                                    \
        L##_enter(object, N);                                                                                          \
        found = AT(N, object);                                                                                         \
        if (found == wanted)                                                                                           \
            AT(N, object) = value;                                                                                     \
        L##_leave(object, N);                                                                                          \
        if (found == wanted)                                                                                           \
            return 1;                                                                                                  \
        AT(N, expected) = found;                                                                                       \
        return 0;                                                                                                      \
    }

/* Not inlined, and by bytes: a call of memcpy would have to be supplied. */
SINGLE void copy(volatile void *to, const volatile void *from, size bytes)
{
    volatile byte *t = to;
    const volatile byte *f = from;

    while (bytes--)
        *t++ = *f++;
}

#define GENERIC_LOAD(L)                                                                                                \
    EXPORT(void, atomic_load, "__atomic_load", size bytes, volatile void *object, void *output, int order)             \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        L##_enter(object, bytes);                                                                                      \
        copy(output, object, bytes);                                                                                   \
        L##_leave(object, bytes);                                                                                      \
    }
#define GENERIC_STORE(L)                                                                                               \
    EXPORT(void, atomic_store, "__atomic_store", size bytes, volatile void *object, const void *input, int order)      \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        L##_enter(object, bytes);                                                                                      \
        copy(object, input, bytes);                                                                                    \
        L##_leave(object, bytes);                                                                                      \
    }
#define GENERIC_EXCHANGE(L)                                                                                            \
    EXPORT(void, atomic_exchange, "__atomic_exchange", size bytes, volatile void *object, const void *input,           \
           void *output, int order)                                                                                    \
    {                                                                                                                  \
        volatile byte *there = object;                                                                                 \
        size place;                                                                                                    \
        (void)order;                                                                                                   \
        L##_enter(object, bytes);                                                                                      \
        for (place = 0; place < bytes; place++) {                                                                      \
            byte old = there[place];                                                                                   \
            there[place] = ((const volatile byte *)input)[place];                                                      \
            ((volatile byte *)output)[place] = old;                                                                    \
        }                                                                                                              \
        L##_leave(object, bytes);                                                                                      \
    }
#define GENERIC_COMPARE_EXCHANGE(L)                                                                                    \
    EXPORT(int, atomic_compare_exchange, "__atomic_compare_exchange", size bytes, volatile void *object,               \
           void *expected, const void *input, int order, int failure)                                                  \
    {                                                                                                                  \
        int equal = 1;                                                                                                 \
        size place;                                                                                                    \
        (void)order, (void)failure;                                                                                    \
        L##_enter(object, bytes);                                                                                      \
        for (place = 0; place < bytes; place++)                                                                        \
            equal &= ((volatile byte *)object)[place] == ((volatile byte *)expected)[place];                           \
        if (equal)                                                                                                     \
            copy(object, input, bytes);                                                                                \
        else                                                                                                           \
            copy(expected, object, bytes);                                                                             \
        L##_leave(object, bytes);                                                                                      \
        return equal;                                                                                                  \
    }

/* -- the witness ---------------------------------------------------------------------------------------------------- */

#ifdef WITNESS
/* Bytes at a multiple of 8 KiB, after as many: objects at any address that matters lie at arena + something. */
__attribute__((unused)) static byte room[32768] __attribute__((aligned(8192)));
#define arena (room + 8192)
#define SETUP void nextrust_setup(void)
#define THREAD(n) void nextrust_thread_##n(void)
#define CHECK int nextrust_check(void)
#endif

#endif
