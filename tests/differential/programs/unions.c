/* Unions: the same bytes seen as integers of all widths and as floating point, tagged values, big-endian order. */
#include "out.h"

union word {
    u32 w;
    u16 h[2];
    u8 b[4];
    float f;
};
union quad {
    u64 q;
    u32 w[2];
    u8 b[8];
    double d;
    struct {
        u32 sign : 1, exponent : 11, high : 20;
        u32 low;
    } parts;
};
struct value {
    enum { INTEGER, REAL, TEXT, PAIR } kind;
    union {
        i32 i;
        double d;
        const char *s;
        struct {
            i16 a, b;
        } p;
    } u;
};

static NOINLINE void show(const struct value *v) {
    switch (v->kind) {
    case INTEGER:
        put_i32(v->u.i);
        break;
    case REAL:
        put_double(v->u.d);
        break;
    case TEXT:
        put(v->u.s);
        break;
    case PAIR:
        put_i32(v->u.p.a), put_char('/'), put_i32(v->u.p.b);
        break;
    }
    sp();
}
static NOINLINE struct value make(int i) {
    struct value v;
    v.kind = (unsigned)i & 3;
    if (v.kind == INTEGER)
        v.u.i = i * -1001;
    else if (v.kind == REAL)
        v.u.d = i / 8.0;
    else if (v.kind == TEXT)
        v.u.s = &"abcdefghijklmnop"[i];
    else
        v.u.p.a = (i16)i, v.u.p.b = (i16)(i * 300);
    return v;
}

int main(void) {
    union word w;
    for (u32 i = 0; i < 8; i++) {
        w.w = 0x3f800000u + i * 0x00123456u;
        put_hex(w.h[0], 4), sp(), put_hex(w.h[1], 4), sp(), put_hex(w.b[0], 2), sp(), put_hex(w.b[3], 2), sp();
        w.b[1] ^= 0x80, w.h[1] = (u16)(w.h[1] + i);
        put_hex(w.w, 8), sp();
        w.f *= 2.0f;
        put_hex(w.w, 8), nl();
    }
    union quad q;
    for (int i = -4; i < 5; i++) {
        q.d = i * 1.1;
        put_hex64(q.q), sp(), put_u32(q.parts.sign), sp(), put_u32(q.parts.exponent), sp(), put_hex(q.parts.high, 5);
        sp(), put_hex(q.parts.low, 8), sp();
        q.parts.exponent += 3, q.b[7] = 0;
        put_hex64(q.q), nl();
    }
    for (int i = 0; i < 13; i++) {
        struct value v = make(i);
        show(&v);
    }
    nl();
    return done(-1);
}
