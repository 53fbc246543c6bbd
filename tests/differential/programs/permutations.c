/* Permutations by Heap's method and in lexical order, combinations, partitions, Gray codes. */
#include "out.h"

static u32 trace;
static int seen;

static NOINLINE void visit(const u8 *p, int n) {
    for (int i = 0; i < n; i++)
        trace = trace * 33 + p[i];
    if (seen++ < 8) {
        for (int i = 0; i < n; i++)
            put_char((char)('a' + p[i]));
        sp();
    }
}
static NOINLINE void heap(u8 *p, int k, int n) {
    if (k == 1) {
        visit(p, n);
        return;
    }
    for (int i = 0; i < k; i++) {
        heap(p, k - 1, n);
        int j = k & 1 ? 0 : i;
        if (i < k - 1) {
            u8 t = p[j];
            p[j] = p[k - 1], p[k - 1] = t;
        }
    }
}
static NOINLINE int next(u8 *p, int n) {
    int i = n - 2, j = n - 1;
    while (i >= 0 && p[i] >= p[i + 1])
        i--;
    if (i < 0)
        return 0;
    while (p[j] <= p[i])
        j--;
    u8 t = p[i];
    p[i] = p[j], p[j] = t;
    for (i++, j = n - 1; i < j; i++, j--)
        t = p[i], p[i] = p[j], p[j] = t;
    return 1;
}
static NOINLINE u32 partitions(int n, int most) {
    if (!n)
        return 1;
    u32 s = 0;
    for (int k = most < n ? most : n; k > 0; k--)
        s += partitions(n - k, k);
    return s;
}
static NOINLINE u32 choose(u32 n, u32 k) { return !k || k == n ? 1 : choose(n - 1, k - 1) + choose(n - 1, k); }

int main(void) {
    u8 p[7] = {0, 1, 2, 3, 4, 5, 6};
    heap(p, 7, 7);
    nl(), say_i32("heap", seen), say_hex("trace", trace);
    for (int i = 0; i < 7; i++)
        p[i] = (u8)(i / 2);
    seen = 0;
    do
        visit(p, 7);
    while (next(p, 7));
    nl(), say_i32("lexical", seen), say_hex("trace", trace);
    for (int n = 1; n < 24; n++)
        put_u32(partitions(n, n)), sp();
    nl();
    for (u32 n = 0; n < 10; n++)
        for (u32 k = 0; k <= n; k++)
            put_u32(choose(n, k)), put_char(k == n ? '\n' : ' ');
    for (u32 g = 0; g < 32; g++)
        put_hex(g ^ g >> 1, 2), sp();
    nl();
    return done(-1);
}
