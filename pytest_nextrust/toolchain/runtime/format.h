/* The formatter behind printf and its kin: characters go to a sink. */
#include <stdarg.h>

struct sink {
	void (*put)(struct sink *sink, char c);
};

/* How many characters the format made. */
int __format(struct sink *sink, const char *format, va_list args);
