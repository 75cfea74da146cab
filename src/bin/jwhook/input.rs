//! Files that are given to be read, as they are.

use std::fs;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, Result};

/// Whether this means stdin.
pub fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What an error calls it.
pub fn name(file: &Path) -> String {
    if is_stdin(file) { "stdin".to_owned() } else { format!("file {}", file.display()) }
}

/// The file's bytes; `-` is stdin.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    let bytes = if is_stdin(file) {
        let mut bytes = Vec::new();
        stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.with_context(|| format!("{} can't be read", name(file)))
}
