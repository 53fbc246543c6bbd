/* Atomic operations for the 68020, 68030 and 68040 without locks: every routine that GNU C, clang and Rust call for
   atomics. Objects of 1 to 8 bytes at any address are updated by one cas or cas2 instruction, so a thread that is
   stopped inside a routine holds nothing up, and signal handlers may use the same objects.

   Generic objects of more than 8 bytes use locks, as atomic_spinlock.c does, and __atomic_is_lock_free says so. The two
   classes do not exclude each other: do not access a part of a larger object by a routine of 1 to 8 bytes.

   cas and cas2 allow misaligned operands (68020 to 68040; the 68060 traps both and cas2 altogether). They lock the bus,
   and one instruction is never interrupted between its read and its write. A load of 8 bytes, or of 3, 5, 6 or 7, is a
   cas2 that stores what it found where it stores at all, so such objects must be in writable memory; loads of 1, 2 and
   4 bytes are plain moves. What compilers expand in line for these CPUs is cas, so both may be used on one object. */

#if !defined(__mc68020__) && !defined(__mc68030__) && !defined(__mc68040__)
#error "cas and cas2 need a 68020, 68030 or 68040: use atomic_spinlock.c"
#endif

#include "atomic_routines.h"
#include "atomic_locks.h"

/* What the routines are made of. compare_and_swap_N returns what it found: the swap was made if that was expected. */

#define COMPARE_AND_SWAP(N, width)                                                                                     \
    static inline value##N compare_and_swap_##N(volatile void *object, value##N expected, value##N desired)            \
    {                                                                                                                  \
        __asm__ volatile("cas." width " %0,%1,(%2)" : "+d"(expected) : "d"(desired), "a"(object) : "cc", "memory");    \
        return expected;                                                                                               \
    }

COMPARE_AND_SWAP(1, "b")
COMPARE_AND_SWAP(2, "w")
COMPARE_AND_SWAP(4, "l")

/* cas2: where first and second hold head and tail, they get new_head and new_tail; else head and tail get what they
   hold. Both are compared and written in one step. Written as its opcode because clang 19's assembler knows no cas2;
   the opcode's operands are those registers. */
#define CAS2_L ".short 0x0efc,0x8080,0x90c1" /* cas2.l %d0:%d1,%d2:%d3,(%a0):(%a1) */
#define CAS2_W ".short 0x0cfc,0x8080,0x90c1" /* cas2.w %d0:%d1,%d2:%d3,(%a0):(%a1) */
#define CAS2(opcode, first, second, head, tail, new_head, new_tail)                                                    \
    do {                                                                                                               \
        register value4 d0 __asm__("d0") = head;                                                                       \
        register value4 d1 __asm__("d1") = tail;                                                                       \
        register value4 d2 __asm__("d2") = new_head;                                                                   \
        register value4 d3 __asm__("d3") = new_tail;                                                                   \
        register volatile void *a0 __asm__("a0") = first;                                                              \
        register volatile void *a1 __asm__("a1") = second;                                                             \
        __asm__ volatile(opcode : "+d"(d0), "+d"(d1) : "d"(d2), "d"(d3), "a"(a0), "a"(a1) : "cc", "memory");           \
        head = d0;                                                                                                     \
        tail = d1;                                                                                                     \
    } while (0)

union halves { /* for shifting a value8 may call a routine that nobody supplies */
    value8 whole;
    value4 half[2];
};

static inline value8 compare_and_swap_8(volatile void *object, value8 expected, value8 desired)
{
    union halves found, next;
    value4 head, tail;

    found.whole = expected;
    next.whole = desired;
    head = found.half[0];
    tail = found.half[1];
    CAS2(CAS2_L, object, (volatile byte *)object + 4, head, tail, next.half[0], next.half[1]);
    found.half[0] = head;
    found.half[1] = tail;
    return found.whole;
}

/* Up to 4 bytes one move is one step. */
#define LOAD_AND_STORE(N)                                                                                              \
    static inline value##N load_##N(const volatile void *object)                                                       \
    {                                                                                                                  \
        return *(const volatile value##N *)object;                                                                     \
    }                                                                                                                  \
    static inline void store_##N(volatile void *object, value##N value)                                                \
    {                                                                                                                  \
        *(volatile value##N *)object = value;                                                                          \
    }

LOAD_AND_STORE(1)
LOAD_AND_STORE(2)
LOAD_AND_STORE(4)

/* Compares with 0: an object that holds 0 is given 0, any other is left and read, both halves at once. */
static inline value8 load_8(const volatile void *object)
{
    return compare_and_swap_8((volatile void *)object, 0, 0);
}

/* Reads again before each attempt instead of going on with what cas found: a value that the loop carried would need a
   register copy at its end, which clang 19 puts between the comparison and the branch on its flags. */
#define UPDATE(N, object, old, next, expression)                                                                       \
    do {                                                                                                               \
        old = load_##N(object);                                                                                        \
        next = (value##N)(expression);                                                                                 \
    } while (compare_and_swap_##N(object, old, next) != old)

static inline void store_8(volatile void *object, value8 value)
{
    value8 old, next;

    UPDATE(8, object, old, next, value);
    (void)next;
}

ROUTINES(1)
ROUTINES(2)
ROUTINES(4)
ROUTINES(8)

EXPORT(void, sync_synchronize, "__sync_synchronize", void)
{
    COMPILER_BARRIER(); /* one CPU sees its own accesses in order */
}

/* The generic routines, 1 to 8 bytes. */

static inline int lock_free(size bytes)
{
    return bytes >= 1 && bytes <= 8;
}

/* 3 bytes are two overlapping words, 5 to 8 bytes two long words that overlap by what is missing to 8. cas2 compares
   both before it writes either, and what it writes agrees where they overlap. */
static int swap_words(size bytes, volatile byte *object, byte *expected, const byte *input)
{
    size second = bytes - 2;
    value4 head = *(value2 *)expected, tail = *(value2 *)(expected + second);
    value4 old_head = head, old_tail = tail;

    CAS2(CAS2_W, object, object + second, head, tail, *(const value2 *)input, *(const value2 *)(input + second));
    if ((value2)head == (value2)old_head && (value2)tail == (value2)old_tail)
        return 1;
    *(value2 *)expected = (value2)head;
    *(value2 *)(expected + second) = (value2)tail;
    return 0;
}

static int swap_longs(size bytes, volatile byte *object, byte *expected, const byte *input)
{
    size second = bytes - 4;
    value4 head = *(value4 *)expected, tail = *(value4 *)(expected + second);
    value4 old_head = head, old_tail = tail;

    CAS2(CAS2_L, object, object + second, head, tail, *(const value4 *)input, *(const value4 *)(input + second));
    if (head == old_head && tail == old_tail)
        return 1;
    *(value4 *)expected = head;
    *(value4 *)(expected + second) = tail;
    return 0;
}

/* One attempt: whether the object held what was expected and now holds the input; else expected has what it holds. */
static int swap(size bytes, void *object, void *expected, const void *input)
{
    if (bytes > 4)
        return swap_longs(bytes, object, expected, input);
    if (bytes & 1) /* not a chain of ==: clang makes a table of it, which again must be near */
        return bytes == 1 ? atomic_compare_exchange_1(object, expected, *(const value1 *)input, 0, 0)
                          : swap_words(bytes, object, expected, input);
    if (bytes == 2)
        return atomic_compare_exchange_2(object, expected, *(const value2 *)input, 0, 0);
    return atomic_compare_exchange_4(object, expected, *(const value4 *)input, 0, 0);
}

static void read(size bytes, void *object, void *output)
{
    byte zeros[8];
    size index;

    if (bytes == 1) {
        *(value1 *)output = load_1(object);
    } else if (bytes == 2) {
        *(value2 *)output = load_2(object);
    } else if (bytes == 4) {
        *(value4 *)output = load_4(object);
    } else { /* as load_8: compares with zeros, and writes them where there are zeros */
        for (index = 0; index < sizeof zeros; index++)
            zeros[index] = 0;
        copy(output, zeros, bytes);
        swap(bytes, object, output, zeros);
    }
}

EXPORT(void, atomic_load, "__atomic_load", size bytes, void *object, void *output, ORDER)
{
    if (lock_free(bytes))
        read(bytes, object, output);
    else
        locked_load(bytes, object, output);
}

/* The input is read once, and the output written once, before and after: they may be the same buffer. */
EXPORT(void, atomic_exchange, "__atomic_exchange", size bytes, void *object, const void *input, void *output, ORDER)
{
    byte found[8], next[8];

    if (!lock_free(bytes)) {
        locked_exchange(bytes, object, input, output);
        return;
    }
    copy(next, input, bytes);
    read(bytes, object, found);
    while (!swap(bytes, object, found, next))
        ; /* another thread got its update in: try with what it left */
    copy(output, found, bytes);
}

EXPORT(void, atomic_store, "__atomic_store", size bytes, void *object, const void *input, ORDER)
{
    byte found[8];

    if (lock_free(bytes))
        atomic_exchange(bytes, object, input, found, 0);
    else
        locked_store(bytes, object, input);
}

EXPORT(int, atomic_compare_exchange, "__atomic_compare_exchange", size bytes, void *object, void *expected,
       const void *input, ORDER, FAILURE)
{
    if (lock_free(bytes))
        return swap(bytes, object, expected, input);
    return locked_compare_exchange(bytes, object, expected, input);
}

EXPORT(int, atomic_is_lock_free, "__atomic_is_lock_free", size bytes, __attribute__((unused)) const void *object)
{
    return truth(lock_free(bytes));
}
