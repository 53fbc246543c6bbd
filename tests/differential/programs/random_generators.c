/* Generators: linear congruential 32 and 64, xorshift128, xoshiro256**, PCG32, Mersenne Twister, lagged Fibonacci, LFSR. */
#include "out.h"

static u64 rol(u64 x, int n) { return x << n | x >> (64 - n); }
static u32 lcg_state = 12345;
static NOINLINE u32 lcg(void) { return (lcg_state = lcg_state * 1664525u + 1013904223u); }
static u64 knuth_state = 1;
static NOINLINE u32 knuth(void) {
    knuth_state = knuth_state * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(knuth_state >> 32);
}
static u32 x128[4] = {123456789u, 362436069u, 521288629u, 88675123u};
static NOINLINE u32 xorshift128(void) {
    u32 t = x128[0] ^ x128[0] << 11;
    x128[0] = x128[1], x128[1] = x128[2], x128[2] = x128[3];
    return x128[3] = x128[3] ^ x128[3] >> 19 ^ t ^ t >> 8;
}
static u64 s[4] = {1, 2, 3, 4};
static NOINLINE u64 xoshiro(void) {
    u64 r = rol(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t, s[3] = rol(s[3], 45);
    return r;
}
static u64 pcg_state = 0x853c49e6748fea9bull;
static NOINLINE u32 pcg(void) {
    u64 old = pcg_state;
    pcg_state = old * 6364136223846793005ull + 0xda3e39cb94b95bdbull;
    u32 x = (u32)((old >> 18 ^ old) >> 27), n = (u32)(old >> 59);
    return x >> n | x << (-n & 31);
}
static u32 mt[624];
static int mt_at = 625;
static NOINLINE u32 twister(void) {
    if (mt_at > 624) {
        mt[0] = 5489u;
        for (u32 i = 1; i < 624; i++)
            mt[i] = 1812433253u * (mt[i - 1] ^ mt[i - 1] >> 30) + i;
        mt_at = 624;
    }
    if (mt_at == 624) {
        for (int i = 0; i < 624; i++) {
            u32 y = (mt[i] & 0x80000000u) | (mt[(i + 1) % 624] & 0x7fffffffu);
            mt[i] = mt[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        mt_at = 0;
    }
    u32 y = mt[mt_at++];
    y ^= y >> 11, y ^= y << 7 & 0x9d2c5680u, y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}
static u16 lfsr_state = 0xace1;
static NOINLINE u16 lfsr(void) {
    u16 bit = lfsr_state & 1;
    lfsr_state >>= 1;
    return lfsr_state ^= (u16)(bit ? 0xb400 : 0);
}

int main(void) {
    for (int i = 0; i < 24; i++) {
        put_hex(lcg(), 8), sp(), put_hex(knuth(), 8), sp(), put_hex(xorshift128(), 8), sp(), put_hex64(xoshiro()), sp();
        put_hex(pcg(), 8), sp(), put_u32(twister()), sp(), put_hex(lfsr(), 4), nl();
    }
    u32 last = 0;
    for (int i = 24; i < 2000; i++)
        last = twister();
    say_u32("twister", last);
    u32 period = 0;
    u16 from = lfsr_state;
    do
        lfsr(), period++;
    while (lfsr_state != from && period < 70000);
    say_u32("period", period);
    u32 buckets[16] = {0};
    for (int i = 0; i < 4000; i++)
        buckets[xoshiro() >> 60]++;
    for (int i = 0; i < 16; i++)
        put_u32(buckets[i]), sp();
    nl();
    return done(period == 65535 ? 16 : 1);
}
