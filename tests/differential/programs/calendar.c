/* Dates: days and weekdays both ways, leap years, Easter, seconds since 1970 to a date and back, a printed month. */
#include "out.h"

static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec", days[] = "SunMonTueWedThuFriSat";
struct date {
    i16 year;
    u8 month, day;
};

static NOINLINE int leap(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
static NOINLINE int month_length(int y, int m) { return m == 2 ? 28 + leap(y) : 30 + ((m + m / 8) & 1); }
static NOINLINE i32 to_days(struct date d) {
    i32 y = d.year - (d.month <= 2), era = (y >= 0 ? y : y - 399) / 400, in = y - era * 400;
    i32 day = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    return era * 146097 + in * 365 + in / 4 - in / 100 + day - 719468;
}
static NOINLINE struct date from_days(i32 z) {
    z += 719468;
    i32 era = (z >= 0 ? z : z - 146096) / 146097, in = z - era * 146097;
    i32 y = (in - in / 1460 + in / 36524 - in / 146096) / 365, day = in - (365 * y + y / 4 - y / 100), m = (5 * day + 2) / 153;
    struct date d = {(i16)(y + era * 400 + (m >= 10)), (u8)(m + (m < 10 ? 3 : -9)), (u8)(day - (153 * m + 2) / 5 + 1)};
    return d;
}
static NOINLINE struct date easter(int y) {
    int a = y % 19, b = y / 100, c = y % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    int m = (a + 11 * h + 22 * l) / 451, n = h + l - 7 * m + 114;
    struct date r = {(i16)y, (u8)(n / 31), (u8)(n % 31 + 1)};
    return r;
}
static void show(struct date d) {
    int w = (int)((to_days(d) % 7 + 11) % 7);
    for (int i = 0; i < 3; i++)
        put_char(days[w * 3 + i]);
    sp(), put_u32(d.day), sp();
    for (int i = 0; i < 3; i++)
        put_char(names[(d.month - 1) * 3 + i]);
    sp(), put_i32(d.year), nl();
}

int main(void) {
    int bad = 0;
    for (i32 z = -800000; z < 200000; z += 997) {
        struct date d = from_days(z);
        bad += to_days(d) != z || d.day < 1 || d.day > month_length(d.year, d.month);
    }
    for (i32 z = -1000; z < 40000; z += 2741)
        show(from_days(z));
    for (int y = 1989; y < 2026; y += 6)
        show(easter(y));
    static const u32 times[] = {0, 86399, 86400, 624672000u, 951782400u, 2147483647u, 4102444800u};
    for (int i = 0; i < COUNT(times); i++) {
        u32 t = times[i] % 86400;
        put_u32(t / 3600), put_char(':'), put_u32(t / 60 % 60), put_char(':'), put_u32(t % 60), sp();
        show(from_days((i32)(times[i] / 86400)));
    }
    struct date first = {1988, 10, 1};
    int column = (int)((to_days(first) % 7 + 11) % 7);
    for (int i = 0; i < column; i++)
        put("   ");
    for (int d = 1; d <= month_length(1988, 10); d++, column++)
        put(d < 10 ? " " : ""), put_i32(d), put_char(column % 7 == 6 ? '\n' : ' ');
    nl(), say_i32("bad", bad);
    return done(bad ? 1 : 12);
}
