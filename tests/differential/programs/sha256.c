/* SHA-256, its constants computed from the primes' roots in integers; SHA-512's message functions in 64 bits. */
#include "out.h"

static u32 k[64], h[8], start[8];

static u32 ror(u32 x, int n) { return x >> n | x << (32 - n); }
static u64 ror64(u64 x, int n) { return x >> n | x << (64 - n); }

/* floor(fraction(p ** (1/3)) * 2^32): the largest x with x^3 <= p * 2^96, by bits, in 128-bit pieces of 32. */
static NOINLINE int cube_fits(u64 x, u32 p) {
    u32 a[2] = {(u32)x, (u32)(x >> 32)}, sq[4] = {0, 0, 0, 0}, cu[6] = {0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 2; i++) {
        u64 carry = 0;
        for (int j = 0; j < 2; j++)
            carry += (u64)a[i] * a[j] + sq[i + j], sq[i + j] = (u32)carry, carry >>= 32;
        sq[i + 2] = (u32)carry;
    }
    for (int i = 0; i < 4; i++) {
        u64 carry = 0;
        for (int j = 0; j < 2; j++)
            carry += (u64)sq[i] * a[j] + cu[i + j], cu[i + j] = (u32)carry, carry >>= 32;
        cu[i + 2] = (u32)carry;
    }
    if (cu[5] || cu[4])
        return 0;
    return cu[3] < p || (cu[3] == p && !cu[2] && !cu[1] && !cu[0]);
}
static NOINLINE int square_fits(u64 x, u32 p) {
    u64 lo = (x & 0xffffffffu) * (x & 0xffffffffu), hi = (x >> 32) * (x >> 32), mid = (x >> 32) * (x & 0xffffffffu);
    u64 low = lo + (mid << 33);
    hi += (mid >> 31) + (low < lo);
    return hi < p || (hi == p && !low);
}
static NOINLINE void constants(void) {
    int n = 0;
    for (u32 p = 2; n < 64; p++) {
        u32 d = 2;
        while (d * d <= p && p % d)
            d++;
        if (d * d <= p)
            continue;
        u64 c = 0, s = 0;
        for (u64 bit = 1ull << 35; bit; bit >>= 1) {
            if (cube_fits(c | bit, p))
                c |= bit;
            if (square_fits(s | bit, p))
                s |= bit;
        }
        k[n] = (u32)c;
        if (n < 8)
            start[n] = (u32)s;
        n++;
    }
}
static NOINLINE void block(const u8 *p) {
    u32 w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 8; i++)
        v[i] = h[i];
    for (int i = 0; i < 64; i++) {
        u32 t = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        u32 u = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j; j--)
            v[j] = v[j - 1];
        v[4] += t, v[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}
static NOINLINE void sha256(const u8 *p, u32 n) {
    u8 last[128];
    u32 i = 0, m = 0;
    for (i = 0; i < 8; i++)
        h[i] = start[i];
    for (i = 0; i + 64 <= n; i += 64)
        block(p + i);
    for (; i < n; i++)
        last[m++] = p[i];
    last[m++] = 0x80;
    while (m % 64 != 56)
        last[m++] = 0;
    for (int s = 56; s >= 0; s -= 8)
        last[m++] = (u8)((u64)n * 8 >> s);
    for (i = 0; i < m; i += 64)
        block(last + i);
    for (i = 0; i < 8; i++)
        put_hex(h[i], 8);
    nl();
}

int main(void) {
    constants();
    put_hex(k[0], 8), sp(), put_hex(k[63], 8), sp(), put_hex(start[0], 8), sp(), put_hex(start[7], 8), nl();
    sha256((const u8 *)"", 0);
    sha256((const u8 *)"abc", 3);
    int ok = h[0] == 0xba7816bfu && h[7] == 0xf20015adu;
    u8 data[200];
    for (int i = 0; i < 200; i++)
        data[i] = (u8)(i * i);
    for (u32 n = 54; n < 200; n += 31)
        sha256(data, n);
    u64 x = 0x6a09e667f3bcc908ull;
    for (int i = 0; i < 16; i++) {
        x = (ror64(x, 1) ^ ror64(x, 8) ^ x >> 7) + (ror64(x, 19) ^ ror64(x, 61) ^ x >> 6) + (u64)i;
        put_hex64(x), nl();
    }
    return done(ok ? 32 : 1);
}
