//! Partitioners of custom calls: kept as long as the plugin, and asked while programs are compiled.
//! What they answer takes the place of the call: a module of one output, which is a parameter or the
//! sum of two.

use super::custom_call::element;
use crate::buffer::Shape;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory_of::{items, string, text};
use crate::program::{Made, Program, Split};
use crate::proto;
use pjrt_sys::custom_partitioner as sys;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

type Callbacks = *mut sys::JAX_CustomCallPartitioner_Callbacks;
type Header = sys::JAX_CustomCallPartitioner_version_and_error;
type Span = sys::JAX_CustomCallPartitioner_string;

/// The version of the callbacks.
const VERSION: i64 = 0;

/// Who divides calls of a name.
#[derive(Clone)]
enum Divider {
    Asked(Arc<Sent<Callbacks>>),
    /// Nobody: results are spread as first operands are.
    ByRows,
}

/// The dividers of a plugin by the names of calls.
#[derive(Default)]
struct Dividers(Mutex<BTreeMap<String, Divider>>);

impl Dividers {
    /// Keeps one, unless the name is taken.
    fn keep(&self, name: String, divider: Divider) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = !all.contains_key(&name);
        if free {
            all.insert(name, divider);
        }
        free
    }

    fn of(&self, name: &str) -> Option<Divider> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned()
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Register_Custom_Partitioner", register);
    all.add("PJRT_Register_Batch_Partitionable", batch);
}

fn named(name: String) -> Result<String, Failure> {
    match name.is_empty() {
        true => Err(Failure::invalid("a custom call needs a name")),
        false => Ok(name),
    }
}

fn register(call: &Call, args: &mut sys::PJRT_Register_Custom_Partitioner_Args) -> Outcome {
    let name = named(string(args.name, args.name_size)?)?;
    if args.callbacks.is_null() {
        return Err(call.violation("no callbacks".to_owned()));
    }
    // SAFETY: the caller's struct, there until it is ended.
    let given = unsafe { &*args.callbacks };
    let whole = given.dtor.is_some()
        && given.partition.is_some()
        && given.infer_sharding.is_some()
        && given.propagate_user_sharding.is_some();
    if !whole {
        return Err(call.violation("a callback is null".to_owned()));
    }
    let refused = given.version != VERSION;
    let divider = Divider::Asked(Arc::new(Sent::new(args.callbacks)));
    // A name that is taken is no error for plugins: they let go of the callbacks and say nothing.
    let kept = !refused && call.inner.state::<Dividers>().keep(name, divider);
    if let Some(end) = given.dtor.filter(|_| !kept) {
        // SAFETY: the caller's callbacks, which nobody uses after this.
        unsafe { end(args.callbacks) };
    }
    match refused {
        true => Err(Failure::unimplemented("no callbacks of that version")),
        false => Ok(()),
    }
}

fn batch(call: &Call, args: &mut sys::PJRT_Register_Batch_Partitionable_Args) -> Outcome {
    let name = named(string(args.name, args.name_size)?)?;
    call.inner.state::<Dividers>().keep(name, Divider::ByRows);
    Ok(())
}

/// Divides the calls of a program that are to be, and gives the program without them.
pub(crate) fn apply(call: &Call, program: String) -> Result<String, Failure> {
    let read = Program::parse(&program)?;
    let mut splits = read.splits.iter();
    let mut lines = Vec::new();
    for line in program.lines() {
        match Split::is(line).then(|| splits.next()).flatten() {
            None => lines.push(line.to_owned()),
            Some(split) => lines.extend(divided(call, &read, split)?),
        }
    }
    match read.splits.is_empty() {
        true => Ok(program),
        false => Ok(lines.join("\n")),
    }
}

/// The lines that take the place of one.
fn divided(call: &Call, program: &Program, split: &Split) -> Result<Vec<String>, Failure> {
    let made = &split.call;
    let result = program.outputs.get(split.output);
    let result = result.ok_or_else(|| Failure::invalid("a call without an output"))?;
    let operands: Vec<String> = made.operands.iter().map(usize::to_string).collect();
    let whole = format!(
        "out call {} {} {}",
        made.name,
        result.shape.to_text(),
        operands.join(" ")
    );
    match call.inner.state::<Dividers>().of(&made.name) {
        None => Ok(vec![whole]),
        Some(Divider::ByRows) => {
            let first = made.operands.first();
            let first = first.and_then(|n| program.spread_parameters.get(n));
            let spread = first.map(|how| format!("spread out {} {how}", split.output));
            Ok([whole].into_iter().chain(spread).collect())
        }
        Some(Divider::Asked(callbacks)) => {
            let mut arrays = Vec::new();
            for n in &made.operands {
                let shape = program.parameters.get(*n);
                let shape = shape.ok_or_else(|| Failure::invalid("no such parameter"))?;
                arrays.push((message(shape)?, program.spread_parameters.get(n).cloned()));
            }
            let question = Question {
                call,
                callbacks: callbacks.get(),
                operands: arrays,
                result: message(&result.shape)?,
                config: &split.config,
            };
            let wanted = program.spread_outputs.get(&split.output);
            let spread = match wanted {
                Some(wanted) => Some(question.propagate(wanted)?),
                None => question.infer()?,
            };
            let answer = question.partition(spread.as_deref())?;
            let mut lines = vec![answer.line(program, split, &result.shape)?];
            let of_operands = made.operands.iter().zip(&answer.operands);
            let mut spread = |what: String, how: &str| -> Outcome {
                if how.contains('\n') {
                    return Err(Failure::invalid("a sharding of several lines"));
                }
                if !how.is_empty() {
                    lines.push(format!("spread {what} {how}"));
                }
                Ok(())
            };
            for (n, how) in of_operands {
                spread(format!("param {n}"), how)?;
            }
            spread(format!("out {}", split.output), &answer.result)?;
            Ok(lines)
        }
    }
}

/// A shape as XLA tells partitioners of it: a serialised `ShapeProto`.
fn message(shape: &Shape) -> Result<Vec<u8>, Failure> {
    let wrong = || Failure::invalid("no shape of an array");
    let number = u64::from(element(shape.ty)?.0);
    let mut dims = Vec::new();
    for dim in &shape.dims {
        proto::varint(u64::try_from(*dim).map_err(|_| wrong())?, &mut dims);
    }
    let mut message = Vec::new();
    proto::number(2, number, &mut message);
    proto::nested(3, &dims, &mut message);
    Ok(message)
}

/// What becomes of a call.
struct Answer {
    module: String,
    operands: Vec<String>,
    result: String,
}

impl Answer {
    /// The module as a line of the program that made the call.
    fn line(&self, program: &Program, split: &Split, result: &Shape) -> Result<String, Failure> {
        let module = Program::parse(&self.module)?;
        let given = split.call.operands.iter();
        let given: Vec<_> = given.filter_map(|n| program.parameters.get(*n)).collect();
        let [output] = module.outputs.as_slice() else {
            return Err(Failure::invalid("a part has one output"));
        };
        if !module.parameters.iter().eq(given) || output.shape != *result {
            return Err(Failure::invalid(
                "the parameters of a part are the operands, and its output is the result",
            ));
        }
        let place = |n: usize| split.call.operands.get(n).copied().unwrap_or_default();
        match output.made {
            Made::Same(n) => Ok(format!("out {}", place(n))),
            Made::Sum(a, b) => Ok(format!("out add {} {}", place(a), place(b))),
            Made::Received(_) | Made::Called(_) => {
                Err(Failure::unimplemented("a part gives a parameter or a sum"))
            }
        }
    }
}

fn span(bytes: &[u8]) -> Span {
    let (data, size) = text(bytes);
    Span { data, size }
}

fn said(span: Span) -> Result<String, Failure> {
    string(span.data, span.size)
}

/// Arguments as XLA makes them: of the head three fields are set, and outputs hold anything.
fn fresh<T>() -> Box<MaybeUninit<T>> {
    let mut args = Box::new(MaybeUninit::<T>::uninit());
    let start = args.as_mut_ptr();
    let header = start.cast::<Header>();
    // SAFETY: within the memory of the box; each of the structs begins with the head.
    unsafe {
        start.cast::<u8>().write_bytes(0xa5, size_of::<T>());
        (&raw mut (*header).api_version).write(VERSION);
        (&raw mut (*header).data).write(null_mut());
        (&raw mut (*header).cleanup_fn).write(None);
    }
    args
}

/// What a partitioner is asked about.
struct Question<'a> {
    call: &'a Call,
    callbacks: Callbacks,
    /// Shapes of the operands, and how each is spread.
    operands: Vec<(Vec<u8>, Option<String>)>,
    result: Vec<u8>,
    config: &'a str,
}

impl Question<'_> {
    /// Whether a flag that the callback had to set is.
    ///
    /// # Safety
    ///
    /// The flag's byte can be read.
    unsafe fn flag(&self, name: &str, flag: *const bool) -> Result<bool, Failure> {
        // SAFETY: the caller's promise; the byte may be anything.
        match unsafe { flag.cast::<u8>().read() } {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self
                .call
                .violation(format!("a callback did not set {name}"))),
        }
    }

    /// Reads an answer, or the error that came for it, and has it freed.
    ///
    /// # Safety
    ///
    /// The head is that of arguments that a callback answered.
    unsafe fn read<T>(
        &self,
        header: *const Header,
        answer: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // SAFETY: the caller's promise; an error is read if there is one, and freed once.
        unsafe {
            let outcome = match self.flag("has_error", &raw const (*header).has_error) {
                Ok(true) => {
                    let said = (*header).error_msg;
                    Err(Failure::given((*header).code, said.data, said.size))
                }
                Ok(false) => answer(),
                Err(failure) => Err(failure),
            };
            match (&raw const (*header).cleanup_fn).read() {
                Some(free) => free((&raw const (*header).data).read()),
                None => drop(self.call.violation("nothing frees an answer".to_owned())),
            }
            outcome
        }
    }

    fn arrays(&self) -> Vec<MaybeUninit<sys::JAX_CustomCallPartitioner_aval>> {
        let operands = self.operands.iter();
        operands
            .map(|(shape, sharding)| aval(shape, sharding.as_deref()))
            .collect()
    }

    /// How the result is spread, if that is known.
    fn infer(&self) -> Result<Option<String>, Failure> {
        let mut operands = self.arrays();
        let mut args = fresh::<sys::JAX_CustomCallPartitioner_InferShardingFromOperands_Args>();
        let args = args.as_mut_ptr();
        // SAFETY: inputs are set; the callbacks are the caller's and stay until they are ended.
        unsafe {
            (&raw mut (*args).num_args).write(operands.len());
            (&raw mut (*args).op_args).write(operands.as_mut_ptr().cast());
            (&raw mut (*args).result_shape).write(span(&self.result));
            (&raw mut (*args).backend_config).write(span(self.config.as_bytes()));
            if let Some(infer) = (*self.callbacks).infer_sharding {
                infer(self.callbacks, args);
            }
            self.read(&raw const (*args).header, || {
                let there = &raw const (*args).has_result_sharding;
                match self.flag("has_result_sharding", there)? {
                    true => said((*args).result_sharding).map(Some),
                    false => Ok(None),
                }
            })
        }
    }

    /// How the result is spread if that is how it is wanted.
    fn propagate(&self, wanted: &str) -> Result<String, Failure> {
        let mut args = fresh::<sys::JAX_CustomCallPartitioner_PropagateUserSharding_Args>();
        let args = args.as_mut_ptr();
        // SAFETY: as in `infer`.
        unsafe {
            (&raw mut (*args).backend_config).write(span(self.config.as_bytes()));
            (&raw mut (*args).result_shape).write(span(&self.result));
            (&raw mut (*args).result_sharding).write(span(wanted.as_bytes()));
            if let Some(propagate) = (*self.callbacks).propagate_user_sharding {
                propagate(self.callbacks, args);
            }
            self.read(&raw const (*args).header, || said((*args).result_sharding))
        }
    }

    /// What becomes of the call.
    fn partition(&self, spread: Option<&str>) -> Result<Answer, Failure> {
        let mut operands = self.arrays();
        let mut args = fresh::<sys::JAX_CustomCallPartitioner_Partition_Args>();
        let args = args.as_mut_ptr();
        // SAFETY: as in `infer`. A result that is not spread leaves the place for it as it was.
        unsafe {
            (&raw mut (*args).num_args).write(operands.len());
            (&raw mut (*args).op_args).write(operands.as_mut_ptr().cast());
            let result = (&raw mut (*args).op_result).cast();
            std::ptr::write(result, aval(&self.result, spread));
            (&raw mut (*args).backend_config).write(span(self.config.as_bytes()));
            if let Some(partition) = (*self.callbacks).partition {
                partition(self.callbacks, args);
            }
            self.read(&raw const (*args).header, || {
                let shardings = items((*args).args_sharding, self.operands.len());
                Ok(Answer {
                    module: said((*args).mlir_module)?,
                    operands: shardings
                        .iter()
                        .map(|s| said(*s))
                        .collect::<Result<_, _>>()?,
                    result: said((*args).result_sharding)?,
                })
            })
        }
    }
}

/// An array: without a sharding, the place for one holds anything.
fn aval(shape: &[u8], sharding: Option<&str>) -> MaybeUninit<sys::JAX_CustomCallPartitioner_aval> {
    let mut array = MaybeUninit::<sys::JAX_CustomCallPartitioner_aval>::uninit();
    let start = array.as_mut_ptr();
    // SAFETY: fields of memory that is ours to write.
    unsafe {
        start.cast::<u8>().write_bytes(0xa5, size_of_val(&array));
        (&raw mut (*start).shape).write(span(shape));
        (&raw mut (*start).has_sharding).write(sharding.is_some());
        if let Some(sharding) = sharding {
            (&raw mut (*start).sharding).write(span(sharding.as_bytes()));
        }
    }
    array
}
