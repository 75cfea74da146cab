//! Delays Ctrl-C until a pair of changes is complete, because half of the pair would lose a key.

use std::future::pending;
use std::io;
use std::sync::Once;

use tokio::signal::ctrl_c;
use tokio::sync::{Mutex, Notify};
use tokio::task::yield_now;

use crate::output::note;

/// Locked while a pair of changes is under way.
static PAIR: Mutex<()> = Mutex::const_new(());

/// Notified when the first pair of changes begins. Until then Ctrl-C kills the process, because a
/// prompt cannot be interrupted in any other way.
static FIRST: Notify = Notify::const_new();

/// Runs `work` to its end, even after Ctrl-C.
pub async fn uninterrupted<T>(work: impl Future<Output = T>) -> T {
    let _held = PAIR.lock().await;
    FIRST.notify_one();
    yield_now().await; // lets `interrupted` start to listen
    work.await
}

/// Waits for Ctrl-C, or for SIGTERM, which a cancelled CI job gets.
async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    ctrl_c().await
}

/// Waits for Ctrl-C, and then for the end of a pair of changes that is under way. Commands that print
/// where they stopped use this function. Do not use it while a prompt may be open.
pub async fn requested() {
    static SAID: Once = Once::new();
    if stop_signal().await.is_err() {
        return pending().await; // this process cannot receive signals
    }
    if PAIR.try_lock().is_err() {
        SAID.call_once(|| {
            note("interrupted: stopping once the key of the new webhook is stored");
        });
        let _ended = PAIR.lock().await;
    }
}

/// Waits for the first pair of changes, and then does what [`requested`] does. Every command uses it.
pub async fn interrupted() {
    FIRST.notified().await;
    requested().await;
}
