/* Load buffering: no two loads see stores that come after each other's. */

static volatile int x, y;
static int from_x, from_y;

void nextrust_setup(void)
{
    x = y = from_x = from_y = 0;
}

void nextrust_thread_0(void)
{
    from_x = x;
    y = 1;
}

void nextrust_thread_1(void)
{
    from_y = y;
    x = 1;
}

int nextrust_check(void)
{
    return from_x == 1 && from_y == 1;
}
