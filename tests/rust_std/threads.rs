use std::sync::{Arc, Mutex, mpsc};
use std::thread;

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let (send, receive) = mpsc::channel();
    let workers: Vec<_> = (0..4u64)
        .map(|worker| {
            let (total, send) = (Arc::clone(&total), send.clone());
            thread::Builder::new()
                .name(format!("worker {worker}"))
                .spawn(move || {
                    for n in 0..50 {
                        *total.lock().unwrap() += worker * 1000 + n;
                        if n % 10 == 0 {
                            send.send((worker, n)).unwrap();
                        }
                    }
                    thread::current().name().unwrap().to_owned()
                })
                .unwrap()
        })
        .collect();
    drop(send);
    let mut messages: Vec<(u64, u64)> = receive.iter().collect();
    messages.sort();
    let names: Vec<String> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    println!("{} messages, {:?} to {:?}", messages.len(), messages[0], messages[messages.len() - 1]);
    println!("{} by {}", total.lock().unwrap(), names.join(", "));
    let mut parts = [1, 2, 3, 4];
    thread::scope(|scope| {
        for part in &mut parts {
            scope.spawn(move || *part *= 10);
        }
    });
    println!("{parts:?}");
}
