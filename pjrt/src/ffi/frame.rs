//! Call frames: what XLA gives a handler, read no further than the frame says it reaches.

use super::array::{Which, read_list};
use super::attribute::Attributes;
use super::borrow::Arrays;
use super::deferred::Completion;
use super::xla::Xla;
use super::{Error, Stage};
use crate::sys::ffi_api as c;
use std::cell::RefCell;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::Arc;

/// More extensions than this are not a chain: one type is known.
const LONGEST_CHAIN: usize = 64;

/// What XLA asks of a handler.
pub(super) enum Request {
    /// To say what it is.
    Metadata(Xla, NonNull<c::XLA_FFI_Metadata>),
    /// To do its work.
    Work(Xla),
}

/// The part of a frame that every version has and that a refusal needs.
///
/// None if there is no way to answer.
///
/// # Safety
///
/// `frame` is null or a call frame that lives through the call, as long as its size says.
pub(super) unsafe fn request(frame: *mut c::XLA_FFI_CallFrame) -> Option<Request> {
    let frame = NonNull::new(frame).filter(|frame| frame.is_aligned())?;
    // SAFETY: the size is the first word.
    let size = unsafe { frame.cast::<usize>().read() };
    if size < offset_of!(c::XLA_FFI_CallFrame, api) + size_of::<*const c::XLA_FFI_Api>() {
        return None;
    }
    // SAFETY: both fields are within the size; the table is what the frame says.
    let (first, xla) = unsafe {
        let first = (&raw const (*frame.as_ptr()).extension_start).read();
        let api = (&raw const (*frame.as_ptr()).api).read();
        (first, Xla::new(api)?)
    };
    // SAFETY: the chain is the frame's own.
    Some(match unsafe { metadata(first) } {
        Some(metadata) => Request::Metadata(xla, metadata),
        None => Request::Work(xla),
    })
}

/// The metadata to be filled, if a chain of extensions asks for it.
///
/// # Safety
///
/// `next` is null or the first node of a chain that lives through the call.
unsafe fn metadata(
    mut next: *mut c::XLA_FFI_InternalExtension,
) -> Option<NonNull<c::XLA_FFI_Metadata>> {
    for _ in 0..LONGEST_CHAIN {
        let node = NonNull::new(next).filter(|node| node.is_aligned())?;
        // SAFETY: the size is the first word of a node.
        let size = unsafe { node.cast::<usize>().read() };
        if size < c::XLA_FFI_InternalExtension_STRUCT_SIZE {
            return None;
        }
        let extension = node.cast::<c::XLA_FFI_Metadata_Extension>().as_ptr();
        // SAFETY: every node begins with a base, and this one is at least as long.
        let base = unsafe { (&raw const (*extension).extension_base).read() };
        if base.type_ == c::XLA_FFI_Extension_Metadata
            && size >= c::XLA_FFI_Metadata_Extension_STRUCT_SIZE
        {
            // SAFETY: the type and the size say that it is this struct.
            let metadata = unsafe { (&raw const (*extension).metadata).read() };
            return NonNull::new(metadata).filter(|metadata| metadata.is_aligned());
        }
        next = base.next;
    }
    None
}

/// A frame that asks for work.
pub(super) struct Frame<'f> {
    raw: NonNull<c::XLA_FFI_CallFrame>,
    pub(super) xla: Xla,
    pub(super) context: *mut c::XLA_FFI_InvokeContext,
    pub(super) stage: Stage,
    pub(super) handler: &'f str,
    pub(super) arrays: Arrays<'f>,
    pub(super) attributes: Attributes<'f>,
    /// Set once the call is to be finished later.
    pub(super) deferred: RefCell<Option<Arc<Completion>>>,
}

impl<'f> Frame<'f> {
    /// Reads a frame.
    ///
    /// # Safety
    ///
    /// [`request`] gave `Work(xla)` for `frame`, which with all that it points to lives through
    /// `'f`.
    pub(super) unsafe fn read(
        frame: *mut c::XLA_FFI_CallFrame,
        xla: Xla,
        handler: &'f str,
    ) -> Result<Frame<'f>, Error> {
        let broken = |what| Error::internal(format!("XLA's call frame {what}"));
        let raw = NonNull::new(frame).ok_or_else(|| broken("is null"))?;
        if !xla.is_known() {
            let (major, minor) = xla.version;
            return Err(Error::unimplemented(format!(
                "the plugin has XLA FFI {major}.{minor}, and 0.1 or a later 0.x is needed"
            )));
        }
        // SAFETY: the size is the first word.
        if unsafe { raw.cast::<usize>().read() } < c::XLA_FFI_CallFrame_STRUCT_SIZE {
            return Err(broken("is shorter than its first version"));
        }
        let at = raw.as_ptr();
        // SAFETY: all fields but `future` are within the size that was compared, and only those
        // are read.
        let (context, stage, args, rets) = unsafe {
            (
                (&raw const (*at).ctx).read(),
                (&raw const (*at).stage).read(),
                (&raw const (*at).args).read(),
                (&raw const (*at).rets).read(),
            )
        };
        if args.struct_size < c::XLA_FFI_Args_STRUCT_SIZE
            || rets.struct_size < c::XLA_FFI_Rets_STRUCT_SIZE
        {
            return Err(broken("has a shorter list than its first version"));
        }
        // SAFETY: the lists and the attributes are the frame's own; a kind is a 32-bit number.
        let (operands, results, attributes) = unsafe {
            (
                read_list(args.size, args.types.cast(), args.args, Which::Operand)?,
                read_list(rets.size, rets.types.cast(), rets.rets, Which::Result)?,
                Attributes::read(&raw const (*at).attrs)?,
            )
        };
        Ok(Frame {
            raw,
            xla,
            context,
            stage: Stage::from_raw(stage),
            handler,
            arrays: Arrays::new(operands, results),
            attributes,
            deferred: RefCell::default(),
        })
    }

    /// Gives XLA the future that it has to wait for.
    pub(super) fn set_future(&self, future: NonNull<c::XLA_FFI_Future>) {
        // SAFETY: whoever made the future saw that frames of this version have the field; the
        // frame lives as long as `self`.
        unsafe { (&raw mut (*self.raw.as_ptr()).future).write(future.as_ptr()) };
    }
}
