//! Where the bytes of an array come from.

use crate::ErrorCode;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where the bytes of an array come from.
pub(super) enum Source {
    /// All of them.
    Whole(Vec<u8>),
    /// One piece after the other.
    Chunks(Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>),
    /// A file or the like.
    Reader(Box<dyn Read + Send>),
}

/// Why an array gets no contents.
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: ErrorCode, message: String) -> Fault {
        Fault { code, message }
    }
}

impl Source {
    /// The next piece, which has at least one byte and no more than are left; a reader is asked for
    /// `size` bytes.
    pub(super) fn next(&mut self, left: usize, size: usize) -> Result<Vec<u8>, Fault> {
        let piece = caught(|| match self {
            Source::Whole(bytes) => Ok(Some(std::mem::take(bytes))),
            Source::Chunks(chunks) => {
                let filled = |chunk: &io::Result<Vec<u8>>| !chunk.as_ref().is_ok_and(Vec::is_empty);
                chunks.find(filled).transpose()
            }
            Source::Reader(reader) => {
                let wanted = left.min(size);
                let mut piece = Vec::new();
                piece.try_reserve_exact(wanted)?;
                let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
                reader.take(limit).read_to_end(&mut piece)?;
                Ok(Some(piece).filter(|piece| piece.len() == wanted))
            }
        })?;
        match piece {
            None => Err(Fault::new(
                ErrorCode::DATA_LOSS,
                format!("the data ended with {left} bytes to come"),
            )),
            Some(piece) if piece.len() > left => Err(Fault::new(
                ErrorCode::INVALID_ARGUMENT,
                format!(
                    "a piece of {} bytes came where the array has room for {left}",
                    piece.len()
                ),
            )),
            Some(piece) => Ok(piece),
        }
    }

    /// Refuses pieces behind the end of the array.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        let Source::Chunks(chunks) = self else {
            return Ok(());
        };
        let more = caught(|| {
            let filled = |chunk: &io::Result<Vec<u8>>| !chunk.as_ref().is_ok_and(Vec::is_empty);
            chunks.find(filled).transpose()
        })?;
        match more {
            None => Ok(()),
            Some(piece) => Err(Fault::new(
                ErrorCode::INVALID_ARGUMENT,
                format!("a piece of {} bytes came for a full array", piece.len()),
            )),
        }
    }
}

/// Runs the caller's code, whose panics end with this.
fn caught<T>(body: impl FnOnce() -> io::Result<T>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::new(
            ErrorCode::DATA_LOSS,
            format!("the data could not be read: {error}"),
        )),
        Err(_) => Err(Fault::new(
            ErrorCode::INTERNAL,
            "what gives the data panicked".to_owned(),
        )),
    }
}
