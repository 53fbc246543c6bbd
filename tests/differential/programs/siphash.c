/* SipHash-2-4 (64-bit adds, rotates, xors) with its published first vectors; xxHash64-like multiplications. */
#include "out.h"

static u64 v[4];
static u64 rol(u64 x, int n) { return x << n | x >> (64 - n); }
static NOINLINE void round1(void) {
    v[0] += v[1], v[1] = rol(v[1], 13) ^ v[0], v[0] = rol(v[0], 32);
    v[2] += v[3], v[3] = rol(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rol(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rol(v[1], 17) ^ v[2], v[2] = rol(v[2], 32);
}
static NOINLINE u64 load(const u8 *p, u32 n) {
    u64 x = 0;
    for (u32 i = 0; i < n; i++)
        x |= (u64)p[i] << (8 * i);
    return x;
}
static NOINLINE u64 siphash(const u8 *key, const u8 *p, u32 n) {
    u64 k0 = load(key, 8), k1 = load(key + 8, 8), m;
    v[0] = k0 ^ 0x736f6d6570736575ull, v[1] = k1 ^ 0x646f72616e646f6dull;
    v[2] = k0 ^ 0x6c7967656e657261ull, v[3] = k1 ^ 0x7465646279746573ull;
    u32 i = 0;
    for (; i + 8 <= n; i += 8)
        m = load(p + i, 8), v[3] ^= m, round1(), round1(), v[0] ^= m;
    m = load(p + i, n - i) | (u64)n << 56;
    v[3] ^= m, round1(), round1(), v[0] ^= m, v[2] ^= 0xff;
    round1(), round1(), round1(), round1();
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
static NOINLINE u64 mix(u64 x) {
    x ^= x >> 33, x *= 0xff51afd7ed558ccdull, x ^= x >> 33, x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

int main(void) {
    u8 key[16], text[64];
    for (int i = 0; i < 64; i++) {
        text[i] = (u8)i;
        if (i < 16)
            key[i] = (u8)i;
    }
    for (u32 n = 0; n < 32; n++)
        put_hex64(siphash(key, text, n)), nl();
    int ok = siphash(key, text, 0) == 0x726fdb47dd0e0e31ull && siphash(key, text, 15) == 0xa129ca6149be45e5ull;
    u64 x = 1;
    for (int i = 0; i < 20; i++)
        x = mix(x + (u64)i), put_hex64(x), nl();
    return done(ok ? 24 : 1);
}
