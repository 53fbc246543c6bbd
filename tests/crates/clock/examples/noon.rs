#![no_std]
#![no_main]

extern crate next;

#[no_mangle]
pub extern "C" fn main() -> i32 {
    next::print!("noon is ");
    clock::Time::new(12 * 60).show();
    0
}
