//! Delays Ctrl-C until a pair of changes is complete, because half of the pair would lose a key.

use std::future::pending;
use std::io;
use std::sync::Once;

use tokio::signal::ctrl_c;
use tokio::sync::{Mutex, Notify};
use tokio::task::yield_now;

use crate::output::note;

/// Held by what must not be left half done.
static WHOLE: Mutex<()> = Mutex::const_new(());

/// Until then Ctrl-C ends the process by itself; a prompt that waits for a line knows no other way.
static FIRST: Notify = Notify::const_new();

/// Does this to its end, Ctrl-C or not.
pub async fn whole<T>(work: impl Future<Output = T>) -> T {
    let _held = WHOLE.lock().await;
    FIRST.notify_one();
    yield_now().await; // `interrupted` begins to listen
    work.await
}

/// Ctrl-C, or what a cancelled job of a CI gets.
async fn told_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            told = ctrl_c() => told,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    ctrl_c().await
}

/// Waits for Ctrl-C, and then for the end of such work, if it is under way. For commands that have
/// something to say of where they stopped; not while a prompt may be open.
pub async fn asked() {
    static SAID: Once = Once::new();
    if told_to_stop().await.is_err() {
        return pending().await; // there is no way to hear of it
    }
    if WHOLE.try_lock().is_err() {
        SAID.call_once(|| {
            note("interrupted: the webhook that is being created gets its key into the ring first");
        });
        let _ended = WHOLE.lock().await;
    }
}

/// The same for all commands, from the first such work on.
pub async fn interrupted() {
    FIRST.notified().await;
    asked().await;
}
