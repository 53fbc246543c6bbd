#ifndef _STDIO_H
#define _STDIO_H
/* Unbuffered: what a call prints is written when the call returns. */
#include <stdarg.h>
#include <stddef.h>
#define EOF (-1)
#define BUFSIZ 1024
#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif
typedef struct __file { int fd; int flags; int pushed; } FILE;
extern FILE __files[3];
#define stdin (&__files[0])
#define stdout (&__files[1])
#define stderr (&__files[2])
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list args);
int vfprintf(FILE *file, const char *format, va_list args);
int vsprintf(char *to, const char *format, va_list args);
int vsnprintf(char *to, size_t size, const char *format, va_list args);
int puts(const char *s);
int fputs(const char *s, FILE *file);
int putchar(int c);
int fputc(int c, FILE *file);
#define putc(c, file) fputc(c, file)
int getchar(void);
int fgetc(FILE *file);
#define getc(file) fgetc(file)
int ungetc(int c, FILE *file);
char *fgets(char *to, int size, FILE *file);
size_t fread(void *to, size_t size, size_t count, FILE *file);
size_t fwrite(const void *from, size_t size, size_t count, FILE *file);
FILE *fopen(const char *path, const char *mode);
int fclose(FILE *file);
int fflush(FILE *file);
int fseek(FILE *file, long offset, int whence);
long ftell(FILE *file);
int feof(FILE *file);
int ferror(FILE *file);
int fileno(FILE *file);
void perror(const char *s);
int remove(const char *path);
int rename(const char *from, const char *to);
#endif
