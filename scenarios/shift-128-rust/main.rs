//! A shift of 128 bits by a number of bits that is known only when the program runs.
#![no_std]
#![no_main]

extern crate next;

use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let left = black_box(1u128) << black_box(77);
    let right = black_box(u128::MAX) >> black_box(70);
    let signed = black_box(i128::MIN) >> black_box(70);
    if left == 0x2000_0000_0000_0000_0000 && right == 0x3ff_ffff_ffff_ffff && signed == -(1 << 57) { 0 } else { 1 }
}
