/* The compiler's atomic builtins in one thread: test and set, compare and swap, fetch and modify, in 8, 16, 32 bits. */
#include "out.h"

static u32 word = 5;
static u16 half = 500;
static u8 byte = 50;
static volatile u8 lock;

static NOINLINE int take(void) { return __atomic_test_and_set(&lock, __ATOMIC_ACQUIRE); }
static NOINLINE void leave(void) { __atomic_clear(&lock, __ATOMIC_RELEASE); }
static NOINLINE int swap32(u32 *p, u32 *expect, u32 want) {
    return __atomic_compare_exchange_n(p, expect, want, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

int main(void) {
    put_i32(take()), put_i32(take()), put_hex(lock, 2), leave(), put_i32(lock), put_i32(take()), nl();
    for (u32 i = 1; i < 20; i++) {
        put_u32(__sync_fetch_and_add(&word, i * 0x10001)), sp(), put_u32(__sync_sub_and_fetch(&half, (u16)(i * 7))), sp();
        put_u32(__sync_fetch_and_xor(&byte, (u8)(i * 31))), sp(), put_hex(__sync_or_and_fetch(&word, 1u << i), 8), sp();
        put_hex(__sync_fetch_and_and(&half, (u16)~(1u << (i & 15))), 4), sp(), put_u32(__sync_and_and_fetch(&byte, (u8)~i)), sp();
        put_hex(__sync_lock_test_and_set(&word, word >> 1), 8), nl();
    }
    u32 expect = word;
    put_i32(swap32(&word, &expect, 77)), sp(), put_u32(word), sp(), put_i32(swap32(&word, &expect, 88)), sp();
    put_i32(expect == 77), sp(), put_u32(word), nl();
    put_i32(__sync_bool_compare_and_swap(&half, half, 1)), put_i32(__sync_bool_compare_and_swap(&half, 2, 3)), sp(), put_u32(half), nl();
    put_u32(__sync_val_compare_and_swap(&byte, byte, 200)), sp(), put_u32(__sync_val_compare_and_swap(&byte, 1, 2)), sp(), put_u32(byte), nl();
    u32 n = 0;
    for (int i = 0; i < 100; i++) {
        u32 old = __atomic_load_n(&word, __ATOMIC_ACQUIRE), made;
        do
            made = old * 3 + 1, n++;
        while (!swap32(&word, &old, made));
    }
    __atomic_store_n(&half, 1234, __ATOMIC_RELEASE);
    say_u32("tries", n), say_hex("word", word), say_u32("half", half);
    return done((int)n);
}
