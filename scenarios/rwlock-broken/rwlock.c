/* A reader-writer lock whose writer looks for readers and then enters: one that came in between reads on. */

#define WRITER 0x8000

static volatile unsigned short state; /* readers inside, or WRITER */
static volatile int left, right;      /* a writer changes both: readers see them equal */
static int torn;

static int change(unsigned short expected, unsigned short desired)
{
    unsigned short found = expected;

    __asm__ volatile("cas.w %0,%1,(%2)" : "+d"(found) : "d"(desired), "a"(&state) : "cc", "memory");
    return found == expected;
}

static void lock_shared(void)
{
    unsigned short seen;

    do
        seen = state;
    while ((seen & WRITER) || !change(seen, seen + 1));
}

static void unlock_shared(void)
{
    unsigned short seen;

    do
        seen = state;
    while (!change(seen, seen - 1));
}

static void lock_exclusive(void)
{
    while (state != 0)
        ;
    state = WRITER;
}

static void unlock_exclusive(void)
{
    state = 0;
}

void nextrust_setup(void)
{
    state = 0;
    left = right = torn = 0;
}

static void reader(void)
{
    lock_shared();
    if (left != right)
        torn = 1;
    unlock_shared();
}

void nextrust_thread_0(void)
{
    lock_exclusive();
    left = left + 1;
    right = right + 1;
    unlock_exclusive();
}

void nextrust_thread_1(void)
{
    reader();
}

void nextrust_thread_2(void)
{
    reader();
}

int nextrust_check(void)
{
    return torn || left != 1 || right != 1 || state != 0;
}
