use std::sync::mpsc;
use std::thread;

fn main() {
    let (send, receive) = mpsc::channel();
    let worker = thread::spawn(move || {
        send.send(1).unwrap();
        send.send(2).unwrap();
    });
    assert_eq!(receive.iter().sum::<i32>(), 3);
    worker.join().unwrap();
}
