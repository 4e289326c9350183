//! What joins those who send with those who receive.

use crate::buffer::{Data, Storage};
use crate::call::{Call, Outcome};
use crate::event::Signal;
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Over what something is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    Key(i64),
    Descriptor(Vec<u8>),
}

/// Who waits for the other side.
enum Waiting {
    Sender(Arc<Data>, Arc<Signal>),
    Receiver(Arc<Data>),
}

/// All links of a plugin.
#[derive(Default)]
pub(crate) struct Fabric {
    waiting: Mutex<BTreeMap<Link, Waiting>>,
    descriptors: AtomicU64,
}

impl Fabric {
    /// A descriptor that was never told before.
    pub(crate) fn descriptor(&self) -> Vec<u8> {
        let number = self.descriptors.fetch_add(1, Ordering::SeqCst);
        format!("mock descriptor {number}").into_bytes()
    }

    /// Whether somebody waits for what comes to a descriptor.
    pub(crate) fn awaits(&self, descriptor: &[u8]) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let link = Link::Descriptor(descriptor.to_vec());
        matches!(waiting.get(&link), Some(Waiting::Receiver(_)))
    }

    /// Sends what a buffer holds, once somebody waits for it.
    pub(crate) fn send(&self, call: &Call, link: Link, data: Arc<Data>, sent: Arc<Signal>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&link) {
            Some(Waiting::Receiver(to)) => deliver(call, data, to, sent),
            Some(other) => {
                waiting.insert(link, other);
                sent.set(Err(Failure::invalid("something is sent there already")));
            }
            None => {
                waiting.insert(link, Waiting::Sender(data, sent));
            }
        }
    }

    /// Fills a buffer with what comes.
    pub(crate) fn receive(&self, call: &Call, link: Link, to: Arc<Data>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&link) {
            Some(Waiting::Sender(data, sent)) => deliver(call, data, to, sent),
            Some(other) => {
                waiting.insert(link, other);
                to.fill(Err(Failure::invalid("somebody waits there already")));
            }
            None => {
                waiting.insert(link, Waiting::Receiver(to));
            }
        }
    }

    /// Gives up what is to come.
    pub(crate) fn cancel(&self, link: &Link, failure: Failure) -> Outcome {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(link) {
            Some(Waiting::Receiver(to)) => {
                drop(waiting);
                to.fill(Err(failure));
                Ok(())
            }
            other => {
                if let Some(other) = other {
                    waiting.insert(link.clone(), other);
                }
                let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
                Err(Failure::new(code, "nobody waits for it"))
            }
        }
    }
}

fn deliver(call: &Call, from: Arc<Data>, to: Arc<Data>, sent: Arc<Signal>) {
    call.later(move |outcome| {
        let came = outcome.and_then(|()| from.wait());
        let outcome = came.as_ref().map(drop).map_err(Clone::clone);
        to.fill(came.map(|storage| Storage::copy_of(storage.bytes())));
        sent.set(outcome);
    });
}
