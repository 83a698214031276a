//! Connections as this interface takes them: so many at one time, and none that stands still.
//!
//! Whoever sends half a request, or does not read what they asked for, would otherwise hold a connection, and a stream
//! its place, for ever. A stream of ours says something at least every 15 s, so only what does not move is cut. What moves
//! too slowly to be a request is cut by its `server`.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at one time; further ones wait in the kernel.
const MOST: usize = 256;
/// How long neither side may get a byte through. The longest answer takes a minute: a look at the boards.
const STILL: Duration = Duration::from_secs(90);
/// How soon a kernel that has no connection to give is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Takes connections.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    still: Duration,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with(listener, MOST, STILL)
    }

    fn with(listener: TcpListener, most: usize, still: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(most)), still }
    }

    /// The next connection, once there is a place for it.
    pub(super) async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                std::future::pending().await
            };
            match self.listener.accept().await {
                Ok((stream, from)) => return (Connection::new(stream, self.still, place), from),
                Err(error) => {
                    tracing::debug!(%error, "a connection was not taken");
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    still: Duration,
    over: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, still: Duration, place: OwnedSemaphorePermit) -> Self {
        Self { stream, still, over: Box::pin(sleep(still)), _place: place }
    }

    /// What came of reading or writing, or the end of a connection on which nothing has moved for too long.
    fn moved<T>(&mut self, poll: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            let until = Instant::now() + self.still;
            self.over.as_mut().reset(until);
            return poll;
        }
        ready!(self.over.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved(poll, context)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(poll, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn listening(most: usize, still: Duration) -> (Bounded, SocketAddr) {
        let bounded = Bounded::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), most, still);
        let address = bounded.listener.local_addr().unwrap();
        (bounded, address)
    }

    #[tokio::test]
    async fn one_that_sends_half_a_request_is_cut() {
        let (mut bounded, address) = listening(4, Duration::from_millis(50)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HT").await.unwrap();
        let (mut connection, _) = bounded.accept().await;
        let mut got = [0; 64];
        assert_eq!(connection.read(&mut got).await.unwrap(), 8);
        let cut = tokio::time::timeout(PATIENCE, connection.read(&mut got)).await.unwrap();
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_that_does_not_read_is_cut_and_its_place_is_free() {
        let (mut bounded, address) = listening(1, Duration::from_millis(50)).await;
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = bounded.accept().await;
        let all = vec![b'x'; 64 << 20];
        let cut = tokio::time::timeout(PATIENCE, connection.write_all(&all)).await.unwrap();
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(bounded.places.available_permits(), 0);
        drop(connection);
        second.write_all(b"hello").await.unwrap();
        let (mut next, _) = tokio::time::timeout(PATIENCE, bounded.accept()).await.unwrap();
        assert_eq!(next.read(&mut [0; 64]).await.unwrap(), 5);
    }
}
