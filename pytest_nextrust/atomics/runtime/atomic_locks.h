/* Objects of any size under locks: the table of locks, which of them an object takes, and the generic routines' bodies.
   Included after atomic_routines.h. A runtime with locks of its own defines OBJECT_LOCKS, acquire_object and
   release_object before. */

#ifndef ATOMIC_LOCKS_H
#define ATOMIC_LOCKS_H

#ifndef OBJECT_LOCKS

#define LOCKS 64
#define LINE_BITS 4 /* 16-byte lines, those of the 68030 and 68040 caches: locks of neighbours do not share one */
#define LINE (1 << LINE_BITS)

struct lock {
    volatile byte held; /* tas sets bit 7 */
    byte unused[LINE - 1];
};
static struct lock locks[LOCKS] __attribute__((aligned(LINE)));

/* The table's address as 32 bits: clang 19 reaches data by 16-bit PC-relative displacements, and a larger program than
   those span does not link. */
static inline struct lock *lock_number(size index)
{
    struct lock *table;

    __asm__("lea %c1,%0" : "=a"(table) : "i"(locks));
    return table + index;
}

/* One attempt: whether the lock was free and is now ours. Written as its opcode because clang 19's assembler knows no
   tas, and with the address in a register because the same compiler may choose a PC-relative operand, which no m68k
   instruction can write to. */
static inline int take(struct lock *lock)
{
    register struct lock *a0 __asm__("a0") = lock;
    byte was_held;

    __asm__ volatile(".short 0x4ad0\n\t" /* tas (%a0) */
                     "smi %0"
                     : "=d"(was_held)
                     : "a"(a0)
                     : "cc", "memory");
    return !was_held;
}

static inline void acquire(struct lock *lock)
{
    while (!take(lock))
        ; /* on one CPU the holder goes on when this thread's time slice ends */
}

static inline void release(struct lock *lock)
{
    COMPILER_BARRIER(); /* the object's last access comes before */
    lock->held = 0;
}

/* An object covers one or more 16-byte blocks, and takes the lock of each: block number modulo LOCKS. Two objects that
   share a byte share its block, so they exclude each other whatever their sizes and addresses. Every thread takes locks
   by ascending index, each once, so no two wait for each other, and none waits for itself. The indices of consecutive
   blocks are consecutive up to LOCKS - 1 and go on at 0: those that wrapped are the lower ones. */
static inline size first_lock(const volatile void *object)
{
    return ((size)object >> LINE_BITS) & (LOCKS - 1);
}

static inline size blocks(const volatile void *object, size bytes)
{
    return (((size)object & (LINE - 1)) + bytes + LINE - 1) >> LINE_BITS;
}

static __attribute__((noinline)) void acquire_object(const volatile void *object, size bytes)
{
    size first = first_lock(object), end = first + blocks(object, bytes), index;

    if (end - first >= LOCKS) { /* as large as the table or larger: every lock, once */
        first = 0;
        end = LOCKS;
    }
    for (index = LOCKS; index < end; index++)
        acquire(lock_number(index - LOCKS));
    for (index = first; index < end && index < LOCKS; index++)
        acquire(lock_number(index));
}

static __attribute__((noinline)) void release_object(const volatile void *object, size bytes)
{
    size first = first_lock(object), end = first + blocks(object, bytes), index;

    if (end - first >= LOCKS) {
        first = 0;
        end = LOCKS;
    }
    for (index = LOCKS; index < end; index++)
        release(lock_number(index - LOCKS));
    for (index = first; index < end && index < LOCKS; index++)
        release(lock_number(index));
}

#endif /* OBJECT_LOCKS */

/* The barriers keep compilers from making these loops into calls of memcpy and memcmp, which nobody may supply. Not
   inlined, for clang 19 loses the index where such a loop runs over an array in its own stack frame. */
static __attribute__((noinline)) void copy(volatile byte *to, const volatile byte *from, size bytes)
{
    for (; bytes; bytes--) {
        *to++ = *from++;
        COMPILER_BARRIER();
    }
}

static __attribute__((noinline)) int same(const volatile byte *left, const volatile byte *right, size bytes)
{
    for (; bytes; bytes--) {
        if (*left++ != *right++)
            return 0;
        COMPILER_BARRIER();
    }
    return 1;
}

static void locked_load(size bytes, const volatile void *object, void *output)
{
    acquire_object(object, bytes);
    copy(output, object, bytes);
    release_object(object, bytes);
}

static void locked_store(size bytes, volatile void *object, const void *input)
{
    acquire_object(object, bytes);
    copy(object, input, bytes);
    release_object(object, bytes);
}

static void locked_exchange(size bytes, volatile void *object, const void *input, void *output)
{
    volatile byte *there = object, *to = output;
    const volatile byte *from = input;
    size index;

    acquire_object(object, bytes);
    for (index = 0; index < bytes; index++) { /* by bytes, for input and output may be the same buffer */
        byte old = there[index];
        there[index] = from[index];
        to[index] = old;
    }
    release_object(object, bytes);
}

static int locked_compare_exchange(size bytes, volatile void *object, void *expected, const void *input)
{
    int equal;

    acquire_object(object, bytes);
    equal = same(object, expected, bytes);
    if (equal)
        copy(object, input, bytes);
    else
        copy(expected, object, bytes);
    release_object(object, bytes);
    return equal;
}

#endif /* ATOMIC_LOCKS_H */
