/* LZ77 with a window and LZW with a dictionary: compress, expand, compare. */
#include "out.h"

enum { N = 900 };
static u8 input[N], packed[2 * N], unpacked[N + 8];
static struct {
    u16 prefix;
    u8 last;
} dictionary[4096];
static u16 tokens[N];

static NOINLINE int lz_pack(void) {
    int at = 0, n = 0;
    while (at < N) {
        int best = 0, where = 0;
        for (int back = 1; back <= 255 && back <= at; back++) {
            int k = 0;
            while (k < 60 && at + k < N && input[at + k] == input[at + k - back])
                k++;
            if (k > best)
                best = k, where = back;
        }
        if (best > 2)
            packed[n++] = (u8)(0x80 | best), packed[n++] = (u8)where, at += best;
        else
            packed[n++] = input[at++];
    }
    return n;
}
static NOINLINE int lz_unpack(int n) {
    int at = 0;
    for (int i = 0; i < n; i++)
        if (packed[i] & 0x80) {
            int k = packed[i++] & 0x7f, back = packed[i];
            while (k--)
                unpacked[at] = unpacked[at - back], at++;
        } else
            unpacked[at++] = packed[i];
    return at;
}
static NOINLINE int lzw_pack(void) {
    int used = 256, n = 0, prefix = input[0];
    for (int i = 1; i < N; i++) {
        int k = 256;
        while (k < used && !(dictionary[k].prefix == prefix && dictionary[k].last == input[i]))
            k++;
        if (k < used)
            prefix = k;
        else {
            dictionary[used].prefix = (u16)prefix, dictionary[used++].last = input[i];
            tokens[n++] = (u16)prefix, prefix = input[i];
        }
    }
    tokens[n++] = (u16)prefix;
    return n;
}
static NOINLINE int lzw_unpack(int n) {
    int at = 0;
    for (int i = 0; i < n; i++) {
        u8 turned[256];
        int k = 0, t = tokens[i];
        while (t >= 256)
            turned[k++] = dictionary[t].last, t = dictionary[t].prefix;
        turned[k++] = (u8)t;
        while (k)
            unpacked[at++] = turned[--k];
    }
    return at;
}
static NOINLINE int equal(void) {
    for (int i = 0; i < N; i++)
        if (input[i] != unpacked[i])
            return 0;
    return 1;
}

int main(void) {
    int ok = 1;
    for (int kind = 0; kind < 4; kind++) {
        for (int i = 0; i < N; i++)
            input[i] = (u8)(kind == 0 ? 'a' : kind == 1 ? 'a' + i % 7 : kind == 2 ? 'a' + next_random() % 2 : "abracadabra "[(i + i / 40) % 12]);
        int n = lz_pack();
        u32 sum = 0;
        for (int i = 0; i < n; i++)
            sum = sum * 31 + packed[i];
        put_i32(n), sp(), put_hex(sum, 8), sp();
        int m = lz_unpack(n);
        ok &= m == N && equal();
        n = lzw_pack(), sum = 0;
        for (int i = 0; i < n; i++)
            sum = sum * 31 + tokens[i];
        put_i32(n), sp(), put_hex(sum, 8), sp();
        m = lzw_unpack(n);
        ok &= m == N && equal();
        put_i32(ok), nl();
    }
    return done(ok ? 77 : 1);
}
