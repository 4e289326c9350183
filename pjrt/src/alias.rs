//! Buffers that stand for others which do not exist yet.

use crate::rt::{self, Api, Handle, Lower, guard};
use crate::{
    Buffer, Client, ElementType, Error, ErrorCode, Memory, MemoryLayout, Result, raw, sys,
};
use std::fmt;
use std::ptr::{self, NonNull};

const CREATE: &str = "PJRT_Client_CreateAliasBuffer";
const FULFILL: &str = "PJRT_Client_FulfillAliasBuffer";

/// The promise behind an alias buffer: say once which buffer it stands for, or why there is none.
/// Dropped unused it says CANCELLED, so that nobody waits forever.
///
/// ```
/// # let client = pjrt_doc::mock().create_client(&Default::default())?;
/// # let memory = client.addressable_memories()?.remove(0);
/// use pjrt::ElementType;
///
/// let (alias, promise) = client.create_alias_buffer(&memory, ElementType::F32, &[2], None)?;
/// let buffer = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
/// promise.fulfill(Ok(&buffer))?;
/// assert_eq!(alias.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[cfg_attr(pjrt_mutant = "one_shot_twice", derive(Clone))]
pub struct AliasFulfiller {
    api: &'static Api,
    promise: Option<NonNull<sys::PJRT_FulfillAliasBufferCallback>>,
    client: Client,
    element_type: ElementType,
    dims: Vec<i64>,
}

// SAFETY: the promise is one object that nobody else has, and PJRT takes it on any thread.
unsafe impl Send for AliasFulfiller {}

impl Client {
    /// A buffer that stands for one that does not exist yet, and the promise to name that one.
    /// Whoever uses the buffer waits for the promise.
    ///
    /// Calls `PJRT_Client_CreateAliasBuffer`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for dimensions or a type that no array has; what the plugin reports.
    pub fn create_alias_buffer(
        &self,
        memory: &Memory,
        element_type: ElementType,
        dims: &[i64],
        layout: Option<&MemoryLayout>,
    ) -> Result<(Buffer, AliasFulfiller)> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        if api.table().PJRT_Client_FulfillAliasBuffer.is_none() {
            return Err(api.absent(&rt::Function {
                name: FULFILL,
                since: 0,
            }));
        }
        rt::same_client(self, memory, CREATE, "memory")?;
        rt::check_element_type(api, element_type, CREATE, "element_type")?;
        rt::check_sizes(api, dims, CREATE, "dims")?;
        if let Some(layout) = layout {
            rt::check_rank(layout.rank(), dims.len(), CREATE, "layout")?;
        }
        let layout = layout.map(|given| given.lower(api)).transpose()?;
        let layout = layout
            .as_ref()
            .map_or(ptr::null(), |lowered| lowered.as_ptr());
        let input = raw::ClientCreateAliasBufferIn::new(
            self.as_raw(),
            memory.as_raw(),
            dims.as_ptr(),
            dims.len(),
            element_type.as_raw(),
            layout.cast_mut(),
        );
        // SAFETY: the memory is of this client; dims and layout outlive the call and are copied.
        let out = unsafe { raw::client_create_alias_buffer(api, input) }?;
        let place = |field| rt::Place {
            function: CREATE,
            field,
        };
        let promise = NonNull::new(out.fulfill_alias_buffer_cb);
        // The promise first: if the buffer is refused, dropping it completes it.
        let fulfiller = AliasFulfiller {
            api,
            promise,
            client: self.clone(),
            element_type,
            dims: dims.to_vec(),
        };
        // SAFETY: the buffer is new and ours to destroy; it needs the client.
        let buffer = unsafe {
            rt::owned(
                api,
                out.alias_buffer,
                rt::owner_of(self),
                place("alias_buffer"),
            )
        }?;
        if fulfiller.promise.is_none() {
            return Err(place("fulfill_alias_buffer_cb").invalid("null where an object must be"));
        }
        Ok((buffer, fulfiller))
    }
}

impl AliasFulfiller {
    /// Says which buffer the alias stands for, or with a code and message why there is none.
    ///
    /// Calls `PJRT_Client_FulfillAliasBuffer`.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for a buffer of another client, `InvalidArgument` for one of another type or
    /// shape and for a failure whose code is OK: the alias is then CANCELLED. What the plugin
    /// reports.
    pub fn fulfill(
        mut self,
        outcome: std::result::Result<&Buffer, (ErrorCode, &str)>,
    ) -> Result<()> {
        match outcome {
            Ok(buffer) => {
                rt::same_client(&self.client, buffer, FULFILL, "buffer")?;
                let (found, dims) = (buffer.element_type()?, buffer.dimensions()?);
                if found != self.element_type || dims != self.dims {
                    return Err(Error::InvalidArgument {
                        function: FULFILL,
                        argument: "buffer",
                        problem: format!(
                            "it is {found} of {dims:?}, and the alias stands for {} of {:?}",
                            self.element_type, self.dims
                        ),
                    });
                }
                self.complete(buffer.as_raw(), ErrorCode::OK, "")
            }
            Err((code, message)) => {
                rt::check_failure(self.api, code, FULFILL, "error_code")?;
                self.complete(ptr::null_mut(), code, message)
            }
        }
    }

    fn complete(
        &mut self,
        buffer: *mut sys::PJRT_Buffer,
        code: ErrorCode,
        message: &str,
    ) -> Result<()> {
        let Some(promise) = self.promise.take() else {
            return Ok(());
        };
        let input = raw::ClientFulfillAliasBufferIn::new(
            self.client.as_raw(),
            buffer,
            code.as_raw(),
            message.as_ptr().cast(),
            message.len(),
            promise.as_ptr(),
        );
        // SAFETY: the promise is live and used once: whatever the plugin answers, it frees it.
        match unsafe { raw::client_fulfill_alias_buffer(self.api, input) } {
            // XLA answers with the failure that the alias was given.
            Err(Error::Plugin(error)) if code != ErrorCode::OK && error.code == code => Ok(()),
            other => other.map(drop),
        }
    }
}

impl Drop for AliasFulfiller {
    fn drop(&mut self) {
        if guard::off("one_shot_dropped") {
            return;
        }
        // An error has nobody to go to.
        let message = "the promise behind the alias buffer was dropped";
        let _ = self.complete(ptr::null_mut(), ErrorCode::CANCELLED, message);
    }
}

impl fmt::Debug for AliasFulfiller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasFulfiller")
            .field("element_type", &self.element_type)
            .field("dims", &self.dims)
            .finish_non_exhaustive()
    }
}
