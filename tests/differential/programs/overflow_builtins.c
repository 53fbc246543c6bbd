/* Overflow detected by the compiler's builtins, and saturating arithmetic made from them. */
#include "out.h"

static NOINLINE i32 sat_add(i32 a, i32 b) {
    i32 r;
    return __builtin_add_overflow(a, b, &r) ? (a < 0 ? -2147483647 - 1 : 2147483647) : r;
}
static NOINLINE i32 sat_sub(i32 a, i32 b) {
    i32 r;
    return __builtin_sub_overflow(a, b, &r) ? (a < 0 ? -2147483647 - 1 : 2147483647) : r;
}
static NOINLINE int mul_over(i32 a, i32 b) {
    i32 r;
    return __builtin_mul_overflow(a, b, &r);
}
static NOINLINE int umul_over(u32 a, u32 b) {
    u32 r;
    return __builtin_mul_overflow(a, b, &r);
}
static NOINLINE int add64(i64 a, i64 b, i64 *r) { return __builtin_add_overflow(a, b, r); }
static NOINLINE int uadd64(u64 a, u64 b, u64 *r) { return __builtin_add_overflow(a, b, r); }
static NOINLINE int usub(u32 a, u32 b, u32 *r) { return __builtin_sub_overflow(a, b, r); }
static NOINLINE int add8(i32 a, i32 b, i8 *r) { return __builtin_add_overflow(a, b, r); }
static NOINLINE int add16(i32 a, i32 b, u16 *r) { return __builtin_add_overflow(a, b, r); }

int main(void) {
    static const i32 c[] = {0, 1, -1, 2, 46340, 46341, -46341, 65536, 2147483647, -2147483647 - 1, 1073741824, 127, 200};
    for (int i = 0; i < COUNT(c); i++)
        for (int j = 0; j < COUNT(c); j++) {
            u32 u;
            u16 w;
            i8 b;
            put_i32(sat_add(c[i], c[j])), sp(), put_i32(sat_sub(c[i], c[j])), sp(), put_i32(mul_over(c[i], c[j]));
            put_i32(umul_over((u32)c[i], (u32)c[j])), put_i32(usub((u32)c[i], (u32)c[j], &u)), sp(), put_u32(u), sp();
            put_i32(add8(c[i], c[j], &b)), sp(), put_i32(b), sp(), put_i32(add16(c[i], c[j], &w)), sp(), put_u32(w), nl();
        }
    static const i64 l[] = {0, -1, 0x7fffffffffffffffll, -0x7fffffffffffffffll - 1, 0x80000000ll};
    for (int i = 0; i < COUNT(l); i++)
        for (int j = 0; j < COUNT(l); j++) {
            i64 r;
            u64 u;
            int s = add64(l[i], l[j], &r), t = uadd64((u64)l[i], (u64)l[j], &u);
            put_i32(s), put_i32(t), sp(), put_i64(r), sp(), put_u64(u), nl();
        }
    return done(-1);
}
