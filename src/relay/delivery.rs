//! The body of an answer to go.

use crate::fetch::spool::Contents;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Piece in which a stored file goes to go, in bytes.
const CHUNK: usize = 64 << 10;

/// The body of an answer to go.
pub(super) enum Delivery {
    /// All at once, in one write.
    Once(Option<Bytes>),
    /// From a file that was just written and so comes out of the page cache.
    File { file: File, left: u64 },
}

impl From<Contents> for Delivery {
    fn from(contents: Contents) -> Delivery {
        match contents {
            Contents::Memory(bytes) => bytes.into(),
            Contents::File { file, length } => Delivery::File { file, left: length },
        }
    }
}

impl From<Vec<u8>> for Delivery {
    fn from(bytes: Vec<u8>) -> Delivery {
        Delivery::Once(Some(bytes.into()))
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Delivery::Once(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Delivery::File { left: 0, .. } => Poll::Ready(None),
            Delivery::File { file, left } => {
                let mut piece = vec![0; CHUNK.min(usize::try_from(*left).unwrap_or(CHUNK))];
                match file.read(&mut piece) {
                    Ok(0) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
                    Ok(n) => {
                        piece.truncate(n);
                        *left -= n as u64;
                        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
                    }
                    Err(error) => Poll::Ready(Some(Err(error))),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Delivery::Once(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Delivery::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Delivery::Once(bytes) => bytes.as_ref().map_or(0, |b| b.len() as u64),
            Delivery::File { left, .. } => *left,
        })
    }
}
