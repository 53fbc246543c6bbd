#![no_std]
#![no_main]
extern crate next;

use core::hint::black_box;

#[inline(never)]
fn work(n: u32) -> u32 {
    black_box(n) + 1
}

/// A value from one of two places. The copy that joins them (move) sets the condition codes; a compiler must not put it
/// between the comparison and its branch.
#[inline(never)]
fn pick(mut n: u32, other: u32) -> u32 {
    let mut s = 0;
    while n < 3 {
        let v = if n == 0 { other } else { work(n) };
        s = s * 10 + work(v);
        n += 1;
    }
    s
}

#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    (pick(black_box(0), black_box(7)) & 255) as i32
}
