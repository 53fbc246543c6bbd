/* A formatter of its own over a variable argument list: widths, precision, zero padding, signs, 64-bit, text. */
#include "out.h"
#include <stdarg.h>

static NOINLINE int format(const char *f, ...) {
    va_list args;
    int printed = 0;
    va_start(args, f);
    for (; *f; f++) {
        if (*f != '%') {
            put_char(*f), printed++;
            continue;
        }
        int left = 0, zero = 0, plus = 0, width = 0, wide = 0, precision = -1;
        for (f++;; f++)
            if (*f == '-')
                left = 1;
            else if (*f == '0')
                zero = 1;
            else if (*f == '+')
                plus = 1;
            else
                break;
        if (*f == '*')
            width = va_arg(args, int), f++;
        while (*f >= '0' && *f <= '9')
            width = width * 10 + *f++ - '0';
        if (*f == '.') {
            precision = 0;
            for (f++; *f >= '0' && *f <= '9'; f++)
                precision = precision * 10 + *f - '0';
        }
        while (*f == 'l')
            wide++, f++;
        char body[72];
        int n = 0, base = 10, negative = 0;
        u64 value = 0;
        const char *s = 0;
        if (*f == 's')
            s = va_arg(args, const char *);
        else if (*f == 'c')
            body[n++] = (char)va_arg(args, int);
        else if (*f == 'd') {
            i64 v = wide > 1 ? va_arg(args, i64) : va_arg(args, int);
            negative = v < 0, value = negative ? 0 - (u64)v : (u64)v;
        } else {
            value = wide > 1 ? va_arg(args, u64) : va_arg(args, u32);
            base = *f == 'x' ? 16 : *f == 'o' ? 8 : *f == 'b' ? 2 : 10;
        }
        if (s) {
            while (s[n] && (precision < 0 || n < precision) && n < 71)
                body[n] = s[n], n++;
        } else if (!n) {
            char turned[66];
            int k = 0;
            do
                turned[k++] = "0123456789abcdef"[value % (u32)base], value /= (u32)base;
            while (value);
            while (k < precision)
                turned[k++] = '0';
            if (zero && !left)
                while (k < width - (negative || plus))
                    turned[k++] = '0';
            if (negative)
                turned[k++] = '-';
            else if (plus)
                turned[k++] = '+';
            while (k)
                body[n++] = turned[--k];
        }
        int pad = width - n;
        while (!left && pad-- > 0)
            put_char(' '), printed++;
        for (int i = 0; i < n; i++)
            put_char(body[i]), printed++;
        while (left && pad-- > 0)
            put_char(' '), printed++;
    }
    va_end(args);
    return printed;
}

int main(void) {
    int n = 0;
    n += format("[%d] [%5d] [%-5d] [%05d] [%+d]\n", 42, 42, 42, 42, 42);
    n += format("[%d] [%6d] [%-6d] [%06d]\n", -42, -42, -42, -42);
    n += format("[%u] [%x] [%08x] [%o] [%b]\n", 4000000000u, 0xdeadbeefu, 0xbeefu, 511u, 10u);
    n += format("[%lld] [%llu] [%llx]\n", -9000000000000000000ll, 18000000000000000000ull, 0x123456789abcdefull);
    n += format("[%s] [%10s] [%-10s] [%.3s] [%c%c]\n", "next", "next", "next", "nextstep", 'm', 'k');
    n += format("[%*d] [%.5d] [%*s]\n", 8, 77, 12, 9, "star");
    n += format("%d %lld %d %lld %s %llu %c\n", 1, 2ll, 3, -4ll, "five", 6ull, '7');
    for (int i = 0; i < 16; i++)
        n += format("%3d:%4x|%-6o|%12b|%+lld\n", i, i * 17, i * i * i, i * 5u, (i64)i * -123456789012ll);
    say_i32("printed", n);
    return done(n % 100);
}
