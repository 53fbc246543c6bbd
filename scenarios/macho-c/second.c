char zeros[3000];
int counter = 38;
int *where = &counter;

int bump(int by)
{
	return *where += by;
}
