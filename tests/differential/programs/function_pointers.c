/* Function pointers: tables, callbacks, returned functions, in structs, compared, called through void pointers. */
#include "out.h"

typedef i32 (*binary)(i32, i32);
static i32 add(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }
static i32 sub(i32 a, i32 b) { return (i32)((u32)a - (u32)b); }
static i32 mul(i32 a, i32 b) { return (i32)((u32)a * (u32)b); }
static i32 quo(i32 a, i32 b) { return b ? a / b : 0; }
static i32 mod(i32 a, i32 b) { return b ? a % b : a; }
static const struct {
    char name;
    binary f;
} ops[] = {{'+', add}, {'-', sub}, {'*', mul}, {'/', quo}, {'%', mod}};

static NOINLINE binary pick(char c) {
    for (int i = 0; i < COUNT(ops); i++)
        if (ops[i].name == c)
            return ops[i].f;
    return 0;
}
static NOINLINE i32 fold(binary f, const i32 *v, int n, i32 start) {
    while (n--)
        start = f(start, *v++);
    return start;
}
static NOINLINE void map(void (*f)(void *, i32), void *context, const i32 *v, int n) {
    for (int i = 0; i < n; i++)
        f(context, v[i]);
}
struct stats {
    i32 least, most, count;
    i64 total;
};
static void gather(void *context, i32 x) {
    struct stats *s = context;
    if (!s->count || x < s->least)
        s->least = x;
    if (!s->count || x > s->most)
        s->most = x;
    s->count++, s->total += x;
}
struct shape {
    const struct methods {
        const char *name;
        i32 (*area)(const struct shape *);
        void (*grow)(struct shape *, i32);
    } *m;
    i32 a, b;
};
static i32 square_area(const struct shape *s) { return s->a * s->a; }
static i32 rect_area(const struct shape *s) { return s->a * s->b; }
static i32 tri_area(const struct shape *s) { return s->a * s->b / 2; }
static void grow_a(struct shape *s, i32 n) { s->a += n; }
static void grow_both(struct shape *s, i32 n) { s->a += n, s->b *= n; }
static const struct methods square = {"square", square_area, grow_a}, rect = {"rect", rect_area, grow_both},
                            tri = {"tri", tri_area, grow_both};

int main(void) {
    static const i32 v[] = {9, -4, 77, 1000, 3, -250, 6};
    for (const char *c = "+-*/%?"; *c; c++) {
        binary f = pick(*c);
        put_char(*c), sp();
        if (f)
            put_i32(fold(f, v, COUNT(v), 123456789)), sp(), put_i32(f(-17, 5)), sp(), put_i32(f == mul);
        nl();
    }
    struct stats s = {0, 0, 0, 0};
    map(gather, &s, v, COUNT(v));
    put_i32(s.least), sp(), put_i32(s.most), sp(), put_i32(s.count), sp(), put_i64(s.total), nl();
    struct shape shapes[] = {{&square, 5, 0}, {&rect, 4, 6}, {&tri, 9, 4}};
    for (int round = 1; round < 5; round++)
        for (int i = 0; i < 3; i++) {
            shapes[i].m->grow(&shapes[i], round);
            put(shapes[i].m->name), sp(), put_i32(shapes[i].m->area(&shapes[i])), nl();
        }
    return done(-1);
}
