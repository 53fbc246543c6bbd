//! Files and directories, by the calls of 4.3BSD.

use crate::cell::Cell;
use crate::ffi::{CStr, OsStr, OsString};
use crate::fs::TryLockError;
use crate::io::{self, BorrowedCursor, IoSlice, IoSliceMut, SeekFrom};
use crate::mem::MaybeUninit;
use crate::path::{Component, Path, PathBuf};
use crate::sync::Arc;
use crate::sys::fs::common::NOT_FILE_ERROR;
use crate::sys::helpers::run_path_with_cstr;
use crate::sys::pal::{abi, cvt, cvt_r, unsupported};
use crate::sys::time::SystemTime;
use crate::vec::IntoIter;
use crate::{env, fmt, fs};

pub use crate::sys::fs::common::{Dir, exists, remove_dir_all};

const O_WRONLY: i32 = 1;
const O_RDWR: i32 = 2;
const O_APPEND: i32 = 8;
const O_CREAT: i32 = 0x200;
const O_TRUNC: i32 = 0x400;
const O_EXCL: i32 = 0x800;
const S_IFMT: u16 = 0o170000;
const S_IFDIR: u16 = 0o040000;
const S_IFREG: u16 = 0o100000;
const S_IFLNK: u16 = 0o120000;
const ANYBODY_WRITES: u16 = 0o222;
const PERMISSIONS: u16 = 0o7777;
/// Links that a path may lead through, and bytes of one.
const MOST_LINKS: usize = 20;
const PATH_SIZE: usize = 1024;
/// Bytes of a directory that are read at once.
const DIRECTORY: usize = 0x2000;

pub struct File(i32);

#[derive(Clone)]
pub struct FileAttr(abi::Stat);

#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileType(u16);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilePermissions(u16);

#[derive(Copy, Clone, Debug, Default)]
pub struct FileTimes {
    accessed: Option<SystemTime>,
    modified: Option<SystemTime>,
}

#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
}

#[derive(Debug)]
pub struct DirBuilder {}

/// What a directory held when it was opened.
pub struct ReadDir {
    folder: Arc<PathBuf>,
    names: IntoIter<OsString>,
}

pub struct DirEntry {
    folder: Arc<PathBuf>,
    name: OsString,
}

// -- what is known of a file ------------------------------------------------------------------------------------------

impl FileAttr {
    fn asked(ask: impl FnOnce(*mut abi::Stat) -> i32) -> io::Result<FileAttr> {
        let mut status = MaybeUninit::uninit();
        cvt(ask(status.as_mut_ptr()))?;
        Ok(FileAttr(unsafe { status.assume_init() }))
    }

    pub fn size(&self) -> u64 {
        u64::from(self.0.size as u32)
    }

    pub fn perm(&self) -> FilePermissions {
        FilePermissions(self.0.mode & PERMISSIONS)
    }

    pub fn file_type(&self) -> FileType {
        FileType(self.0.mode & S_IFMT)
    }

    pub fn modified(&self) -> io::Result<SystemTime> {
        Ok(in_seconds(self.0.mtime))
    }

    pub fn accessed(&self) -> io::Result<SystemTime> {
        Ok(in_seconds(self.0.atime))
    }

    pub fn created(&self) -> io::Result<SystemTime> {
        unsupported()
    }

    /// Whether both are of one file.
    pub fn is_same(&self, other: &FileAttr) -> bool {
        self.0.dev == other.0.dev && self.0.ino == other.0.ino
    }
}

fn in_seconds(seconds: i32) -> SystemTime {
    SystemTime::of(abi::Timeval { seconds, microseconds: 0 })
}

impl FileType {
    pub fn is_dir(&self) -> bool {
        self.0 == S_IFDIR
    }

    pub fn is_file(&self) -> bool {
        self.0 == S_IFREG
    }

    pub fn is_symlink(&self) -> bool {
        self.0 == S_IFLNK
    }
}

impl FilePermissions {
    pub fn readonly(&self) -> bool {
        self.0 & ANYBODY_WRITES == 0
    }

    pub fn set_readonly(&mut self, readonly: bool) {
        self.0 = if readonly { self.0 & !ANYBODY_WRITES } else { self.0 | ANYBODY_WRITES };
    }
}

impl FileTimes {
    pub fn set_accessed(&mut self, time: SystemTime) {
        self.accessed = Some(time);
    }

    pub fn set_modified(&mut self, time: SystemTime) {
        self.modified = Some(time);
    }
}

// -- open files -------------------------------------------------------------------------------------------------------

impl OpenOptions {
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    pub fn read(&mut self, read: bool) {
        self.read = read;
    }

    pub fn write(&mut self, write: bool) {
        self.write = write;
    }

    pub fn append(&mut self, append: bool) {
        self.append = append;
    }

    pub fn truncate(&mut self, truncate: bool) {
        self.truncate = truncate;
    }

    pub fn create(&mut self, create: bool) {
        self.create = create;
    }

    pub fn create_new(&mut self, create_new: bool) {
        self.create_new = create_new;
    }

    /// As `open` takes them; an error for options that mean nothing.
    fn flags(&self) -> io::Result<i32> {
        let writes = self.write || self.append;
        let makes = self.create || self.create_new;
        if !(self.read || writes) || ((self.truncate || makes) && !writes) {
            return Err(io::Error::from_raw_os_error(22));
        }
        if self.append && self.truncate && !self.create_new {
            return Err(io::Error::from_raw_os_error(22));
        }
        let access = if !writes { 0 } else if self.read { O_RDWR } else { O_WRONLY };
        let appends = if self.append { O_APPEND } else { 0 };
        let made = match (self.create_new, self.create, self.truncate) {
            (true, ..) => O_CREAT | O_EXCL,
            (_, create, truncate) => (if create { O_CREAT } else { 0 }) | (if truncate { O_TRUNC } else { 0 }),
        };
        Ok(access | appends | made)
    }
}

impl File {
    pub fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
        let flags = options.flags()?;
        run_path_with_cstr(path, &|path| cvt_r(|| unsafe { abi::open(path.as_ptr(), flags, 0o666) }).map(File))
    }

    pub fn file_attr(&self) -> io::Result<FileAttr> {
        FileAttr::asked(|status| unsafe { abi::fstat(self.0, status) })
    }

    pub fn fsync(&self) -> io::Result<()> {
        cvt_r(|| unsafe { abi::fsync(self.0) }).map(drop)
    }

    pub fn datasync(&self) -> io::Result<()> {
        self.fsync()
    }

    pub fn lock(&self) -> io::Result<()> {
        unsupported()
    }

    pub fn lock_shared(&self) -> io::Result<()> {
        unsupported()
    }

    pub fn try_lock(&self) -> Result<(), TryLockError> {
        Err(TryLockError::Error(io::Error::UNSUPPORTED_PLATFORM))
    }

    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        Err(TryLockError::Error(io::Error::UNSUPPORTED_PLATFORM))
    }

    pub fn unlock(&self) -> io::Result<()> {
        unsupported()
    }

    pub fn truncate(&self, size: u64) -> io::Result<()> {
        let size = offset(i64::try_from(size).unwrap_or(i64::MAX))?;
        cvt_r(|| unsafe { abi::ftruncate(self.0, size) }).map(drop)
    }

    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(i32::MAX as usize) as u32;
        cvt(unsafe { abi::read(self.0, buffer.as_mut_ptr(), size) }).map(|done| done as usize)
    }

    pub fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        io::default_read_vectored(|buffer| self.read(buffer), buffers)
    }

    pub fn is_read_vectored(&self) -> bool {
        false
    }

    pub fn read_buf(&self, cursor: BorrowedCursor<'_>) -> io::Result<()> {
        io::default_read_buf(|buffer| self.read(buffer), cursor)
    }

    pub fn write(&self, data: &[u8]) -> io::Result<usize> {
        let size = data.len().min(i32::MAX as usize) as u32;
        cvt(unsafe { abi::write(self.0, data.as_ptr(), size) }).map(|done| done as usize)
    }

    pub fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        io::default_write_vectored(|data| self.write(data), parts)
    }

    pub fn is_write_vectored(&self) -> bool {
        false
    }

    pub fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    pub fn seek(&self, position: SeekFrom) -> io::Result<u64> {
        let (whence, distance) = match position {
            SeekFrom::Start(at) => (0, i64::try_from(at).unwrap_or(i64::MAX)),
            SeekFrom::Current(by) => (1, by),
            SeekFrom::End(by) => (2, by),
        };
        let distance = offset(distance)?;
        cvt(unsafe { abi::lseek(self.0, distance, whence) }).map(|at| u64::from(at as u32))
    }

    pub fn size(&self) -> Option<io::Result<u64>> {
        None
    }

    pub fn tell(&self) -> io::Result<u64> {
        self.seek(SeekFrom::Current(0))
    }

    pub fn duplicate(&self) -> io::Result<File> {
        cvt(unsafe { abi::dup(self.0) }).map(File)
    }

    pub fn set_permissions(&self, _permissions: FilePermissions) -> io::Result<()> {
        unsupported()
    }

    pub fn set_times(&self, _times: FileTimes) -> io::Result<()> {
        unsupported()
    }
}

/// Files have 31 bits of size.
fn offset(at: i64) -> io::Result<i32> {
    i32::try_from(at).map_err(|_| io::Error::from_raw_os_error(22))
}

impl Drop for File {
    fn drop(&mut self) {
        unsafe { abi::close(self.0) };
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("fd", &self.0).finish()
    }
}

// -- directories ------------------------------------------------------------------------------------------------------

impl DirBuilder {
    pub fn new() -> DirBuilder {
        DirBuilder {}
    }

    pub fn mkdir(&self, path: &Path) -> io::Result<()> {
        call(path, |path| unsafe { abi::mkdir(path.as_ptr(), 0o777) })
    }
}

pub fn readdir(path: &Path) -> io::Result<ReadDir> {
    let mut options = OpenOptions::new();
    options.read(true);
    let file = File::open(path, &options)?;
    if !file.file_attr()?.file_type().is_dir() {
        return Err(io::Error::from_raw_os_error(20));
    }
    let mut names = Vec::new();
    let mut buffer = vec![0u8; DIRECTORY];
    let mut base = 0;
    loop {
        let size = buffer.len() as i32;
        let filled = cvt(unsafe { abi::getdirentries(file.0, buffer.as_mut_ptr(), size, &mut base) })? as usize;
        if filled == 0 {
            return Ok(ReadDir { folder: Arc::new(path.to_path_buf()), names: names.into_iter() });
        }
        collect(&buffer[..filled], &mut names);
    }
}

/// The names of entries: number, length of the entry, length of the name, and the name.
fn collect(mut entries: &[u8], names: &mut Vec<OsString>) {
    while let [n0, n1, n2, n3, l0, l1, s0, s1, rest @ ..] = entries {
        let number = u32::from_be_bytes([*n0, *n1, *n2, *n3]);
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let size = usize::from(u16::from_be_bytes([*s0, *s1]));
        let Some(name) = rest.get(..size) else { return };
        // Number 0 is an entry that was removed.
        if number != 0 && name != b"." && name != b".." {
            names.push(unsafe { OsString::from_encoded_bytes_unchecked(name.to_vec()) });
        }
        let Some(next) = entries.get(length.max(8)..) else { return };
        entries = next;
    }
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<io::Result<DirEntry>> {
        let name = self.names.next()?;
        Some(Ok(DirEntry { folder: Arc::clone(&self.folder), name }))
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.folder, f)
    }
}

impl DirEntry {
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub fn file_name(&self) -> OsString {
        self.name.clone()
    }

    pub fn metadata(&self) -> io::Result<FileAttr> {
        lstat(&self.path())
    }

    pub fn file_type(&self) -> io::Result<FileType> {
        self.metadata().map(|found| found.file_type())
    }
}

// -- by path ----------------------------------------------------------------------------------------------------------

fn call(path: &Path, call: impl Fn(&CStr) -> i32) -> io::Result<()> {
    run_path_with_cstr(path, &|path| cvt(call(path)).map(drop))
}

fn call_two(from: &Path, to: &Path, call: unsafe extern "C" fn(*const i8, *const i8) -> i32) -> io::Result<()> {
    run_path_with_cstr(from, &|from| {
        run_path_with_cstr(to, &|to| cvt(unsafe { call(from.as_ptr(), to.as_ptr()) }).map(drop))
    })
}

pub fn unlink(path: &Path) -> io::Result<()> {
    call(path, |path| unsafe { abi::unlink(path.as_ptr()) })
}

pub fn rmdir(path: &Path) -> io::Result<()> {
    call(path, |path| unsafe { abi::rmdir(path.as_ptr()) })
}

pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    call_two(from, to, abi::rename)
}

pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    call_two(from, to, abi::link)
}

pub fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    call_two(target, link, abi::symlink)
}

pub fn set_perm(path: &Path, permissions: FilePermissions) -> io::Result<()> {
    call(path, |path| unsafe { abi::chmod(path.as_ptr(), i32::from(permissions.0)) })
}

pub fn set_times(path: &Path, times: FileTimes) -> io::Result<()> {
    let found = stat(path)?;
    let time = |given: Option<SystemTime>, kept: i32| match given {
        Some(time) => time.timeval().ok_or(io::Error::from_raw_os_error(22)),
        None => Ok(abi::Timeval { seconds: kept, microseconds: 0 }),
    };
    let both = [time(times.accessed, found.0.atime)?, time(times.modified, found.0.mtime)?];
    call(path, |path| unsafe { abi::utimes(path.as_ptr(), &both) })
}

pub fn set_times_nofollow(_path: &Path, _times: FileTimes) -> io::Result<()> {
    unsupported()
}

pub fn stat(path: &Path) -> io::Result<FileAttr> {
    run_path_with_cstr(path, &|path| FileAttr::asked(|status| unsafe { abi::stat(path.as_ptr(), status) }))
}

pub fn lstat(path: &Path) -> io::Result<FileAttr> {
    run_path_with_cstr(path, &|path| FileAttr::asked(|status| unsafe { abi::lstat(path.as_ptr(), status) }))
}

pub fn readlink(path: &Path) -> io::Result<PathBuf> {
    let buffer = Cell::new([0u8; PATH_SIZE]);
    let size = run_path_with_cstr(path, &|path| {
        cvt(unsafe { abi::readlink(path.as_ptr(), buffer.as_ptr().cast(), PATH_SIZE as i32) })
    })?;
    let target = &buffer.into_inner()[..size as usize];
    Ok(PathBuf::from(unsafe { OsStr::from_encoded_bytes_unchecked(target) }))
}

pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    let mut left: Vec<PathBuf> = parts(&env::current_dir()?.join(path));
    let mut found = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == Path::new("..") {
            found.pop();
            continue;
        }
        let next = found.join(&part);
        if !lstat(&next)?.file_type().is_symlink() {
            found = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::from_raw_os_error(62));
        }
        let target = readlink(&next)?;
        if target.is_absolute() {
            found = PathBuf::from("/");
        }
        left.extend(parts(&target));
    }
    Ok(found)
}

/// The contents, and who may do what with them.
pub fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let mut reader = fs::File::open(from)?;
    let found = reader.metadata()?;
    if !found.is_file() {
        return Err(NOT_FILE_ERROR);
    }
    let copied = io::copy(&mut reader, &mut fs::File::create(to)?)?;
    fs::set_permissions(to, found.permissions())?;
    Ok(copied)
}

/// Names and `..` of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(named).map(|part| PathBuf::from(part.as_os_str())).collect()
}
