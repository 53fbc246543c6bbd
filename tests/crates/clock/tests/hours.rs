//! Integration tests, which the machine runs one by one.
#![no_std]

use clock::Time;

#[test]
fn an_hour_has_sixty_minutes() {
    let time = Time::new(61);
    assert!(time.hour == 1 && time.minute == 1);
}

#[test]
#[should_panic(expected = "a day has no minute")]
fn a_day_ends() {
    Time::new(24 * 60);
}

#[test]
#[ignore = "takes for ever"]
fn time_stands_still() {
    loop {}
}

#[test]
fn an_answer_without_an_error() -> Result<(), &'static str> {
    if Time::new(0).minute == 0 { Ok(()) } else { Err("not midnight") }
}
