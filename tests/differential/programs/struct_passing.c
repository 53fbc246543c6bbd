/* Structs passed by value: one to forty bytes, odd sizes, nested, mixed with other arguments, changed by the callee. */
#include "out.h"

struct s1 { u8 a; };
struct s2 { u8 a, b; };
struct s3 { u8 a, b, c; };
struct s5 { u8 a[5]; };
struct s6 { u16 a; i32 b; };
struct s8 { i32 a, b; };
struct s10 { i16 a; i64 b; };
struct s12 { double d; float f; };
struct s40 { i32 v[10]; };
struct nest { struct s3 a; struct s6 b; struct s2 c[2]; };

static NOINLINE i32 f1(struct s1 s, i32 x) { return s.a * 3 + x; }
static NOINLINE i32 f2(i32 x, struct s2 s) { return s.a * 3 + s.b * 5 + x; }
static NOINLINE i32 f3(struct s3 s, char c, struct s3 t) { return s.a + s.b * 2 + s.c * 3 + c + t.a * 5 + t.b * 7 + t.c * 11; }
static NOINLINE i32 f5(u8 x, struct s5 s, i16 y) {
    for (int i = 0; i < 5; i++)
        s.a[i] += (u8)(x + i), y = (i16)(y + s.a[i]);
    return y;
}
static NOINLINE i64 f6(struct s6 s, struct s8 t) { return (i64)s.a * s.b + (i64)t.a * t.b; }
static NOINLINE i64 f10(struct s10 s, i64 l, struct s10 t) { return s.b - t.b + l * (s.a + t.a); }
static NOINLINE double f12(struct s12 s, double x) { return s.d * x + s.f; }
static NOINLINE i32 f40(struct s40 s, int n) {
    i32 r = 0;
    for (int i = 0; i < 10; i++)
        s.v[i] ^= n, r += s.v[i] * (i + 1);
    return n ? r + f40(s, n - 1) : r;
}
static NOINLINE u32 fn(struct nest n, struct nest *p) {
    n.c[1].b++, p->c[1].b += 2;
    return n.a.a + n.a.b * 3u + n.a.c * 5u + n.b.a * 7u + (u32)n.b.b + n.c[0].a + n.c[1].b * 13u + p->c[1].b;
}

int main(void) {
    for (int i = 0; i < 12; i++) {
        struct s1 a = {(u8)(i * 9)};
        struct s2 b = {(u8)i, (u8)(i * i)};
        struct s3 c = {1, (u8)i, 250};
        struct s5 d = {{(u8)i, 2, 3, 4, (u8)(i * 50)}};
        struct s6 e = {(u16)(60000 + i * 500), -i * 1000000};
        struct s8 f = {i << 20, -i};
        struct s10 g = {(i16)(i - 6), (i64)i << 40}, h = {(i16)-i, -7};
        struct s12 k = {1.25 * i, 0.5f};
        struct s40 m;
        struct nest n = {c, e, {b, b}};
        for (int j = 0; j < 10; j++)
            m.v[j] = j * i;
        put_i32(f1(a, i)), sp(), put_i32(f2(-i, b)), sp(), put_i32(f3(c, 'c', c)), sp(), put_i32(f5(7, d, (i16)i)), sp();
        put_i64(f6(e, f)), sp(), put_i64(f10(g, i * 123456789ll, h)), sp(), put_double(f12(k, 2.5)), sp();
        put_i32(f40(m, 3)), sp(), put_u32(fn(n, &n)), sp(), put_i32(n.c[1].b), sp(), put_i32(m.v[9]), nl();
    }
    return done(-1);
}
