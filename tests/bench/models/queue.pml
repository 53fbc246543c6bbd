/* The queue of Michael and Scott (1996): each thread puts K nodes of its own at its end, and takes one from its head.
   Node 1 is the first. */
byte head = 1, tail = 1, next[N * K + 2]; bit taken[N];

proctype body(byte me)
{
    byte i, own, last, after, old; bit had;
    do
    :: i < K ->
        own = me * K + i + 2;
        do
        :: last = tail;
            after = next[last];
            if
            :: after != 0 -> d_step { if :: tail == last -> tail = after :: else fi }
            :: else ->
                d_step { had = (next[last] == 0); if :: had -> next[last] = own :: else fi };
                if
                :: had ->
                    d_step { if :: tail == last -> tail = own :: else fi };
                    break
                :: else
                fi
            fi
        od;
        i++
    :: else -> break
    od;
    do
    :: old = head;
        last = tail;
        after = next[old];
        if
        :: old == last -> d_step { if :: tail == last -> tail = after :: else fi }
        :: else ->
            d_step { had = (head == old); if :: had -> head = after :: else fi };
            if
            :: had ->
                taken[me] = 1;
                break
            :: else
            fi
        fi
    od
}

init {
    byte p, count;
    atomic { do :: p < N -> run body(p); p++ :: else -> break od };
    (_nr_pr == 1);
    atomic { p = next[head]; do :: p != 0 -> count++; p = next[p] :: else -> break od };
    assert(count == N * K - N)
}
