//! The store that processes of one program share: a client's creator gives callbacks for it.

use crate::call::{Call, Outcome};
use crate::callback;
use crate::failure::Failure;
use crate::memory_of::{bytes, text};
use pjrt_sys as sys;

/// Key under which a new client puts how many devices it has.
const KEY: &str = "mock/devices";
/// Key that nobody puts.
const ABSENT: &str = "mock/absent";
const PATIENCE_MS: i32 = 1000;

type Create = sys::PJRT_Client_Create_Args;

/// Uses the store as a client does: puts, gets, tries to get.
pub(crate) fn exchange(call: &Call, args: &Create, devices: usize) -> Outcome {
    let value = devices.to_string();
    put(call, args, KEY, &value)?;
    let found = get(call, args, KEY, PATIENCE_MS)?;
    if args.kv_put_callback.is_some() && found.is_some_and(|found| found != value.as_bytes()) {
        return Err(Failure::new(
            sys::PJRT_Error_Code_INTERNAL,
            "the store gives another value than was put",
        ));
    }
    let Some(try_get) = args.kv_try_get_callback else {
        return Ok(());
    };
    let mut given = sys::PJRT_KeyValueTryGetCallback_Args::zeroed();
    (given.key, given.key_size) = text(ABSENT.as_bytes());
    given.user_arg = args.kv_try_get_user_arg;
    let answer = callback::with_error(call, |error| {
        given.callback_error = error;
        // SAFETY: the callback is the caller's; the arguments are of this version.
        call.calling(&mut given, |given| unsafe { try_get(given) })
    });
    match answer {
        Err(failure) if failure.code == sys::PJRT_Error_Code_NOT_FOUND.0 => {}
        Err(failure) => return Err(failure),
        Ok(()) => {
            if let Some(free) = given.value_deleter_callback {
                // SAFETY: the value is that of the callback, and is not used again.
                unsafe { free(given.value) };
            }
        }
    }
    Ok(())
}

fn put(call: &Call, args: &Create, key: &str, value: &str) -> Outcome {
    let Some(put) = args.kv_put_callback else {
        return Ok(());
    };
    let mut given = sys::PJRT_KeyValuePutCallback_Args::zeroed();
    (given.key, given.key_size) = text(key.as_bytes());
    (given.value, given.value_size) = text(value.as_bytes());
    given.user_arg = args.kv_put_user_arg;
    callback::with_error(call, |error| {
        given.callback_error = error;
        // SAFETY: the callback is the caller's; the arguments are of this version.
        call.calling(&mut given, |given| unsafe { put(given) })
    })
}

/// Nothing without a store.
fn get(call: &Call, args: &Create, key: &str, timeout: i32) -> Result<Option<Vec<u8>>, Failure> {
    let Some(get) = args.kv_get_callback else {
        return Ok(None);
    };
    let mut given = sys::PJRT_KeyValueGetCallback_Args::zeroed();
    (given.key, given.key_size) = text(key.as_bytes());
    given.timeout_in_ms = timeout;
    given.user_arg = args.kv_get_user_arg;
    callback::with_error(call, |error| {
        given.callback_error = error;
        // SAFETY: the callback is the caller's; the arguments are of this version.
        call.calling(&mut given, |given| unsafe { get(given) })
    })?;
    let found = bytes(given.value, given.value_size).to_vec();
    if let Some(free) = given.value_deleter_callback {
        // SAFETY: the value is that of the callback, and is not used again.
        unsafe { free(given.value) };
    }
    Ok(Some(found))
}

/// Processes that make a client each and meet through a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Number of this process.
    pub(crate) node: i64,
    pub(crate) nodes: i64,
    /// For how many milliseconds each waits for another.
    pub(crate) patience: i64,
}

impl Default for Group {
    /// One alone.
    fn default() -> Group {
        Group {
            node: 0,
            nodes: 1,
            patience: 60_000,
        }
    }
}

impl Group {
    /// The number of this process, and of all.
    pub(crate) fn place(&self) -> Result<(i32, i32), Failure> {
        let narrow = |number| i32::try_from(number).ok();
        match (narrow(self.node), narrow(self.nodes)) {
            (Some(node), Some(nodes)) if (0..nodes).contains(&node) && nodes <= 64 => {
                Ok((node, nodes))
            }
            _ => Err(Failure::invalid(format!(
                "no node {} of {}",
                self.node, self.nodes
            ))),
        }
    }

    /// Tells the others how many devices there are here, and waits for what they say.
    pub(crate) fn meet(&self, call: &Call, args: &Create, devices: usize) -> Outcome {
        let (node, nodes) = self.place()?;
        if nodes == 1 {
            return Ok(());
        }
        if args.kv_get_callback.is_none() || args.kv_put_callback.is_none() {
            return Err(Failure::invalid(format!(
                "{nodes} nodes need a key-value store"
            )));
        }
        let mine = devices.to_string();
        put(call, args, &format!("mock/node/{node}"), &mine)?;
        let patience = i32::try_from(self.patience).unwrap_or(-1);
        for other in 0..nodes {
            let theirs = get(call, args, &format!("mock/node/{other}"), patience)?;
            if theirs.as_deref() != Some(mine.as_bytes()) {
                return Err(Failure::invalid(format!(
                    "node {node} has {mine} devices, and node {other} not as many"
                )));
            }
        }
        Ok(())
    }
}
