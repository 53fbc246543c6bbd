use std::collections::HashMap;

fn main() {
    let mut map = HashMap::new();
    for n in 0..10_000u32 {
        map.insert(format!("key {n}"), u64::from(n) * u64::from(n));
    }
    let mut sum = 0u64;
    for n in (0..10_000u32).step_by(3) {
        sum += map[&format!("key {n}")];
    }
    for n in (0..10_000u32).step_by(2) {
        assert!(map.remove(&format!("key {n}")).is_some());
    }
    let mut left: Vec<_> = map.into_iter().collect();
    left.sort_by_key(|(_, square)| *square);
    println!("{} left, sum {sum}, last {:?}", left.len(), left.last().unwrap());
    println!("{:?}", left.iter().map(|(_, square)| *square as f64).map(f64::sqrt).sum::<f64>());
}
