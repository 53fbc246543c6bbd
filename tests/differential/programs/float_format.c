/* Decimal printing and reading of doubles, exactly, by integers of any length. */
#include "out.h"

static u32 big[80];
static int used;

static void scale(u32 m, u32 carry) {
    for (int i = 0; i < used; i++) {
        u64 t = (u64)big[i] * m + carry;
        big[i] = (u32)t, carry = (u32)(t >> 32);
    }
    if (carry)
        big[used++] = carry;
}
static u32 divide(u32 d) {
    u64 r = 0;
    for (int i = used; i--;) {
        r = r << 32 | big[i];
        big[i] = (u32)(r / d), r %= d;
    }
    while (used && !big[used - 1])
        used--;
    return (u32)r;
}
static void shift(int n) {
    for (; n >= 28; n -= 28)
        scale(1u << 28, 0);
    scale(1u << n, 0);
}
/* All decimal digits of a finite double: m * 2^e with e < 0 is m * 5^-e / 10^-e. */
static NOINLINE void exact(double value) {
    union {
        double d;
        u64 u;
    } bits;
    char digits[1200];
    bits.d = value;
    int e = (int)(bits.u >> 52 & 2047), n = 0;
    u64 m = (bits.u & 0xfffffffffffffull) | (e ? 1ull << 52 : 0);
    if (bits.u >> 63)
        put_char('-');
    e = (e ? e : 1) - 1075;
    while (m && !(m & 1))
        m >>= 1, e++;
    if (!m)
        e = 0;
    big[0] = (u32)m, big[1] = (u32)(m >> 32), used = big[1] ? 2 : big[0] ? 1 : 0;
    if (e > 0)
        shift(e);
    for (int i = 0; i < -e; i++)
        scale(5, 0);
    do {
        u32 r = divide(1000000000u);
        for (int i = 0; i < 9; i++)
            digits[n++] = (char)('0' + r % 10), r /= 10;
    } while (used);
    int point = e < 0 ? -e : 0;
    while (n <= point)
        digits[n++] = '0';
    while (n > point + 1 && digits[n - 1] == '0')
        n--;
    while (n--) {
        put_char(digits[n]);
        if (n == point && n)
            put_char('.');
    }
    nl();
}
static NOINLINE double parse(const char *s) {
    volatile double r = 0, p = 1;
    int sign = *s == '-';
    for (s += sign; *s >= '0' && *s <= '9'; s++)
        r = r * 10 + (*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++)
            r = r * 10 + (*s - '0'), p = p * 10;
    r = r / p;
    if (*s == 'e') {
        int e = 0, minus = s[1] == '-';
        for (s += 1 + minus; *s; s++)
            e = e * 10 + *s - '0';
        while (e--)
            r = minus ? r / 10 : r * 10;
    }
    return sign ? -r : r;
}

int main(void) {
    static const double v[] = {0.0, 1.0, -1.5, 0.1, 3.141592653589793, 1e15, 1e22, 123456789.125, 5e-324, 6.02214076e23,
                               1.0 / 3, 1e-7, 9007199254740993.0};
    for (int i = 0; i < COUNT(v); i++)
        exact(v[i]);
    static const char *const t[] = {"0", "1", "-2.5", "0.1", "3.14159", "1e5", "-1.25e-3", "123456789.987654321", "1e22"};
    for (int i = 0; i < COUNT(t); i++) {
        double x = parse(t[i]);
        put_double(x), sp(), exact(x);
    }
    return done(-1);
}
