#![no_std]
#![feature(asm_experimental_arch)]
#![no_main]
extern crate next;

use core::arch::global_asm;
use core::hint::black_box;
use next::sys;

// Rust may not call a function that returns twice: this one does, and hands Rust the answer once.
// guard(function, argument) calls function(argument, buffer); 0 where it returned, else what longjmp was given.
// In words, because the assembler in LLVM 22 does not read tst, addq or movea from memory.
global_asm!(
    ".globl guard",
    "guard:",
    ".short 0x4fef, 0xff74", // lea -140(sp),sp: the buffer
    ".short 0x2f0f",         // move.l sp,-(sp)
    ".short 0x4eb9",         // jsr _setjmp
    ".long _setjmp",
    ".short 0x588f",         // addq.l #4,sp
    ".short 0x4a80",         // tst.l d0
    ".short 0x6610",         // bne.s 1f
    ".short 0x2f0f",         // move.l sp,-(sp): the second argument
    ".short 0x2f2f, 0x0098", // move.l 152(sp),-(sp): the first
    ".short 0x206f, 0x0098", // movea.l 152(sp),a0: the function
    ".short 0x4e90",         // jsr (a0)
    ".short 0x508f",         // addq.l #8,sp
    ".short 0x7000",         // moveq #0,d0
    ".short 0x4fef, 0x008c", // 1: lea 140(sp),sp
    ".short 0x4e75",         // rts
);

unsafe extern "C" {
    fn guard(function: extern "C" fn(u32, *mut sys::JmpBuf), argument: u32) -> i32;
}

extern "C" fn dive(depth: u32, out: *mut sys::JmpBuf) {
    let here = [black_box(depth); 20];
    if depth == 0 {
        unsafe { sys::_longjmp(out, 77) }
    }
    if black_box(here)[19] < 1000 {
        dive(depth - 1, out);
    }
}

extern "C" fn back(depth: u32, _out: *mut sys::JmpBuf) {
    black_box(depth);
}

#[unsafe(no_mangle)]
extern "C" fn main(argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let argc = argc as u32;
    let (a, b, c, d) = (black_box(argc + 1), black_box(argc + 2), black_box(argc * 3), black_box(argc ^ 5));
    let (e, f, g, h) = (black_box(a * b), black_box(b * c), black_box(c * d), black_box(d * a));
    let returned = unsafe { guard(back, 9) };
    let jumped = unsafe { guard(dive, 9) };
    let kept = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
    next::write_all(1, if returned == 0 { b"returned\n" } else { b"wrong\n" });
    next::write_all(1, if jumped == 77 { b"jumped\n" } else { b"wrong\n" });
    next::write_all(1, if kept == 265 { b"kept\n" } else { b"wrong\n" });
    0
}
