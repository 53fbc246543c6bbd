//! Errors of system calls: 4.3BSD's numbers, and what they are called.

use crate::io::ErrorKind;
use crate::sys::io::RawOsError;
use crate::sys::pal::abi;

pub fn errno() -> RawOsError {
    unsafe { *abi::__errno() }
}

pub fn is_interrupted(code: RawOsError) -> bool {
    code == abi::EINTR
}

pub fn decode_error_kind(code: RawOsError) -> ErrorKind {
    match code {
        1 | 13 => ErrorKind::PermissionDenied,
        2 => ErrorKind::NotFound,
        4 => ErrorKind::Interrupted,
        7 => ErrorKind::ArgumentListTooLong,
        12 => ErrorKind::OutOfMemory,
        16 => ErrorKind::ResourceBusy,
        17 => ErrorKind::AlreadyExists,
        18 => ErrorKind::CrossesDevices,
        20 => ErrorKind::NotADirectory,
        21 => ErrorKind::IsADirectory,
        22 => ErrorKind::InvalidInput,
        26 => ErrorKind::ExecutableFileBusy,
        27 => ErrorKind::FileTooLarge,
        28 => ErrorKind::StorageFull,
        29 => ErrorKind::NotSeekable,
        30 => ErrorKind::ReadOnlyFilesystem,
        31 => ErrorKind::TooManyLinks,
        32 => ErrorKind::BrokenPipe,
        35 => ErrorKind::WouldBlock,
        36 => ErrorKind::InProgress,
        45 => ErrorKind::Unsupported,
        48 => ErrorKind::AddrInUse,
        49 => ErrorKind::AddrNotAvailable,
        50 => ErrorKind::NetworkDown,
        51 => ErrorKind::NetworkUnreachable,
        53 => ErrorKind::ConnectionAborted,
        54 => ErrorKind::ConnectionReset,
        57 => ErrorKind::NotConnected,
        60 => ErrorKind::TimedOut,
        61 => ErrorKind::ConnectionRefused,
        62 => ErrorKind::FilesystemLoop,
        63 => ErrorKind::InvalidFilename,
        65 => ErrorKind::HostUnreachable,
        66 => ErrorKind::DirectoryNotEmpty,
        69 => ErrorKind::QuotaExceeded,
        70 => ErrorKind::StaleNetworkFileHandle,
        _ => ErrorKind::Uncategorized,
    }
}

pub fn error_string(code: RawOsError) -> String {
    match usize::try_from(code).ok().and_then(|at| TEXTS.get(at)) {
        Some(text) if !text.is_empty() => String::from(*text),
        _ => format!("Unknown error {code}"),
    }
}

/// By number.
static TEXTS: [&str; 71] = [
    "Success",
    "Operation not permitted",
    "No such file or directory",
    "No such process",
    "Interrupted system call",
    "Input/output error",
    "No such device or address",
    "Argument list too long",
    "Exec format error",
    "Bad file descriptor",
    "No child processes",
    "No more processes",
    "Cannot allocate memory",
    "Permission denied",
    "Bad address",
    "Block device required",
    "Device or resource busy",
    "File exists",
    "Invalid cross-device link",
    "No such device",
    "Not a directory",
    "Is a directory",
    "Invalid argument",
    "Too many open files in system",
    "Too many open files",
    "Inappropriate ioctl for device",
    "Text file busy",
    "File too large",
    "No space left on device",
    "Illegal seek",
    "Read-only file system",
    "Too many links",
    "Broken pipe",
    "Numerical argument out of domain",
    "Numerical result out of range",
    "Resource temporarily unavailable",
    "Operation now in progress",
    "Operation already in progress",
    "Socket operation on non-socket",
    "Destination address required",
    "Message too long",
    "Protocol wrong type for socket",
    "Protocol not available",
    "Protocol not supported",
    "Socket type not supported",
    "Operation not supported",
    "Protocol family not supported",
    "Address family not supported by protocol",
    "Address already in use",
    "Cannot assign requested address",
    "Network is down",
    "Network is unreachable",
    "Network dropped connection on reset",
    "Software caused connection abort",
    "Connection reset by peer",
    "No buffer space available",
    "Transport endpoint is already connected",
    "Transport endpoint is not connected",
    "Cannot send after transport endpoint shutdown",
    "Too many references: cannot splice",
    "Connection timed out",
    "Connection refused",
    "Too many levels of symbolic links",
    "File name too long",
    "Host is down",
    "No route to host",
    "Directory not empty",
    "Too many processes",
    "Too many users",
    "Disk quota exceeded",
    "Stale file handle",
];
