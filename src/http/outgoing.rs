//! Answers on their way out: a reader that does not take its answer is not waited for for ever.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// So many bytes have to be taken in the time for them. The system holds some megabytes for a reader, and takes more once a
/// third of that is gone: so these come all at once, or not at all.
const A_PART: usize = 16 << 10;

/// A connection whose other end has to take what is written to it, a part at a time. It fails otherwise.
#[derive(Debug)]
pub(super) struct Outgoing<S> {
    stream: S,
    limit: Duration,
    /// Since a write had to wait: until when the part has to be taken, and what was taken of it.
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Outgoing<S> {
    /// A connection that has so long for each part.
    pub(super) fn of(stream: S, limit: Duration) -> Self {
        Self { stream, limit, waiting: None }
    }

    /// What a write came to; a failure if it waits and the time is over.
    fn timed(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(more)) => {
                if let Some((_, taken)) = &mut self.waiting {
                    *taken += more;
                }
                self.waiting.take_if(|(_, taken)| *taken >= A_PART);
                Poll::Ready(Ok(more))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let (until, _) = self.waiting.get_or_insert_with(|| (Box::pin(sleep(self.limit)), 0));
                ready!(until.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the answer is not taken")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outgoing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outgoing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.timed(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.timed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when all of an answer is written: the next one has its own time.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(64);
        let mut outgoing = Outgoing::of(ours, Duration::ZERO);
        outgoing.write_all(&[0; 64]).await.unwrap();
        let error = outgoing.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_takes_a_part_has_the_time_for_another() {
        let (ours, mut theirs) = duplex(A_PART);
        let mut outgoing = Outgoing::of(ours, Duration::from_secs(3_600));
        outgoing.write_all(&[0; A_PART]).await.unwrap();
        let waits = |outgoing: &mut Outgoing<_>| {
            let mut context = Context::from_waker(std::task::Waker::noop());
            Pin::new(outgoing).poll_write(&mut context, &[0; A_PART]).is_pending()
        };
        assert!(waits(&mut outgoing) && outgoing.waiting.is_some());
        theirs.read_exact(&mut [0; 100]).await.unwrap();
        assert_eq!(outgoing.write(&[0; 100]).await.unwrap(), 100);
        // A little is not enough.
        assert!(matches!(outgoing.waiting, Some((_, 100))));
        theirs.read_exact(&mut [0; A_PART]).await.unwrap();
        outgoing.write_all(&[0; A_PART]).await.unwrap();
        assert!(outgoing.waiting.is_none());
        // Nor has the next answer less time for what the one before took.
        assert!(waits(&mut outgoing));
        outgoing.flush().await.unwrap();
        assert!(outgoing.waiting.is_none());
    }
}
