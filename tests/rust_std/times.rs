use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(30));
    let slept = begin.elapsed();
    println!("{} {}", slept >= Duration::from_millis(30), slept < Duration::from_secs(5));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    println!("{}", now > Duration::from_secs(100_000_000));
    println!("{:?}", UNIX_EPOCH.duration_since(UNIX_EPOCH + Duration::new(1, 500)).unwrap_err().duration());
    let (send, receive) = channel::<u8>();
    let begin = Instant::now();
    assert_eq!(receive.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout));
    println!("{}", begin.elapsed() >= Duration::from_millis(20));
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        send.send(7).unwrap();
    });
    println!("{:?}", receive.recv_timeout(Duration::from_secs(20)));
    late.join().unwrap();
    println!("{:?}", Duration::from_micros(1_234_567));
}
