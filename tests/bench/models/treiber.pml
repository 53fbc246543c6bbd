/* Treiber's stack (1986): each thread pushes K nodes of its own. */
byte top, next[N * K + 1];

proctype body(byte me)
{
    byte i, own, seen; bit had;
    do
    :: i < K ->
        own = me * K + i + 1;
        seen = top;
        do
        :: next[own] = seen;
            d_step { had = (top == seen); if :: had -> top = own :: else -> seen = top fi };
            if :: had -> break :: else fi
        od;
        i++
    :: else -> break
    od
}

init {
    byte p, count;
    atomic { do :: p < N -> run body(p); p++ :: else -> break od };
    (_nr_pr == 1);
    atomic { p = top; do :: p != 0 -> count++; p = next[p] :: else -> break od };
    assert(count == N * K)
}
