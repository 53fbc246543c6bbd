//! The environment: as the kernel handed it over, until the program first changes it.

pub use super::common::Env;
use crate::ffi::{CStr, OsStr, OsString};
use crate::io;
use crate::sync::Mutex;
use crate::sys::pal::abi;

type Variable = (OsString, OsString);

/// All variables, once one of them was changed.
static CHANGED: Mutex<Option<Vec<Variable>>> = Mutex::new(None);

fn given() -> Vec<Variable> {
    let mut variables = Vec::new();
    let mut at = unsafe { abi::environ };
    while !at.is_null() && !unsafe { *at }.is_null() {
        let text = unsafe { CStr::from_ptr((*at).cast()) }.to_bytes();
        // A name may begin with an equals sign.
        if let Some(split) = text.iter().skip(1).position(|&byte| byte == b'=') {
            variables.push((os_string(&text[..split + 1]), os_string(&text[split + 2..])));
        }
        at = unsafe { at.add(1) };
    }
    variables
}

fn os_string(bytes: &[u8]) -> OsString {
    unsafe { OsString::from_encoded_bytes_unchecked(bytes.to_vec()) }
}

pub fn env() -> Env {
    Env::new(CHANGED.lock().unwrap().clone().unwrap_or_else(given))
}

pub fn getenv(name: &OsStr) -> Option<OsString> {
    let changed = CHANGED.lock().unwrap();
    let find = |variables: &Vec<Variable>| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    match &*changed {
        Some(variables) => find(variables),
        None => find(&given()),
    }
}

pub unsafe fn setenv(name: &OsStr, value: &OsStr) -> io::Result<()> {
    let mut changed = CHANGED.lock().unwrap();
    let variables = changed.get_or_insert_with(given);
    match variables.iter_mut().find(|(own, _)| own == name) {
        Some(variable) => variable.1 = value.to_owned(),
        None => variables.push((name.to_owned(), value.to_owned())),
    }
    Ok(())
}

pub unsafe fn unsetenv(name: &OsStr) -> io::Result<()> {
    CHANGED.lock().unwrap().get_or_insert_with(given).retain(|(own, _)| own != name);
    Ok(())
}
