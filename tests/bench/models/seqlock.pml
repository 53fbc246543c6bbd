/* One writer of two words under a sequence count, K times; the other threads read both K times. */
byte sequence, first, second; bit torn;

proctype body(byte me)
{
    byte i, now, one, other;
    do
    :: i < K ->
        if
        :: me == 0 ->
            now = sequence;
            sequence = now + 1;
            first = i + 1;
            second = i + 1;
            sequence = now + 2
        :: else ->
            do
            :: now = sequence;
                if
                :: now & 1
                :: else ->
                    one = first;
                    other = second;
                    if :: sequence == now -> break :: else fi
                fi
            od;
            if :: one != other -> torn = 1 :: else fi
        fi;
        i++
    :: else -> break
    od
}

init {
    byte p;
    atomic { do :: p < N -> run body(p); p++ :: else -> break od };
    (_nr_pr == 1);
    assert(!torn)
}
