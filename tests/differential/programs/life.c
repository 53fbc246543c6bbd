/* Cellular automata: Life on a torus in bits and in bytes, which must agree; Wolfram's rules 30 and 110. */
#include "out.h"

enum { H = 20, W = 32 };
static u32 rows[H], next_rows[H];
static u8 cells[H][W], next_cells[H][W];

static u32 rol(u32 x) { return x << 1 | x >> 31; }
static u32 ror(u32 x) { return x >> 1 | x << 31; }
static NOINLINE void step_bits(void) {
    for (int y = 0; y < H; y++) {
        u32 up = rows[(y + H - 1) % H], me = rows[y], down = rows[(y + 1) % H];
        u32 n[8] = {rol(up), up, ror(up), rol(me), ror(me), rol(down), down, ror(down)};
        u32 one = 0, two = 0, four = 0;
        for (int i = 0; i < 8; i++) {
            u32 c = one & n[i], d;
            one ^= n[i];
            d = two & c, two ^= c, four |= d;
        }
        next_rows[y] = two & ~four & (one | me);
    }
    for (int y = 0; y < H; y++)
        rows[y] = next_rows[y];
}
static NOINLINE void step_bytes(void) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int n = 0;
            for (int dy = -1; dy < 2; dy++)
                for (int dx = -1; dx < 2; dx++)
                    if (dx || dy)
                        n += cells[(y + dy + H) % H][(x + dx + W) % W];
            next_cells[y][x] = n == 3 || (n == 2 && cells[y][x]);
        }
    __builtin_memcpy(cells, next_cells, sizeof cells);
}
static NOINLINE void wolfram(u8 rule, int lines) {
    u64 row = 1ull << 31;
    for (int i = 0; i < lines; i++) {
        for (int b = 63; b >= 0; b--)
            put_char(row >> b & 1 ? '#' : '.');
        nl();
        u64 made = 0;
        for (int b = 0; b < 64; b++) {
            int around = (int)((row >> ((b + 1) & 63) & 1) << 2 | (row >> b & 1) << 1 | (row >> ((b + 63) & 63) & 1));
            made |= (u64)(rule >> around & 1) << b;
        }
        row = made;
    }
}

int main(void) {
    for (int y = 0; y < H; y++) {
        rows[y] = next_random() & next_random();
        for (int x = 0; x < W; x++)
            cells[y][x] = rows[y] >> (31 - x) & 1;
    }
    int bad = 0;
    for (int g = 0; g < 30; g++) {
        step_bits(), step_bytes();
        int alive = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                bad += cells[y][x] != (rows[y] >> (31 - x) & 1), alive += cells[y][x];
        put_i32(alive), sp();
    }
    nl();
    for (int y = 0; y < H; y++)
        put_hex(rows[y], 8), put_char(y % 5 == 4 ? '\n' : ' ');
    wolfram(30, 12), wolfram(110, 12);
    say_i32("bad", bad);
    return done(bad ? 1 : 30);
}
