//! Bytes and layouts of buffers as they are on the device.

use crate::rt::{self, Handle, Place, guard};
use crate::{Buffer, Error, Event, MemoryLayout, Result, Transfer, raw};

const COPY: &str = "PJRT_Buffer_CopyRawToHost";

impl Buffer {
    /// Copies bytes of the array, as they lie on the device, to the host. Waits until there is an
    /// array, for the CPU plugin (0.81) ends the process if it has no memory yet; the copy goes on
    /// after this returns, and the bytes come from [`Transfer::wait`].
    ///
    /// Calls `PJRT_Buffer_CopyRawToHost`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the array; the error of the work that makes
    /// the array; what the plugin reports.
    pub fn copy_raw_to_host(&self, offset: i64, length: usize) -> Result<Transfer<Vec<u8>>> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let size = self.raw_range(COPY, offset, length)?;
        let mut memory = Vec::new();
        if memory.try_reserve_exact(length).is_err() {
            return Err(Error::InvalidArgument {
                function: COPY,
                argument: "transfer_size",
                problem: format!("there is no memory for {length} bytes"),
            });
        }
        memory.resize(length, 0u8);
        self.ready_event()?.wait()?;
        let destination: *mut u8 = memory.as_mut_ptr();
        let input =
            raw::BufferCopyRawToHostIn::new(self.as_raw(), destination.cast(), offset, size);
        // SAFETY: the range lies within the buffer, the memory has its length and is kept, not
        // touched, until the event.
        let out = unsafe { raw::buffer_copy_raw_to_host(api, input) };
        let out = match out {
            Ok(out) => out,
            Err(error) => {
                if matches!(error, Error::Plugin(_)) {
                    // Nobody knows whether the copy was begun.
                    std::mem::forget(memory);
                }
                return Err(error);
            }
        };
        let place = Place {
            function: COPY,
            field: "event",
        };
        // SAFETY: the event is new and ours to destroy.
        let event: Result<Event> = unsafe { rt::owned(api, out.event, rt::client_of(self), place) };
        match event {
            Ok(event) => Ok(Transfer::new(event, memory)),
            Err(error) => {
                std::mem::forget(memory);
                Err(error)
            }
        }
    }

    /// The length of a range of the array's bytes, which must lie within it.
    pub(crate) fn raw_range(
        &self,
        function: &'static str,
        offset: i64,
        length: usize,
    ) -> Result<i64> {
        self.check_alive(function)?;
        let size = self.on_device_size()?;
        range(function, offset, length, size)
    }

    /// How the array lies in device memory. The layouts extension tells more, and newer platforms
    /// may only have that.
    ///
    /// Calls `PJRT_Buffer_GetMemoryLayout`.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn memory_layout(&self) -> Result<MemoryLayout> {
        let input = raw::BufferGetMemoryLayoutIn::new(self.as_raw());
        // SAFETY: the buffer is live while it is borrowed.
        let out = unsafe { raw::buffer_get_memory_layout(self.api(), input) }?;
        let place = Place {
            function: "PJRT_Buffer_GetMemoryLayout",
            field: "layout",
        };
        // SAFETY: the plugin has filled the layout and keeps its arrays as long as the buffer.
        unsafe { MemoryLayout::read(&out.layout, place) }
    }
}

/// The length of a range, as a plugin takes it; refused unless it lies within so many bytes.
pub(crate) fn range(
    function: &'static str,
    offset: i64,
    length: usize,
    size: usize,
) -> Result<i64> {
    let end = usize::try_from(offset)
        .ok()
        .and_then(|offset| offset.checked_add(length));
    match (end, i64::try_from(length)) {
        (Some(end), Ok(length)) if end <= size || guard::off("raw_copy_bounds") => Ok(length),
        _ => Err(Error::InvalidArgument {
            function,
            argument: "offset",
            problem: format!("{length} bytes from {offset} on are not within the {size} there are"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_range_lies_within_the_bytes_there_are() {
        assert_eq!(range("F", 0, 8, 8).unwrap(), 8);
        assert_eq!(range("F", 8, 0, 8).unwrap(), 0);
        for (offset, length) in [(-1, 1), (0, 9), (8, 1), (i64::MAX, usize::MAX)] {
            assert!(range("F", offset, length, 8).is_err(), "{offset} {length}");
        }
    }
}
