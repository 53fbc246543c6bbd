/* Substring search four ways (naive, Knuth-Morris-Pratt, Horspool, rolling hash), which must agree. */
#include "out.h"

static char text[600];
static int text_length;

static NOINLINE int naive(const char *p, int m, int from) {
    for (int i = from; i + m <= text_length; i++) {
        int j = 0;
        while (j < m && text[i + j] == p[j])
            j++;
        if (j == m)
            return i;
    }
    return -1;
}
static NOINLINE int kmp(const char *p, int m, int from) {
    int fail[32], k = 0;
    fail[0] = 0;
    for (int i = 1; i < m; i++) {
        while (k && p[k] != p[i])
            k = fail[k - 1];
        if (p[k] == p[i])
            k++;
        fail[i] = k;
    }
    k = 0;
    for (int i = from; i < text_length; i++) {
        while (k && p[k] != text[i])
            k = fail[k - 1];
        if (p[k] == text[i])
            k++;
        if (k == m)
            return i - m + 1;
    }
    return -1;
}
static NOINLINE int horspool(const char *p, int m, int from) {
    int skip[256];
    for (int i = 0; i < 256; i++)
        skip[i] = m;
    for (int i = 0; i < m - 1; i++)
        skip[(u8)p[i]] = m - 1 - i;
    for (int i = from; i + m <= text_length; i += skip[(u8)text[i + m - 1]]) {
        int j = m - 1;
        while (j >= 0 && text[i + j] == p[j])
            j--;
        if (j < 0)
            return i;
    }
    return -1;
}
static NOINLINE int rolling(const char *p, int m, int from) {
    u32 want = 0, have = 0, lead = 1;
    if (from + m > text_length)
        return -1;
    for (int i = 0; i < m; i++) {
        want = (want * 257 + (u8)p[i]) % 65521;
        have = (have * 257 + (u8)text[from + i]) % 65521;
        if (i)
            lead = lead * 257 % 65521;
    }
    for (int i = from;; i++) {
        if (want == have) {
            int j = 0;
            while (j < m && text[i + j] == p[j])
                j++;
            if (j == m)
                return i;
        }
        if (i + m >= text_length)
            return -1;
        have = (have + 65521 - (u8)text[i] * lead % 65521) % 65521;
        have = (have * 257 + (u8)text[i + m]) % 65521;
    }
}

int main(void) {
    static const char *patterns[] = {"a", "ab", "aba", "abab", "bbb", "cab", "abcabc", "aaaaaaa", "cccc", "bacab"};
    for (text_length = 0; text_length < 599; text_length++)
        text[text_length] = (char)('a' + next_random() % 3);
    int bad = 0, total = 0;
    for (int k = 0; k < COUNT(patterns); k++) {
        const char *p = patterns[k];
        int m = 0, hits = 0, first = -1, last = -1;
        while (p[m])
            m++;
        for (int from = 0; from <= text_length;) {
            int a = naive(p, m, from), b = kmp(p, m, from), c = horspool(p, m, from), d = rolling(p, m, from);
            bad += a != b || b != c || c != d;
            if (a < 0)
                break;
            if (first < 0)
                first = a;
            last = a, hits++, from = a + 1;
        }
        put(p), sp(), put_i32(hits), sp(), put_i32(first), sp(), put_i32(last), nl();
        total += hits;
    }
    say_i32("bad", bad), say_i32("total", total);
    return done(bad ? 1 : total & 63);
}
