/* XTEA, RC4, ChaCha20 and AES's S-box and column mixing: encrypt, decrypt, compare with published values. */
#include "out.h"

static NOINLINE void xtea(u32 *b, const u32 *k, int back) {
    u32 x = b[0], y = b[1], sum = back ? 0x9e3779b9u * 32 : 0;
    for (int i = 0; i < 32; i++)
        if (back) {
            y -= ((x << 4 ^ x >> 5) + x) ^ (sum + k[sum >> 11 & 3]);
            sum -= 0x9e3779b9u;
            x -= ((y << 4 ^ y >> 5) + y) ^ (sum + k[sum & 3]);
        } else {
            x += ((y << 4 ^ y >> 5) + y) ^ (sum + k[sum & 3]);
            sum += 0x9e3779b9u;
            y += ((x << 4 ^ x >> 5) + x) ^ (sum + k[sum >> 11 & 3]);
        }
    b[0] = x, b[1] = y;
}
static NOINLINE void rc4(const u8 *key, int n, u8 *out, int m) {
    u8 s[256], j = 0, t;
    for (int i = 0; i < 256; i++)
        s[i] = (u8)i;
    for (int i = 0; i < 256; i++)
        j = (u8)(j + s[i] + key[i % n]), t = s[i], s[i] = s[j], s[j] = t;
    u8 a = 0, b = 0;
    while (m--)
        a++, b = (u8)(b + s[a]), t = s[a], s[a] = s[b], s[b] = t, *out++ = s[(u8)(s[a] + s[b])];
}
#define QUARTER(a, b, c, d)                                                                                            \
    a += b, d ^= a, d = d << 16 | d >> 16, c += d, b ^= c, b = b << 12 | b >> 20, a += b, d ^= a, d = d << 8 | d >> 24, \
        c += d, b ^= c, b = b << 7 | b >> 25
static NOINLINE void chacha(u32 *x) {
    for (int i = 0; i < 10; i++) {
        QUARTER(x[0], x[4], x[8], x[12]);
        QUARTER(x[1], x[5], x[9], x[13]);
        QUARTER(x[2], x[6], x[10], x[14]);
        QUARTER(x[3], x[7], x[11], x[15]);
        QUARTER(x[0], x[5], x[10], x[15]);
        QUARTER(x[1], x[6], x[11], x[12]);
        QUARTER(x[2], x[7], x[8], x[13]);
        QUARTER(x[3], x[4], x[9], x[14]);
    }
}
static NOINLINE u8 times(u8 a, u8 b) {
    u8 r = 0;
    for (; b; b >>= 1, a = (u8)(a << 1 ^ (a & 0x80 ? 0x1b : 0)))
        if (b & 1)
            r ^= a;
    return r;
}
static NOINLINE u8 sbox(u8 x) {
    u8 inverse = 1;
    for (int i = 0; i < 254; i++)
        inverse = times(inverse, x);
    u8 r = 0x63;
    for (int i = 0; i < 5; i++)
        r ^= (u8)(inverse << i | inverse >> (8 - i));
    return r;
}

int main(void) {
    u32 key[4] = {0x00010203u, 0x04050607u, 0x08090a0bu, 0x0c0d0e0fu}, b[2] = {0x41424344u, 0x45464748u};
    int ok = 1;
    xtea(b, key, 0);
    put_hex(b[0], 8), put_hex(b[1], 8), nl();
    ok &= b[0] == 0x497df3d0u && b[1] == 0x72612cb5u;
    xtea(b, key, 1);
    put_hex(b[0], 8), put_hex(b[1], 8), nl();
    u8 stream[16];
    rc4((const u8 *)"Key", 3, stream, 16);
    for (int i = 0; i < 16; i++)
        put_hex(stream[i], 2);
    nl();
    ok &= stream[0] == 0xeb && stream[1] == 0x9f;
    u32 x[16];
    for (u32 i = 0; i < 16; i++)
        x[i] = i * 0x01010101u + 0x61707865u;
    for (int n = 0; n < 3; n++) {
        chacha(x);
        for (int i = 0; i < 16; i++)
            put_hex(x[i], 8), put_char(i % 8 == 7 ? '\n' : ' ');
    }
    u32 a = 0x11111111u, c = 0x9b8d6f43u, d = 0x01234567u, q = 0x01020304u;
    QUARTER(a, q, c, d);
    ok &= a == 0xea2a92f4u && q == 0xcb1cf8ceu && c == 0x4581472eu && d == 0x5881c4bbu;
    for (int i = 0; i < 256; i += 5)
        put_hex(sbox((u8)i), 2), put_char(i % 80 == 75 ? '\n' : ' ');
    ok &= sbox(0) == 0x63 && sbox(0x53) == 0xed;
    u8 column[4] = {0xdb, 0x13, 0x53, 0x45};
    for (int i = 0; i < 4; i++)
        put_hex(times(column[i], 2) ^ times(column[(i + 1) & 3], 3) ^ column[(i + 2) & 3] ^ column[(i + 3) & 3], 2), sp();
    nl();
    return done(ok ? 64 : 1);
}
