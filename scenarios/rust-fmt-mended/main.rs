#![no_std]
#![no_main]
extern crate next;

use core::hint::black_box;
use next::println;

/// Numbers by core::fmt: decimal of every width and sign, other bases, padding, floating point, nested Debug.
/// black_box keeps the compiler from formatting anything itself.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    println!("Hello, {}", black_box("NeXT"));
    println!("{} {} {}", black_box(0u8), black_box(255u8), black_box(-128i8));
    println!("{} {}", black_box(65535u16), black_box(-32768i16));
    println!("{} {} {}", black_box(7u32), black_box(42u32), black_box(1234567890u32));
    println!("{} {}", black_box(u32::MAX), black_box(i32::MIN));
    println!("{} {}", black_box(10_000_000_000u64), black_box(u64::MAX));
    println!("{}", black_box(i64::MIN));
    println!("{:x} {:X} {:#x} {:o} {:b}", black_box(0xbeefu32), black_box(0xcafeu32), black_box(255u32), black_box(8u32), black_box(10u32));
    println!("[{:5}] [{:<5}] [{:^5}] [{:05}] [{:+}]", black_box(42), black_box(42), black_box(42), black_box(42), black_box(42));
    println!("{:?} {:?}", black_box([1u8, 2, 3]), black_box(Some(-1i32)));
    println!("{} {}", black_box('\u{e9}'), black_box(true));
    println!("{} {:.3} {}", black_box(1.5f64), black_box(3.14159f64), black_box(0.1f32));
    println!("done");
    0
}
