//! Buffers over device memory of others.

use crate::rt::{self, Handle, Lower, Place};
use crate::{Buffer, Client, Device, ElementType, Memory, MemoryLayout, Result, raw};
use std::ffi::c_void;
use std::ptr;

const VIEW: &str = "PJRT_Client_CreateViewOfDeviceBuffer";

/// Device memory that somebody else allocated, and the array in it.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// use pjrt::{DeviceView, ElementType, HostVec};
///
/// // A CPU's device memory is memory of the process, of the alignment that a `HostVec` has.
/// let mut memory = HostVec::from_slice(&[1.0f32, 2.0, 3.0])?;
/// let device = &client.addressable_devices()?[0];
/// let view = DeviceView {
///     address: memory.as_mut_ptr().cast(),
///     element_type: ElementType::F32,
///     dims: &[3],
///     layout: None,
///     device: Some(device),
///     memory: None,
///     stream: 0,
/// };
/// // SAFETY: the memory has room for the array, and the callback owns it, so it is freed last.
/// let buffer = unsafe { client.view_of_device_memory(&view, move || drop(memory)) }?;
/// assert_eq!(buffer.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DeviceView<'a> {
    /// Where the array begins on the device.
    pub address: *mut c_void,
    /// Type of the elements.
    pub element_type: ElementType,
    /// Dimensions.
    pub dims: &'a [i64],
    /// Layout on the device; none is the default one.
    pub layout: Option<&'a MemoryLayout>,
    /// The device, unless a memory is given.
    pub device: Option<&'a Device>,
    /// The memory, unless a device is given.
    pub memory: Option<&'a Memory>,
    /// The stream on which the memory becomes ready, as the platform numbers streams; 0 for none.
    pub stream: isize,
}

/// What is called when the memory is free.
type OnDelete = Box<dyn FnOnce() + Send>;

impl Client {
    /// A buffer over device memory that somebody else allocated. `on_delete` is called once, on any
    /// thread, when the buffer and all work on it are gone. Runs may write there if the buffer is
    /// donated. The CPU plugin wants an alignment of 64 bytes and no stream.
    ///
    /// Calls `PJRT_Client_CreateViewOfDeviceBuffer`.
    ///
    /// # Safety
    ///
    /// The address is device memory of the whole array that stays allocated, and is used by nobody
    /// in a way that would race with the buffer's uses, until `on_delete` is called.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` unless exactly one of device and memory is given; INVALID_ARGUMENT for
    /// unaligned memory; UNIMPLEMENTED for a stream on CPU. `on_delete` is then not called.
    pub unsafe fn view_of_device_memory(
        &self,
        view: &DeviceView<'_>,
        on_delete: impl FnOnce() + Send + 'static,
    ) -> Result<Buffer> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        if let Some(device) = view.device {
            rt::same_client(self, device, VIEW, "device")?;
        }
        if let Some(memory) = view.memory {
            rt::same_client(self, memory, VIEW, "memory")?;
        }
        rt::check_one_of(view.device.is_some(), view.memory.is_some(), VIEW, "device")?;
        rt::check_element_type(api, view.element_type, VIEW, "element_type")?;
        rt::check_sizes(api, view.dims, VIEW, "dims")?;
        if let Some(layout) = view.layout {
            rt::check_rank(layout.rank(), view.dims.len(), VIEW, "layout")?;
        }
        let layout = view.layout.map(|given| given.lower(api)).transpose()?;
        let layout = layout
            .as_ref()
            .map_or(ptr::null(), |lowered| lowered.as_ptr());
        let on_delete: OnDelete = Box::new(on_delete);
        let number = rt::waiting(on_delete);
        let input = raw::ClientCreateViewOfDeviceBufferIn::new(
            self.as_raw(),
            view.address,
            view.dims.as_ptr(),
            view.dims.len(),
            view.element_type.as_raw(),
            layout.cast_mut(),
            view.device.map_or(ptr::null_mut(), Handle::as_raw),
            Some(deleted),
            number,
            view.stream,
        )
        .with_memory(view.memory.map_or(ptr::null_mut(), Handle::as_raw));
        // SAFETY: the caller vouches for the memory; dims and layout outlive the call and are
        // copied; the callback finds what waits or nothing.
        let out = unsafe { raw::client_create_view_of_device_buffer(api, input) };
        if out.is_err() {
            drop(rt::called::<OnDelete>(number));
        }
        let place = Place {
            function: VIEW,
            field: "buffer",
        };
        // SAFETY: the buffer is new and the caller's to destroy; it needs the client.
        unsafe { rt::owned(api, out?.buffer, rt::owner_of(self), place) }
    }
}

unsafe extern "C" fn deleted(_address: *mut c_void, number: *mut c_void) {
    rt::contained(|| {
        if let Some(callback) = rt::called::<OnDelete>(number) {
            callback();
        }
    });
}
