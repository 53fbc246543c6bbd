/* Large integers in base 2^32: factorials, Fibonacci numbers, powers, printed in decimal; long division, greatest common divisor. */
#include "out.h"

enum { MAX = 40 };
struct big {
    int n;
    u32 w[MAX];
};

static NOINLINE void set(struct big *a, u32 v) { a->n = v ? 1 : 0, a->w[0] = v; }
static NOINLINE void add(struct big *a, const struct big *b) {
    u64 c = 0;
    int n = a->n > b->n ? a->n : b->n;
    for (int i = 0; i < n; i++) {
        c += (u64)(i < a->n ? a->w[i] : 0) + (i < b->n ? b->w[i] : 0);
        a->w[i] = (u32)c, c >>= 32;
    }
    if (c)
        a->w[n++] = (u32)c;
    a->n = n;
}
static NOINLINE void sub(struct big *a, const struct big *b) {
    i64 c = 0;
    for (int i = 0; i < a->n; i++) {
        c += (i64)a->w[i] - (i < b->n ? b->w[i] : 0);
        a->w[i] = (u32)c, c >>= 32;
    }
    while (a->n && !a->w[a->n - 1])
        a->n--;
}
static NOINLINE void mul(struct big *r, const struct big *a, const struct big *b) {
    struct big t;
    t.n = a->n + b->n;
    for (int i = 0; i < t.n; i++)
        t.w[i] = 0;
    for (int i = 0; i < a->n; i++) {
        u64 c = 0;
        for (int j = 0; j < b->n; j++)
            c += (u64)a->w[i] * b->w[j] + t.w[i + j], t.w[i + j] = (u32)c, c >>= 32;
        t.w[i + b->n] = (u32)c;
    }
    while (t.n && !t.w[t.n - 1])
        t.n--;
    *r = t;
}
static NOINLINE u32 small_div(struct big *a, u32 d) {
    u64 r = 0;
    for (int i = a->n; i--;)
        r = r << 32 | a->w[i], a->w[i] = (u32)(r / d), r %= d;
    while (a->n && !a->w[a->n - 1])
        a->n--;
    return (u32)r;
}
static NOINLINE int compare(const struct big *a, const struct big *b) {
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n; i--;)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}
static NOINLINE void half(struct big *a) {
    for (int i = 0; i < a->n; i++)
        a->w[i] = a->w[i] >> 1 | (i + 1 < a->n ? a->w[i + 1] << 31 : 0);
    while (a->n && !a->w[a->n - 1])
        a->n--;
}
static NOINLINE void show(struct big a) {
    char digits[400];
    int n = 0;
    do {
        u32 r = small_div(&a, 1000000000u);
        for (int i = 0; i < 9 && (r || a.n || !i); i++)
            digits[n++] = (char)('0' + r % 10), r /= 10;
    } while (a.n);
    while (n)
        put_char(digits[--n]);
    nl();
}

int main(void) {
    struct big a, b, c;
    set(&a, 1);
    for (u32 i = 2; i <= 80; i++) {
        set(&b, i), mul(&a, &a, &b);
        if (i % 13 == 2)
            show(a);
    }
    set(&b, 0), set(&c, 1);
    for (int i = 0; i < 500; i++) {
        struct big t = c;
        add(&c, &b), b = t;
    }
    show(b);
    struct big p, q;
    set(&p, 3), set(&q, 7);
    for (int i = 0; i < 5; i++)
        mul(&p, &p, &p), mul(&q, &q, &q);
    show(p), show(q);
    sub(&q, &p), show(q);
    /* Binary gcd of 80! / 3^5 and the 480th Fibonacci-like number times 2^7 * 3^4. */
    for (int i = 0; i < 5; i++)
        small_div(&a, 3);
    set(&p, 128 * 81 * 5 * 7 * 11), mul(&b, &b, &p);
    int twos = 0;
    while (!(a.w[0] & 1) && !(b.w[0] & 1))
        half(&a), half(&b), twos++;
    while (a.n) {
        while (!(a.w[0] & 1))
            half(&a);
        while (b.n && !(b.w[0] & 1))
            half(&b);
        if (compare(&a, &b) < 0) {
            struct big t = a;
            a = b, b = t;
        }
        sub(&a, &b);
    }
    say_i32("twos", twos), show(b);
    return done(-1);
}
