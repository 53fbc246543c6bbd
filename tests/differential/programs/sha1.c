/* SHA-1 of several messages, among them the published ones. */
#include "out.h"

static u32 state[5];

static u32 rol(u32 x, int n) { return x << n | x >> (32 - n); }

static NOINLINE void block(const u8 *p) {
    u32 w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        u32 f, k;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999u;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1u;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdcu;
        else
            f = b ^ c ^ d, k = 0xca62c1d6u;
        u32 t = rol(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rol(b, 30), b = a, a = t;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}
static NOINLINE void sha1(const u8 *p, u32 n) {
    u8 last[128];
    u32 i = 0, k = 0;
    state[0] = 0x67452301u, state[1] = 0xefcdab89u, state[2] = 0x98badcfeu, state[3] = 0x10325476u, state[4] = 0xc3d2e1f0u;
    for (; i + 64 <= n; i += 64)
        block(p + i);
    for (; i < n; i++)
        last[k++] = p[i];
    last[k++] = 0x80;
    while (k % 64 != 56)
        last[k++] = 0;
    u64 bits = (u64)n * 8;
    for (int s = 56; s >= 0; s -= 8)
        last[k++] = (u8)(bits >> s);
    for (i = 0; i < k; i += 64)
        block(last + i);
    for (i = 0; i < 5; i++)
        put_hex(state[i], 8);
    nl();
}

int main(void) {
    static u8 data[500];
    sha1((const u8 *)"", 0);
    sha1((const u8 *)"abc", 3);
    int ok = state[0] == 0xa9993e36u && state[4] == 0x9cd0d89du;
    sha1((const u8 *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    ok &= state[0] == 0x84983e44u;
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)next_random();
    for (u32 n = 50; n < 500; n += 37)
        sha1(data + n % 5, n - 5);
    return done(ok ? 20 : 1);
}
