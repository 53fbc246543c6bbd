/* Initialised data of every kind: pointers into tables, addresses plus offsets, strings, nested structs, zero-filled
   arrays, static locals, constants in 64 bits and floating point, function addresses. */
#include "out.h"

struct entry {
    const char *name;
    const i16 *values;
    int count;
    int (*f)(int);
    struct {
        u8 a;
        u64 b;
        double c;
    } inner[2];
};
static int twice(int x) { return x * 2; }
static int square(int x) { return x * x; }
static const i16 small[] = {1, -2, 3, -4, 5, -6, 7}, one[1] = {32767};
static char zeros[5000];
static char writable[] = "writable text";
static const char *const texts[] = {"alpha", "beta", writable, &"hidden prefix"[7], ""};
static int *pointer_to_zero, five = 5, *pointer_to_five = &five, **twofold = &pointer_to_five;
static const struct entry entries[] = {
    {"first", small, 7, twice, {{1, 0x1122334455667788ull, 1.5}, {2, 3, -0.25}}},
    {"middle", small + 3, 2, square, {{255, ~0ull, 1e300}, {0, 0, 0}}},
    {"last", one, 1, twice, {{7, 1ull << 40, 3.0}, {8, 9, 1e-300}}}};
static char *last_of_zeros = &zeros[4999];
static u32 table[4][3] = {{1, 2, 3}, {4}, {0, 5}, {[2] = 6}};
static const struct {
    u32 bits : 5, more : 11;
    i16 rest;
} fields[] = {{31, 2047, -1}, {.more = 1000, .rest = 77}};
extern int shared_counter;
int shared_counter = 41;

static NOINLINE int next_id(void) {
    static int id = 100;
    static u8 calls;
    calls += 50;
    return id++ + calls;
}

int main(void) {
    for (int i = 0; i < COUNT(entries); i++) {
        const struct entry *e = &entries[i];
        put(e->name);
        for (int k = 0; k < e->count; k++)
            sp(), put_i32(e->f(e->values[k]));
        for (int k = 0; k < 2; k++)
            sp(), put_u32(e->inner[k].a), sp(), put_hex64(e->inner[k].b), sp(), put_double(e->inner[k].c);
        nl();
    }
    u32 sum = 0;
    for (u32 i = 0; i < sizeof zeros; i++)
        sum += (u8)zeros[i];
    *last_of_zeros = 9, zeros[0] = 1;
    for (u32 i = 0; i < sizeof zeros; i++)
        sum = sum * 2 + (u8)zeros[i], sum %= 65521;
    say_u32("zeros", sum);
    writable[0] = 'W';
    for (int i = 0; i < COUNT(texts); i++)
        put(texts[i]), put_char('|');
    nl();
    **twofold += 10, shared_counter++;
    put_i32(five), sp(), put_i32(pointer_to_zero == 0), sp(), put_i32(shared_counter), nl();
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            put_u32(table[i][k]), sp();
    nl();
    for (int i = 0; i < 2; i++)
        put_u32(fields[i].bits), sp(), put_u32(fields[i].more), sp(), put_i32(fields[i].rest), nl();
    for (int i = 0; i < 7; i++)
        put_i32(next_id()), sp();
    nl();
    return done(five + shared_counter);
}
