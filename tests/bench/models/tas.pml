/* A lock by test and set around an addition of two accesses, K times each. */
bit lock; byte count;

proctype body()
{
    byte i, seen; bit had;
    do
    :: i < K ->
        do
        :: d_step { had = lock; lock = 1 };
            if :: had == 0 -> break :: else fi
        od;
        seen = count;
        count = seen + 1;
        lock = 0;
        i++
    :: else -> break
    od
}

init {
    byte p;
    atomic { do :: p < N -> run body(); p++ :: else -> break od };
    (_nr_pr == 1);
    assert(count == N * K)
}
