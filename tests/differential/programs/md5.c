/* MD5, its table from the published first and last entries checked, over texts of every length round a block. */
#include "out.h"

/* floor(2^32 * |sin(i)|) as published in RFC 1321. */
static const u32 table[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af,
    0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
    0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
    0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97,
    0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
    0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const u8 turn[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
static u32 s[4];

static NOINLINE void block(const u8 *p) {
    u32 a = s[0], b = s[1], c = s[2], d = s[3];
    for (u32 i = 0; i < 64; i++) {
        u32 f, g;
        switch (i >> 4) {
        case 0: f = (b & c) | (~b & d), g = i; break;
        case 1: f = (d & b) | (~d & c), g = (5 * i + 1) & 15; break;
        case 2: f = b ^ c ^ d, g = (3 * i + 5) & 15; break;
        default: f = c ^ (b | ~d), g = 7 * i & 15; break;
        }
        const u8 *m = p + 4 * g;
        f += a + table[i] + (m[0] | (u32)m[1] << 8 | (u32)m[2] << 16 | (u32)m[3] << 24);
        a = d, d = c, c = b;
        int n = turn[i >> 4][i & 3];
        b += f << n | f >> (32 - n);
    }
    s[0] += a, s[1] += b, s[2] += c, s[3] += d;
}
static NOINLINE u32 md5(const u8 *p, u32 n) {
    u8 last[128];
    u32 i, k = 0;
    s[0] = 0x67452301u, s[1] = 0xefcdab89u, s[2] = 0x98badcfeu, s[3] = 0x10325476u;
    for (i = 0; i + 64 <= n; i += 64)
        block(p + i);
    while (i < n)
        last[k++] = p[i++];
    last[k++] = 0x80;
    while (k % 64 != 56)
        last[k++] = 0;
    for (i = 0; i < 8; i++)
        last[k++] = (u8)((u64)n * 8 >> (8 * i));
    for (i = 0; i < k; i += 64)
        block(last + i);
    for (i = 0; i < 16; i++)
        put_hex(s[i >> 2] >> (8 * (i & 3)) & 255, 2);
    nl();
    return s[0];
}

int main(void) {
    int ok = md5((const u8 *)"", 0) == 0xd98c1dd4u;
    ok &= md5((const u8 *)"abc", 3) == 0x98500190u;
    static u8 data[200];
    for (u32 i = 0; i < 200; i++)
        data[i] = (u8)(i ^ i << 3);
    for (u32 n = 53; n < 68; n++)
        md5(data + n, n);
    md5(data, 200);
    return done(ok ? 5 : 1);
}
