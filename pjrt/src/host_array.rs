//! Arrays in host memory: where they lie, and where they go.

use crate::client::element_count;
use crate::rt::guard;
use crate::{Device, Error, Memory, MemoryLayout, Result};

/// An array among elements in host memory, and the place on a device that it goes to.
///
/// ```
/// use pjrt::HostArray;
///
/// // The columns of a row-major 2x3 matrix of f32 as rows.
/// let turned = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
/// # let _ = turned;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HostArray<'a> {
    pub(crate) dims: &'a [i64],
    pub(crate) strides: Option<(usize, &'a [i64])>,
    pub(crate) device: Option<&'a Device>,
    pub(crate) memory: Option<&'a Memory>,
    pub(crate) layout: Option<&'a MemoryLayout>,
}

impl<'a> HostArray<'a> {
    /// An array of these dimensions that is all of the elements in row-major order: the last
    /// dimension varies fastest. It goes to the client's first addressable device.
    pub fn new(dims: &'a [i64]) -> HostArray<'a> {
        HostArray {
            dims,
            strides: None,
            device: None,
            memory: None,
            layout: None,
        }
    }

    /// The array begins at the element of this index, and neighbours in each dimension are so many
    /// bytes apart: a multiple of the element's size, which may be 0 or negative.
    #[must_use]
    pub fn strides(mut self, first: usize, bytes: &'a [i64]) -> Self {
        self.strides = Some((first, bytes));
        self
    }

    /// The array goes to the default memory of this device.
    #[must_use]
    pub fn on(mut self, device: &'a Device) -> Self {
        self.device = Some(device);
        self
    }

    /// The array goes to this memory, which is given instead of a device.
    #[must_use]
    pub fn in_memory(mut self, memory: &'a Memory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// The layout that the array gets on the device. Plugins take no strides here; the measured CPU
    /// plugin (0.81) notes the layout with the buffer and leaves the bytes in the host's order.
    #[must_use]
    pub fn device_layout(mut self, layout: &'a MemoryLayout) -> Self {
        self.layout = Some(layout);
        self
    }

    /// The byte at which the array begins, once every byte that it has is known to lie within the
    /// elements.
    pub(crate) fn start(
        &self,
        elements: usize,
        size: usize,
        function: &'static str,
    ) -> Result<usize> {
        let refuse = |argument, problem| {
            Err(Error::InvalidArgument {
                function,
                argument,
                problem,
            })
        };
        if guard::off("host_bounds") {
            return Ok(0);
        }
        let Some((first, strides)) = self.strides else {
            if element_count(self.dims) == Some(elements) {
                return Ok(0);
            }
            let problem = format!(
                "{:?} does not describe the {elements} elements given",
                self.dims
            );
            return refuse("dims", problem);
        };
        if strides.len() != self.dims.len() {
            let problem = format!("{strides:?} are not one for each of {:?}", self.dims);
            return refuse("byte_strides", problem);
        }
        let whole = |stride: &i64| i64::try_from(size).is_ok_and(|size| stride % size == 0);
        if !strides.iter().all(whole) {
            let problem = format!("{strides:?} are not multiples of the element's {size} bytes");
            return refuse("byte_strides", problem);
        }
        if self.dims.contains(&0) {
            return Ok(0);
        }
        let within = reach(self.dims, strides).and_then(|(low, high)| {
            let start = i128::try_from(first.checked_mul(size)?).ok()?;
            let (size, all) = (
                i128::try_from(size).ok()?,
                i128::try_from(elements.checked_mul(size)?).ok()?,
            );
            let low = start.checked_add(low)?;
            let end = start.checked_add(high)?.checked_add(size)?;
            let fits = low >= 0 && end <= all;
            fits.then(|| usize::try_from(start).ok()).flatten()
        });
        within.map_or_else(
            || {
                let problem = format!(
                    "{strides:?} with dimensions {:?} from element {first} on leave the {elements} elements given",
                    self.dims
                );
                refuse("byte_strides", problem)
            },
            Ok,
        )
    }
}

impl HostArray<'_> {
    /// Where the array begins among so many elements, and how many elements apart neighbours are,
    /// unless it is all of them in row-major order. It has these dimensions and names no place on
    /// a device.
    pub(crate) fn within(
        &self,
        elements: usize,
        size: usize,
        dims: &[i64],
        function: &'static str,
    ) -> Result<(usize, Option<Vec<isize>>)> {
        let refuse = |argument, problem| {
            Err(Error::InvalidArgument {
                function,
                argument,
                problem,
            })
        };
        if self.dims != dims {
            let problem = format!("{:?} was given, and the buffer is {dims:?}", self.dims);
            return refuse("dims", problem);
        }
        if self.device.is_some() || self.memory.is_some() || self.layout.is_some() {
            let problem = "an array on the host has no device, memory or device layout";
            return refuse("array", problem.to_owned());
        }
        let start = self.start(elements, size, function)? / size.max(1);
        let Some((_, strides)) = self.strides else {
            return Ok((0, None));
        };
        let size = i64::try_from(size).unwrap_or(i64::MAX).max(1);
        let counts = strides.iter().map(|stride| isize::try_from(stride / size));
        match counts.collect() {
            Ok(counts) => Ok((start, Some(counts))),
            Err(_) => refuse("byte_strides", format!("{strides:?} are more than memory")),
        }
    }
}

/// Where the lowest and the highest element of an array begin, in bytes from the first one.
pub(crate) fn reach(dims: &[i64], strides: &[i64]) -> Option<(i128, i128)> {
    let pairs = dims.iter().zip(strides);
    pairs
        .into_iter()
        .try_fold((0i128, 0i128), |(low, high), (dim, stride)| {
            let last = i128::from(*dim).checked_sub(1)?;
            let far = last.checked_mul(i128::from(*stride))?;
            Some((low.checked_add(far.min(0))?, high.checked_add(far.max(0))?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(dims: &[i64], first: usize, strides: &[i64], elements: usize) -> Option<usize> {
        let array = HostArray::new(dims).strides(first, strides);
        array.start(elements, 4, "F").ok()
    }

    #[test]
    fn host_bounds() {
        assert_eq!(start(&[2, 3], 0, &[12, 4], 6), Some(0));
        assert_eq!(start(&[2, 3], 0, &[12, 4], 5), None);
        assert_eq!(start(&[3, 2], 0, &[4, 12], 6), Some(0));
        assert_eq!(start(&[6], 5, &[-4], 6), Some(20));
        assert_eq!(start(&[6], 4, &[-4], 6), None);
        assert_eq!(start(&[6], 6, &[-4], 6), None);
        assert_eq!(start(&[1000], 5, &[0], 6), Some(20));
        assert_eq!(start(&[1000], 6, &[0], 6), None);
        assert_eq!(start(&[0, 7], 99, &[-400, 400], 0), Some(0));
        assert_eq!(start(&[], 5, &[], 6), Some(20));
        assert_eq!(start(&[], 6, &[], 6), None);
        // Strides that are too few, that cut elements, and that no number can say the end of.
        assert_eq!(start(&[2, 3], 0, &[4], 6), None);
        assert_eq!(start(&[2], 0, &[2], 6), None);
        let (far, many) = (i64::MAX / 4 * 4, [i64::MAX; 4]);
        assert_eq!(start(&[2], 0, &[far], 6), None);
        assert_eq!(start(&many, usize::MAX, &[far; 4], usize::MAX), None);
        assert_eq!(start(&many, 0, &[i64::MIN; 4], 6), None);
        let dense = |dims: &[i64]| HostArray::new(dims).start(6, 4, "F").ok();
        assert_eq!(
            (dense(&[2, 3]), dense(&[16]), dense(&[-2, -3])),
            (Some(0), None, None)
        );
        assert_eq!(dense(&[i64::MAX, 4]), None);
    }
}
