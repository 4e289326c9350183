//! Arrays of the crate `ndarray`.

use crate::element::Element;
use crate::host_array::reach;
use crate::upload::Given;
use crate::{Buffer, Client, Device, Error, HostArray, HostBufferSemantics, Result};
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

impl Client {
    /// Copies an array of the crate `ndarray` to the client's first addressable device, whatever its
    /// strides: views that are turned, reversed, or take every other row need no copy on the host.
    /// The elements are copied during the call.
    ///
    /// ```
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let matrix = ndarray::array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    /// let buffer = client.buffer_from_ndarray(&matrix.t())?;
    /// assert_eq!(buffer.dimensions()?, [3, 2]);
    /// assert_eq!(buffer.to_ndarray::<f32>()?, matrix.t().into_dyn());
    /// # Ok::<(), pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_ndarray<T: Element, D: Dimension>(
        &self,
        array: &ArrayRef<T, D>,
    ) -> Result<Buffer> {
        self.upload_ndarray(array, None)
    }

    /// As [`Client::buffer_from_ndarray`], to this device.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_ndarray_on<T: Element, D: Dimension>(
        &self,
        array: &ArrayRef<T, D>,
        device: &Device,
    ) -> Result<Buffer> {
        self.upload_ndarray(array, Some(device))
    }

    fn upload_ndarray<T: Element, D: Dimension>(
        &self,
        array: &ArrayRef<T, D>,
        device: Option<&Device>,
    ) -> Result<Buffer> {
        let described = described(array).ok_or_else(|| Error::InvalidArgument {
            function: "PJRT_Client_BufferFromHostBuffer",
            argument: "array",
            problem: format!(
                "no memory holds an array of {:?} with strides {:?}",
                array.shape(),
                array.strides()
            ),
        })?;
        let (given, dims, first, strides) = described;
        let mut place = HostArray::new(&dims);
        if !array.is_empty() {
            place = place.strides(first, &strides);
        }
        if let Some(device) = device {
            place = place.on(device);
        }
        let semantics = HostBufferSemantics::IMMUTABLE_ONLY_DURING_CALL;
        // SAFETY: the memory is that from the array's lowest to its highest element, of which only
        // elements of the array are read, which stays borrowed through the call.
        let uploaded = unsafe { self.upload_bytes(&given, &place, semantics) }?;
        uploaded.buffer
    }
}

/// The memory that an array reaches, its dimensions, where its first element is in that memory, and
/// how many bytes apart neighbours are. None if numbers overflow.
fn described<T: Element, D: Dimension>(
    array: &ArrayRef<T, D>,
) -> Option<(Given, Vec<i64>, usize, Vec<i64>)> {
    let size = i64::try_from(size_of::<T>()).ok()?;
    let dims = array.shape().iter().map(|dim| i64::try_from(*dim).ok());
    let dims = dims.collect::<Option<Vec<i64>>>()?;
    let strides = array
        .strides()
        .iter()
        .map(|stride| i64::try_from(*stride).ok()?.checked_mul(size));
    let strides = strides.collect::<Option<Vec<i64>>>()?;
    let (low, high) = match array.is_empty() {
        true => (0, -i128::from(size)),
        false => reach(&dims, &strides)?,
    };
    let first = usize::try_from(low.checked_neg()? / i128::from(size)).ok()?;
    let count = usize::try_from(high.checked_sub(low)? / i128::from(size) + 1).ok()?;
    let given = Given {
        address: array.as_ptr().wrapping_sub(first).cast(),
        count,
        element_type: T::TYPE,
        size: size_of::<T>(),
    };
    Some((given, dims, first, strides))
}

impl Buffer {
    /// Copies the array to the host, as one of the crate `ndarray`, and waits for it.
    ///
    /// # Errors
    ///
    /// As [`Buffer::to_vec`].
    pub fn to_ndarray<T: Element>(&self) -> Result<ArrayD<T>> {
        let refused = |problem: String| Error::InvalidArgument {
            function: "PJRT_Buffer_ToHostBuffer",
            argument: "dst",
            problem,
        };
        let dims = self.dimensions()?;
        let shape = dims.iter().map(|dim| usize::try_from(*dim));
        let shape: std::result::Result<Vec<usize>, _> = shape.collect();
        let shape = shape.map_err(|_| refused(format!("{dims:?} are no dimensions")))?;
        ArrayD::from_shape_vec(IxDyn(&shape), self.to_vec::<T>()?)
            .map_err(|error| refused(format!("{dims:?}: {error}")))
    }
}
