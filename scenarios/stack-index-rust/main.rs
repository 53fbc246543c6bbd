#![no_std]
#![no_main]
extern crate next;

use core::hint::black_box;

/// A variable index into an array on the stack: the store must go to the fourth byte.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let index = black_box(3usize);
    let mut bytes = black_box([0u8; 8]);
    if index < 8 {
        bytes[index] = 7;
    }
    let seen = unsafe { black_box(bytes.as_ptr()).add(3).read() };
    i32::from(seen)
}
