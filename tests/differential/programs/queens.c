/* The n queens by back-tracking with arrays and with bit masks; counts and the first solutions. */
#include "out.h"

static int column[12];
static u8 used[12], up[24], down[24];
static int count;

static NOINLINE void place(int row, int n) {
    if (row == n) {
        if (count++ < 3) {
            for (int i = 0; i < n; i++)
                put_i32(column[i]), sp();
            nl();
        }
        return;
    }
    for (int c = 0; c < n; c++)
        if (!used[c] && !up[row + c] && !down[row - c + n]) {
            used[c] = up[row + c] = down[row - c + n] = 1;
            column[row] = c;
            place(row + 1, n);
            used[c] = up[row + c] = down[row - c + n] = 0;
        }
}
static NOINLINE int masks(u32 all, u32 cols, u32 left, u32 right) {
    int n = 0;
    u32 open = all & ~(cols | left | right);
    if (cols == all)
        return 1;
    while (open) {
        u32 bit = open & (0 - open);
        open ^= bit;
        n += masks(all, cols | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return n;
}

int main(void) {
    int bad = 0;
    for (int n = 1; n <= 8; n++) {
        count = 0;
        place(0, n);
        int m = masks((1u << n) - 1, 0, 0, 0);
        put_i32(n), sp(), put_i32(count), sp(), put_i32(m), nl();
        bad += m != count;
    }
    return done(bad ? 1 : count);
}
