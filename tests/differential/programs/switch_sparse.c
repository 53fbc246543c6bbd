/* Sparse switches (comparison trees): far apart cases, ranges, negative and unsigned extremes, nested switches. */
#include "out.h"

static NOINLINE int sparse(int x) {
    switch (x) {
    case -2147483647 - 1: return 1;
    case -1000000: return 2;
    case -32769: return 3;
    case -1: return 4;
    case 0: return 5;
    case 129: return 6;
    case 32768: return 7;
    case 65537: return 8;
    case 16777216: return 9;
    case 2147483647: return 10;
    }
    return 0;
}
static NOINLINE int ranges(u32 x) {
    switch (x) {
    case 0 ... 9: return 1;
    case 10 ... 99: return 2;
    case 100 ... 32767: return 3;
    case 32768 ... 0x7fffffff: return 4;
    case 0x80000000u ... 0xfffffff0u: return 5;
    default: return 6;
    }
}
static NOINLINE int nested(int a, int b) {
    switch (a) {
    case 10:
        switch (b) {
        case 1: return 101;
        case 1000: return 102;
        default: return 103;
        }
    case 2000:
        switch (b) {
        case -7: return 201;
        default: break;
        }
        return 202;
    case 300000:
        if (b > 4)
            switch (b) {
            case 5: return 301;
            case 60000: return 302;
            }
        /* fall through */
    default:
        return b ? 9 : 8;
    }
}

int main(void) {
    static const int probes[] = {-2147483647 - 1, -2147483647, -1000001, -1000000, -999999, -32769, -32768, -2, -1, 0, 1, 9,
                                 10, 99, 100, 128, 129, 130, 32767, 32768, 65536, 65537, 16777215, 16777216, 16777217,
                                 2147483646, 2147483647};
    for (int i = 0; i < COUNT(probes); i++)
        put_i32(sparse(probes[i])), put_char('.'), put_i32(ranges((u32)probes[i])), sp();
    nl();
    put_i32(ranges(0xfffffff0u)), put_i32(ranges(0xfffffff1u)), put_i32(ranges(0x80000000u)), nl();
    static const int a[] = {10, 2000, 300000, 3}, b[] = {0, 1, 1000, -7, 5, 60000, 4};
    for (int i = 0; i < COUNT(a); i++)
        for (int j = 0; j < COUNT(b); j++)
            put_i32(nested(a[i], b[j])), sp();
    nl();
    return done(-1);
}
