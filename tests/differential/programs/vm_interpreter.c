/* A register machine with memory, calls and branches, running a sieve, a gcd and a sort written in its code. */
#include "out.h"

enum { LI, MV, ADD, SUB, MUL, DIV, REM, LD, ST, JMP, BEQ, BLT, CALL, RET, OUT, END };
struct ins {
    u8 op, a, b;
    i16 c;
};
static i32 memory[128];
static u32 steps;

static NOINLINE void run(const struct ins *code) {
    i32 r[8] = {0};
    int calls[8], depth = 0, pc = 0;
    for (;;) {
        const struct ins *i = &code[pc++];
        steps++;
        switch (i->op) {
        case LI: r[i->a] = i->c; break;
        case MV: r[i->a] = r[i->b]; break;
        case ADD: r[i->a] = r[i->b] + r[i->c]; break;
        case SUB: r[i->a] = r[i->b] - r[i->c]; break;
        case MUL: r[i->a] = r[i->b] * r[i->c]; break;
        case DIV: r[i->a] = r[i->b] / r[i->c]; break;
        case REM: r[i->a] = r[i->b] % r[i->c]; break;
        case LD: r[i->a] = memory[r[i->b] + i->c]; break;
        case ST: memory[r[i->b] + i->c] = r[i->a]; break;
        case JMP: pc = i->c; break;
        case BEQ: if (r[i->a] == r[i->b]) pc = i->c; break;
        case BLT: if (r[i->a] < r[i->b]) pc = i->c; break;
        case CALL: calls[depth++] = pc; pc = i->c; break;
        case RET: pc = calls[--depth]; break;
        case OUT: put_i32(r[i->a]), sp(); break;
        default: nl(); return;
        }
    }
}
static const struct ins primes[] = {
    {LI, 1, 0, 2}, {LI, 2, 0, 100}, {LI, 7, 0, 1}, {LI, 0, 0, 0},
    {LD, 3, 1, 0}, {BEQ, 3, 7, 12},
    {OUT, 1, 0, 0}, {ADD, 4, 1, 1},
    {BLT, 2, 4, 12}, {ST, 7, 4, 0}, {ADD, 4, 4, 1}, {JMP, 0, 0, 8},
    {ADD, 1, 1, 7}, {BLT, 1, 2, 4}, {END, 0, 0, 0}};
static const struct ins gcd[] = {
    {LI, 0, 0, 0}, {LI, 1, 0, 27720}, {LI, 2, 0, 3276}, {CALL, 0, 0, 8}, {OUT, 1, 0, 0},
    {LI, 1, 0, 1071}, {LI, 2, 0, 462}, {JMP, 0, 0, 13},
    {BEQ, 2, 0, 12}, {REM, 3, 1, 2}, {MV, 1, 2, 0}, {MV, 2, 3, 0}, {BEQ, 2, 0, 15},
    {CALL, 0, 0, 8}, {JMP, 0, 0, 16}, {RET, 0, 0, 0}, {OUT, 1, 0, 0}, {END, 0, 0, 0}};
static const struct ins sort[] = {
    {LI, 0, 0, 0}, {LI, 7, 0, 1}, {LI, 1, 0, 20}, {LI, 2, 0, 17},
    {MUL, 3, 1, 1}, {REM, 3, 3, 2}, {SUB, 1, 1, 7}, {ST, 3, 1, 0}, {BLT, 0, 1, 4},
    {LI, 6, 0, 19}, {LI, 1, 0, 0},
    {LD, 3, 1, 0}, {LD, 4, 1, 1}, {BLT, 3, 4, 16}, {ST, 4, 1, 0}, {ST, 3, 1, 1},
    {ADD, 1, 1, 7}, {BLT, 1, 6, 11}, {SUB, 6, 6, 7}, {BLT, 0, 6, 10},
    {LI, 1, 0, 0}, {LI, 6, 0, 20}, {LD, 3, 1, 0}, {OUT, 3, 0, 0}, {ADD, 1, 1, 7}, {BLT, 1, 6, 22}, {END, 0, 0, 0}};

int main(void) {
    run(primes);
    run(gcd);
    for (int i = 0; i < 128; i++)
        memory[i] = 0;
    run(sort);
    say_u32("steps", steps);
    return done(-1);
}
