fn main() {
    println!("Hello, {}!", "NeXT");
}
