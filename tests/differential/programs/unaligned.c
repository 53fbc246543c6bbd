/* Words and long words at odd addresses, read and written, which the 68030 and 68040 allow; byte order. */
#include "out.h"

struct __attribute__((packed)) odd {
    u8 a;
    u16 b;
    u8 c;
    u32 d;
    u8 e;
    u64 f;
    double g;
};
struct __attribute__((packed)) word { u16 v; };
struct __attribute__((packed)) lword { u32 v; };

static u8 area[64];

static NOINLINE u32 load32(const u8 *p) { return ((const struct lword *)p)->v; }
static NOINLINE u16 load16(const u8 *p) { return ((const struct word *)p)->v; }
static NOINLINE void store32(u8 *p, u32 v) { ((struct lword *)p)->v = v; }
static NOINLINE void add16(u8 *p, u16 v) { ((struct word *)p)->v = (u16)(((struct word *)p)->v + v); }

int main(void) {
    for (int i = 0; i < 64; i++)
        area[i] = (u8)(i * 5 + 1);
    for (int i = 0; i < 9; i++)
        put_hex(load32(area + i), 8), sp(), put_hex(load16(area + i * 3), 4), sp();
    nl();
    for (int i = 0; i < 9; i++) {
        store32(area + 5 * i + 1, 0xcafe0000u + (u32)i);
        add16(area + 5 * i + 3, 0x00ff);
    }
    for (int i = 0; i < 64; i++)
        put_hex(area[i], 2), put_char(i % 32 == 31 ? '\n' : ' ');
    struct odd v[3];
    for (int i = 0; i < 3; i++) {
        v[i].a = (u8)i, v[i].b = (u16)(i * 1000), v[i].c = 0xcc, v[i].d = 0xdeadbeefu - (u32)i, v[i].e = 0xee;
        v[i].f = 0x0123456789abcdefull * (u32)(i + 1), v[i].g = i * 2.5;
    }
    v[1].d += v[0].d, v[2].f -= v[1].f, v[1].g *= 3.0, v[2].b |= v[1].b;
    const u8 *raw = (const u8 *)v;
    for (unsigned i = 0; i < sizeof v; i++)
        put_hex(raw[i], 2);
    nl();
    say_u32("size", sizeof(struct odd));
    return done(-1);
}
