//! Buffers: arrays on a device.

mod given;

use crate::client::element_count;
use crate::rt::{self, Handle};
use crate::{Element, Error, Event, MemoryLayout, Result, raw};

pjrt_macros::generate!(handle PJRT_Buffer);

impl Buffer {
    /// Copies the array to the host, in row-major order, and waits for it.
    ///
    /// Calls `PJRT_Buffer_ToHostBuffer`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if `T` is not the type of the elements; the error of the work that makes
    /// the array; what the plugin reports.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        const FUNCTION: &str = "PJRT_Buffer_ToHostBuffer";
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let refuse = |argument, problem| {
            Err(Error::InvalidArgument {
                function: FUNCTION,
                argument,
                problem,
            })
        };
        let found = self.element_type()?;
        if found != T::TYPE {
            return refuse(
                "dst",
                format!("the elements are {found}, and {} was asked for", T::TYPE),
            );
        }
        let dims = self.dimensions()?;
        let place = rt::Place {
            function: "PJRT_Buffer_Dimensions",
            field: "dims",
        };
        let count = element_count(dims)
            .ok_or_else(|| place.invalid("dimensions that no memory can hold"))?;
        let layout = MemoryLayout::row_major(dims.len());
        let layout = rt::Lower::lower(&layout, api)?;
        // Null would ask for the size instead of the contents, so it is asked first.
        let input = raw::BufferToHostBufferIn::new(
            self.as_raw(),
            layout.as_ptr().cast_mut(),
            std::ptr::null_mut(),
            0,
        );
        // SAFETY: the buffer is live; the layout and what it points to outlive the call.
        let needed = unsafe { raw::buffer_to_host_buffer(api, input) }?.dst_size;
        if count.checked_mul(size_of::<T>()) != Some(needed) {
            let place = rt::Place {
                function: FUNCTION,
                field: "dst_size",
            };
            return Err(place.invalid("a size that is not that of the elements"));
        }
        let mut data: Vec<T> = Vec::new();
        if data.try_reserve_exact(count.max(1)).is_err() {
            return refuse("dst", format!("there is no memory for {needed} bytes"));
        }
        let input = raw::BufferToHostBufferIn::new(
            self.as_raw(),
            layout.as_ptr().cast_mut(),
            data.as_mut_ptr().cast(),
            needed,
        );
        // SAFETY: `data` has room for `needed` bytes and is not touched until the event is done.
        let out = unsafe { raw::buffer_to_host_buffer(api, input) }?;
        let place = rt::Place {
            function: FUNCTION,
            field: "event",
        };
        // SAFETY: the event is new and ours to destroy.
        let event: Option<Event> =
            unsafe { rt::owned_or_none(api, out.event, rt::owner_of(self), place) }?;
        match event {
            Some(event) => {
                let done = event.wait();
                if done.is_err() && !event.is_ready().unwrap_or(false) {
                    // Nobody knows whether the plugin still writes: the memory is given up.
                    std::mem::forget(data);
                    return done.map(|()| Vec::new());
                }
                done?;
            }
            None => {
                std::mem::forget(data);
                return Err(place.invalid("no event for a copy that was asked for"));
            }
        }
        // SAFETY: the plugin has written all elements, any bits of which are a value of `T`.
        unsafe { data.set_len(count) };
        Ok(data)
    }
}
