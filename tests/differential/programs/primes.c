/* Primes: a sieve of bits, trial division, Miller-Rabin with 64-bit products, factors, totients, modular powers. */
#include "out.h"

enum { LIMIT = 12000 };
static u32 composite[LIMIT / 32 + 1];

static NOINLINE int sieve(void) {
    int n = 0;
    for (u32 p = 2; p < LIMIT; p++) {
        if (composite[p >> 5] >> (p & 31) & 1)
            continue;
        n++;
        for (u32 q = p * p; q < LIMIT; q += p)
            composite[q >> 5] |= 1u << (q & 31);
    }
    return n;
}
static NOINLINE u32 mulmod(u32 a, u32 b, u32 m) { return (u32)((u64)a * b % m); }
static NOINLINE u32 powmod(u32 a, u32 n, u32 m) {
    u32 r = 1;
    for (a %= m; n; n >>= 1, a = mulmod(a, a, m))
        if (n & 1)
            r = mulmod(r, a, m);
    return r;
}
static NOINLINE int miller_rabin(u32 n) {
    static const u32 witness[] = {2, 3, 5, 7};
    if (n < 2)
        return 0;
    for (int i = 0; i < 4; i++)
        if (n % witness[i] == 0)
            return n == witness[i];
    u32 d = n - 1;
    int s = 0;
    while (!(d & 1))
        d >>= 1, s++;
    for (int i = 0; i < 4; i++) {
        u32 x = powmod(witness[i], d, n);
        if (x == 1 || x == n - 1)
            continue;
        int k = s;
        while (--k && (x = mulmod(x, x, n)) != n - 1)
            ;
        if (!k)
            return 0;
    }
    return 1;
}
static NOINLINE u32 gcd(u32 a, u32 b) {
    while (b) {
        u32 t = a % b;
        a = b, b = t;
    }
    return a;
}
static NOINLINE void factors(u32 n) {
    put_u32(n), put_char('=');
    for (u32 p = 2; p * p <= n; p += p == 2 ? 1 : 2)
        while (n % p == 0)
            put_u32(p), put_char('*'), n /= p;
    put_u32(n), sp();
}
static NOINLINE u32 totient(u32 n) {
    u32 r = n;
    for (u32 p = 2; p * p <= n; p++)
        if (n % p == 0) {
            r -= r / p;
            while (n % p == 0)
                n /= p;
        }
    return n > 1 ? r - r / n : r;
}

int main(void) {
    int count = sieve(), bad = 0;
    say_i32("primes", count);
    for (u32 n = 0; n < LIMIT; n += 1 + (n > 500) * 6)
        if (n > 1)
            bad += miller_rabin(n) == (int)(composite[n >> 5] >> (n & 31) & 1);
    say_i32("bad", bad);
    static const u32 large[] = {4294967291u, 4294967295u, 2147483647u, 3215031751u, 2152302898u, 999999937u, 1000000007u, 25326001u};
    for (int i = 0; i < COUNT(large); i++)
        put_i32(miller_rabin(large[i])), put_u32(powmod(3, large[i] / 3, large[i])), sp();
    nl();
    for (u32 n = 360; n < 100000; n = n * 2 + 7)
        factors(n), put_u32(totient(n)), nl();
    for (u32 a = 1; a < 400; a += 37)
        for (u32 b = 7; b < 800; b += 91)
            put_u32(gcd(a * 6, b * 4)), sp();
    nl();
    return done(bad ? 1 : count % 100);
}
