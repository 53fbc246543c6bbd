/* Variable arguments of every kind: ints, 64-bit, doubles, pointers, structs; lists copied and passed on. */
#include "out.h"
#include <stdarg.h>

struct pair {
    i32 a, b;
};
struct odd {
    char name[5];
    i16 n;
};

static NOINLINE i64 sum(int n, ...) {
    va_list l;
    i64 s = 0;
    va_start(l, n);
    while (n--)
        s = s * 3 + va_arg(l, int);
    va_end(l);
    return s;
}
static i64 walk(const char *kinds, va_list l) {
    i64 s = 0;
    for (; *kinds; kinds++)
        switch (*kinds) {
        case 'i':
            s += va_arg(l, int);
            break;
        case 'l':
            s ^= va_arg(l, i64);
            break;
        case 'd':
            s += (i64)(va_arg(l, double) * 1000.0);
            break;
        case 's':
            for (const char *p = va_arg(l, const char *); *p; p++)
                s = s * 31 + *p;
            break;
        case 'p': {
            struct pair p = va_arg(l, struct pair);
            s += (i64)p.a * p.b;
            break;
        }
        case 'o': {
            struct odd o = va_arg(l, struct odd);
            s += o.n;
            put(o.name), sp();
            break;
        }
        }
    return s;
}
static NOINLINE i64 twice(const char *kinds, ...) {
    va_list a, b;
    va_start(a, kinds);
    va_copy(b, a);
    i64 x = walk(kinds, a), y = walk(kinds, b);
    va_end(b);
    va_end(a);
    return x == y ? x : -999;
}

int main(void) {
    say_i64("sum", sum(0));
    say_i64("sum", sum(1, -5));
    say_i64("sum", sum(10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    char c = 'x';
    short s = -300;
    float f = 1.5f;
    struct pair p = {1234, -77};
    struct odd o = {"four", 99};
    say_i64("chars", twice("iii", c, s, (u8)200));
    say_i64("longs", twice("ilil", 1, 0x123456789all, -1, -0x7000000000ll));
    say_i64("doubles", twice("ddid", (double)f, -2.25, 7, 1e6));
    say_i64("strings", twice("sis", "alpha", 3, "beta"));
    say_i64("structs", twice("pipo", p, 5, p, o));
    say_i64("all", twice("idlspo", 1, 0.5, 1ll << 40, "z", p, o));
    return done(-1);
}
