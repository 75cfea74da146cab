//! One TCP connection of the stand-in, which can be told to die in the ways that connections do.

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

/// How a connection is to end.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// At once, in good order (FIN), answered or not.
    Close,
    /// At once, with a RST.
    Reset,
    /// After the answer under way, which doesn't announce it.
    CloseAfterAnswer,
    /// Never: bytes are taken and nothing comes back, as from a host that is gone.
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
            _ = exchange.as_mut() => return Ok(()), // a client that goes away is no fault here
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
