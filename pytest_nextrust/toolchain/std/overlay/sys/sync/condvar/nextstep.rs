//! A word with a bit for the slot of every thread that waits. Who is woken has its bit cleared.

use crate::sync::atomic::Ordering::SeqCst;
use crate::sync::atomic::{Atomic, AtomicU32};
use crate::sys::pal::abi;
use crate::sys::pal::futex::{poll, timed};
use crate::sys::sync::Mutex;
use crate::time::Duration;

pub struct Condvar {
    waiting: Atomic<u32>,
}

impl Condvar {
    pub const fn new() -> Condvar {
        Condvar { waiting: AtomicU32::new(0) }
    }

    /// Wakes any one of those who wait.
    pub fn notify_one(&self) {
        loop {
            let waiting = self.waiting.load(SeqCst);
            if waiting == 0 {
                return;
            }
            let count = waiting.count_ones();
            let chosen = if count > 1 { unsafe { abi::nextrust_choose_few(count as i32) } } else { 0 };
            let left = (0..chosen).fold(waiting, |bits, _| bits & (bits - 1));
            let bit = left & left.wrapping_neg();
            if self.waiting.compare_exchange(waiting, waiting & !bit, SeqCst, SeqCst).is_ok() {
                return;
            }
        }
    }

    pub fn notify_all(&self) {
        self.waiting.store(0, SeqCst);
    }

    /// # Safety
    /// The caller holds the mutex.
    pub unsafe fn wait(&self, mutex: &Mutex) {
        let bit = 1 << abi::slot();
        self.waiting.fetch_or(bit, SeqCst);
        unsafe {
            mutex.unlock();
            abi::nextrust_wait_mask(self.waiting.as_ptr(), bit);
        }
        mutex.lock();
    }

    /// Whether the thread was woken, and not the time over.
    ///
    /// # Safety
    /// The caller holds the mutex.
    pub unsafe fn wait_timeout(&self, mutex: &Mutex, timeout: Duration) -> bool {
        let bit = 1 << abi::slot();
        self.waiting.fetch_or(bit, SeqCst);
        unsafe { mutex.unlock() };
        let woken = if abi::kind() == abi::Kind::Explored {
            timed(timeout, unsafe { abi::nextrust_wait_mask_or_timeout(self.waiting.as_ptr(), bit) })
        } else {
            // Who is woken just after the time was over keeps the wake-up.
            poll(timeout, || self.waiting.load(SeqCst) & bit == 0) || self.waiting.fetch_and(!bit, SeqCst) & bit == 0
        };
        mutex.lock();
        woken
    }
}
