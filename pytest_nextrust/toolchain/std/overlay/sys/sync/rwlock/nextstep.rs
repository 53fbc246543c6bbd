//! A word that counts the readers, or says that there is a writer. Nobody is preferred.

use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{Atomic, AtomicU32};
use crate::sys::pal::abi;

pub struct RwLock {
    holders: Atomic<u32>,
}

/// The bit of a writer, above the number of readers.
const WRITER: u32 = 0x8000_0000;

impl RwLock {
    pub const fn new() -> RwLock {
        RwLock { holders: AtomicU32::new(0) }
    }

    pub fn read(&self) {
        while !self.try_read() {
            unsafe { abi::nextrust_wait_while(self.holders.as_ptr(), WRITER) };
        }
    }

    pub fn try_read(&self) -> bool {
        let mut holders = self.holders.load(Relaxed);
        while holders & WRITER == 0 {
            match self.holders.compare_exchange(holders, holders + 1, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => holders = now,
            }
        }
        false
    }

    pub fn write(&self) {
        if !abi::is_alone() || !self.try_write() {
            while unsafe { abi::nextrust_claim(self.holders.as_ptr(), u32::MAX, WRITER) } != 0 {}
        }
    }

    pub fn try_write(&self) -> bool {
        self.holders.compare_exchange(0, WRITER, Acquire, Relaxed).is_ok()
    }

    /// # Safety
    /// The caller reads.
    pub unsafe fn read_unlock(&self) {
        self.holders.fetch_sub(1, Release);
    }

    /// # Safety
    /// The caller writes.
    pub unsafe fn write_unlock(&self) {
        self.holders.store(0, Release);
    }

    /// # Safety
    /// The caller writes.
    pub unsafe fn downgrade(&self) {
        self.holders.swap(1, AcqRel);
    }
}
