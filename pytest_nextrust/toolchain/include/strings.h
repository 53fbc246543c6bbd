#ifndef _STRINGS_H
#define _STRINGS_H
#include <string.h>
void bcopy(const void *from, void *to, size_t n);
void bzero(void *to, size_t n);
int bcmp(const void *a, const void *b, size_t n);
char *index(const char *s, int c);
char *rindex(const char *s, int c);
#endif
