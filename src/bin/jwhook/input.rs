//! Reads input files; `-` is stdin.

use std::fs;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, Result};

pub fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The name of an input file, for an error.
pub fn name(file: &Path) -> String {
    if is_stdin(file) { "stdin".to_owned() } else { format!("file {}", file.display()) }
}

pub fn read(file: &Path) -> Result<Vec<u8>> {
    let bytes = if is_stdin(file) {
        let mut bytes = Vec::new();
        stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.with_context(|| format!("cannot read {}", name(file)))
}
