/* A ticket lock around an addition of two accesses, K times each; the ticket is drawn by a read and a cas. */
byte next, owner, count;

proctype body()
{
    byte i, ticket, seen; bit had;
    do
    :: i < K ->
        ticket = next;
        do
        :: d_step { had = (next == ticket); if :: had -> next++ :: else -> ticket = next fi };
            if :: had -> break :: else fi
        od;
        do :: owner == ticket -> break :: else od;
        seen = count;
        count = seen + 1;
        owner = ticket + 1;
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
