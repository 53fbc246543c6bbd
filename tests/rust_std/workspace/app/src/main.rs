use shapes::{Circle, Shape, Square};

fn main() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Circle(1.5)), Box::new(Square(2.0))];
    for shape in &shapes {
        println!("{}: {:.3}", shapes::name(shape.as_ref()), shape.area());
    }
    println!("{}", env!("CARGO_PKG_NAME"));
}
