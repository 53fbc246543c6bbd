//! Numbers that differ from run to run. NeXTSTEP has no source of randomness, so they are of no use for secrets.

use crate::sys::pal::abi;
use crate::sys::thread_local::{LocalPointer, local_pointer};

// How many words the thread has drawn.
local_pointer! {
    static DRAWN;
}

/// The step and the mixing of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn word() -> u64 {
    let drawn = DRAWN.get().addr() + 1;
    DRAWN.set(crate::ptr::without_provenance_mut(drawn));
    let time = abi::now();
    let clock = (time.seconds as u64) << 32 | time.microseconds as u64;
    let process = (unsafe { abi::getpid() } as u64) << 32 | abi::slot() as u64;
    mixed(mixed(clock ^ mixed(process)).wrapping_add((drawn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

pub fn fill_bytes(bytes: &mut [u8]) {
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&word().to_ne_bytes()[..part.len()]);
    }
}
