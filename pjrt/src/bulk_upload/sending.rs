//! The thread of an upload.

use super::OnProgress;
use super::source::{Fault, Source};
use super::uploading::Shared;
use crate::{ErrorCode, Transfer};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An array that is to be filled.
pub(super) struct Array {
    /// Which of the manager's.
    pub(super) place: i32,
    /// Bytes on the host.
    pub(super) size: usize,
    /// The plugin brings it into the device's layout.
    pub(super) literal: bool,
    pub(super) source: Source,
}

/// What sends the arrays.
pub(super) struct Sender {
    shared: Arc<Shared>,
    arrays: Vec<Array>,
    chunk: usize,
    limit: usize,
    progress: Option<Arc<OnProgress>>,
    /// What is under way, the oldest first.
    open: VecDeque<Piece>,
    in_flight: usize,
}

/// A piece that is under way.
struct Piece {
    /// Which of the manager's arrays it is of.
    place: i32,
    length: usize,
    transfer: Transfer<Vec<u8>>,
    /// The plugin has done with it.
    over: Arc<AtomicBool>,
}

/// The upload was cancelled.
struct Cancelled;

/// Why an array is given up.
enum Stop {
    Cancelled,
    Fault(Fault),
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Stop {
        Stop::Cancelled
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl Sender {
    pub(super) fn new(
        shared: Arc<Shared>,
        arrays: Vec<Array>,
        (chunk, limit): (usize, usize),
        progress: Option<Arc<OnProgress>>,
    ) -> Sender {
        Sender {
            shared,
            arrays,
            chunk,
            limit,
            progress,
            open: VecDeque::new(),
            in_flight: 0,
        }
    }

    /// Sends everything.
    pub(super) fn run(mut self) {
        for array in std::mem::take(&mut self.arrays) {
            let place = array.place;
            match self.send(array) {
                Ok(()) => {}
                Err(Stop::Cancelled) => break,
                Err(Stop::Fault(fault)) => self.give_up(place, &fault),
            }
        }
        while !self.shared.is_cancelled() && self.settle() {}
        // What is still under way keeps its memory.
        self.open.clear();
        self.shared.end();
    }

    /// Sends one array.
    fn send(&mut self, mut array: Array) -> Result<(), Stop> {
        let mut offset = 0;
        loop {
            let left = array.size.saturating_sub(offset);
            if let Source::Reader(_) = array.source {
                // Nothing is read that cannot be sent.
                self.room(left.min(self.chunk))?;
            }
            let piece = match left {
                0 => Vec::new(),
                _ => array.source.next(left, self.chunk)?,
            };
            let length = piece.len();
            let last = length == left;
            if last {
                array.source.end()?;
            }
            self.room(length)?;
            let (place, literal) = (array.place, array.literal);
            let at = i64::try_from(offset).unwrap_or(i64::MAX);
            let sent = self.shared.with(|manager| match literal {
                true => manager.transfer_literal(place, piece, None),
                false => manager.transfer_data(place, piece, at, last),
            });
            match sent.ok_or(Cancelled)? {
                Ok(transfer) => {
                    self.begun(place, transfer, length);
                }
                Err(error) => {
                    let fault = Fault::new(error.code(), error.to_string());
                    self.shared.failed(error);
                    return Err(fault.into());
                }
            }
            if last {
                return Ok(());
            }
            offset = offset.saturating_add(length);
        }
    }

    /// Takes a piece down that the plugin has taken.
    fn begun(&mut self, place: i32, transfer: Transfer<Vec<u8>>, length: usize) {
        let over = Arc::new(AtomicBool::new(false));
        let (gate, told) = (self.shared.gate(), over.clone());
        let noted = transfer.event().on_ready(move |_| {
            told.store(true, Ordering::SeqCst);
            gate.open();
        });
        if noted.is_err() {
            // Nobody will tell: then it is waited for.
            over.store(true, Ordering::SeqCst);
        }
        self.in_flight = self.in_flight.saturating_add(length);
        self.open.push_back(Piece {
            place,
            length,
            transfer,
            over,
        });
    }

    /// Waits until so many bytes may be sent, and sees what has arrived meanwhile.
    fn room(&mut self, bytes: usize) -> Result<(), Cancelled> {
        loop {
            if self.shared.is_cancelled() {
                return Err(Cancelled);
            }
            let full = self.in_flight.saturating_add(bytes) > self.limit;
            let oldest = self.open.front();
            let over = oldest.is_some_and(|piece| piece.over.load(Ordering::SeqCst));
            if !(full || over) || !self.settle() {
                return Ok(());
            }
        }
    }

    /// Waits for the oldest piece, or until the upload is cancelled; false if there is none.
    fn settle(&mut self) -> bool {
        let Some(piece) = self.open.front() else {
            return false;
        };
        let over = &piece.over;
        self.shared.until(|| over.load(Ordering::SeqCst));
        if self.shared.is_cancelled() {
            return true;
        }
        let Some(piece) = self.open.pop_front() else {
            return false;
        };
        self.in_flight = self.in_flight.saturating_sub(piece.length);
        match piece.transfer.wait() {
            Ok(memory) => {
                drop(memory);
                let progress = self.shared.arrived(piece.length);
                if let Some(callback) = &self.progress {
                    let _ = catch_unwind(AssertUnwindSafe(|| callback(progress)));
                }
            }
            Err(error) => {
                self.shared.with(|manager| manager.broke(piece.place));
                self.shared.failed(error);
            }
        }
        true
    }

    /// Gives an array an error instead of contents.
    fn give_up(&self, place: i32, fault: &Fault) {
        let code = match fault.code {
            ErrorCode::OK => ErrorCode::INTERNAL,
            code => code,
        };
        // One that had its last piece is refused, and one whose error the plugin does not take gets
        // one when the manager goes.
        let _ = self
            .shared
            .with(|manager| manager.set_buffer_error(place, code, &fault.message));
    }
}
