//! Uploads of many arrays, piece by piece, while the caller goes on.

mod sending;
mod source;
mod uploading;

pub use uploading::{UploadProgress, Uploading};

use crate::element::host_size;
use crate::rt::Handle;
use crate::{BufferSpec, Client, ElementType, Error, Memory, MemoryLayout, Result};
use sending::{Array, Sender};
use source::Source;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use uploading::Shared;

const CREATE: &str = "PJRT_Client_CreateBuffersForAsyncHostToDevice";

pub(super) type OnProgress = dyn Fn(UploadProgress) + Send + Sync;

/// Bytes of a piece that a reader is asked for.
const CHUNK: usize = 1 << 20;
/// Bytes that may be under way.
const IN_FLIGHT: usize = 64 << 20;

/// Arrays that are to be sent to a device, and how. [`Client::upload_bulk`] sends them.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// # let memory = client.addressable_devices()?[0].default_memory()?;
/// use pjrt::{ElementType, BulkUpload};
///
/// let weights = std::io::repeat(0); // or a file
/// let upload = BulkUpload::new()
///     .reader(ElementType::F32, &[1024, 256], weights)
///     .array(ElementType::U8, &[3], vec![1, 2, 3])
///     .in_flight(256 << 10)
///     .chunk_size(64 << 10);
/// let buffers = client.upload_bulk(upload, &memory)?.wait()?;
/// assert_eq!(buffers[1].to_vec::<u8>()?, [1, 2, 3]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[must_use]
pub struct BulkUpload {
    arrays: Vec<Wanted>,
    chunk: usize,
    in_flight: usize,
    progress: Option<Arc<OnProgress>>,
    labels: Vec<(String, String)>,
}

/// An array that is to be made.
struct Wanted {
    element_type: ElementType,
    dims: Vec<i64>,
    source: Source,
}

impl Default for BulkUpload {
    fn default() -> BulkUpload {
        BulkUpload {
            arrays: Vec::new(),
            chunk: CHUNK,
            in_flight: IN_FLIGHT,
            progress: None,
            labels: Vec::new(),
        }
    }
}

impl BulkUpload {
    /// No array yet.
    pub fn new() -> BulkUpload {
        BulkUpload::default()
    }

    fn add(mut self, element_type: ElementType, dims: &[i64], source: Source) -> BulkUpload {
        self.arrays.push(Wanted {
            element_type,
            dims: dims.to_vec(),
            source,
        });
        self
    }

    /// One more array, whose elements are all there, in row-major order; types narrower than a byte
    /// take one byte each. It is sent in one piece, and the device may keep it in any layout.
    pub fn array(self, element_type: ElementType, dims: &[i64], data: Vec<u8>) -> BulkUpload {
        self.add(element_type, dims, Source::Whole(data))
    }

    /// One more array, whose elements come in pieces, in row-major order, which together are the
    /// array. They are asked for on a thread of the upload's. The device must keep the array in the
    /// same order, or the upload is refused.
    pub fn chunks<I>(self, element_type: ElementType, dims: &[i64], chunks: I) -> BulkUpload
    where
        I: IntoIterator<Item = io::Result<Vec<u8>>>,
        I::IntoIter: Send + 'static,
    {
        let chunks = Box::new(chunks.into_iter());
        self.add(element_type, dims, Source::Chunks(chunks))
    }

    /// One more array, whose elements are read, in row-major order, on a thread of the upload's. No
    /// more is read than the array has. The device must keep the array in the same order, or the
    /// upload is refused.
    pub fn reader(
        self,
        element_type: ElementType,
        dims: &[i64],
        reader: impl Read + Send + 'static,
    ) -> BulkUpload {
        self.add(element_type, dims, Source::Reader(Box::new(reader)))
    }

    /// How many bytes are read at once, and sent as one piece; 1 MiB if nothing is said. Pieces that
    /// the caller made go as they are.
    pub fn chunk_size(mut self, bytes: usize) -> BulkUpload {
        self.chunk = bytes;
        self
    }

    /// How many bytes may be on their way to the device; 64 MiB if nothing is said. Nothing more is
    /// sent, and nothing is read, until there is room. A larger piece goes alone.
    pub fn in_flight(mut self, bytes: usize) -> BulkUpload {
        self.in_flight = bytes;
        self
    }

    /// Calls back each time that pieces have arrived, on a thread of the upload's, which sends
    /// nothing meanwhile. A panic ends the callback, and nobody hears of it.
    pub fn on_progress(
        mut self,
        callback: impl Fn(UploadProgress) + Send + Sync + 'static,
    ) -> BulkUpload {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Names the transfers for logs and profiles of the plugin. Since PJRT 0.80.
    pub fn label(mut self, name: impl Into<String>, text: impl Into<String>) -> BulkUpload {
        self.labels.push((name.into(), text.into()));
        self
    }
}

impl fmt::Debug for BulkUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkUpload")
            .field("arrays", &self.arrays.len())
            .field("chunk_size", &self.chunk)
            .field("in_flight", &self.in_flight)
            .field("on_progress", &self.progress.is_some())
            .field("labels", &self.labels)
            .finish()
    }
}

impl Client {
    /// Makes buffers in a memory and fills them on a thread of its own. The buffers are there at
    /// once, as arguments of runs too: what needs them waits for their contents.
    ///
    /// An array whose data cannot be had gets an error instead of contents, the others get theirs.
    ///
    /// Calls `PJRT_Client_CreateBuffersForAsyncHostToDevice` and the functions of its manager.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for types and dimensions that no array has, data of another length, and
    /// data in pieces for an array that the device does not keep in row-major order;
    /// `Unimplemented` where the plugin's table lacks a function; what the plugin reports.
    pub fn upload_bulk(&self, upload: BulkUpload, memory: &Memory) -> Result<Uploading> {
        if upload.chunk == 0 {
            let problem = "a piece has at least one byte".to_owned();
            return Err(refused("chunk_size", problem));
        }
        for (index, wanted) in upload.arrays.iter().enumerate() {
            wanted.check(index)?;
        }
        let specs: Vec<_> = upload.arrays.iter().map(Wanted::spec).collect();
        let mut manager = self.create_buffers_for_async_transfer(&specs, memory)?;
        if !upload.labels.is_empty() {
            let labels: Vec<_> = upload
                .labels
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            manager.add_metadata(&labels)?;
        }
        let literal = self
            .api()
            .table()
            .PJRT_AsyncHostToDeviceTransferManager_TransferLiteral
            .is_some();
        let (mut arrays, mut buffers) = (Vec::new(), Vec::new());
        for (wanted, place) in upload.arrays.into_iter().zip(0..) {
            let buffer = manager.retrieve_buffer(place)?;
            let size = manager.buffer_size(place)?;
            let whole = matches!(wanted.source, Source::Whole(_)) && literal;
            if !whole {
                wanted.check_order(place, size, buffer.memory_layout().ok())?;
            }
            buffers.push(buffer);
            arrays.push(Array {
                place,
                size: wanted.bytes().unwrap_or(size),
                literal: whole,
                source: wanted.source,
            });
        }
        let total = arrays.iter().map(|array| array.size).sum();
        let shared = Arc::new(Shared::new(manager, arrays.len(), total));
        let sender = Sender::new(
            shared.clone(),
            arrays,
            (upload.chunk, upload.in_flight),
            upload.progress,
        );
        let thread = std::thread::Builder::new()
            .name("pjrt-upload".to_owned())
            .spawn(move || sender.run())
            .map_err(|error| refused("self", format!("no thread could be started: {error}")))?;
        Ok(Uploading::new(buffers, shared, thread))
    }
}

impl Wanted {
    fn spec(&self) -> BufferSpec<'_> {
        BufferSpec {
            element_type: self.element_type,
            dims: &self.dims,
            layout: None,
        }
    }

    /// Bytes on the host.
    fn bytes(&self) -> Option<usize> {
        let count = crate::client::element_count(&self.dims)?;
        count.checked_mul(host_size(self.element_type)?)
    }

    /// Refuses data of another length than the array's.
    fn check(&self, index: usize) -> Result<()> {
        let Source::Whole(data) = &self.source else {
            return Ok(());
        };
        if self.bytes() == Some(data.len()) {
            return Ok(());
        }
        let (given, of, dims) = (data.len(), self.element_type, &self.dims);
        let problem = format!("array {index}: {given} bytes were given for {of} of {dims:?}");
        Err(refused("data", problem))
    }

    /// Refuses an array whose bytes lie otherwise on the device than on the host.
    fn check_order(&self, place: i32, size: usize, layout: Option<MemoryLayout>) -> Result<()> {
        let same = layout.is_none_or(|layout| layout == MemoryLayout::row_major(self.dims.len()));
        if same && self.bytes() == Some(size) {
            return Ok(());
        }
        let (of, dims) = (self.element_type, &self.dims);
        Err(refused(
            "data",
            format!(
                "array {place}: the device does not keep {of} of {dims:?} in row-major order, so it cannot come in pieces: give it whole, with `BulkUpload::array`"
            ),
        ))
    }
}

fn refused(argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function: CREATE,
        argument,
        problem,
    }
}
