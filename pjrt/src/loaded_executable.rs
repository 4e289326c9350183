//! Programs that are loaded on devices and ready to run.

use crate::rt::{self, Handle};
use crate::{Error, Result, raw};

pjrt_macros::generate!(handle PJRT_LoadedExecutable);
pjrt_macros::generate!(value PJRT_LogicalDeviceIds);

impl LoadedExecutable {
    /// Unloads the program at once, although runs of it may still go on. Dropping the last handle
    /// does the same when they are done.
    ///
    /// Calls `PJRT_LoadedExecutable_Delete`, which the measured CPU plugin (0.81) ignores.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` while there are other handles to the program, or executables taken from
    /// it: nothing may be asked of it any more. This handle is gone then, and the others stay.
    pub fn delete(self) -> Result<()> {
        if !self.0.owner().is_some_and(rt::Owner::is_only) {
            return Err(Error::InvalidArgument {
                function: "PJRT_LoadedExecutable_Delete",
                argument: "executable",
                problem: "there are other handles to the program: drop them first".to_owned(),
            });
        }
        let input = raw::LoadedExecutableDeleteIn::new(self.as_raw());
        // SAFETY: this is the only handle, so no other thread runs or asks the program, and nobody
        // does later.
        unsafe { raw::loaded_executable_delete(self.api(), input) }?;
        Ok(())
    }
}
