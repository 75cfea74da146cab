//! The output of a process, line by line, while the process writes it.

use super::seconds;
use std::io::{BufRead, BufReader, Read};
use std::thread::JoinHandle;
use tokio::sync::watch;

pub struct Output {
    lines: watch::Receiver<Vec<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = watch::channel(Vec::new());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                sender.send_modify(|lines| lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
        });
        Self { lines, reader: Some(reader) }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits until `look` finds something in a line. Returns the result for the newest such line.
    pub async fn find<T>(&self, what: &str, look: impl Fn(&str) -> Option<T>) -> T {
        self.until(what, |lines| lines.iter().rev().find_map(|line| look(line))).await
    }

    /// Waits until `look` finds something in the lines so far, and returns the result.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&[String]) -> Option<T>) -> T {
        let mut lines = self.lines.clone();
        let waiting = async {
            let found = lines.wait_for(|lines| look(lines).is_some()).await.ok()?;
            look(&found)
        };
        match tokio::time::timeout(seconds(5), waiting).await {
            Ok(Some(found)) => found,
            _ => panic!("{what} was not written; the output is {:#?}", self.lines()),
        }
    }

    /// All lines, once the process has ended.
    pub fn join(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader only reads");
        }
        self.lines()
    }
}
