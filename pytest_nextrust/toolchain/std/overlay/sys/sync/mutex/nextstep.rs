//! A word that names who holds the mutex; the kernel has the others wait.

use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::atomic::{Atomic, AtomicU32};
use crate::sys::pal::abi;

pub struct Mutex {
    owner: Atomic<u32>,
}

const FREE: u32 = 0;

impl Mutex {
    pub const fn new() -> Mutex {
        Mutex { owner: AtomicU32::new(FREE) }
    }

    pub fn lock(&self) {
        // Without other threads nobody need be asked, and a NeXT would not know what. Who locks it twice waits for ever.
        if abi::is_alone() && self.owner.load(Relaxed) == FREE {
            self.owner.store(abi::own_name(), Relaxed);
        } else {
            while unsafe { abi::nextrust_acquire(self.owner.as_ptr(), FREE, abi::own_name()) } != 0 {}
        }
    }

    pub fn try_lock(&self) -> bool {
        self.owner.compare_exchange(FREE, abi::own_name(), Acquire, Relaxed).is_ok()
    }

    /// # Safety
    /// The caller holds it.
    pub unsafe fn unlock(&self) {
        self.owner.store(FREE, Release);
    }
}
