/* 64-bit addition, subtraction, negation and multiplication: carries between the halves, the full product. */
#include "out.h"

static const u64 corner[] = {0, 1, 0xffffffffull, 0x100000000ull, 0x7fffffffffffffffull, 0x8000000000000000ull,
                             0xffffffffffffffffull, 0x123456789abcdef0ull, 0xfffffffe00000001ull, 0x80000000ull};

static NOINLINE u64 add(u64 a, u64 b) { return a + b; }
static NOINLINE u64 sub(u64 a, u64 b) { return a - b; }
static NOINLINE u64 mul(u64 a, u64 b) { return a * b; }
static NOINLINE u64 neg(u64 a) { return 0 - a; }
static NOINLINE u64 wide(u32 a, u32 b) { return (u64)a * b; }
static NOINLINE i64 swide(i32 a, i32 b) { return (i64)a * b; }

/* The upper half of a 128-bit product, from four 32-bit ones. */
static NOINLINE u64 high(u64 a, u64 b) {
    u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
    u64 mid = ah * bl + (al * bl >> 32);
    u64 mid2 = (u32)mid + al * bh;
    return ah * bh + (mid >> 32) + (mid2 >> 32);
}

int main(void) {
    for (int i = 0; i < COUNT(corner); i++)
        for (int j = i; j < COUNT(corner); j++) {
            u64 a = corner[i], b = corner[j];
            put_hex64(add(a, b)), sp(), put_hex64(sub(a, b)), sp(), put_hex64(sub(b, a)), sp(), put_hex64(mul(a, b));
            sp(), put_hex64(high(a, b)), nl();
        }
    for (int i = 0; i < 20; i++) {
        u32 a = next_random(), b = next_random();
        put_hex64(wide(a, b)), sp(), put_i64(swide((i32)a, (i32)b)), sp(), put_hex64(neg(wide(b, a))), nl();
    }
    u64 acc = 1;
    for (u32 i = 1; i <= 20; i++)
        acc *= i, put_u64(acc), sp();
    nl();
    i64 sum = 0;
    for (i32 i = -1000; i < 1500; i++)
        sum += (i64)i * i * i, sum -= i;
    say_i64("sum", sum);
    u64 count = 0xfffffffffffffff0ull;
    for (int i = 0; i < 40; i++)
        count++;
    say_hex64("count", count);
    for (int i = 0; i < 50; i++)
        count--;
    say_hex64("count", count);
    return done(-1);
}
