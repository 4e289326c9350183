//! Partitioners of custom calls.

use super::{Failure, copied, fake};
use pjrt::custom_partitioner::{
    Array, Call, CustomPartitioner, Inference, Partition, Partitioner, Propagation,
};
use pjrt::sys::custom_partitioner as cp;
use pjrt::{CallbackError, Error, ErrorCode};
use pjrt_tests::plugin;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex};

type Callbacks = *mut cp::JAX_CustomCallPartitioner_Callbacks;

/// Addresses of callbacks by name; 0 for a name whose calls are split along their first dimensions.
static NAMES: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

pub fn fill(table: &mut cp::PJRT_Custom_Partitioner_Extension) {
    table.register_custom_partitioner = Some(register);
    table.register_batch_partitionable = Some(register_batch);
}

/// Lets a partitioner go whose name is taken, and says nothing: as XLA does.
unsafe extern "C" fn register(args: *mut cp::PJRT_Register_Custom_Partitioner_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe {
        let args = &*args;
        let name = String::from_utf8(copied(args.name, args.name_size)).unwrap();
        assert_eq!((*args.callbacks).version, 0);
        let mut names = NAMES.lock().unwrap();
        match names.entry(name) {
            Entry::Occupied(_) => (*args.callbacks).dtor.unwrap()(args.callbacks),
            Entry::Vacant(place) => {
                place.insert(args.callbacks.expose_provenance());
            }
        }
    }
    null_mut()
}

unsafe extern "C" fn register_batch(
    args: *mut cp::PJRT_Register_Batch_Partitionable_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let name = unsafe { copied((*args).name, (*args).name_size) };
    let name = String::from_utf8(name).unwrap();
    NAMES.lock().unwrap().insert(name, 0);
    null_mut()
}

fn callbacks(name: &str) -> Callbacks {
    std::ptr::with_exposed_provenance_mut(NAMES.lock().unwrap()[name])
}

fn extension() -> CustomPartitioner {
    fake().extension().unwrap()
}

fn span(text: &'static [u8]) -> cp::JAX_CustomCallPartitioner_string {
    cp::JAX_CustomCallPartitioner_string {
        data: text.as_ptr().cast(),
        size: text.len(),
    }
}

/// Arguments as XLA makes them: of the header three fields, and of outputs none.
fn fresh<T>() -> Box<MaybeUninit<T>> {
    let mut args = Box::new(MaybeUninit::<T>::uninit());
    // No bits of this are a `bool`, a pointer or a length.
    // SAFETY: within the memory of the box.
    unsafe {
        args.as_mut_ptr()
            .cast::<u8>()
            .write_bytes(0xa5, size_of::<T>())
    };
    let header = args
        .as_mut_ptr()
        .cast::<cp::JAX_CustomCallPartitioner_version_and_error>();
    // SAFETY: each of the structs begins with the header.
    unsafe {
        (&raw mut (*header).api_version).write(0);
        (&raw mut (*header).data).write(null_mut());
        (&raw mut (*header).cleanup_fn).write(None);
    }
    args
}

/// The answer's error, if it is one.
unsafe fn failed(
    header: *const cp::JAX_CustomCallPartitioner_version_and_error,
) -> Option<(u32, String)> {
    // SAFETY: the callback wrote the flag and, if it is set, the rest.
    unsafe {
        if !(*header).has_error {
            return None;
        }
        let text = copied((*header).error_msg.data, (*header).error_msg.size);
        Some(((*header).code.0, String::from_utf8(text).unwrap()))
    }
}

unsafe fn cleanup(header: *const cp::JAX_CustomCallPartitioner_version_and_error) {
    // SAFETY: XLA calls it without a look.
    unsafe { (*header).cleanup_fn.unwrap()((*header).data) };
}

type Split = Result<(Vec<u8>, Vec<Vec<u8>>, Vec<u8>), (u32, String)>;

/// Has a call of two operands split, the second without a sharding.
fn split(callbacks: Callbacks, config: &'static [u8], version: i64) -> Split {
    let mut operands = fresh::<[cp::JAX_CustomCallPartitioner_aval; 2]>();
    let mut args = fresh::<cp::JAX_CustomCallPartitioner_Partition_Args>();
    let args = args.as_mut_ptr();
    let first = operands
        .as_mut_ptr()
        .cast::<cp::JAX_CustomCallPartitioner_aval>();
    // SAFETY: this is how XLA calls; the answer is read before it is freed, once.
    unsafe {
        (&raw mut (*first).shape).write(span(b"shape a"));
        (&raw mut (*first).has_sharding).write(true);
        (&raw mut (*first).sharding).write(span(b"split a"));
        let second = first.add(1);
        (&raw mut (*second).shape).write(span(b"shape b"));
        (&raw mut (*second).has_sharding).write(false);
        (*args).header.api_version = version;
        (&raw mut (*args).num_args).write(2);
        (&raw mut (*args).op_args).write(if config == b"null" { null_mut() } else { first });
        (&raw mut (*args).op_result.shape).write(span(b"shape c"));
        (&raw mut (*args).op_result.has_sharding).write(false);
        (&raw mut (*args).backend_config).write(span(config));
        (*callbacks).partition.unwrap()(callbacks, args);
        let header = &raw const (*args).header;
        let answer = match failed(header) {
            Some(error) => Err(error),
            None => {
                let text = |t: cp::JAX_CustomCallPartitioner_string| copied(t.data, t.size);
                let shardings = std::slice::from_raw_parts((*args).args_sharding, 2);
                let shardings = shardings.iter().map(|s| text(*s)).collect();
                Ok((
                    text((*args).mlir_module),
                    shardings,
                    text((*args).result_sharding),
                ))
            }
        };
        cleanup(header);
        answer
    }
}

fn infer(callbacks: Callbacks) -> Result<Option<Vec<u8>>, (u32, String)> {
    let mut args = fresh::<cp::JAX_CustomCallPartitioner_InferShardingFromOperands_Args>();
    let args = args.as_mut_ptr();
    // SAFETY: as in `split`.
    unsafe {
        (&raw mut (*args).num_args).write(0);
        (&raw mut (*args).op_args).write(null_mut());
        (&raw mut (*args).result_shape).write(span(b"shape c"));
        (&raw mut (*args).backend_config).write(span(b""));
        (*callbacks).infer_sharding.unwrap()(callbacks, args);
        let header = &raw const (*args).header;
        let answer = match failed(header) {
            Some(error) => Err(error),
            None => {
                let text = (*args).result_sharding;
                Ok((*args)
                    .has_result_sharding
                    .then(|| copied(text.data, text.size)))
            }
        };
        cleanup(header);
        answer
    }
}

fn propagate(callbacks: Callbacks, wanted: &'static [u8]) -> Result<Vec<u8>, (u32, String)> {
    let mut args = fresh::<cp::JAX_CustomCallPartitioner_PropagateUserSharding_Args>();
    let args = args.as_mut_ptr();
    // SAFETY: as in `split`.
    unsafe {
        (&raw mut (*args).result_shape).write(span(b"shape c"));
        (&raw mut (*args).result_sharding).write(span(wanted));
        (&raw mut (*args).backend_config).write(span(b""));
        (*callbacks).propagate_user_sharding.unwrap()(callbacks, args);
        let header = &raw const (*args).header;
        let text = (*args).result_sharding;
        let answer = failed(header).map_or_else(|| Ok(copied(text.data, text.size)), Err);
        cleanup(header);
        answer
    }
}

/// Answers with what it was asked; holds something to be counted.
struct Echo(#[allow(dead_code, reason = "counted")] Arc<()>);

impl Partitioner for Echo {
    fn partition(&self, call: &Call<'_>) -> Result<Partition, CallbackError> {
        let sharding = |array: &Array<'_>| array.sharding.unwrap_or(b"whole").to_vec();
        let mut shardings: Vec<_> = call.operands.iter().map(sharding).collect();
        match call.backend_config {
            b"short" => shardings.truncate(1),
            b"bad" => return Err(CallbackError::new(ErrorCode::DATA_LOSS, "not this one")),
            b"panic" => panic!("a partitioner that fails"),
            _ => {}
        }
        let shapes = call.operands.iter().chain([&call.result]).map(|a| a.shape);
        Ok(Partition {
            module: shapes.collect::<Vec<_>>().join(&b' '),
            operand_shardings: shardings,
            result_sharding: sharding(&call.result),
        })
    }

    fn infer_sharding(&self, call: &Inference<'_>) -> Option<Vec<u8>> {
        Some([call.result_shape, b" split"].concat())
    }

    fn can_side_effecting_be_replicated(&self) -> bool {
        true
    }
}

/// Fails wherever it may not.
struct Fails;

impl Partitioner for Fails {
    fn partition(&self, _: &Call<'_>) -> Result<Partition, CallbackError> {
        panic!()
    }

    fn infer_sharding(&self, _: &Inference<'_>) -> Option<Vec<u8>> {
        panic!("no sharding")
    }

    fn propagate_user_sharding(&self, _: &Propagation<'_>) -> Vec<u8> {
        panic!("no sharding either")
    }
}

#[test]
fn a_partitioner_answers_and_its_answers_are_freed() {
    let alive = Arc::new(());
    extension().register("echo", Echo(alive.clone())).unwrap();
    let callbacks = callbacks("echo");
    // SAFETY: the callbacks are never freed.
    assert!(unsafe { (*callbacks).can_side_effecting_have_replicated_sharding });
    let (module, operands, result) = split(callbacks, b"", 0).unwrap();
    assert_eq!(module, b"shape a shape b shape c");
    assert_eq!(operands, [b"split a".to_vec(), b"whole".to_vec()]);
    assert_eq!(result, b"whole");
    assert_eq!(infer(callbacks), Ok(Some(b"shape c split".to_vec())));
    assert_eq!(propagate(callbacks, b"wanted"), Ok(b"wanted".to_vec()));
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn a_call_that_cannot_be_split_is_an_error() {
    extension()
        .register("refuses", Echo(Arc::default()))
        .unwrap();
    let callbacks = callbacks("refuses");
    let codes = [
        (&b"bad"[..], 0, ErrorCode::DATA_LOSS, "not this one"),
        (b"panic", 0, ErrorCode::INTERNAL, "a partitioner that fails"),
        (
            b"short",
            0,
            ErrorCode::INTERNAL,
            "1 shardings for 2 operands",
        ),
        (b"null", 0, ErrorCode::INTERNAL, "no operands"),
        (b"", 1, ErrorCode::UNIMPLEMENTED, "version 0"),
    ];
    for (config, version, code, text) in codes {
        let (got, message) = split(callbacks, config, version).unwrap_err();
        assert_eq!(got, code.as_raw().0, "{message}");
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn where_xla_takes_no_error_a_panic_is_none() {
    extension().register("fails", Fails).unwrap();
    let callbacks = callbacks("fails");
    assert_eq!(infer(callbacks), Ok(None));
    assert_eq!(propagate(callbacks, b"wanted"), Ok(b"wanted".to_vec()));
    assert!(split(callbacks, b"", 0).is_err());
}

#[test]
fn a_name_that_is_taken_is_refused_although_the_plugin_says_nothing() {
    extension().register("taken", Echo(Arc::default())).unwrap();
    let alive = Arc::new(());
    let error = extension()
        .register("taken", Echo(alive.clone()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::InvalidArgument {
                argument: "name",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_partitioner_goes_when_the_plugin_lets_it_go_and_late_calls_find_none() {
    let alive = Arc::new(());
    extension().register("gone", Echo(alive.clone())).unwrap();
    let callbacks = callbacks("gone");
    for _ in 0..2 {
        // SAFETY: the callbacks are never freed; a second end must do nothing.
        unsafe { (*callbacks).dtor.unwrap()(callbacks) };
        assert_eq!(Arc::strong_count(&alive), 1);
    }
    assert!(split(callbacks, b"", 0).is_err());
    assert_eq!(infer(callbacks), Ok(None));
}

#[test]
fn a_name_is_split_along_its_first_dimensions() {
    extension().register_batch_partitionable("rows").unwrap();
    assert_eq!(NAMES.lock().unwrap()["rows"], 0);
}

#[test]
fn only_plugins_of_gpus_take_partitioners() {
    for name in ["cpu", "tpu"] {
        let Some(plugin) = plugin(name) else { continue };
        let error = plugin.extension::<CustomPartitioner>().unwrap_err();
        assert!(matches!(error, Error::NoExtension { .. }), "{error}");
    }
}
