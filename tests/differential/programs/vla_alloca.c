/* Arrays of variable length and alloca: in loops, recursion, two dimensions, sizes odd and even, passed on. */
#include "out.h"

static NOINLINE u32 fill(int n) {
    u16 v[n];
    u32 s = 0;
    for (int i = 0; i < n; i++)
        v[i] = (u16)(i * n);
    for (int i = 0; i < n; i += 3)
        s += v[n - 1 - i];
    return s + (u32)sizeof v;
}
static NOINLINE u32 table(int rows, int columns, int t[rows][columns]) {
    u32 s = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            s = s * 3 + (u32)t[i][j];
    return s;
}
static NOINLINE u32 grid(int rows, int columns) {
    int t[rows][columns];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            t[i][j] = i * 10 + j;
    return table(rows, columns, t) + (u32)sizeof t;
}
static NOINLINE u32 recurse(int n) {
    char name[n + 1];
    for (int i = 0; i < n; i++)
        name[i] = (char)('a' + (i + n) % 26);
    name[n] = 0;
    u32 s = n > 1 ? recurse(n - 1) : 1;
    for (char *p = name; *p; p++)
        s = s * 5 + (u8)*p;
    return s;
}
static NOINLINE u32 chain(int n) {
    struct link {
        struct link *next;
        int value;
    } *head = 0;
    for (int i = 0; i < n; i++) {
        struct link *l = __builtin_alloca(sizeof *l + (unsigned)i % 7);
        l->next = head, l->value = i * i, head = l;
    }
    u32 s = 0;
    for (; head; head = head->next)
        s = s * 7 + (u32)head->value;
    return s;
}

int main(void) {
    for (int n = 1; n < 50; n += 6)
        put_u32(fill(n)), sp();
    nl();
    for (int r = 1; r < 6; r++)
        for (int c = 1; c < 8; c += 2)
            put_hex(grid(r, c), 8), sp();
    nl();
    for (int n = 1; n < 40; n += 9)
        put_hex(recurse(n), 8), sp();
    nl();
    for (int n = 0; n < 100; n += 17)
        put_hex(chain(n), 8), sp();
    nl();
    u32 total = 0;
    for (int i = 1; i < 200; i++) {
        u8 buffer[i * 3 % 41 + 1];
        buffer[0] = (u8)i, buffer[sizeof buffer - 1] = (u8)i;
        total += buffer[0] * (u32)sizeof buffer;
    }
    say_u32("total", total);
    return done(-1);
}
