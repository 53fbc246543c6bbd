/* Struct assignment, arrays of structs, nested arrays, pointers to members, copies and comparison of members. */
#include "out.h"

struct point {
    i16 x, y;
};
struct box {
    struct point corner[2];
    char name[7];
    struct {
        u8 red, green, blue;
        i32 weight;
    } style;
    struct box *next;
};
static struct box boxes[6], spare;

static NOINLINE i32 area(const struct box *b) {
    return (b->corner[1].x - b->corner[0].x) * (b->corner[1].y - b->corner[0].y);
}
static NOINLINE int inside(const struct box *b, struct point p) {
    return p.x >= b->corner[0].x && p.x < b->corner[1].x && p.y >= b->corner[0].y && p.y < b->corner[1].y;
}
static NOINLINE void swap(struct box *a, struct box *b) {
    struct box t = *a;
    *a = *b, *b = t;
}

int main(void) {
    for (int i = 0; i < 6; i++) {
        struct box *b = boxes + i;
        b->corner[0].x = (i16)(i * 3 - 8), b->corner[0].y = (i16)(5 - i * 2);
        b->corner[1].x = (i16)(b->corner[0].x + 7 + (i * 5) % 4), b->corner[1].y = (i16)(b->corner[0].y + 4 + i % 3);
        for (int j = 0; j < 6; j++)
            b->name[j] = (char)('a' + (i * 7 + j * 3) % 26);
        b->name[6] = 0;
        b->style.red = (u8)(i * 40), b->style.green = (u8)(255 - i), b->style.blue = (u8)(i * i * i);
        b->style.weight = -i * 100000;
        b->next = i ? boxes + i - 1 : 0;
    }
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 6; j++)
            if (area(&boxes[j]) > area(&boxes[i]))
                swap(&boxes[i], &boxes[j]);
    for (int i = 0; i < 6; i++) {
        const struct box *b = &boxes[i];
        put(b->name), sp(), put_i32(area(b)), sp(), put_i32(b->style.red + b->style.green * 2 + b->style.blue * 3), sp();
        put_i32(b->style.weight), sp(), put(b->next ? b->next->name : "-"), nl();
    }
    for (int y = -8; y < 14; y++) {
        for (int x = -10; x < 22; x++) {
            struct point p = {(i16)x, (i16)y};
            int n = 0;
            for (int i = 0; i < 6; i++)
                n += inside(&boxes[i], p);
            put_char(".123456"[n]);
        }
        nl();
    }
    spare = boxes[3];
    spare.style = boxes[1].style, spare.corner[0] = boxes[2].corner[1];
    put(spare.name), sp(), put_i32(spare.style.weight), sp(), put_i32(spare.corner[0].x), sp(), put_i32(area(&spare)), nl();
    i16 *member = &boxes[2].corner[1].y;
    *member = 77;
    say_i32("area", area(&boxes[2]));
    say_u32("point", sizeof(struct point));
    return done(-1);
}
