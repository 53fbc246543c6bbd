/* The towers of Hanoi, recursively and by the bit pattern of the move's number; both must make the same moves. */
#include "out.h"

enum { DISKS = 11 };
static u8 peg[3][DISKS], height[3];
static u32 trace, moves;

static NOINLINE void move(int from, int to) {
    u8 disk = peg[from][--height[from]];
    if (height[to] && peg[to][height[to] - 1] < disk)
        put("illegal\n");
    peg[to][height[to]++] = disk;
    moves++;
    trace = (trace << 5 | trace >> 27) ^ (u32)(from * 3 + to) ^ moves;
    if (moves < 40)
        put_char((char)('A' + from)), put_char((char)('A' + to)), sp();
}
static NOINLINE void solve(int n, int from, int to, int by) {
    if (!n)
        return;
    solve(n - 1, from, by, to);
    move(from, to);
    solve(n - 1, by, to, from);
}
static NOINLINE void reset(void) {
    height[0] = DISKS, height[1] = height[2] = 0, moves = trace = 0;
    for (int i = 0; i < DISKS; i++)
        peg[0][i] = (u8)(DISKS - i);
}

int main(void) {
    reset();
    solve(DISKS, 0, 2, 1);
    nl();
    say_u32("moves", moves), say_hex("trace", trace);
    u32 first = trace;
    reset();
    for (u32 m = 1; m < 1u << DISKS; m++)
        move((int)((m & (m - 1)) % 3), (int)(((m | (m - 1)) + 1) % 3));
    nl();
    say_u32("moves", moves), say_hex("trace", trace);
    return done(first == trace ? 11 : 1);
}
