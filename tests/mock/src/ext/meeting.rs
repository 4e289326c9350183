//! Where the participants of collective operations meet.

use super::reduce::reduce;
use crate::call::{Call, Outcome};
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use crate::memory_of::{items, room};
use pjrt_sys::PJRT_Buffer_Type;
use pjrt_sys::collectives::PJRT_Collectives_ReductionKind as Kind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What is done when all have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Reduce(Kind, PJRT_Buffer_Type),
    Scatter(Kind, PJRT_Buffer_Type),
    Gather,
    Permute,
    Exchange,
}

/// Memory of a caller: start and length in bytes.
pub(crate) type Region = (Sent<*mut u8>, usize);

/// What one brings.
pub(crate) struct Part {
    pub(crate) rank: usize,
    pub(crate) send: Vec<Region>,
    pub(crate) receive: Vec<Region>,
    /// From whom it receives in a permutation.
    pub(crate) source: Option<usize>,
    pub(crate) done: Arc<Signal>,
}

/// Those who have come, by run and operation.
type Open = BTreeMap<(i64, i64), (Operation, Vec<Part>)>;

/// A group of participants.
pub(crate) struct Meeting {
    pub(crate) members: usize,
    open: Mutex<Open>,
}

impl Meeting {
    pub(crate) fn new(members: usize) -> Meeting {
        Meeting {
            members,
            open: Mutex::default(),
        }
    }

    /// Takes part: with the last one it is done, on another thread.
    pub(crate) fn join(
        &self,
        call: &Call,
        run: (i64, i64),
        operation: Operation,
        part: Part,
    ) -> Outcome {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, parts) = open.entry(run).or_insert((operation, Vec::new()));
        if *begun != operation || parts.iter().any(|other| other.rank == part.rank) {
            return Err(Failure::invalid("another operation has begun in this run"));
        }
        parts.push(part);
        if parts.len() < self.members {
            return Ok(());
        }
        let Some((_, mut parts)) = open.remove(&run) else {
            return Ok(());
        };
        drop(open);
        parts.sort_by_key(|part| part.rank);
        call.later(move |outcome| {
            let outcome = outcome.and_then(|()| all(operation, &parts));
            for part in &parts {
                part.done.set(outcome.clone());
            }
        });
        Ok(())
    }
}

/// The bytes that one sends.
fn sent(part: &Part, index: usize) -> Vec<u8> {
    let region = part.send.get(index);
    region.map_or(Vec::new(), |(start, size)| {
        items(start.get().cast_const(), *size).to_vec()
    })
}

/// Gives one its bytes.
fn receive(part: &Part, index: usize, bytes: &[u8]) {
    if let Some((start, size)) = part.receive.get(index)
        && bytes.len() <= *size
    {
        room(start.get(), bytes.len()).copy_from_slice(bytes);
    }
}

fn sum(kind: Kind, ty: PJRT_Buffer_Type, parts: &[Part]) -> Result<Vec<u8>, Failure> {
    let mut all = parts.iter().map(|part| sent(part, 0));
    let first = all.next().unwrap_or_default();
    all.try_fold(first, |sum, other| reduce(kind, ty, &sum, &other))
}

fn all(operation: Operation, parts: &[Part]) -> Outcome {
    match operation {
        Operation::Reduce(kind, ty) => {
            let sum = sum(kind, ty, parts)?;
            parts.iter().for_each(|part| receive(part, 0, &sum));
        }
        Operation::Scatter(kind, ty) => {
            let sum = sum(kind, ty, parts)?;
            let size = (sum.len() / parts.len().max(1)).max(1);
            for (part, piece) in parts.iter().zip(sum.chunks(size)) {
                receive(part, 0, piece);
            }
        }
        Operation::Gather => {
            let gathered = parts.iter().flat_map(|part| sent(part, 0));
            let gathered: Vec<u8> = gathered.collect();
            parts.iter().for_each(|part| receive(part, 0, &gathered));
        }
        Operation::Permute => {
            let all: Vec<_> = parts
                .iter()
                .map(|part| (part.rank, sent(part, 0)))
                .collect();
            for part in parts {
                let from = all.iter().find(|(rank, _)| Some(*rank) == part.source);
                // Who receives from nobody gets zeros.
                let zeros = || vec![0; part.receive.first().map_or(0, |(_, size)| *size)];
                let bytes = from.map_or_else(zeros, |(_, bytes)| bytes.clone());
                receive(part, 0, &bytes);
            }
        }
        Operation::Exchange => {
            let all: Vec<Vec<Vec<u8>>> = parts
                .iter()
                .map(|part| (0..parts.len()).map(|to| sent(part, to)).collect())
                .collect();
            for (to, part) in parts.iter().enumerate() {
                for (from, pieces) in all.iter().enumerate() {
                    let piece = pieces.get(to).map_or(&[][..], Vec::as_slice);
                    receive(part, from, piece);
                }
            }
        }
    }
    Ok(())
}
