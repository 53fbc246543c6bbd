fn deep(values: &[i32], at: usize) -> i32 {
    values[at]
}

fn main() {
    println!("before");
    let values = vec![1, 2, 3];
    println!("{}", deep(&values, std::env::args().count() + 6));
    println!("never");
}
