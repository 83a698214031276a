//! The bounds of what others may do to the agent by connecting: how many at once, how long, how much.
//!
//! Whoever reaches the port may ask, so each connection lives a few seconds, sends little, and is one of
//! few; the next ones wait in the kernel. What a guest can take of the agent's memory is then known.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Connections at one time.
const MOST_GUESTS: usize = 4;
/// Connections that wait in the kernel.
const BACKLOG: u32 = 16;
/// How long a connection lives, from its first byte to the last of its answer.
const LONGEST_STAY: Duration = Duration::from_secs(10);
/// What a connection may send; Prometheus sends some 400 bytes.
const MOST_BYTES: usize = 16 * 1024;
/// How long to wait when the kernel has no descriptor for another connection.
const FULL: Duration = Duration::from_secs(1);

/// A listener that lets few in.
pub(super) struct Door {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Door {
    /// Listens.
    ///
    /// # Errors
    /// When the address is taken, or is none of this machine's.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of an agent that has just ended must not keep the next one out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { listener, permits: Arc::new(Semaphore::new(MOST_GUESTS)) })
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, address)) => return (Guest::new(stream, permit), address),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => tokio::time::sleep(FULL).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether a guest has left before it was let in.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection; it fails once it has stayed too long or sent too much.
pub(super) struct Guest {
    stream: TcpStream,
    until: Pin<Box<Sleep>>,
    unread: usize,
    _permit: OwnedSemaphorePermit,
}

impl Guest {
    fn new(stream: TcpStream, permit: OwnedSemaphorePermit) -> Self {
        let until = Box::pin(tokio::time::sleep(LONGEST_STAY));
        Self { stream, until, unread: MOST_BYTES, _permit: permit }
    }

    fn overstays(&mut self, cx: &mut Context<'_>) -> bool {
        self.until.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.overstays(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.unread == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.unread = self.unread.saturating_sub(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.overstays(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
