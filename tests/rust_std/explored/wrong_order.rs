use std::sync::{Arc, Mutex};
use std::thread;

fn main() {
    let one = Arc::new((Mutex::new(1), Mutex::new(2)));
    let other = Arc::clone(&one);
    let worker = thread::spawn(move || {
        let b = other.1.lock().unwrap();
        let a = other.0.lock().unwrap();
        *a + *b
    });
    let a = one.0.lock().unwrap();
    let b = one.1.lock().unwrap();
    let sum = *a + *b;
    drop((a, b));
    assert_eq!(worker.join().unwrap(), sum);
}
