//! Atomic routines as compilers call them, all behind one lock.
//!
//! With the feature `tas` the lock is taken by the instruction `tas`, which is one step; without it by looking and then
//! setting, between which another thread may look too.
#![no_std]
#![cfg_attr(feature = "tas", feature(asm_experimental_arch))]

use core::ptr::{addr_of_mut, read_volatile, write_volatile};

mod lock {
    use super::*;

    static mut TAKEN: u8 = 0;

    pub fn acquire() {
        while !attempt() {}
    }

    #[cfg(feature = "tas")]
    fn attempt() -> bool {
        let before: u32;
        unsafe {
            // tas (%a0); sne %d0, as numbers: LLVM 22 does not read the first.
            core::arch::asm!(
                ".short 0x4ad0, 0x56c0",
                in("a0") addr_of_mut!(TAKEN),
                lateout("d0") before,
                options(nostack)
            );
        }
        before as u8 == 0
    }

    #[cfg(not(feature = "tas"))]
    fn attempt() -> bool {
        unsafe {
            if read_volatile(addr_of_mut!(TAKEN)) != 0 {
                return false;
            }
            write_volatile(addr_of_mut!(TAKEN), 0x80);
        }
        true
    }

    pub fn release() {
        unsafe { write_volatile(addr_of_mut!(TAKEN), 0) };
    }
}

fn update(object: *mut u32, change: impl Fn(u32) -> u32) -> u32 {
    lock::acquire();
    unsafe {
        let old = read_volatile(object);
        write_volatile(object, change(old));
        lock::release();
        old
    }
}

#[no_mangle]
pub extern "C" fn __sync_fetch_and_add_4(object: *mut u32, value: u32) -> u32 {
    update(object, |old| old.wrapping_add(value))
}

#[no_mangle]
pub extern "C" fn __sync_lock_test_and_set_4(object: *mut u32, value: u32) -> u32 {
    update(object, |_| value)
}
