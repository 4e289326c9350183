//! What buffers are to be received, as the plugin takes it: one array for each property.

use super::not_empty;
use crate::rt::{self, Lower, Lowered};
use crate::{BufferSpec, Client, MemoryLayout, Result, sys};
use std::ptr;

/// The arrays; they borrow from the specifications.
pub(super) struct Shapes<'a> {
    pub(super) ranks: Vec<usize>,
    pub(super) dims: Vec<*const i64>,
    pub(super) types: Vec<sys::PJRT_Buffer_Type>,
    pub(super) layouts: Vec<*mut sys::PJRT_Buffer_MemoryLayout>,
    /// What `layouts` points to.
    _lowered: Vec<Option<Box<Lowered<'a, sys::PJRT_Buffer_MemoryLayout>>>>,
}

impl<'a> Shapes<'a> {
    /// Checks specifications and spreads them out. There is at least one.
    pub(super) fn new(
        client: &Client,
        specs: &[BufferSpec<'a>],
        function: &'static str,
    ) -> Result<Shapes<'a>> {
        let api = rt::Handle::api(client);
        not_empty(specs, function, "buffers")?;
        let mut lowered = Vec::with_capacity(specs.len());
        for spec in specs {
            rt::check_element_type(api, spec.element_type, function, "element_types")?;
            rt::check_sizes(api, spec.dims, function, "dims")?;
            if let Some(layout) = spec.layout {
                rt::check_rank(layout.rank(), spec.dims.len(), function, "layouts")?;
            }
            let layout: Option<&'a MemoryLayout> = spec.layout;
            let layout = layout.map(|layout| layout.lower(api)).transpose()?;
            lowered.push(layout.map(Box::new));
        }
        let layouts = lowered.iter().map(|layout| match layout {
            Some(layout) => layout.as_ptr().cast_mut(),
            None => ptr::null_mut(),
        });
        Ok(Shapes {
            ranks: specs.iter().map(|spec| spec.dims.len()).collect(),
            dims: specs.iter().map(|spec| spec.dims.as_ptr()).collect(),
            types: specs
                .iter()
                .map(|spec| spec.element_type.as_raw())
                .collect(),
            layouts: layouts.collect(),
            _lowered: lowered,
        })
    }

    /// How many buffers there are, and room for them, empty.
    pub(super) fn room<T>(&self) -> Vec<*mut T> {
        vec![ptr::null_mut(); self.ranks.len()]
    }
}
