/* 64-bit comparisons: every relation on every pair of corner values, as a value and as a branch. */
#include "out.h"

static const u64 corner[] = {0, 1, 0x7fffffff, 0x80000000ull, 0xffffffffull, 0x100000000ull, 0x17fffffffull,
                             0x7fffffffffffffffull, 0x8000000000000000ull, 0x80000000ffffffffull,
                             0xffffffff00000000ull, 0xffffffffffffffffull};

static NOINLINE int urel(u64 a, u64 b) {
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}
static NOINLINE int srel(i64 a, i64 b) {
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}
static NOINLINE int branch(i64 a, i64 b) {
    if (a < b)
        return -1;
    if (a > b)
        return 1;
    return 0;
}
static NOINLINE u64 umin(u64 a, u64 b) { return a < b ? a : b; }
static NOINLINE i64 smax(i64 a, i64 b) { return a > b ? a : b; }
static NOINLINE int sign(i64 a) { return (a > 0) - (a < 0); }
static NOINLINE int is_zero(u64 a) { return !a; }

int main(void) {
    for (int i = 0; i < COUNT(corner); i++) {
        for (int j = 0; j < COUNT(corner); j++) {
            put_hex((u32)urel(corner[i], corner[j]), 2), put_hex((u32)srel((i64)corner[i], (i64)corner[j]), 2);
            put_i32(branch((i64)corner[i], (i64)corner[j])), sp();
        }
        put_i32(sign((i64)corner[i])), sp(), put_i32(is_zero(corner[i])), nl();
        put_hex64(umin(corner[i], 0x90000000ull)), sp(), put_i64(smax((i64)corner[i], -5)), nl();
    }
    i64 total = 0;
    for (i64 k = -0x200000000ll; k < 0x200000000ll; k += 0x08765432ll)
        total += branch(k, 0x123456789ll) + 3 * sign(k);
    say_i64("total", total);
    return done(-1);
}
