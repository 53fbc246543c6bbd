/* Locks in `table`, the index of a byte's by INDEX(its address): an object takes that of its first byte and that of its
   last, each once, the lower index first. With its routines and its witness, for a file that has defined both. */

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    size one = INDEX((size)object), other = INDEX((size)object + bytes - 1);

    lock(&table[one < other ? one : other]);
    if (one != other)
        lock(&table[one < other ? other : one]);
}

SINGLE void ONE_leave(volatile const void *object, size bytes)
{
    size one = INDEX((size)object), other = INDEX((size)object + bytes - 1);

    unlock(&table[one]);
    if (one != other)
        unlock(&table[other]);
}

SYNC_FETCH(ONE, add, 4)
SYNC_OP(ONE, nand, 4)
COMPARE_EXCHANGE(ONE, 4)
LOAD(ONE, 8)
STORE(ONE, 8)
ATOMIC_FETCH(ONE, sub, 8)
SYNC_FETCH(ONE, or, 2)
TEST_AND_SET(ONE, 1)
LOCK_RELEASE(ONE, 1)

#ifdef WITNESS
/* Across a block's end, and two objects that overlap there. */
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
THREAD(1) { atomic_fetch_sub_8(arena + 10, -2ull, 5); }
CHECK { return AT(8, arena + 10) == 3 ? 0 : 1; }
#endif
