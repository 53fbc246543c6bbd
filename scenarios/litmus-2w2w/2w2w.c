/* Two threads store to two words in opposite orders: not both words keep their first store. */

static volatile int x, y;

void nextrust_setup(void)
{
    x = y = 0;
}

void nextrust_thread_0(void)
{
    x = 1;
    y = 2;
}

void nextrust_thread_1(void)
{
    y = 1;
    x = 2;
}

int nextrust_check(void)
{
    return (x != 1 && x != 2) || (y != 1 && y != 2) || (x == 1 && y == 1);
}
