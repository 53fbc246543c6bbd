/* Run lengths, base64, base32, hexadecimal, quoted text, Morse, rot13: there and back. */
#include "out.h"

static const char table[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static NOINLINE int encode64(const u8 *p, int n, char *o) {
    char *start = o;
    for (int i = 0; i < n; i += 3) {
        u32 w = (u32)p[i] << 16 | (i + 1 < n ? (u32)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        *o++ = table[w >> 18], *o++ = table[w >> 12 & 63];
        *o++ = i + 1 < n ? table[w >> 6 & 63] : '=', *o++ = i + 2 < n ? table[w & 63] : '=';
    }
    *o = 0;
    return (int)(o - start);
}
static NOINLINE int decode64(const char *s, u8 *o) {
    int n = 0, bits = 0;
    u32 w = 0;
    for (; *s && *s != '='; s++) {
        u32 v = 0;
        while (table[v] != *s)
            v++;
        w = w << 6 | v, bits += 6;
        if (bits >= 8)
            bits -= 8, o[n++] = (u8)(w >> bits);
    }
    return n;
}
static NOINLINE int encode32(const u8 *p, int n, char *o) {
    int k = 0, bits = 0;
    u32 w = 0;
    for (int i = 0; i < n || bits > 0;) {
        if (bits < 5 && i < n)
            w = w << 8 | p[i++], bits += 8;
        else if (bits < 5)
            w <<= 5 - bits, bits = 5;
        bits -= 5, o[k++] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[w >> bits & 31];
    }
    o[k] = 0;
    return k;
}
static NOINLINE int runs(const u8 *p, int n, u8 *o) {
    int k = 0;
    for (int i = 0; i < n;) {
        int r = 1;
        while (i + r < n && r < 255 && p[i + r] == p[i])
            r++;
        o[k++] = (u8)r, o[k++] = p[i], i += r;
    }
    return k;
}
static NOINLINE void quote(const u8 *p, int n) {
    for (; n--; p++)
        switch (*p) {
        case '\n': put("\\n"); break;
        case '\t': put("\\t"); break;
        case '"': case '\\': put_char('\\'), put_char((char)*p); break;
        default:
            if (*p < 32 || *p > 126)
                put("\\x"), put_hex(*p, 2);
            else
                put_char((char)*p);
        }
    nl();
}
static char rot13(char c) {
    char l = (char)(c | 32);
    return l >= 'a' && l <= 'z' ? (char)(l < 'n' ? c + 13 : c - 13) : c;
}

int main(void) {
    static const char text[] = "NeXTSTEP 3.3 on the 68040\n\t\"quoted\\\" \x01\xff";
    char coded[200];
    u8 back[200];
    int bad = 0;
    for (int n = 0; n <= (int)sizeof text; n += 4) {
        int m = encode64((const u8 *)text, n, coded);
        put(coded), sp(), put_i32(m), sp();
        int k = decode64(coded, back);
        bad += k != n || __builtin_memcmp(back, text, (unsigned)n);
        encode32((const u8 *)text, n, coded);
        put(coded), nl();
    }
    quote((const u8 *)text, sizeof text);
    u8 picture[300];
    for (int i = 0; i < 300; i++)
        picture[i] = (u8)(i / 40 + (i % 60 > 50));
    int k = runs(picture, 300, back);
    for (int i = 0; i < k; i++)
        put_hex(back[i], 2);
    nl();
    for (const char *p = text; *p >= 32; p++)
        put_char(rot13(*p)), bad += rot13(rot13(*p)) != *p;
    nl(), say_i32("bad", bad);
    return done(bad ? 1 : k);
}
