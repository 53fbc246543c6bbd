/* Counting and turning bits, by hand and by the compiler's builtins. */
#include "out.h"

static NOINLINE int ones(u32 x) {
    x = x - ((x >> 1) & 0x55555555u);
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    return (int)((((x + (x >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24);
}
static NOINLINE u32 reversed(u32 x) {
    u32 r = 0;
    for (int i = 0; i < 32; i++, x >>= 1)
        r = r << 1 | (x & 1);
    return r;
}
static NOINLINE u32 swapped(u32 x) { return x << 24 | (x & 0xff00u) << 8 | ((x >> 8) & 0xff00u) | x >> 24; }
static NOINLINE u32 rol(u32 x, unsigned n) { return n ? x << n | x >> (32 - n) : x; }
static NOINLINE u32 ror(u32 x, unsigned n) { return n ? x >> n | x << (32 - n) : x; }
static NOINLINE int top(u32 x) { return 31 - __builtin_clz(x); }
static NOINLINE int low(u32 x) { return __builtin_ctz(x); }
static NOINLINE int first(i32 x) { return __builtin_ffs(x); }
static NOINLINE u32 spread(u32 x) {
    x = (x | x << 8) & 0x00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0fu;
    x = (x | x << 2) & 0x33333333u;
    return (x | x << 1) & 0x55555555u;
}

int main(void) {
    u32 bad = 0;
    for (int i = 0; i < 40; i++) {
        u32 x = i < 32 ? 1u << i : next_random();
        x |= next_random() & (u32)-(i & 1);
        put_hex(x, 8), sp(), put_i32(ones(x)), sp(), put_hex(reversed(x), 8), sp(), put_hex(swapped(x), 8), sp();
        put_hex(rol(x, (unsigned)i & 31), 8), sp(), put_hex(ror(x, (unsigned)(i * 7) & 31), 8), sp();
        put_i32(top(x)), sp(), put_i32(low(x)), sp(), put_i32(first((i32)x)), sp(), put_hex(spread(x & 0xffff), 8), nl();
        bad += ones(x) != __builtin_popcount(x);
        bad += swapped(x) != __builtin_bswap32(x);
        bad += ((u32)ones(x) & 1) != (u32)__builtin_parity(x);
        bad += rol(ror(x, 13), 13) != x;
    }
    u32 bits[4] = {0, 0, 0, 0};
    for (u32 n = 0; n < 128; n += 5)
        bits[n >> 5] |= 1u << (n & 31);
    for (u32 n = 0; n < 128; n += 7)
        bits[n >> 5] ^= 0x80000000u >> (n & 31);
    for (u32 n = 0; n < 128; n += 15)
        bits[n >> 5] &= ~(1u << (n & 31));
    for (int i = 0; i < 4; i++)
        say_hex("bits", bits[i]);
    u64 wide = 0x0123456789abcdefull;
    say_i32("clzll", __builtin_clzll(wide >> 9)), say_i32("ctzll", __builtin_ctzll(wide << 17));
    say_i32("popcountll", __builtin_popcountll(wide));
    say_hex64("bswap64", __builtin_bswap64(wide));
    say_u32("bad", bad);
    return done((int)bad);
}
