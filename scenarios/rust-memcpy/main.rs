#![no_std]
#![no_main]
extern crate next;

use core::hint::black_box;

static mut FROM: [u32; 16] = [0; 16];
static mut TO: [u32; 16] = [0; 16];

/// Copies 28 bytes between every pair of alignments. The status is 0, or 100 and the first byte that came out wrong.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let from = &raw mut FROM as *mut u8;
    let to = &raw mut TO as *mut u8;
    let mut at = 0;
    while at < 64 {
        unsafe { from.add(at).write(at as u8 + 1) };
        at += 1;
    }
    let mut pair = 0;
    while pair < 16 {
        let (source, target) = (pair >> 2, pair & 3);
        unsafe {
            core::ptr::copy_nonoverlapping(black_box(from).add(source), black_box(to).add(target), black_box(28));
        }
        at = 0;
        while at < 28 {
            if unsafe { to.add(target + at).read() } as usize != source + at + 1 {
                return at as i32 + 100;
            }
            at += 1;
        }
        pair += 1;
    }
    0
}
