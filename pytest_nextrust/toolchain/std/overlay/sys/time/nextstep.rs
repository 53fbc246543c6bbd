//! Time, in microseconds: one clock, which a NeXT's owner may set.

use crate::cell::UnsafeCell;
use crate::sys::pal::abi;
use crate::time::Duration;

#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Instant(Duration);

/// Time since 1970, which may be before that.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct SystemTime {
    seconds: i64,
    nanoseconds: u32,
}

pub const UNIX_EPOCH: SystemTime = SystemTime { seconds: 0, nanoseconds: 0 };

const BILLION: u32 = 1_000_000_000;

/// By slot: how much time a thread of an exploration, whose clock stands still, has waited for in vain.
struct Passed([UnsafeCell<Duration>; abi::SLOTS]);

/// A thread uses what is in its own slot.
unsafe impl Sync for Passed {}

static PASSED: Passed = Passed([const { UnsafeCell::new(Duration::ZERO) }; abi::SLOTS]);

/// The caller has waited so long, though the clock stands still.
pub fn pass(time: Duration) {
    unsafe {
        let passed = PASSED.0[abi::slot()].get();
        *passed = (*passed).saturating_add(time);
    }
}

impl Instant {
    pub fn now() -> Instant {
        let now = abi::now();
        let clock = Duration::new(now.seconds as u64, now.microseconds as u32 * 1000);
        Instant(clock.saturating_add(unsafe { *PASSED.0[abi::slot()].get() }))
    }

    pub fn checked_sub_instant(&self, other: &Instant) -> Option<Duration> {
        self.0.checked_sub(other.0)
    }

    pub fn checked_add_duration(&self, other: &Duration) -> Option<Instant> {
        Some(Instant(self.0.checked_add(*other)?))
    }

    pub fn checked_sub_duration(&self, other: &Duration) -> Option<Instant> {
        Some(Instant(self.0.checked_sub(*other)?))
    }
}

impl SystemTime {
    pub const MAX: SystemTime = SystemTime { seconds: i64::MAX, nanoseconds: BILLION - 1 };

    pub const MIN: SystemTime = SystemTime { seconds: i64::MIN, nanoseconds: 0 };

    pub fn now() -> SystemTime {
        SystemTime::of(abi::now())
    }

    pub fn of(time: abi::Timeval) -> SystemTime {
        SystemTime { seconds: i64::from(time.seconds), nanoseconds: time.microseconds as u32 * 1000 }
    }

    /// As the kernel takes it; None outside the years 1901 to 2038.
    pub fn timeval(&self) -> Option<abi::Timeval> {
        let seconds = i32::try_from(self.seconds).ok()?;
        Some(abi::Timeval { seconds, microseconds: (self.nanoseconds / 1000) as i32 })
    }

    pub fn sub_time(&self, other: &SystemTime) -> Result<Duration, Duration> {
        if self < other {
            return Err(other.since(self));
        }
        Ok(self.since(other))
    }

    /// From an earlier time to this one.
    fn since(&self, earlier: &SystemTime) -> Duration {
        let borrowed = self.nanoseconds < earlier.nanoseconds;
        let seconds = self.seconds.wrapping_sub(earlier.seconds) as u64 - u64::from(borrowed);
        let nanoseconds = self.nanoseconds + if borrowed { BILLION } else { 0 } - earlier.nanoseconds;
        Duration::new(seconds, nanoseconds)
    }

    pub fn checked_add_duration(&self, other: &Duration) -> Option<SystemTime> {
        let nanoseconds = self.nanoseconds + other.subsec_nanos();
        let carried = u64::from(nanoseconds >= BILLION);
        let seconds = self.seconds.checked_add_unsigned(other.as_secs())?.checked_add_unsigned(carried)?;
        Some(SystemTime { seconds, nanoseconds: nanoseconds % BILLION })
    }

    pub fn checked_sub_duration(&self, other: &Duration) -> Option<SystemTime> {
        let borrowed = self.nanoseconds < other.subsec_nanos();
        let seconds = self.seconds.checked_sub_unsigned(other.as_secs())?.checked_sub_unsigned(u64::from(borrowed))?;
        let nanoseconds = self.nanoseconds + if borrowed { BILLION } else { 0 } - other.subsec_nanos();
        Some(SystemTime { seconds, nanoseconds })
    }
}
