/* Memory and strings, as ISO C and 4.3BSD define them. Plain byte loops: these are read when a program misbehaves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIB __attribute__((weak))

LIB void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

LIB void *memmove(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + n)
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

LIB void *memset(void *to, int c, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

LIB int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

LIB void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)p;
	return 0;
}

LIB size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

LIB char *strcpy(char *to, const char *from)
{
	char *t = to;

	while ((*t++ = *from++))
		;
	return to;
}

LIB char *strncpy(char *to, const char *from, size_t n)
{
	size_t i = 0;

	for (; i < n && from[i]; i++)
		to[i] = from[i];
	for (; i < n; i++)
		to[i] = 0;
	return to;
}

LIB char *strcat(char *to, const char *from)
{
	strcpy(to + strlen(to), from);
	return to;
}

LIB char *strncat(char *to, const char *from, size_t n)
{
	char *t = to + strlen(to);

	while (n-- && *from)
		*t++ = *from++;
	*t = 0;
	return to;
}

LIB int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

LIB int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++, b++)
		;
	return n ? *(const unsigned char *)a - *(const unsigned char *)b : 0;
}

LIB char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return 0;
	return (char *)s;
}

LIB char *strrchr(const char *s, int c)
{
	const char *found = 0;

	do
		if (*s == (char)c)
			found = s;
	while (*s++);
	return (char *)found;
}

LIB char *strstr(const char *s, const char *part)
{
	size_t n = strlen(part);

	for (;; s++) {
		if (!strncmp(s, part, n))
			return (char *)s;
		if (!*s)
			return 0;
	}
}

LIB size_t strspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && strchr(set, s[n]))
		n++;
	return n;
}

LIB size_t strcspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && !strchr(set, s[n]))
		n++;
	return n;
}

LIB char *strpbrk(const char *s, const char *set)
{
	s += strcspn(s, set);
	return *s ? (char *)s : 0;
}

LIB char *strtok(char *s, const char *separators)
{
	static char *rest;

	if (!s)
		s = rest;
	if (!s)
		return 0;
	s += strspn(s, separators);
	if (!*s) {
		rest = 0;
		return 0;
	}
	rest = strpbrk(s, separators);
	if (rest)
		*rest++ = 0;
	return s;
}

LIB char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = malloc(n);

	return copy ? memcpy(copy, s, n) : 0;
}

LIB void bcopy(const void *from, void *to, size_t n)
{
	memmove(to, from, n);
}

LIB void bzero(void *to, size_t n)
{
	memset(to, 0, n);
}

LIB int bcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}

LIB char *index(const char *s, int c)
{
	return strchr(s, c);
}

LIB char *rindex(const char *s, int c)
{
	return strrchr(s, c);
}

LIB char *strerror(int number)
{
	static const struct { int number; const char *text; } table[] = {
		{ EPERM, "Not owner" },
		{ ENOENT, "No such file or directory" },
		{ EINTR, "Interrupted system call" },
		{ EIO, "I/O error" },
		{ E2BIG, "Arg list too long" },
		{ EBADF, "Bad file number" },
		{ EAGAIN, "No more processes" },
		{ ENOMEM, "Not enough memory" },
		{ EACCES, "Permission denied" },
		{ EFAULT, "Bad address" },
		{ EEXIST, "File exists" },
		{ ENOTDIR, "Not a directory" },
		{ EISDIR, "Is a directory" },
		{ EINVAL, "Invalid argument" },
		{ EMFILE, "Too many open files" },
		{ ENOTTY, "Inappropriate ioctl for device" },
		{ ENOSPC, "No space left on device" },
		{ ESPIPE, "Illegal seek" },
		{ EROFS, "Read-only file system" },
		{ EPIPE, "Broken pipe" },
		{ ENOTEMPTY, "Directory not empty" },
	};
	static char other[] = "Error 0000";
	unsigned int i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].number == number)
			return (char *)table[i].text;
	for (i = 9; i > 5; i--, number /= 10)
		other[i] = (char)('0' + number % 10);
	return other;
}
