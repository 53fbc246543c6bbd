/* Bit-fields: signed and unsigned, of many widths, across words, in unions, written and read in any order. */
#include "out.h"

struct flags {
    u32 a : 1, b : 3, c : 5, d : 7, e : 11, f : 5;
};
struct mixed {
    i32 a : 4;
    u32 b : 13;
    i32 c : 9;
    u32 d : 31;
    i32 e : 2;
    u32 : 0;
    u32 f : 17;
};
struct packed {
    u8 lead;
    u32 a : 12;
    u32 b : 20;
    u16 tail;
} __attribute__((packed));

static struct flags table[5];

static NOINLINE u32 sum(const struct flags *s) { return s->a + s->b * 3u + s->c * 5u + s->d * 7u + s->e * 11u + s->f; }
static NOINLINE void set(struct mixed *m, int i) {
    m->a = i & 7, m->b = (u32)(i * 77) & 0x1fff, m->c = (i * 5) & 0xff, m->d = (u32)i * 12345678u & 0x7fffffffu;
    m->e = i & 1, m->f = (u32)i * 991u & 0x1ffff;
}

int main(void) {
    for (int i = 0; i < 5; i++) {
        struct flags *s = &table[i];
        s->a = (u32)i & 1, s->b = (u32)i & 7, s->c = (u32)(i * 9) & 31, s->d = (u32)(100 - i) & 127, s->e = (u32)i * 401u;
        s->f = (u32)(31 - i);
        s->b++, s->c--, s->e += 1500, s->d ^= 0x55;
        say_u32("sum", sum(s));
        put_u32(s->a), sp(), put_u32(s->b), sp(), put_u32(s->c), sp(), put_u32(s->d), sp(), put_u32(s->e), nl();
    }
    struct mixed m[3];
    for (int i = 0; i < 30; i++) {
        set(&m[i % 3], i * 3 + 1);
        struct mixed *p = &m[(i + 1) % 3];
        if (i > 2) {
            p->a = (p->a + 1) & 7, p->c = p->c / 2, p->d >>= 3;
            put_i32(p->a), sp(), put_u32(p->b), sp(), put_i32(p->c), sp(), put_u32(p->d), sp(), put_i32(p->e), sp();
            put_u32(p->f), nl();
        }
    }
    struct packed k[2] = {{1, 0xabc, 0x12345, 0x6789}, {2, 0xfff, 0xfffff, 0xffff}};
    for (int i = 0; i < 2; i++) {
        const u8 *raw = (const u8 *)&k[i];
        k[i].a += 5, k[i].b -= 0x1111;
        put_u32(sizeof k[i]), sp();
        for (unsigned j = 0; j < sizeof k[i]; j++)
            put_hex(raw[j], 2);
        nl();
    }
    return done(-1);
}
