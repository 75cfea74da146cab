//! A temporary file for a process to read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that is deleted when this value is dropped.
pub struct TestFile(PathBuf);

impl TestFile {
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("jw-{}-{number}.file", std::process::id()));
        std::fs::write(&path, bytes).expect("a file");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0); // a test may have deleted the file
    }
}
