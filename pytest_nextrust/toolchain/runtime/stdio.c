/* Files without buffers: every call that prints ends in write(2) before it returns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "format.h"

#define LIB __attribute__((weak))

enum { OPEN = 1, AT_END = 2, BROKEN = 4, PUSHED = 8 };

LIB FILE __files[3] = { { 0, OPEN, 0 }, { 1, OPEN, 0 }, { 2, OPEN, 0 } };

static int write_all(FILE *file, const char *from, size_t n)
{
	while (n) {
		int done = write(file->fd, from, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			file->flags |= BROKEN;
			return EOF;
		}
		from += done;
		n -= (size_t)done;
	}
	return 0;
}

struct gather {
	struct sink sink;
	FILE *file;
	size_t used;
	int failed;
	char data[512];
};

static void gather_flush(struct gather *g)
{
	if (g->used && write_all(g->file, g->data, g->used) < 0)
		g->failed = 1;
	g->used = 0;
}

static void gather_put(struct sink *sink, char c)
{
	struct gather *g = (struct gather *)sink;

	if (g->used == sizeof g->data)
		gather_flush(g);
	g->data[g->used++] = c;
}

LIB int vfprintf(FILE *file, const char *format, va_list args)
{
	struct gather g;
	int count;

	g.sink.put = gather_put;
	g.file = file;
	g.used = 0;
	g.failed = 0;
	count = __format(&g.sink, format, args);
	gather_flush(&g);
	return g.failed ? EOF : count;
}

LIB int vprintf(const char *format, va_list args)
{
	return vfprintf(stdout, format, args);
}

LIB int fprintf(FILE *file, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vfprintf(file, format, args);
	va_end(args);
	return count;
}

LIB int printf(const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vfprintf(stdout, format, args);
	va_end(args);
	return count;
}

struct memory {
	struct sink sink;
	char *to;
	size_t left;
};

static void memory_put(struct sink *sink, char c)
{
	struct memory *m = (struct memory *)sink;

	if (m->left > 1) {
		*m->to++ = c;
		m->left--;
	}
}

LIB int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	struct memory m;
	int count;

	m.sink.put = memory_put;
	m.to = to;
	m.left = size;
	count = __format(&m.sink, format, args);
	if (size)
		*m.to = 0;
	return count;
}

LIB int vsprintf(char *to, const char *format, va_list args)
{
	return vsnprintf(to, 0x7fffffff, format, args);
}

LIB int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(to, size, format, args);
	va_end(args);
	return count;
}

LIB int sprintf(char *to, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(to, 0x7fffffff, format, args);
	va_end(args);
	return count;
}

LIB int fputs(const char *s, FILE *file)
{
	return write_all(file, s, strlen(s));
}

LIB int puts(const char *s)
{
	return printf("%s\n", s) < 0 ? EOF : 0;
}

LIB int fputc(int c, FILE *file)
{
	char byte = (char)c;

	return write_all(file, &byte, 1) < 0 ? EOF : (unsigned char)byte;
}

LIB int putchar(int c)
{
	return fputc(c, stdout);
}

LIB size_t fwrite(const void *from, size_t size, size_t count, FILE *file)
{
	return write_all(file, from, size * count) < 0 ? 0 : count;
}

LIB int fgetc(FILE *file)
{
	unsigned char c;
	int got;

	if (file->flags & PUSHED) {
		file->flags &= ~PUSHED;
		return file->pushed;
	}
	got = read(file->fd, &c, 1);
	if (got == 1)
		return c;
	file->flags |= got ? BROKEN : AT_END;
	return EOF;
}

LIB int getchar(void)
{
	return fgetc(stdin);
}

LIB int ungetc(int c, FILE *file)
{
	if (c == EOF || file->flags & PUSHED)
		return EOF;
	file->pushed = (unsigned char)c;
	file->flags = (file->flags | PUSHED) & ~AT_END;
	return file->pushed;
}

LIB char *fgets(char *to, int size, FILE *file)
{
	int c = 0, n = 0;

	while (n < size - 1 && c != '\n' && (c = fgetc(file)) != EOF)
		to[n++] = (char)c;
	if (!n)
		return 0;
	to[n] = 0;
	return to;
}

LIB size_t fread(void *to, size_t size, size_t count, FILE *file)
{
	size_t n = 0, want = size * count;
	char *t = to;
	int got;

	if (want && file->flags & PUSHED)
		t[n++] = (char)fgetc(file);
	while (n < want) {
		got = read(file->fd, t + n, want - n);
		if (got <= 0) {
			file->flags |= got ? BROKEN : AT_END;
			break;
		}
		n += (size_t)got;
	}
	return size ? n / size : 0;
}

LIB FILE *fopen(const char *path, const char *mode)
{
	int both = strchr(mode, '+') != 0;
	int flags = *mode == 'r' ? (both ? O_RDWR : O_RDONLY) : (both ? O_RDWR : O_WRONLY) | O_CREAT;
	FILE *file;
	int fd;

	if (*mode == 'w')
		flags |= O_TRUNC;
	if (*mode == 'a')
		flags |= O_APPEND;
	fd = open(path, flags, 0666);
	if (fd < 0)
		return 0;
	file = malloc(sizeof *file);
	if (!file) {
		close(fd);
		return 0;
	}
	file->fd = fd;
	file->flags = OPEN;
	return file;
}

LIB int fclose(FILE *file)
{
	int status = close(file->fd);

	if (file < __files || file >= __files + 3)
		free(file);
	return status;
}

LIB int fflush(FILE *file)
{
	(void)file;
	return 0;
}

LIB int fseek(FILE *file, long offset, int whence)
{
	file->flags &= ~(PUSHED | AT_END);
	return lseek(file->fd, offset, whence) < 0 ? -1 : 0;
}

LIB long ftell(FILE *file)
{
	long at = lseek(file->fd, 0, SEEK_CUR);

	return at > 0 && file->flags & PUSHED ? at - 1 : at;
}

LIB int feof(FILE *file)
{
	return file->flags & AT_END;
}

LIB int ferror(FILE *file)
{
	return file->flags & BROKEN;
}

LIB int fileno(FILE *file)
{
	return file->fd;
}

LIB int isatty(int fd)
{
	struct sgttyb tty;

	return ioctl(fd, TIOCGETP, &tty) == 0;
}

LIB void perror(const char *s)
{
	fprintf(stderr, "%s: %s\n", s, strerror(errno));
}

LIB int remove(const char *path)
{
	return unlink(path);
}
