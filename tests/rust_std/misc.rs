use std::cell::RefCell;
use std::env;
use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::sync::{Barrier, Condvar, LazyLock, Mutex, OnceLock, RwLock};

thread_local! {
    static SEEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}
struct Noisy(&'static str);
impl Drop for Noisy {
    fn drop(&mut self) {
        println!("dropped {}", self.0);
    }
}
thread_local! { static NOISY: Noisy = Noisy("a thread's"); }
static LAZY: LazyLock<String> = LazyLock::new(|| "lazy".repeat(2));

fn main() -> ExitCode {
    println!("{:?}", env::args().skip(1).collect::<Vec<_>>());
    println!("{:?} {:?}", env::var("GREETING"), env::var("NOTHING"));
    unsafe { env::set_var("NOTHING", "x y") };
    println!("{:?} {}", env::var("NOTHING"), env::vars().any(|(name, _)| name == "GREETING"));
    let mut first = String::new();
    std::io::stdin().lock().read_line(&mut first).unwrap();
    let mut rest = String::new();
    std::io::stdin().read_to_string(&mut rest).unwrap();
    println!("{first:?} {rest:?}");
    println!("{} {:.3} {:e} {}", 0.1 + 0.2, std::f64::consts::PI, 1234.5f32, f64::NAN);
    println!("{:?} {:?}", "12x".parse::<i32>(), "2.5e-3".parse::<f64>());
    println!("{:?}", "grüße".char_indices().rev().collect::<Vec<_>>());
    SEEN.with_borrow_mut(|seen| seen.push(1));
    std::thread::spawn(|| {
        NOISY.with(|noisy| println!("has {}", noisy.0));
        SEEN.with_borrow_mut(|seen| seen.push(2));
        SEEN.with_borrow(|seen| println!("{seen:?}"));
    })
    .join()
    .unwrap();
    SEEN.with_borrow(|seen| println!("{seen:?}"));
    println!("{}", *LAZY);
    let once = OnceLock::new();
    let pair = (Mutex::new(0), Condvar::new());
    let shared = RwLock::new(vec![1]);
    let barrier = Barrier::new(3);
    std::thread::scope(|scope| {
        for n in 0..2 {
            let (once, pair, shared, barrier) = (&once, &pair, &shared, &barrier);
            scope.spawn(move || {
                once.get_or_init(|| "once");
                shared.write().unwrap().push(n);
                barrier.wait();
                *pair.0.lock().unwrap() += 1;
                pair.1.notify_one();
            });
        }
        barrier.wait();
        let done = pair.1.wait_while(pair.0.lock().unwrap(), |done| *done < 2).unwrap();
        println!("{done}");
    });
    let mut values = shared.into_inner().unwrap();
    values.sort();
    println!("{values:?} {:?}", once.get());
    ExitCode::from(7)
}
