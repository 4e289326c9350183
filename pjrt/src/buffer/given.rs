//! What a run wants to know of an array that it is given.

use crate::rt::About;
use crate::{Buffer, ElementType, Result};
use std::ptr::NonNull;

impl Buffer {
    /// Element type, dimensions and the address of the device, all of which never change: the
    /// plugin is asked at the first time.
    pub(crate) fn given(&self) -> Result<(ElementType, &[i64], usize)> {
        let about = match self.0.about() {
            Some(about) => about,
            None => {
                let (element_type, dims) = (self.element_type()?, self.dimensions()?);
                let device = self.device()?.as_raw() as usize;
                self.0.know(About {
                    element_type,
                    dims: NonNull::from(dims),
                    device,
                })
            }
        };
        // SAFETY: the plugin keeps the dimensions in their place as long as the buffer, which is
        // borrowed: `Buffer::dimensions` gives them for as long.
        let dims = unsafe { about.dims.as_ref() };
        Ok((about.element_type, dims, about.device))
    }
}
