/* Structs returned by value in registers and through memory, of one to sixty-four bytes; chained and recursive. */
#include "out.h"

struct r1 { u8 a; };
struct r2 { u16 a; };
struct r3 { u8 a, b, c; };
struct r4 { u16 a, b; };
struct r6 { u16 a, b, c; };
struct r8 { u32 a, b; };
struct rl { u64 a; };
struct rd { double a; };
struct rf { float a, b; };
struct r12 { u32 a, b, c; };
struct r64 { u32 v[16]; };
struct complex { double re, im; };

#define MAKE(type, ...) static NOINLINE struct type make_##type(u32 x) { struct type r = {__VA_ARGS__}; return r; }
MAKE(r1, (u8)x)
MAKE(r2, (u16)(x * 3))
MAKE(r3, (u8)x, (u8)(x >> 3), (u8)~x)
MAKE(r4, (u16)x, (u16)(x >> 1))
MAKE(r6, (u16)x, (u16)(x + 1), (u16)(x * x))
MAKE(r8, x, x ^ 0xffffffffu)
MAKE(rl, (u64)x << 33 | x)
MAKE(rd, (double)x * 0.125)
MAKE(rf, (float)x, (float)x * -0.5f)
MAKE(r12, x, x + 1, x + 2)

static NOINLINE struct r64 make_r64(u32 x) {
    struct r64 r;
    for (u32 i = 0; i < 16; i++)
        r.v[i] = x * (i + 1);
    return r;
}
static NOINLINE struct r64 add64(struct r64 a, struct r64 b) {
    for (int i = 0; i < 16; i++)
        a.v[i] += b.v[15 - i];
    return a;
}
static NOINLINE struct complex times(struct complex a, struct complex b) {
    struct complex r = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return r;
}
static NOINLINE struct complex power(struct complex a, int n) {
    struct complex one = {1.0, 0.0};
    if (!n)
        return one;
    struct complex half = power(a, n / 2);
    half = times(half, half);
    return n & 1 ? times(half, a) : half;
}
static struct r12 (*const maker)(u32) = make_r12;

int main(void) {
    for (u32 x = 1; x < 70000; x = x * 5 + 3) {
        struct r3 t = make_r3(x);
        struct r6 s = make_r6(x);
        struct r12 w = maker(x);
        put_u32(make_r1(x).a), sp(), put_u32(make_r2(x).a), sp(), put_u32(t.a + t.b * 256u + t.c * 65536u), sp();
        put_u32(make_r4(x).a * 2u + make_r4(x).b), sp(), put_u32(s.a + s.b * 3u + s.c * 5u), sp();
        put_hex(make_r8(x).b, 8), sp(), put_hex64(make_rl(x).a), sp(), put_double(make_rd(x).a), sp();
        put_float(make_rf(x).a), sp(), put_float(make_rf(x).b), sp(), put_u32(w.a ^ w.b ^ w.c), sp();
        struct r64 big = add64(make_r64(x), add64(make_r64(2), make_r64(x + 1)));
        u32 mix = 0;
        for (int i = 0; i < 16; i++)
            mix = mix * 7 + big.v[i];
        put_hex(mix, 8), nl();
    }
    struct complex z = {0.6, 0.8};
    for (int n = 0; n < 20; n += 3) {
        struct complex p = power(z, n);
        put_double(p.re), sp(), put_double(p.im), nl();
    }
    return done(-1);
}
