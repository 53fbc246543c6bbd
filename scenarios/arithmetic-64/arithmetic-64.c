/* Nothing in it belongs to NeXT: on another 32-bit machine it prints the same. */
#include <stdio.h>
#include <stdlib.h>

typedef long long i64;
typedef unsigned long long u64;

static volatile u64 values[] = {0, 1, 0xffffffffull, 0x100000000ull, 0x7fffffffffffffffull, 0x8000000000000000ull,
				0xfffffffffffffff6ull, 1000000000000ull};

int main(void)
{
	int i, j;
	u64 f = 1, check = 0;

	for (i = 0; i < 8; i++)
		for (j = 0; j < 8; j++) {
			u64 a = values[i], b = values[j];
			check = check * 31 + (a + b) + 3 * (a - b) + 5 * (a * b);
			if (b)
				check += 7 * (a / b) + 11 * (a % b);
			if (b && !(a == 1ull << 63 && b == ~0ull))
				check += (u64)((i64)a / (i64)b) ^ (u64)((i64)a % (i64)b);
			check ^= (a << (j * 9)) + (a >> (j * 9)) + (u64)((i64)a >> (j * 7));
			check += ((i64)a < (i64)b) + 2 * (a < b) + 4 * (a == b);
		}
	printf("check %llx\n", check);
	for (i = 1; i <= 20; i++)
		f *= i;
	printf("20! = %llu\n", f);
	printf("%lld %lld\n", -(i64)f / 12345, -(i64)f % 12345);
	printf("%llu\n", 18446744073709551615ull);
	printf("%lld\n", (i64)(-9223372036854775807ll - 1));
	printf("%016llx %llo\n", 0x123456789abcdefull, 01234567012345670ull);
	printf("%lld\n", strtoll("-9223372036854775807", 0, 10) - 1);
	return (int)(check % 101);
}
