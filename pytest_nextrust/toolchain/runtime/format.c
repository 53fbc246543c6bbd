/* printf formatting: d i u x X o c s p n % and f F e E g G, flags - + space # 0, width, precision, hh h l ll z j t L.
   Doubles are expanded to all their decimal digits and rounded once, half to even, so that what is printed is what the
   bits say, without the FPU. Sources: ISO C 7.21.6.1, IEEE 754 binary64. */
#include <stdint.h>
#include <string.h>
#include "format.h"

enum { LEFT = 1, PLUS = 2, SPACE = 4, ALTERNATE = 8, ZERO = 16 };

struct field {
	struct sink *sink;
	int flags, width, precision, count;
};

static void emit(struct field *f, char c)
{
	f->sink->put(f->sink, c);
	f->count++;
}

static void repeat(struct field *f, char c, int n)
{
	while (n-- > 0)
		emit(f, c);
}

static void text(struct field *f, const char *s, int n)
{
	while (n-- > 0)
		emit(f, *s++);
}

/* Prefix, zeros and body, padded to the width. */
static void padded(struct field *f, const char *prefix, int zeros, const char *body, int n)
{
	int head = (int)strlen(prefix);
	int pad = f->width - head - zeros - n;

	if (!(f->flags & (LEFT | ZERO)))
		repeat(f, ' ', pad);
	text(f, prefix, head);
	if ((f->flags & (LEFT | ZERO)) == ZERO)
		repeat(f, '0', pad);
	repeat(f, '0', zeros);
	text(f, body, n);
	if (f->flags & LEFT)
		repeat(f, ' ', pad);
}

static const char *sign_of(struct field *f, int negative)
{
	return negative ? "-" : f->flags & PLUS ? "+" : f->flags & SPACE ? " " : "";
}

static void integer(struct field *f, unsigned long long value, int base, const char *prefix, int upper)
{
	char buffer[24], *p = buffer + sizeof buffer;
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n, zeros;

	for (; value > 0xffffffffu; value /= (unsigned)base)
		*--p = set[value % (unsigned)base];
	for (uint32_t low = (uint32_t)value; low; low /= (unsigned)base)
		*--p = set[low % (unsigned)base];
	n = (int)(buffer + sizeof buffer - p);
	zeros = f->precision < 0 ? !n : f->precision - n;
	if (base == 8 && f->flags & ALTERNATE && zeros <= 0)
		zeros = 1;
	if (f->precision >= 0)
		f->flags &= ~ZERO;
	padded(f, prefix, zeros > 0 ? zeros : 0, p, n);
}

/* All decimal digits of m * 2^e: `whole` of them before the point, `n` in all. 309 + 1074 are the most. */
#define DIGITS 1400

struct decimal {
	int n, whole;
	char digit[DIGITS];
};

static void limb(struct decimal *d, uint32_t value, int skip_zeros)
{
	char nine[9];
	int i, start = 0;

	for (i = 8; i >= 0; i--, value /= 10)
		nine[i] = (char)(value % 10);
	if (skip_zeros)
		while (start < 9 && !nine[start])
			start++;
	for (i = start; i < 9; i++)
		d->digit[d->n++] = nine[i];
}

#define BILLION 1000000000u

/* The integer m << e, in base 10^9. */
static void whole_digits(struct decimal *d, uint64_t m, int e)
{
	uint32_t limbs[40];
	int n = 0, i;

	for (; m; m /= BILLION)
		limbs[n++] = (uint32_t)(m % BILLION);
	while (e > 0) {
		int step = e < 29 ? e : 29;
		uint64_t carry = 0;

		for (i = 0; i < n; i++) {
			carry += (uint64_t)limbs[i] << step;
			limbs[i] = (uint32_t)(carry % BILLION);
			carry /= BILLION;
		}
		for (; carry; carry /= BILLION)
			limbs[n++] = (uint32_t)(carry % BILLION);
		e -= step;
	}
	for (i = n - 1; i >= 0; i--)
		limb(d, limbs[i], i == n - 1);
	d->whole = d->n;
}

/* The fraction m / 2^k, m < 2^k: multiply by 10^9 and take what passes the point, until nothing is left. */
static void fraction_digits(struct decimal *d, uint64_t m, int k)
{
	uint32_t words[36];
	int n = (k + 31) / 32, shift = n * 32 - k, i, low = 0;

	/* words[n-1] is the most significant; aligned so that the point is above it. */
	memset(words, 0, sizeof words);
	words[0] = (uint32_t)(m << shift);
	if (n > 1)
		words[1] = (uint32_t)((m << shift) >> 32);
	if (n > 2 && shift)
		words[2] = (uint32_t)(m >> (64 - shift));
	for (;;) {
		uint64_t carry = 0;

		while (low < n && !words[low])
			low++;
		if (low == n)
			return;
		for (i = low; i < n; i++) {
			carry += (uint64_t)words[i] * BILLION;
			words[i] = (uint32_t)carry;
			carry >>= 32;
		}
		limb(d, (uint32_t)carry, 0);
	}
}

static void expand(struct decimal *d, uint64_t bits)
{
	int exponent = (int)(bits >> 52 & 0x7ff);
	uint64_t m = bits & 0xfffffffffffffULL;
	int e = exponent ? exponent - 1075 : -1074;

	d->n = d->whole = 0;
	if (exponent)
		m |= 1ULL << 52;
	if (e >= 0) {
		whole_digits(d, m, e);
		return;
	}
	if (-e < 64) {
		whole_digits(d, m >> -e, 0);
		m &= (1ULL << -e) - 1;
	}
	fraction_digits(d, m, -e);
}

/* Keep `keep` digits (may be <= 0), rounded half to even; digits past the end are zeros. */
static void round_to(struct decimal *d, int keep)
{
	int up = 0, i;

	if (keep >= d->n)
		return;
	if (keep >= 0) {
		int next = d->digit[keep];

		up = next > 5;
		if (next == 5) {
			for (i = keep + 1; i < d->n && !up; i++)
				up = d->digit[i] != 0;
			up = up || (keep > 0 && d->digit[keep - 1] & 1);
		}
	}
	d->n = keep > 0 ? keep : 0;
	for (i = d->n - 1; up && i >= 0; i--) {
		up = d->digit[i] == 9;
		d->digit[i] = (char)(up ? 0 : d->digit[i] + 1);
	}
	if (up) {
		memmove(d->digit + 1, d->digit, (size_t)d->n);
		d->digit[0] = 1;
		d->n++;
		d->whole++;
	}
}

static int digit_at(const struct decimal *d, int i)
{
	return i >= 0 && i < d->n ? '0' + d->digit[i] : '0';
}

struct shown {
	int n;
	char body[DIGITS + 100];
};

static void add(struct shown *s, int c)
{
	if (s->n < (int)sizeof s->body)
		s->body[s->n++] = (char)c;
}

/* `zeros` counts those of the precision that do not fit the body. */
static void fixed(struct shown *s, const struct decimal *d, int precision, int point, int *zeros)
{
	int i, shown = precision < DIGITS - 320 ? precision : DIGITS - 320;

	for (i = 0; i < d->whole; i++)
		add(s, digit_at(d, i));
	if (d->whole <= 0)
		add(s, '0');
	if (precision || point)
		add(s, '.');
	for (i = 0; i < shown; i++)
		add(s, digit_at(d, d->whole + i));
	*zeros = precision - shown;
}

static void scientific(struct shown *s, const struct decimal *d, int first, int precision, int point, int upper)
{
	int i, exponent = d->n > first ? d->whole - first - 1 : 0;
	int shown = precision < DIGITS - 20 ? precision : DIGITS - 20;

	add(s, digit_at(d, first));
	if (precision || point)
		add(s, '.');
	for (i = 1; i <= shown; i++)
		add(s, digit_at(d, first + i));
	add(s, upper ? 'E' : 'e');
	add(s, exponent < 0 ? '-' : '+');
	if (exponent < 0)
		exponent = -exponent;
	if (exponent >= 100)
		add(s, '0' + exponent / 100);
	add(s, '0' + exponent / 10 % 10);
	add(s, '0' + exponent % 10);
}

static int first_digit(const struct decimal *d)
{
	int first = 0;

	while (first < d->n && !d->digit[first])
		first++;
	return first;
}

/* %e rounds at a digit counted from the first that is not zero; a carry may add one in front. */
static int round_scientific(struct decimal *d, int precision)
{
	round_to(d, first_digit(d) + precision + 1);
	return first_digit(d);
}

static void strip(struct shown *s)
{
	while (s->n && s->body[s->n - 1] == '0')
		s->n--;
	if (s->n && s->body[s->n - 1] == '.')
		s->n--;
}

static void general(struct field *f, struct shown *s, struct decimal *d, int precision, int upper, int *zeros)
{
	int p = precision ? precision : 1, first, exponent, end;
	char tail[8];

	first = round_scientific(d, p - 1);
	exponent = d->n > first ? d->whole - first - 1 : 0;
	if (exponent >= -4 && exponent < p) {
		fixed(s, d, p - 1 - exponent, f->flags & ALTERNATE, zeros);
		if (!(f->flags & ALTERNATE)) {
			if (p - 1 - exponent > 0)
				strip(s);
			*zeros = 0;
		}
		return;
	}
	scientific(s, d, first, p - 1, f->flags & ALTERNATE, upper);
	if (f->flags & ALTERNATE || p == 1)
		return;
	for (end = s->n; (s->body[end - 1] | 32) != 'e'; end--)
		;
	end--;
	memcpy(tail, s->body + end, (size_t)(s->n - end));
	p = s->n - end;
	s->n = end;
	strip(s);
	memcpy(s->body + s->n, tail, (size_t)p);
	s->n += p;
}

static void floating(struct field *f, double value, char kind)
{
	struct decimal d;
	struct shown s;
	uint64_t bits;
	int upper = !(kind & 32), zeros = 0, negative;
	int precision = f->precision < 0 ? 6 : f->precision;
	const char *sign;

	memcpy(&bits, &value, sizeof bits);
	negative = (int)(bits >> 63);
	sign = sign_of(f, negative);
	if ((bits >> 52 & 0x7ff) == 0x7ff) {
		f->flags &= ~ZERO;
		padded(f, sign, 0, bits << 12 ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf", 3);
		return;
	}
	expand(&d, bits);
	s.n = 0;
	switch (kind | 32) {
	case 'f':
		round_to(&d, d.whole + precision);
		fixed(&s, &d, precision, f->flags & ALTERNATE, &zeros);
		break;
	case 'e':
		scientific(&s, &d, round_scientific(&d, precision), precision, f->flags & ALTERNATE, upper);
		break;
	default:
		general(f, &s, &d, precision, upper, &zeros);
	}
	if (!(f->flags & (LEFT | ZERO)))
		repeat(f, ' ', f->width - s.n - zeros - (int)strlen(sign));
	text(f, sign, (int)strlen(sign));
	if ((f->flags & (LEFT | ZERO)) == ZERO)
		repeat(f, '0', f->width - s.n - zeros - (int)strlen(sign));
	text(f, s.body, s.n);
	repeat(f, '0', zeros);
	if (f->flags & LEFT)
		repeat(f, ' ', f->width - s.n - zeros - (int)strlen(sign));
}

/* A field's arguments, shared by the helpers that take from them. */
struct arguments { va_list list; };

static long long signed_argument(struct arguments *a, int size)
{
	if (size >= 2)
		return va_arg(a->list, long long);
	if (size == -1)
		return (short)va_arg(a->list, int);
	if (size == -2)
		return (signed char)va_arg(a->list, int);
	return va_arg(a->list, int);
}

static unsigned long long unsigned_argument(struct arguments *a, int size)
{
	if (size >= 2)
		return va_arg(a->list, unsigned long long);
	if (size == -1)
		return (unsigned short)va_arg(a->list, unsigned int);
	if (size == -2)
		return (unsigned char)va_arg(a->list, unsigned int);
	return va_arg(a->list, unsigned int);
}

static void string(struct field *f, const char *s)
{
	int n = 0;

	if (!s)
		s = "(null)";
	while ((f->precision < 0 || n < f->precision) && s[n])
		n++;
	f->flags &= ~ZERO;
	padded(f, "", 0, s, n);
}

static void convert(struct field *f, char kind, int size, struct arguments *a)
{
	unsigned long long value;
	long long number;
	char c;

	switch (kind) {
	case 'd':
	case 'i':
		number = signed_argument(a, size);
		value = (unsigned long long)number;
		integer(f, number < 0 ? 0 - value : value, 10, sign_of(f, number < 0), 0);
		break;
	case 'u':
		integer(f, unsigned_argument(a, size), 10, "", 0);
		break;
	case 'o':
		integer(f, unsigned_argument(a, size), 8, "", 0);
		break;
	case 'x':
	case 'X':
		value = unsigned_argument(a, size);
		integer(f, value, 16, f->flags & ALTERNATE && value ? (kind == 'x' ? "0x" : "0X") : "", kind == 'X');
		break;
	case 'p':
		integer(f, (uintptr_t)va_arg(a->list, void *), 16, "0x", 0);
		break;
	case 'c':
		c = (char)va_arg(a->list, int);
		f->flags &= ~ZERO;
		padded(f, "", 0, &c, 1);
		break;
	case 's':
		string(f, va_arg(a->list, const char *));
		break;
	case 'n':
		*va_arg(a->list, int *) = f->count;
		break;
	case 'f':
	case 'F':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		floating(f, size == 3 ? (double)va_arg(a->list, long double) : va_arg(a->list, double), kind);
		break;
	default:
		emit(f, '%');
		if (kind != '%')
			emit(f, kind);
	}
}

static const char *flags_of(struct field *f, const char *p)
{
	static const char set[] = "-+ #0";
	const char *at;

	f->flags = 0;
	for (; *p && (at = strchr(set, *p)); p++)
		f->flags |= 1 << (at - set);
	return p;
}

static const char *count_of(const char *p, struct arguments *a, int *value)
{
	*value = 0;
	if (*p == '*') {
		*value = va_arg(a->list, int);
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		*value = *value * 10 + (*p - '0');
	return p;
}

static const char *size_of(const char *p, int *size)
{
	for (*size = 0; *p && strchr("hlzjtL", *p); p++)
		*size += *p == 'h' ? -1 : *p == 'l' ? 1 : *p == 'j' ? 2 : *p == 'L' ? 3 : 0;
	return p;
}

__attribute__((weak)) int __format(struct sink *sink, const char *p, va_list args)
{
	struct field f;
	struct arguments a;
	int size;

	f.sink = sink;
	f.count = 0;
	va_copy(a.list, args);
	while (*p) {
		if (*p != '%') {
			emit(&f, *p++);
			continue;
		}
		p = flags_of(&f, p + 1);
		p = count_of(p, &a, &f.width);
		if (f.width < 0) {
			f.flags |= LEFT;
			f.width = -f.width;
		}
		f.precision = -1;
		if (*p == '.')
			p = count_of(p + 1, &a, &f.precision);
		p = size_of(p, &size);
		if (!*p)
			break;
		convert(&f, *p++, size, &a);
	}
	va_end(a.list);
	return f.count;
}
