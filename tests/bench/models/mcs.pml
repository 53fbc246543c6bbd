/* The queue lock of Mellor-Crummey and Scott (1991) around an addition of two accesses, K times each. The exchange is a
   read and a cas, as compilers for the 68030 make it. */
byte tail, next[N + 1], count; bit waits[N + 1];

proctype body(byte me)
{
    byte i, before, seen; bit had;
    do
    :: i < K ->
        next[me] = 0;
        waits[me] = 1;
        before = tail;
        do
        :: d_step { had = (tail == before); if :: had -> tail = me :: else -> before = tail fi };
            if :: had -> break :: else fi
        od;
        if
        :: before != 0 ->
            next[before] = me;
            do :: waits[me] == 0 -> break :: else od
        :: else
        fi;
        seen = count;
        count = seen + 1;
        if
        :: next[me] == 0 ->
            d_step { had = (tail == me); if :: had -> tail = 0 :: else fi };
            if
            :: had
            :: else ->
                do :: next[me] != 0 -> break :: else od;
                before = next[me];
                waits[before] = 0
            fi
        :: else ->
            before = next[me];
            waits[before] = 0
        fi;
        i++
    :: else -> break
    od
}

init {
    byte p;
    atomic { do :: p < N -> run body(p + 1); p++ :: else -> break od };
    (_nr_pr == 1);
    assert(count == N * K)
}
