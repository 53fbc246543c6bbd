//! The working directory, which 4.3BSD has no call for, and lists of paths with colons between them.

use crate::ffi::{OsStr, OsString};
use crate::path::{Path, PathBuf};
use crate::sys::helpers::run_path_with_cstr;
use crate::sys::pal::{abi, cvt};
use crate::{env, fmt, fs, io};

const SEPARATOR: u8 = b':';

/// From here up to the root, each directory by the entry that its parent has for it.
pub fn getcwd() -> io::Result<PathBuf> {
    let root = crate::sys::fs::stat(Path::new("/"))?;
    let mut names = Vec::new();
    let mut here = PathBuf::from(".");
    loop {
        let own = crate::sys::fs::stat(&here)?;
        if own.is_same(&root) {
            break;
        }
        here.push("..");
        names.push(name_in(&here, &own)?);
    }
    let mut path = PathBuf::from("/");
    path.extend(names.iter().rev());
    Ok(path)
}

fn name_in(parent: &Path, own: &crate::sys::fs::FileAttr) -> io::Result<OsString> {
    for entry in fs::read_dir(parent)? {
        let name = entry?.file_name();
        if crate::sys::fs::lstat(&parent.join(&name)).is_ok_and(|found| found.is_same(own)) {
            return Ok(name);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

pub fn chdir(path: &Path) -> io::Result<()> {
    run_path_with_cstr(path, &|path| cvt(unsafe { abi::chdir(path.as_ptr()) }).map(drop))
}

pub struct SplitPaths<'a> {
    left: Option<&'a [u8]>,
}

pub fn split_paths(text: &OsStr) -> SplitPaths<'_> {
    SplitPaths { left: Some(text.as_encoded_bytes()) }
}

impl<'a> Iterator for SplitPaths<'a> {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        let left = self.left?;
        let end = left.iter().position(|&byte| byte == SEPARATOR);
        self.left = end.map(|end| &left[end + 1..]);
        let part = &left[..end.unwrap_or(left.len())];
        Some(PathBuf::from(unsafe { OsStr::from_encoded_bytes_unchecked(part) }))
    }
}

#[derive(Debug)]
pub struct JoinPathsError;

pub fn join_paths<I, T>(paths: I) -> Result<OsString, JoinPathsError>
where
    I: Iterator<Item = T>,
    T: AsRef<OsStr>,
{
    let mut joined = Vec::new();
    for (at, path) in paths.enumerate() {
        let bytes = path.as_ref().as_encoded_bytes();
        if bytes.contains(&SEPARATOR) {
            return Err(JoinPathsError);
        }
        if at > 0 {
            joined.push(SEPARATOR);
        }
        joined.extend_from_slice(bytes);
    }
    Ok(unsafe { OsString::from_encoded_bytes_unchecked(joined) })
}

impl fmt::Display for JoinPathsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path segment contains separator `{}`", char::from(SEPARATOR))
    }
}

impl crate::error::Error for JoinPathsError {}

/// By its first argument, where that is a path.
pub fn current_exe() -> io::Result<PathBuf> {
    match env::args_os().next().map(PathBuf::from) {
        Some(path) if path.as_os_str().as_encoded_bytes().contains(&b'/') => fs::canonicalize(path),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

pub fn temp_dir() -> PathBuf {
    env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

pub fn home_dir() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from)
}
