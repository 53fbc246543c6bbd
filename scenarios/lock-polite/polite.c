/* A lock without a turn: who sees that the other wants it too steps back, and tries again. From every state there is a
   way to the end, and a schedule that is fair to both need never take it. */

static volatile int wants[2];
static volatile int done;

static inline void work(int own)
{
    wants[own] = 1;
    while (wants[1 - own]) {
        wants[own] = 0;
        wants[own] = 1;
    }
    done++;
    wants[own] = 0;
}

void nextrust_thread_0(void)
{
    work(0);
}

void nextrust_thread_1(void)
{
    work(1);
}

int nextrust_check(void)
{
    return done != 2;
}
