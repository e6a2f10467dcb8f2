//! A connection whose writes have to get on: a client that asks and does not read the answer would keep
//! the connection, the answer and all that waits behind it for as long as it likes. Never looks at what is
//! written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writes fail once none of them has got on for a time. The system takes writes again only
/// when the client has read a good part of what waits, so that reading byte by byte does not help it.
#[derive(Debug)]
pub(crate) struct WriteDeadline<S> {
    stream: S,
    longest: Duration,
    /// Set while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteDeadline<S> {
    /// The stream with this longest wait of a write.
    pub(crate) fn new(stream: S, longest: Duration) -> Self {
        Self {
            stream,
            longest,
            stalled: None,
        }
    }

    /// The result of a write, or an error if it has waited for too long.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let longest = self.longest;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(longest)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read what it asked for",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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
    use std::future::poll_fn;

    use super::*;

    /// A stream that takes a write only if it is open.
    struct Gate {
        is_open: bool,
    }

    impl AsyncWrite for Gate {
        fn poll_write(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.is_open {
                Poll::Ready(Ok(bytes.len()))
            } else {
                Poll::Pending
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// One try to write.
    async fn tried(stream: &mut WriteDeadline<Gate>) -> Poll<io::Result<usize>> {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *stream).poll_write(context, b"abc"))).await
    }

    #[tokio::test]
    async fn only_a_write_that_waits_is_counted_and_each_from_its_own_begin() {
        let closed = Gate { is_open: false };
        let mut stream = WriteDeadline::new(closed, Duration::from_secs(3600));
        assert!(tried(&mut stream).await.is_pending());
        let until = stream.stalled.as_ref().map(|stalled| stalled.deadline());
        assert!(until.is_some());
        // Another try is the same wait.
        assert!(tried(&mut stream).await.is_pending());
        let still = stream.stalled.as_ref().map(|stalled| stalled.deadline());
        assert_eq!(still, until);
        stream.stream.is_open = true;
        assert!(matches!(tried(&mut stream).await, Poll::Ready(Ok(3))));
        assert!(stream.stalled.is_none());
        stream.stream.is_open = false;
        assert!(tried(&mut stream).await.is_pending());
        let anew = stream.stalled.as_ref().map(|stalled| stalled.deadline());
        assert!(anew > until);
    }

    #[tokio::test]
    async fn a_write_that_waits_for_too_long_fails() {
        let closed = Gate { is_open: false };
        let mut stream = WriteDeadline::new(closed, Duration::from_millis(10));
        let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, b"abc")).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
