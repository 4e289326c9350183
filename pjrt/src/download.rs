//! Arrays on their way from a device to the host.

mod order;

use crate::client::element_count;
use crate::element::{host_size, settled, values};
use crate::rt::{self, Handle, Lower, Place};
use crate::{Buffer, Element, ElementType, Error, Event, HostArray, MemoryLayout, Result};
use crate::{Transfer, TransferFuture, raw};
use std::fmt;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const DOWNLOAD: &str = "PJRT_Buffer_ToHostBuffer";

/// An array as the host sees it.
struct Shape<'a> {
    dims: &'a [i64],
    count: usize,
    bytes: usize,
}

impl Buffer {
    /// Copies the array to the host, in row-major order, and waits for it.
    ///
    /// ```
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let buffer = client.buffer_from_slice(&[true, false], &[2])?;
    /// assert_eq!(buffer.to_vec::<bool>()?, [true, false]);
    /// assert!(buffer.to_vec::<f32>().is_err());
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// Calls `PJRT_Buffer_ToHostBuffer`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if `T` is not the type of the elements, and for a deleted or donated
    /// buffer; the error of the work that makes the array; what the plugin reports.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.fetch_new::<T>(Some(T::TYPE))?.wait()
    }

    /// Copies the array to the host with its dimensions in another order: the layout says which
    /// varies fastest. What comes over is row-major, and is put in order here: plugins ignore the
    /// order that is asked for.
    ///
    /// ```
    /// # use pjrt::MemoryLayout;
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let buffer = client.buffer_from_slice(&[1, 2, 3, 4, 5, 6], &[2, 3])?;
    /// let columns = MemoryLayout::minor_to_major(&[0, 1])?;
    /// assert_eq!(buffer.to_vec_in::<i32>(&columns)?, [1, 4, 2, 5, 3, 6]);
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`]; `InvalidArgument` for a layout of another number of dimensions, and
    /// one with tiles or strides ([`Buffer::copy_to_array`] takes strides).
    pub fn to_vec_in<T: Element>(&self, layout: &MemoryLayout) -> Result<Vec<T>> {
        let dims = self.dimensions()?;
        rt::check_rank(layout.rank(), dims.len(), DOWNLOAD, "host_layout")?;
        let order = layout.order().filter(|_| layout.tiles().is_empty());
        let Some(order) = order else {
            let problem = "an array on the host has neither tiles nor, as a vector, strides";
            return Err(refused("host_layout", problem.to_owned()));
        };
        let elements = self.to_vec::<T>()?;
        let strides = order::strides(dims, order)
            .ok_or_else(|| refused("host_layout", format!("{order:?} does not fit {dims:?}")))?;
        let mut turned = elements.clone();
        order::scatter(&elements, dims, &mut turned, 0, &strides);
        Ok(turned)
    }

    /// Copies the array to the host, in row-major order, as bytes in the order of the machine, and
    /// waits for it: for types that are known at run time only. [`ElementType::host_size`] tells the
    /// size of an element.
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`]; `InvalidArgument` for a `TOKEN`, which has no elements.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.fetch_new::<u8>(None)?.wait()
    }

    /// Copies the array into elements of the caller, in row-major order, and waits for it. There
    /// must be as many as the array has.
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`]; `InvalidArgument` for another number of elements. They may then have
    /// been written to in part.
    pub fn copy_to_slice<T: Element>(&self, elements: &mut [T]) -> Result<()> {
        let count = elements.len();
        // SAFETY: the same elements, of which only initialised ones are ever written; what a
        // failed copy has left of a type without a value for all bits is overwritten below.
        let memory = unsafe { &mut *(&raw mut *elements as *mut [MaybeUninit<T>]) };
        let outcome = self.fetch_into(memory);
        if let (Err(_), Some(_)) = (&outcome, T::SETTLE) {
            // SAFETY: the memory has so many elements, and bytes of zero are a value.
            unsafe { memory.as_mut_ptr().write_bytes(0, count) };
        }
        outcome
    }

    /// Copies the array into memory of the caller that need not be initialised, in row-major order,
    /// and waits for it. There must be room for just the array. Gives the elements.
    ///
    /// ```
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// # let buffer = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
    /// let mut all: Vec<f32> = Vec::with_capacity(1000);
    /// let read = buffer.copy_to_uninit(&mut all.spare_capacity_mut()[..2])?;
    /// assert_eq!(read, [1.0, 2.0]);
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`]; `InvalidArgument` for another size.
    pub fn copy_to_uninit<'a, T: Element>(
        &self,
        memory: &'a mut [MaybeUninit<T>],
    ) -> Result<&'a mut [T]> {
        self.fetch_into(memory)?;
        // SAFETY: the plugin has written all elements, and they are values by now.
        Ok(unsafe { values(memory) })
    }

    /// Copies the array to where it belongs among elements of the caller, and waits for it: the
    /// counterpart of [`crate::Client::buffer_from_array`]. Elements that the array does not reach
    /// stay as they are.
    ///
    /// ```
    /// # use pjrt::HostArray;
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// # let buffer = client.buffer_from_slice(&[1, 2, 3, 4], &[2, 2])?;
    /// // Into the first two columns of a matrix with four.
    /// let mut wide = [0; 8];
    /// buffer.copy_to_array(&mut wide, &HostArray::new(&[2, 2]).strides(0, &[16, 4]))?;
    /// assert_eq!(wide, [1, 2, 0, 0, 3, 4, 0, 0]);
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`]; `InvalidArgument` for other dimensions than the buffer has, an array
    /// that is not within the elements, and one for which a device, a memory or a layout is named.
    pub fn copy_to_array<T: Element>(
        &self,
        elements: &mut [T],
        array: &HostArray<'_>,
    ) -> Result<()> {
        let dims = self.dimensions()?;
        let (start, strides) = array.within(elements.len(), size_of::<T>(), dims, DOWNLOAD)?;
        let Some(strides) = strides else {
            return self.copy_to_slice(elements);
        };
        let source = self.to_vec::<T>()?;
        order::scatter(&source, dims, elements, start, &strides);
        Ok(())
    }

    /// Begins to copy the array to the host, in row-major order, and returns at once. The elements
    /// come from [`Download::wait`] or `await`.
    ///
    /// ```
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// # let (first, second) = (client.buffer_from_scalar(1u8)?, client.buffer_from_scalar(2u8)?);
    /// let downloads = [first.download::<u8>()?, second.download::<u8>()?];
    /// for (download, value) in downloads.into_iter().zip([1, 2]) {
    ///     assert_eq!(download.wait()?, [value]);
    /// }
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`].
    pub fn download<T: Element>(&self) -> Result<Download<T>> {
        self.fetch_new(Some(T::TYPE))
    }

    /// Refuses a buffer whose array is gone.
    pub(crate) fn check_alive(&self, function: &'static str) -> Result<()> {
        if !self.is_deleted()? {
            return Ok(());
        }
        Err(Error::InvalidArgument {
            function,
            argument: "self",
            problem: "the buffer was deleted or donated: its array is gone".to_owned(),
        })
    }

    /// What the array is on the host, once it is known to be there and of the type wanted.
    fn host_shape(&self, wanted: Option<ElementType>) -> Result<Shape<'_>> {
        rt::destructor::<Event>(self.api())?;
        let found = self.element_type()?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let problem = format!("the elements are {found}, and {wanted} was asked for");
            return Err(refused("dst", problem));
        }
        let Some(size) = host_size(found) else {
            let problem = format!("the buffer is {found}, which has no elements to read");
            return Err(refused("dst", problem));
        };
        self.check_alive(DOWNLOAD)?;
        let dims = self.dimensions()?;
        let place = Place {
            function: "PJRT_Buffer_Dimensions",
            field: "dims",
        };
        let count = element_count(dims);
        let sizes = count.and_then(|count| Some((count, count.checked_mul(size)?)));
        let (count, bytes) =
            sizes.ok_or_else(|| place.invalid("dimensions that no memory can hold"))?;
        Ok(Shape { dims, count, bytes })
    }

    /// Begins to copy into new memory: all of the array, in elements of `T`.
    fn fetch_new<T: Element>(&self, wanted: Option<ElementType>) -> Result<Download<T>> {
        let shape = self.host_shape(wanted)?;
        let count = match wanted {
            Some(_) => shape.count,
            None => shape.bytes,
        };
        let mut memory: Vec<T> = Vec::new();
        if memory.try_reserve_exact(count.max(1)).is_err() {
            let problem = format!("there is no memory for {} bytes", shape.bytes);
            return Err(refused("dst", problem));
        }
        // SAFETY: the memory has room for all bytes, and the landing keeps it until the event.
        let event = unsafe { self.fetch(&shape, memory.as_mut_ptr().cast()) };
        let landing = Landing { memory, count };
        match event {
            Ok(event) => Ok(Download {
                transfer: Transfer::new(event, landing),
            }),
            Err(error) => {
                if matches!(error, Error::InvalidOutput { field: "event", .. }) {
                    // The copy may go on, and nobody will know when it is done.
                    std::mem::forget(landing);
                }
                Err(error)
            }
        }
    }

    /// Copies into memory of the caller and waits, whatever happens. The elements are values then.
    fn fetch_into<T: Element>(&self, memory: &mut [MaybeUninit<T>]) -> Result<()> {
        let shape = self.host_shape(Some(T::TYPE))?;
        if memory.len() != shape.count {
            let problem = format!(
                "there is room for {} elements, and the array {:?} has {}",
                memory.len(),
                shape.dims,
                shape.count
            );
            return Err(refused("dst", problem));
        }
        // One is never null, not even for nothing.
        let start = memory.as_mut_ptr().cast();
        // SAFETY: the memory has room for all bytes and stays borrowed until the event is over.
        let event = unsafe { self.fetch(&shape, start) }?;
        let outcome = event.wait();
        // The memory goes back to the caller: the plugin must have done with it.
        while outcome.is_err() && !event.is_ready().unwrap_or(false) {
            std::thread::sleep(Duration::from_millis(1));
        }
        outcome?;
        // SAFETY: the plugin has written every byte.
        unsafe { settled(memory) };
        Ok(())
    }

    /// Begins to copy.
    ///
    /// # Safety
    ///
    /// There are as many bytes at the address as the shape has, and nobody uses them until the
    /// event. If there is an error, nothing is written, unless it is that there is no event.
    unsafe fn fetch(&self, shape: &Shape<'_>, address: *mut u8) -> Result<Event> {
        let api = self.api();
        let layout = MemoryLayout::row_major(shape.dims.len());
        let layout = layout.lower(api)?;
        let layout = layout.as_ptr().cast_mut();
        let place = |field| Place {
            function: DOWNLOAD,
            field,
        };
        // Null would ask for the size instead of the contents, so it is asked first.
        let input = raw::BufferToHostBufferIn::new(self.as_raw(), layout, std::ptr::null_mut(), 0);
        // SAFETY: the buffer is live; the layout and what it points to outlive the call.
        let needed = unsafe { raw::buffer_to_host_buffer(api, input) }?.dst_size;
        if needed != shape.bytes {
            return Err(place("dst_size").invalid("a size that is not that of the elements"));
        }
        let input = raw::BufferToHostBufferIn::new(self.as_raw(), layout, address.cast(), needed);
        // SAFETY: there is room for `needed` bytes, which nobody touches until the event is done.
        let out = unsafe { raw::buffer_to_host_buffer(api, input) }?;
        // SAFETY: the event is new and ours to destroy.
        unsafe { rt::owned(api, out.event, rt::client_of(self), place("event")) }
    }
}

fn refused(argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function: DOWNLOAD,
        argument,
        problem,
    }
}

/// Memory that a plugin writes an array to.
struct Landing<T> {
    /// Empty, with room for so many elements.
    memory: Vec<T>,
    count: usize,
}

impl<T: Element> Landing<T> {
    /// The elements, once the plugin has written all of them.
    fn land(mut self) -> Vec<T> {
        let written = self.memory.spare_capacity_mut();
        if let Some(written) = written.get_mut(..self.count) {
            // SAFETY: the plugin has written so many elements.
            unsafe { settled(written) };
            // SAFETY: as above, and they are values by now.
            unsafe { self.memory.set_len(self.count) };
        }
        self.memory
    }
}

/// An array on its way to the host, in memory of its own. The elements come from [`Download::wait`]
/// or `await`; dropped before, the memory is freed when the plugin has done with it.
pub struct Download<T: Element> {
    transfer: Transfer<Landing<T>>,
}

impl<T: Element> Download<T> {
    /// The event: the array is there, or the error that came instead.
    pub fn event(&self) -> &Event {
        self.transfer.event()
    }

    /// Waits for the array and gives its elements, in row-major order.
    ///
    /// # Errors
    ///
    /// The error of the work that makes the array, or of the copy.
    pub fn wait(self) -> Result<Vec<T>> {
        Ok(self.transfer.wait()?.land())
    }
}

impl<T: Element> fmt::Debug for Download<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("element_type", &T::TYPE)
            .field("event", self.event())
            .finish_non_exhaustive()
    }
}

/// The elements of a [`Download`] that is done, from `await` on it. Dropped before, the memory is
/// freed when the plugin has done with it.
pub struct DownloadFuture<T: Element> {
    transfer: TransferFuture<Landing<T>>,
}

impl<T: Element> Future for DownloadFuture<T> {
    type Output = Result<Vec<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Vec<T>>> {
        let landing = Pin::new(&mut self.transfer).poll(cx);
        landing.map(|landing| Ok(landing?.land()))
    }
}

impl<T: Element> IntoFuture for Download<T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = DownloadFuture<T>;

    fn into_future(self) -> DownloadFuture<T> {
        DownloadFuture {
            transfer: self.transfer.into_future(),
        }
    }
}

impl<T: Element> fmt::Debug for DownloadFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadFuture")
            .field("element_type", &T::TYPE)
            .finish_non_exhaustive()
    }
}
