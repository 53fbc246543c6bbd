/* What the routines are called, how they are called, and what each is made of. Included first by a runtime, which then
   supplies UPDATE, load_N, store_N and compare_and_swap_N for N = 1, 2, 4, 8, and expands ROUTINES for each N. */

#ifndef ATOMIC_ROUTINES_H
#define ATOMIC_ROUTINES_H

typedef unsigned long size;
typedef unsigned char byte;

/* An object's value, and how a value is passed: in a 32-bit slot when it is narrower. GNU C extends narrow arguments by
   sign and leaves the upper bits of narrow results open, clang extends both by zeros and relies on it. So arguments
   are taken as whole slots and cut down, and results fill d0. */
typedef unsigned char value1 __attribute__((may_alias));
typedef unsigned short value2 __attribute__((may_alias));
typedef unsigned int value4 __attribute__((may_alias));
typedef unsigned long long value8 __attribute__((may_alias));
typedef unsigned int slot1, slot2, slot4;
typedef unsigned long long slot8;

/* Compilers refuse definitions of their own built-in names, so each routine has a name of ours and their symbol. */
#define QUOTED(text) #text
#define QUOTE(text) QUOTED(text)
#define EXPORT(result, name, symbol, ...)                                      \
    result name(__VA_ARGS__) __asm__(QUOTE(__USER_LABEL_PREFIX__) symbol);     \
    result name(__VA_ARGS__)

/* On one CPU, accesses that the compiler leaves in order are sequentially consistent: no routine looks at the order. */
#define ORDER __attribute__((unused)) int order
#define FAILURE __attribute__((unused)) int failure

#define COMPILER_BARRIER() __asm__ volatile("" : : : "memory")

/* 1 or 0. clang 19 makes 255 of a comparison that is used as a value, and callers compute with what they are given. The
   barrier keeps it from turning the branch back into that. */
static inline int truth(int condition)
{
    if (condition) {
        COMPILER_BARRIER();
        return 1;
    }
    return 0;
}

/* UPDATE(N, object, old, next, expression) is one atomic step: old is what the object held, next is
   expression (of old and value), and next is what it holds now. */

#define FETCH_AND_OP(N, op, expression)                                                                                \
    EXPORT(slot##N, sync_fetch_and_##op##_##N, "__sync_fetch_and_" #op "_" #N, void *object, slot##N operand)          \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, expression);                                                                      \
        return old;                                                                                                    \
    }                                                                                                                  \
    EXPORT(slot##N, atomic_fetch_##op##_##N, "__atomic_fetch_" #op "_" #N, void *object, slot##N operand, ORDER)       \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, expression);                                                                      \
        return old;                                                                                                    \
    }

#define OP_AND_FETCH(N, op, expression)                                                                                \
    EXPORT(slot##N, sync_##op##_and_fetch_##N, "__sync_" #op "_and_fetch_" #N, void *object, slot##N operand)          \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, expression);                                                                      \
        return next;                                                                                                   \
    }                                                                                                                  \
    EXPORT(slot##N, atomic_##op##_fetch_##N, "__atomic_" #op "_fetch_" #N, void *object, slot##N operand, ORDER)       \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, expression);                                                                      \
        return next;                                                                                                   \
    }

#define OPERATION(N, op, expression)                                                                                   \
    FETCH_AND_OP(N, op, expression)                                                                                    \
    OP_AND_FETCH(N, op, expression)

#define EXCHANGES(N)                                                                                                   \
    EXPORT(slot##N, sync_lock_test_and_set_##N, "__sync_lock_test_and_set_" #N, void *object, slot##N operand)         \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, value);                                                                           \
        return old;                                                                                                    \
    }                                                                                                                  \
    EXPORT(slot##N, atomic_exchange_##N, "__atomic_exchange_" #N, void *object, slot##N operand, ORDER)                \
    {                                                                                                                  \
        value##N value = (value##N)operand, old, next;                                                                 \
        UPDATE(N, object, old, next, value);                                                                           \
        return old;                                                                                                    \
    }

/* The value expected is written back only where it was not found: on success others may already own its memory. */
#define COMPARE_EXCHANGES(N)                                                                                           \
    EXPORT(slot##N, sync_val_compare_and_swap_##N, "__sync_val_compare_and_swap_" #N, void *object, slot##N old,       \
           slot##N operand)                                                                                            \
    {                                                                                                                  \
        return compare_and_swap_##N(object, (value##N)old, (value##N)operand);                                         \
    }                                                                                                                  \
    EXPORT(int, sync_bool_compare_and_swap_##N, "__sync_bool_compare_and_swap_" #N, void *object, slot##N old,         \
           slot##N operand)                                                                                            \
    {                                                                                                                  \
        return truth(compare_and_swap_##N(object, (value##N)old, (value##N)operand) == (value##N)old);                 \
    }                                                                                                                  \
    EXPORT(int, atomic_compare_exchange_##N, "__atomic_compare_exchange_" #N, void *object, void *expected,            \
           slot##N operand, ORDER, FAILURE)                                                                            \
    {                                                                                                                  \
        value##N wanted = *(value##N *)expected;                                                                       \
        value##N found = compare_and_swap_##N(object, wanted, (value##N)operand);                                      \
        if (found == wanted)                                                                                           \
            return 1;                                                                                                  \
        *(value##N *)expected = found;                                                                                 \
        return 0;                                                                                                      \
    }

#define LOADS_AND_STORES(N)                                                                                            \
    EXPORT(slot##N, atomic_load_##N, "__atomic_load_" #N, void *object, ORDER)                                         \
    {                                                                                                                  \
        return load_##N(object);                                                                                       \
    }                                                                                                                  \
    EXPORT(void, atomic_store_##N, "__atomic_store_" #N, void *object, slot##N operand, ORDER)                         \
    {                                                                                                                  \
        store_##N(object, (value##N)operand);                                                                          \
    }                                                                                                                  \
    EXPORT(void, sync_lock_release_##N, "__sync_lock_release_" #N, void *object)                                       \
    {                                                                                                                  \
        store_##N(object, 0);                                                                                          \
    }

#define ROUTINES(N)                                                                                                    \
    OPERATION(N, add, old + value)                                                                                     \
    OPERATION(N, sub, old - value)                                                                                     \
    OPERATION(N, or, old | value)                                                                                      \
    OPERATION(N, and, old & value)                                                                                     \
    OPERATION(N, xor, old ^ value)                                                                                     \
    OPERATION(N, nand, ~(old & value))                                                                                 \
    EXCHANGES(N)                                                                                                       \
    COMPARE_EXCHANGES(N)                                                                                               \
    LOADS_AND_STORES(N)

#endif /* ATOMIC_ROUTINES_H */
