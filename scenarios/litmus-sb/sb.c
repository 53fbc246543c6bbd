/* Store buffering: of two threads that store and then look at the other's word, one sees the other's store. */

static volatile int x, y;
static int from_x, from_y;

void nextrust_setup(void)
{
    x = y = from_x = from_y = 0;
}

void nextrust_thread_0(void)
{
    x = 1;
    from_y = y;
}

void nextrust_thread_1(void)
{
    y = 1;
    from_x = x;
}

int nextrust_check(void)
{
    return from_x == 0 && from_y == 0;
}
