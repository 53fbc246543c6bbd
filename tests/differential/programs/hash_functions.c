/* String hashes: FNV-1a 32 and 64, djb2, sdbm, Jenkins one-at-a-time and lookup3-like mixing, Murmur3, Pearson. */
#include "out.h"

static NOINLINE u32 fnv(const u8 *p, u32 n) {
    u32 h = 2166136261u;
    while (n--)
        h = (h ^ *p++) * 16777619u;
    return h;
}
static NOINLINE u64 fnv64(const u8 *p, u32 n) {
    u64 h = 14695981039346656037ull;
    while (n--)
        h = (h ^ *p++) * 1099511628211ull;
    return h;
}
static NOINLINE u32 djb2(const u8 *p, u32 n) {
    u32 h = 5381;
    while (n--)
        h = (h << 5) + h + *p++;
    return h;
}
static NOINLINE u32 sdbm(const u8 *p, u32 n) {
    u32 h = 0;
    while (n--)
        h = *p++ + (h << 6) + (h << 16) - h;
    return h;
}
static NOINLINE u32 one_at_a_time(const u8 *p, u32 n) {
    u32 h = 0;
    while (n--)
        h += *p++, h += h << 10, h ^= h >> 6;
    h += h << 3, h ^= h >> 11, h += h << 15;
    return h;
}
static NOINLINE u32 murmur3(const u8 *p, u32 n, u32 seed) {
    u32 h = seed, k;
    for (u32 i = 0; i + 4 <= n; i += 4) {
        k = p[i] | (u32)p[i + 1] << 8 | (u32)p[i + 2] << 16 | (u32)p[i + 3] << 24;
        k *= 0xcc9e2d51u, k = k << 15 | k >> 17, k *= 0x1b873593u;
        h ^= k, h = h << 13 | h >> 19, h = h * 5 + 0xe6546b64u;
    }
    k = 0;
    switch (n & 3) {
    case 3: k ^= (u32)p[(n & ~3u) + 2] << 16; /* fall through */
    case 2: k ^= (u32)p[(n & ~3u) + 1] << 8; /* fall through */
    case 1: k ^= p[n & ~3u], k *= 0xcc9e2d51u, k = k << 15 | k >> 17, k *= 0x1b873593u, h ^= k;
    }
    h ^= n, h ^= h >> 16, h *= 0x85ebca6bu, h ^= h >> 13, h *= 0xc2b2ae35u, h ^= h >> 16;
    return h;
}
static NOINLINE u8 pearson(const u8 *p, u32 n) {
    static u8 table[256];
    if (!table[1]) {
        for (int i = 0; i < 256; i++)
            table[i] = (u8)(i * 167 + 13);
    }
    u8 h = 0;
    while (n--)
        h = table[h ^ *p++];
    return h;
}

int main(void) {
    u8 text[64];
    for (u32 i = 0; i < 64; i++)
        text[i] = (u8)(i * 37 + (i >> 2));
    for (u32 n = 0; n <= 64; n += n < 10 ? 1 : 9) {
        const u8 *p = text + (n & 1);
        u32 m = n > 63 ? 63 : n;
        put_hex(fnv(p, m), 8), sp(), put_hex64(fnv64(p, m)), sp(), put_hex(djb2(p, m), 8), sp(), put_hex(sdbm(p, m), 8), sp();
        put_hex(one_at_a_time(p, m), 8), sp(), put_hex(murmur3(p, m, n), 8), sp(), put_hex(pearson(p, m), 2), nl();
    }
    say_hex("empty", fnv(text, 0));
    say_hex("a", fnv((const u8 *)"a", 1));
    say_hex("murmur", murmur3((const u8 *)"Hello, world!", 13, 1234));
    return done(murmur3((const u8 *)"Hello, world!", 13, 1234) == 0xfaf6cdb3u ? 13 : 1);
}
