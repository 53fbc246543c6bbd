//! Waiting for a word: the kernel has a thread wait *while* the word is as it was, so that nobody need be woken.
//!
//! A waiter may go on at any moment at which the word has changed. That is more than a futex promises, and nothing that
//! is built on one here rests on less.

use crate::sync::atomic::Atomic;
use crate::sys::pal::abi;
use crate::time::{Duration, Instant};

/// What `Once` waits for.
pub type Futex = Atomic<Primitive>;
pub type Primitive = u32;

/// What `park` waits for.
pub type SmallFutex = Atomic<SmallPrimitive>;
pub type SmallPrimitive = u32;

/// The shortest time between two looks at a word that is waited for until a time.
const LEAST: Duration = Duration::from_millis(1);

/// Wait while the word is as expected; false where the time was over before.
pub fn futex_wait(futex: &Atomic<u32>, expected: u32, timeout: Option<Duration>) -> bool {
    let word = futex.as_ptr();
    let Some(timeout) = timeout else {
        unsafe { abi::nextrust_wait_while(word, expected) };
        return true;
    };
    if abi::kind() == abi::Kind::Explored {
        return timed(timeout, unsafe { abi::nextrust_wait_or_timeout(word, expected) });
    }
    poll(timeout, || unsafe { word.read_volatile() } != expected)
}

/// What a wait of an exploration has come to, whose time may be over at any moment; false where it was.
pub fn timed(timeout: Duration, answer: i32) -> bool {
    if answer != 0 {
        crate::sys::time::pass(timeout);
    }
    answer == 0
}

/// Wait until something holds; false where the time was over before.
pub fn poll(timeout: Duration, holds: impl Fn() -> bool) -> bool {
    let begin = Instant::now();
    while !holds() {
        let passed = begin.elapsed();
        if passed >= timeout {
            return false;
        }
        // The longer the wait, the less its end matters to the millisecond.
        crate::sys::thread::sleep((passed / 16).max(LEAST).min(timeout - passed));
    }
    true
}

/// Whoever waits sees for itself.
pub fn futex_wake(_futex: &Atomic<u32>) -> bool {
    false
}

/// Whoever waits sees for itself.
pub fn futex_wake_all(_futex: &Atomic<u32>) {}
