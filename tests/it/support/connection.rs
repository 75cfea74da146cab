//! One TCP connection of the stand-in. A test can break the connection in all the ways in which
//! connections break.

use super::service::Shared;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// How a connection breaks.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Closes (FIN) at once, even before the answer.
    Close,
    /// Resets (RST) at once.
    Reset,
    /// Closes after the current answer, in which no header announces the close.
    CloseAfterAnswer,
    /// Stays open, accepts bytes and never answers, like a host that has lost its power.
    Mute,
}

pub async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut from_test = shared.orders.subscribe();
    let (to_self, mut from_self) = mpsc::unbounded_channel();
    let stream = stream.into_std()?;
    let twin = TcpStream::from_std(stream.try_clone()?)?;
    let stream = TcpStream::from_std(stream)?;
    let service = service_fn(|request| shared.answer(request, to_self.clone()));
    let mut exchange = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    loop {
        let order = tokio::select! {
            _ = exchange.as_mut() => return Ok(()), // a client may disconnect
            Some(order) = from_self.recv() => order,
            Ok(order) = from_test.recv() => order,
        };
        match order {
            Order::Close => return Ok(()),
            Order::Reset => return twin.set_zero_linger(),
            Order::CloseAfterAnswer => exchange.as_mut().graceful_shutdown(),
            Order::Mute => pending().await,
        }
    }
}
