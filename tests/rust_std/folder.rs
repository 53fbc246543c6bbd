use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

fn main() -> io::Result<()> {
    let mut names: Vec<(String, bool, u64)> = fs::read_dir(".")?
        .map(|entry| {
            let entry = entry?;
            let found = entry.metadata()?;
            let size = if found.is_file() { found.len() } else { 0 };
            Ok((entry.file_name().into_string().unwrap(), found.is_dir(), size))
        })
        .collect::<io::Result<_>>()?;
    names.sort();
    for (name, is_dir, size) in &names {
        println!("{}{name} {size}", if *is_dir { "d " } else { "- " });
    }
    fs::create_dir_all("made/in/here")?;
    fs::write("made/in/here/text", "one\ntwo\n")?;
    fs::copy("made/in/here/text", "made/copy")?;
    let mut file = fs::OpenOptions::new().read(true).append(true).open("made/copy")?;
    file.write_all(b"three\n")?;
    file.seek(SeekFrom::Start(4))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    println!("{rest:?} {}", file.metadata()?.len());
    fs::rename("made/copy", "made/moved")?;
    println!("{} {}", Path::new("made/copy").exists(), Path::new("made/moved").is_file());
    println!("{:?}", fs::canonicalize("made/in/../moved")?.file_name());
    println!("{}", fs::File::open("nothing").unwrap_err());
    println!("{:?}", fs::remove_dir("made").unwrap_err().kind());
    println!("{:?}", fs::read_dir("made/moved").map(|_| ()).unwrap_err().to_string());
    fs::remove_dir_all("made")?;
    println!("{}", Path::new("made").exists());
    Ok(())
}
