//! Where a program that was compiled before is put.

use crate::rt::{Api, Handle, Lower, Lowered};
use crate::{Error, Result, multi_slice, raw, sys};
use std::fmt;
use std::ptr;

/// A place on the hardware for a program that is loaded from its bytes.
#[derive(Clone, Copy, Default)]
pub struct Placement<'a> {
    origin: Option<&'a [i32]>,
    slices: Option<&'a multi_slice::MultiSliceConfig>,
}

impl<'a> Placement<'a> {
    /// Leaves the place to the plugin.
    pub fn new() -> Self {
        Self::default()
    }

    /// The coordinates of the device that the program's first one becomes.
    #[must_use]
    pub fn origin(mut self, coordinates: &'a [i32]) -> Self {
        self.origin = Some(coordinates);
        self
    }

    /// The slices that the program runs on.
    #[must_use]
    pub fn slices(mut self, config: &'a multi_slice::MultiSliceConfig) -> Self {
        self.slices = Some(config);
        self
    }
}

impl Lower for Placement<'_> {
    type Raw = sys::PJRT_LoadOptions;

    fn lower(&self, api: &Api) -> Result<Lowered<'_, sys::PJRT_LoadOptions>> {
        if self.slices.is_some_and(|s| !ptr::eq(s.api(), api)) {
            return Err(Error::ForeignHandle {
                function: "PJRT_Executable_DeserializeAndLoad",
                argument: "load_options",
                must_share: "plugin",
            });
        }
        let lowered = raw::LoadOptions::new(
            self.origin.map_or(ptr::null(), <[i32]>::as_ptr),
            self.origin.map_or(0, <[i32]>::len),
            self.slices.map_or(ptr::null_mut(), Handle::as_raw),
        );
        // SAFETY: coordinates and configuration are borrowed for as long as this is.
        Ok(unsafe { Lowered::new(lowered.lower(api)?) })
    }
}

impl fmt::Debug for Placement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement")
            .field("origin", &self.origin)
            .field("slices", &self.slices.is_some())
            .finish()
    }
}
