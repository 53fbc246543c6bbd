use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("a file");
    let mut counts: HashMap<String, usize> = HashMap::new();
    let (mut lines, mut bytes) = (0usize, 0usize);
    for line in BufReader::new(File::open(&path)?).lines() {
        let line = line?;
        lines += 1;
        bytes += line.len() + 1;
        for word in line.split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut by_count: Vec<(&String, &usize)> = counts.iter().collect();
    by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (word, count) in &counts {
        *lengths.entry(word.chars().count()).or_default() += count;
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{lines} lines, {bytes} bytes, {} words, {} different", counts.values().sum::<usize>(), counts.len())?;
    for (word, count) in by_count.iter().take(10) {
        writeln!(out, "{count:>8} {word}")?;
    }
    for (length, count) in lengths {
        writeln!(out, "{length:>4}: {count}")?;
    }
    Ok(())
}
