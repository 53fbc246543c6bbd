use std::fmt::Debug;

pub trait Shape: Debug {
    fn area(&self) -> f64;
}

#[derive(Debug)]
pub struct Circle(pub f64);

#[derive(Debug)]
pub struct Square(pub f64);

impl Shape for Circle {
    fn area(&self) -> f64 {
        self.0.powi(2) * std::f64::consts::PI
    }
}

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

#[cfg(feature = "names")]
pub fn name(shape: &dyn Shape) -> String {
    format!("{shape:?}")
}
