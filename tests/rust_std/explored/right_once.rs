use std::sync::OnceLock;
use std::thread;

static VALUE: OnceLock<u32> = OnceLock::new();

fn main() {
    let worker = thread::spawn(|| *VALUE.get_or_init(|| 1));
    let own = *VALUE.get_or_init(|| 2);
    assert_eq!(worker.join().unwrap(), own);
}
