/* Digits of pi and of e by spigots: nothing but small integer arithmetic, many divisions. */
#include "out.h"

enum { DIGITS = 120, LENGTH = DIGITS * 10 / 3 + 2 };
static u32 box[LENGTH];

static NOINLINE void pi(void) {
    int nines = 0, predigit = -1, printed = 0;
    for (int i = 0; i < LENGTH; i++)
        box[i] = 2;
    for (int d = 0; d < DIGITS; d++) {
        u32 q = 0;
        for (int i = LENGTH - 1; i; i--) {
            u32 x = 10 * box[i] + q * (u32)(i + 1);
            box[i] = x % (2 * (u32)i + 1), q = x / (2 * (u32)i + 1);
        }
        u32 x = 10 * box[0] + q;
        box[0] = x % 10, q = x / 10;
        if (q == 9)
            nines++;
        else {
            int carry = q == 10;
            if (predigit >= 0)
                put_i32(predigit + carry), printed++;
            while (nines)
                put_i32(carry ? 0 : 9), nines--, printed++;
            predigit = carry ? 0 : (int)q;
        }
    }
    nl(), say_i32("printed", printed);
}
static NOINLINE void e(void) {
    enum { N = 100 };
    u32 v[N];
    for (int i = 0; i < N; i++)
        v[i] = 1;
    put("2.");
    for (int d = 0; d < 100; d++) {
        u32 q = 0;
        for (int i = N - 1; i >= 0; i--) {
            u32 x = 10 * v[i] + q;
            v[i] = x % (u32)(i + 2), q = x / (u32)(i + 2);
        }
        put_u32(q);
    }
    nl();
}

int main(void) {
    pi();
    e();
    return done(-1);
}
