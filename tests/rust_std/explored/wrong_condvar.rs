use std::sync::{Arc, Condvar, Mutex};
use std::thread;

fn main() {
    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let other = Arc::clone(&shared);
    let worker = thread::spawn(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_one();
    });
    // Looks only once, and not while it holds the mutex.
    if !*shared.0.lock().unwrap() {
        let guard = shared.0.lock().unwrap();
        drop(shared.1.wait(guard).unwrap());
    }
    worker.join().unwrap();
}
