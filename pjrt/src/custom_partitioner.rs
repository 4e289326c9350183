//! The extension that lets closures split custom calls of programs that run on several devices.

use crate::callback_error::caught;
use crate::rt::{self, Kept, Place};
use crate::sys::custom_partitioner as c;
use crate::{CallbackError, Error, ErrorCode, Result, raw};
use std::ffi::c_void;
use std::sync::Arc;

mod answer;

pjrt_macros::generate!(extension custom_partitioner);

const REGISTER: &str = "PJRT_Register_Custom_Partitioner";

/// An array of a call that is to be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Array<'a> {
    /// Its type and dimensions: a serialized `ShapeProto`.
    pub shape: &'a [u8],
    /// How it is spread over devices, if that is known: a serialized `OpSharding`.
    pub sharding: Option<&'a [u8]>,
}

/// A call to be split: what [`Partitioner::partition`] is given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Its operands, whole.
    pub operands: Vec<Array<'a>>,
    /// Its result, whole.
    pub result: Array<'a>,
    /// The call's `backend_config`, as the program has it.
    pub backend_config: &'a [u8],
}

/// A call whose result's sharding is asked for: what [`Partitioner::infer_sharding`] is given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inference<'a> {
    /// Its operands.
    pub operands: Vec<Array<'a>>,
    /// Its result's type and dimensions: a serialized `ShapeProto`.
    pub result_shape: &'a [u8],
    /// The call's `backend_config`.
    pub backend_config: &'a [u8],
}

/// A sharding that a user of a call's result wants: what
/// [`Partitioner::propagate_user_sharding`] is given.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Propagation<'a> {
    /// The result's type and dimensions: a serialized `ShapeProto`.
    pub result_shape: &'a [u8],
    /// What the user wants: a serialized `OpSharding`.
    pub sharding: &'a [u8],
    /// The call's `backend_config`.
    pub backend_config: &'a [u8],
}

/// What becomes of a call on each device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// A module whose function `main` does one device's part: MLIR, as text or bytecode.
    pub module: Vec<u8>,
    /// How each operand is to be spread before it: a serialized `OpSharding` for each.
    pub operand_shardings: Vec<Vec<u8>>,
    /// How the result is spread after it: a serialized `OpSharding`.
    pub result_sharding: Vec<u8>,
}

/// Says how a custom call is split. The plugin asks while it compiles, from any thread, and from
/// several at once.
pub trait Partitioner: Send + Sync + 'static {
    /// Splits a call. An error, or a panic, fails the compilation.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from splitting the call.
    fn partition(&self, call: &Call<'_>) -> std::result::Result<Partition, CallbackError>;

    /// How the result is spread, given how the operands are; none if that says nothing.
    ///
    /// There is no way to report an error: plugins end the process for one, and so they do for
    /// bytes that are no `OpSharding`. A panic counts as none.
    fn infer_sharding(&self, call: &Inference<'_>) -> Option<Vec<u8>>;

    /// How the result is spread so that a user gets what it wants. As it is, unless overridden.
    ///
    /// As for [`Partitioner::infer_sharding`], there are no errors. A panic counts as what the user
    /// wants.
    fn propagate_user_sharding(&self, call: &Propagation<'_>) -> Vec<u8> {
        call.sharding.to_vec()
    }

    /// Whether calls with side effects may run whole on every device. Asked once, at the
    /// registration.
    fn can_side_effecting_be_replicated(&self) -> bool {
        false
    }
}

impl CustomPartitioner {
    /// Has the custom calls of a name split by a partitioner, as long as the process runs.
    ///
    /// Calls `PJRT_Register_Custom_Partitioner`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the plugin keeps another one that has the name; what the plugin
    /// reports.
    pub fn register(&self, name: &str, partitioner: impl Partitioner) -> Result<()> {
        let replicated = partitioner.can_side_effecting_be_replicated();
        let kept = Kept::<dyn Partitioner>::new(Arc::new(partitioner));
        // Never freed: nobody can say when a plugin looks at it for the last time.
        let callbacks = Box::into_raw(Box::new(c::JAX_CustomCallPartitioner_Callbacks {
            version: answer::VERSION,
            private_data: kept.data(),
            dtor: Some(end),
            partition: Some(partition),
            infer_sharding: Some(infer_sharding),
            propagate_user_sharding: Some(propagate_user_sharding),
            can_side_effecting_have_replicated_sharding: replicated,
        }));
        let input = raw::custom_partitioner::RegisterCustomPartitionerIn::new(
            name.as_ptr().cast(),
            name.len(),
            callbacks,
        );
        // SAFETY: the name lives through the call, which copies it; the callbacks are never freed
        // and do not unwind. Refused, the partitioner goes, and later calls find none.
        unsafe { raw::custom_partitioner::register_custom_partitioner(self.table, input) }?;
        if kept.ended() {
            // That is all that a plugin says of a name that is taken.
            return Err(Error::InvalidArgument {
                function: REGISTER,
                argument: "name",
                problem: format!("calls of `{name}` have a partitioner already"),
            });
        }
        kept.keep_for_good();
        Ok(())
    }
}

/// # Safety
///
/// `callbacks` is null or was registered here.
unsafe fn data(callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks) -> *mut c_void {
    if callbacks.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the callbacks are never freed, and nobody writes to them.
    unsafe { (&raw const (*callbacks).private_data).read() }
}

unsafe extern "C" fn end(callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks) {
    // SAFETY: the plugin gives back what was registered.
    unsafe { rt::let_go::<dyn Partitioner>(data(callbacks)) };
}

/// Asks the partitioner, if it is still there.
///
/// # Safety
///
/// As [`data`].
unsafe fn ask<T>(
    callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks,
    question: impl FnOnce(&dyn Partitioner) -> std::result::Result<T, CallbackError>,
) -> std::result::Result<T, CallbackError> {
    let mut outcome = None;
    // SAFETY: the caller's promise.
    unsafe {
        rt::call_back::<dyn Partitioner>(data(callbacks), |partitioner| {
            outcome = Some(caught(|| question(partitioner)));
            Ok(())
        });
    }
    outcome.unwrap_or_else(|| {
        Err(CallbackError::new(
            ErrorCode::INTERNAL,
            "the partitioner is gone",
        ))
    })
}

unsafe extern "C" fn partition(
    callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks,
    args: *mut c::JAX_CustomCallPartitioner_Partition_Args,
) {
    if args.is_null() {
        return;
    }
    // SAFETY: the plugin gives whole arguments that live through this call, and the callbacks that
    // were registered. Outputs are written only, for before that they may be anything.
    unsafe {
        let count = (&raw const (*args).num_args).read();
        let outcome = answer::version(&raw const (*args).header).and_then(|()| {
            let call = Call {
                operands: arrays((&raw const (*args).op_args).read(), count)?,
                result: array(&raw const (*args).op_result)?,
                backend_config: bytes((&raw const (*args).backend_config).read())?,
            };
            let made = ask(callbacks, |partitioner| partitioner.partition(&call))?;
            match made.operand_shardings.len() {
                given if given == count => Ok(made),
                given => Err(CallbackError::new(
                    ErrorCode::INTERNAL,
                    format!("the partitioner gave {given} shardings for {count} operands"),
                )),
            }
        });
        answer::partition(args, outcome);
    }
}

unsafe extern "C" fn infer_sharding(
    callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks,
    args: *mut c::JAX_CustomCallPartitioner_InferShardingFromOperands_Args,
) {
    if args.is_null() {
        return;
    }
    // SAFETY: as in `partition`.
    unsafe {
        let count = (&raw const (*args).num_args).read();
        let outcome = answer::version(&raw const (*args).header).and_then(|()| {
            let call = Inference {
                operands: arrays((&raw const (*args).op_args).read(), count)?,
                result_shape: bytes((&raw const (*args).result_shape).read())?,
                backend_config: bytes((&raw const (*args).backend_config).read())?,
            };
            // The plugin would end the process for an error.
            Ok(ask(callbacks, |p| Ok(p.infer_sharding(&call))).unwrap_or(None))
        });
        answer::inference(args, outcome);
    }
}

unsafe extern "C" fn propagate_user_sharding(
    callbacks: *mut c::JAX_CustomCallPartitioner_Callbacks,
    args: *mut c::JAX_CustomCallPartitioner_PropagateUserSharding_Args,
) {
    if args.is_null() {
        return;
    }
    // SAFETY: as in `partition`.
    unsafe {
        let outcome = answer::version(&raw const (*args).header).and_then(|()| {
            let call = Propagation {
                result_shape: bytes((&raw const (*args).result_shape).read())?,
                sharding: bytes((&raw const (*args).result_sharding).read())?,
                backend_config: bytes((&raw const (*args).backend_config).read())?,
            };
            let asked = ask(callbacks, |p| Ok(p.propagate_user_sharding(&call)));
            // As above.
            Ok(asked.unwrap_or_else(|_| call.sharding.to_vec()))
        });
        answer::propagation(args, outcome);
    }
}

const ARGUMENTS: Place = Place {
    function: "JAX_CustomCallPartitioner_Callbacks",
    field: "arguments",
};

/// # Safety
///
/// The bytes live through `'a`, unless the pointer is null.
unsafe fn bytes<'a>(
    text: c::JAX_CustomCallPartitioner_string,
) -> std::result::Result<&'a [u8], CallbackError> {
    // SAFETY: the caller's promise.
    Ok(unsafe { rt::slice(text.data.cast(), text.size, ARGUMENTS) }?)
}

/// # Safety
///
/// The array is there, and its bytes live through `'a`. Without a sharding, the place for one may
/// hold anything.
unsafe fn array<'a>(
    array: *const c::JAX_CustomCallPartitioner_aval,
) -> std::result::Result<Array<'a>, CallbackError> {
    // SAFETY: the caller's promise. The flag is read as a byte, for the plugin might have put there
    // what is no `bool`.
    unsafe {
        let sharded = (&raw const (*array).has_sharding).cast::<u8>().read() != 0;
        Ok(Array {
            shape: bytes((&raw const (*array).shape).read())?,
            sharding: match sharded {
                true => Some(bytes((&raw const (*array).sharding).read())?),
                false => None,
            },
        })
    }
}

/// # Safety
///
/// As [`array`], for each of `count`, unless the pointer is null.
unsafe fn arrays<'a>(
    first: *const c::JAX_CustomCallPartitioner_aval,
    count: usize,
) -> std::result::Result<Vec<Array<'a>>, CallbackError> {
    if count > 0 && (first.is_null() || !first.is_aligned()) {
        return Err(CallbackError::from(
            ARGUMENTS.invalid("no operands where there are some"),
        ));
    }
    // SAFETY: within the array, by the caller's promise.
    (0..count).map(|i| unsafe { array(first.add(i)) }).collect()
}
