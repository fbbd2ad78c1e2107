//! Bodies: of requests, read whole; of answers, with what they hold.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use super::receipt::Receipts;
use crate::bridge::mailboxes::Lease;

/// UTF-16 units of a request's body.
const MOST_UNITS: usize = 65_536;

/// Bytes of a body that may have so many units: none takes more than three.
const MOST_BYTES: usize = 3 * MOST_UNITS;

/// Why there is no body. The words are those of the original.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It is longer than it may be.
    #[error("Body too large")]
    TooLarge,
    /// The connection ended before the body did.
    #[error("Body incomplete")]
    Incomplete,
}

/// Reads a request's body as a whole, so that no character is cut in two.
pub(super) async fn read(mut body: Incoming) -> Result<String, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| BodyError::Incomplete)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MOST_BYTES {
                return Err(BodyError::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.encode_utf16().count() > MOST_UNITS {
        return Err(BodyError::TooLarge);
    }
    Ok(text)
}

/// The body of an answer.
pub(super) enum Answer {
    /// All of it, and the messages that it holds, if it holds any.
    Whole {
        bytes: Option<Bytes>,
        messages: Option<(Lease, Receipts)>,
    },
    /// Part after part, as they come.
    Parts(mpsc::Receiver<Bytes>),
}

impl Answer {
    /// A text.
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self::Whole {
            bytes: Some(text.into()),
            messages: None,
        }
    }

    /// A text with messages that count as received when it was written.
    pub(super) fn holding(text: String, lease: Lease, receipts: Receipts) -> Self {
        Self::Whole {
            bytes: Some(text.into()),
            messages: Some((lease, receipts)),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole { bytes, messages } => {
                let bytes = bytes.take();
                if let Some((lease, receipts)) = messages.take() {
                    receipts.leave(lease);
                }
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Parts(parts) => parts
                .poll_recv(context)
                .map(|part| part.map(|part| Ok(Frame::data(part)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole { bytes: None, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(
                bytes
                    .as_ref()
                    .map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(0)),
            ),
            Self::Parts(_) => SizeHint::default(),
        }
    }
}
