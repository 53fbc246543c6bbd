/* 64-bit division and remainder, signed and unsigned, with divisors of every width. */
#include "out.h"

static NOINLINE u64 udiv(u64 a, u64 b) { return a / b; }
static NOINLINE u64 umod(u64 a, u64 b) { return a % b; }
static NOINLINE i64 sdiv(i64 a, i64 b) { return a / b; }
static NOINLINE i64 smod(i64 a, i64 b) { return a % b; }

int main(void) {
    static const u64 n[] = {0, 1, 9, 0xffffffffull, 0x100000000ull, 0xffffffffffffffffull, 0x8000000000000000ull,
                            0x7fffffffffffffffull, 1000000000000000000ull, 0x00000001ffffffffull};
    static const u64 d[] = {1, 2, 3, 10, 0xffff, 0x10000, 0x10001, 0xffffffffull, 0x100000000ull, 0x100000001ull,
                            0xfffffffffffffffeull, 0x8000000000000000ull, 0xfffffffffffffff6ull};
    int bad = 0;
    for (int i = 0; i < COUNT(n); i++)
        for (int j = 0; j < COUNT(d); j++) {
            u64 q = udiv(n[i], d[j]), r = umod(n[i], d[j]);
            i64 sq = sdiv((i64)n[i], (i64)d[j]), sr = smod((i64)n[i], (i64)d[j]);
            put_hex64(q), sp(), put_hex64(r), sp(), put_i64(sq), sp(), put_i64(sr), nl();
            bad += q * d[j] + r != n[i] || r >= d[j];
            bad += (u64)sq * d[j] + (u64)sr != n[i];
        }
    u64 seed = 88172645463325252ull;
    for (int i = 0; i < 60; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        u64 b = (seed * 2862933555777941757ull) >> (i % 60);
        if (!b)
            b = 7;
        u64 q = udiv(seed, b), r = umod(seed, b);
        bad += q * b + r != seed || r >= b;
        put_u64(q), sp(), put_u64(r), sp(), put_i64(sdiv((i64)seed, (i64)(b >> 1) + 1)), nl();
    }
    say_i32("bad", bad);
    return done(bad ? 1 : 42);
}
