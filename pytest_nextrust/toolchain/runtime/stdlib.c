/* Numbers, sorting, the environment. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <nextrust.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LIB __attribute__((weak))

LIB void __assert_fail(const char *text)
{
	if (nextrust_thread_kind() == NEXTRUST_EXPLORED)
		nextrust_fail(text);
	fprintf(stderr, "%s\n", text);
	abort();
}

LIB char *getenv(const char *name)
{
	size_t n = strlen(name);
	char **e;

	for (e = environ; e && *e; e++)
		if (!strncmp(*e, name, n) && (*e)[n] == '=')
			return *e + n + 1;
	return 0;
}

/* Digits of s as an unsigned number no greater than limit; *over where it is greater. */
static unsigned long long digits(const char **s, int base, unsigned long long limit, int *any, int *over)
{
	unsigned long long value = 0;

	for (;; ++*s) {
		int c = (unsigned char)**s;
		int d = isdigit(c) ? c - '0' : isalpha(c) ? tolower(c) - 'a' + 10 : 99;

		if (d >= base)
			return value;
		*any = 1;
		if (value > (limit - (unsigned)d) / (unsigned)base)
			*over = 1;
		else
			value = value * (unsigned)base + (unsigned)d;
	}
}

static unsigned long long number(const char *s, char **end, int base, unsigned long long most, int is_signed)
{
	const char *start = s;
	int negative = 0, any = 0, over = 0;
	unsigned long long value;

	while (isspace((unsigned char)*s))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x' && isxdigit((unsigned char)s[2])) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = *s == '0' ? 8 : 10;
	if (is_signed && negative)
		most++;
	value = digits(&s, base, most, &any, &over);
	if (end)
		*end = (char *)(any ? s : start);
	if (over) {
		errno = ERANGE;
		return is_signed && negative ? 0 - most : most;
	}
	return negative ? 0 - value : value;
}

LIB long strtol(const char *s, char **end, int base)
{
	return (long)number(s, end, base, LONG_MAX, 1);
}

LIB unsigned long strtoul(const char *s, char **end, int base)
{
	return (unsigned long)number(s, end, base, ULONG_MAX, 0);
}

LIB long long strtoll(const char *s, char **end, int base)
{
	return (long long)number(s, end, base, LLONG_MAX, 1);
}

LIB unsigned long long strtoull(const char *s, char **end, int base)
{
	return number(s, end, base, ULLONG_MAX, 0);
}

LIB int atoi(const char *s)
{
	return (int)strtol(s, 0, 10);
}

LIB long atol(const char *s)
{
	return strtol(s, 0, 10);
}

LIB long long atoll(const char *s)
{
	return strtoll(s, 0, 10);
}

LIB int abs(int n)
{
	return n < 0 ? -n : n;
}

LIB long labs(long n)
{
	return n < 0 ? -n : n;
}

LIB long long llabs(long long n)
{
	return n < 0 ? -n : n;
}

LIB div_t div(int n, int d)
{
	div_t r = { n / d, n % d };

	return r;
}

LIB ldiv_t ldiv(long n, long d)
{
	ldiv_t r = { n / d, n % d };

	return r;
}

/* Numbers by lot, of every thread for itself: by its slot, the exclusive or of what its seed is and was at first. */
enum { FIRST_SEED = 1 };
static unsigned long seeds[NEXTRUST_SLOTS];

LIB int rand_r(unsigned int *seed)
{
	*seed = *seed * 1103515245U + 12345;
	return (int)(*seed & RAND_MAX);
}

LIB void srand(unsigned int seed)
{
	seeds[nextrust_thread_self()] = seed ^ FIRST_SEED;
}

LIB int rand(void)
{
	unsigned int seed = (unsigned int)seeds[nextrust_thread_self()] ^ FIRST_SEED;
	int number = rand_r(&seed);

	srand(seed);
	return number;
}

static void swap(char *a, char *b, size_t size)
{
	while (size--) {
		char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

static void sift(char *base, size_t root, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	size_t child;

	while ((child = 2 * root + 1) < count) {
		if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + root * size, base + child * size) >= 0)
			return;
		swap(base + root * size, base + child * size, size);
		root = child;
	}
}

/* Heap sort: no recursion, no memory, the same time for every input. */
LIB void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	size_t i;

	for (i = count / 2; i-- > 0;)
		sift(base, i, count, size, compare);
	for (i = count; i-- > 1;) {
		swap(base, (char *)base + i * size, size);
		sift(base, 0, i, size, compare);
	}
}

LIB void *bsearch(const void *key, const void *base, size_t count, size_t size,
		  int (*compare)(const void *, const void *))
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;
		const char *at = (const char *)base + middle * size;
		int order = compare(key, at);

		if (!order)
			return (void *)at;
		if (order < 0)
			count = middle;
		else
			low = middle + 1;
	}
	return 0;
}

LIB time_t time(time_t *where)
{
	struct timeval now;

	if (gettimeofday(&now, 0) < 0)
		return -1;
	if (where)
		*where = now.tv_sec;
	return now.tv_sec;
}

LIB int isdigit(int c) { return c >= '0' && c <= '9'; }
LIB int islower(int c) { return c >= 'a' && c <= 'z'; }
LIB int isupper(int c) { return c >= 'A' && c <= 'Z'; }
LIB int isalpha(int c) { return islower(c) || isupper(c); }
LIB int isalnum(int c) { return isalpha(c) || isdigit(c); }
LIB int isspace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
LIB int iscntrl(int c) { return (c >= 0 && c < 32) || c == 127; }
LIB int isprint(int c) { return c >= 32 && c < 127; }
LIB int isgraph(int c) { return c > 32 && c < 127; }
LIB int ispunct(int c) { return isgraph(c) && !isalnum(c); }
LIB int isxdigit(int c) { return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
LIB int tolower(int c) { return isupper(c) ? c + 32 : c; }
LIB int toupper(int c) { return islower(c) ? c - 32 : c; }

/* Towards minus infinity; above 2^52 every double is whole. math.S makes floor and ceil of these. */
LIB void __floor(double *x)
{
	double whole;

	if (!(*x > -4503599627370496.0 && *x < 4503599627370496.0) || *x == 0)
		return;
	whole = (double)(long long)*x;
	if (whole > *x)
		whole -= 1;
	*x = whole == 0 && *x < 0 ? -0.0 : whole;
}

LIB void __ceil(double *x)
{
	*x = -*x;
	__floor(x);
	*x = -*x;
}
