//! Programs that are loaded on devices and ready to run.

use crate::rt::{self, Handle};
use crate::{Buffer, Error, Result, raw};
use std::ptr;

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

    /// How many arrays a run leaves on each device; asked of the plugin once.
    fn output_count(&self) -> Result<usize> {
        struct OutputCount(usize);
        match self
            .0
            .owner()
            .and_then(|owner| owner.cached::<OutputCount>())
        {
            Some(count) => Ok(count.0),
            None => {
                let count = self.executable()?.num_outputs()?;
                if let Some(owner) = self.0.owner() {
                    owner.cache(OutputCount(count));
                }
                Ok(count)
            }
        }
    }

    /// Runs the program on its one device and gives its outputs. The inputs stay usable: none is
    /// donated.
    ///
    /// Calls `PJRT_LoadedExecutable_Execute`. The run goes on after this returns; reading an output
    /// waits for it and gives its error.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the program runs on several devices; `ForeignHandle` for an input of
    /// another client; what the plugin reports, such as a wrong number of inputs.
    pub fn run(&self, arguments: &[&Buffer]) -> Result<Vec<Buffer>> {
        const FUNCTION: &str = "PJRT_LoadedExecutable_Execute";
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        for argument in arguments {
            rt::same_client(self, *argument, FUNCTION, "argument_lists")?;
        }
        let devices = self.addressable_devices()?.len();
        if devices != 1 {
            let problem =
                format!("the program runs on {devices} devices, and arguments for 1 were given");
            return Err(Error::InvalidArgument {
                function: FUNCTION,
                argument: "argument_lists",
                problem,
            });
        }
        let outputs = self.output_count()?;
        let keep: Vec<i64> = (0..arguments.len())
            .filter_map(|i| i64::try_from(i).ok())
            .collect();
        let handles: Vec<_> = arguments.iter().map(|a| a.as_raw()).collect();
        let mut results = vec![ptr::null_mut(); outputs.max(1)];
        let mut options = raw::ExecuteOptions::unset();
        options.non_donatable_input_indices = keep.as_ptr();
        options.num_non_donatable_input_indices = keep.len();
        let options = options.lower(api)?;
        let argument_list = handles.as_ptr();
        let result_list = results.as_mut_ptr();
        let input = raw::LoadedExecutableExecuteIn::new(
            self.as_raw(),
            (&raw const options).cast_mut(),
            &raw const argument_list,
            1,
            handles.len(),
            &raw const result_list,
            ptr::null_mut(),
            ptr::null_mut(),
        );
        // SAFETY: the lists have one entry for the one device; the argument list holds live buffers
        // of this client, all of which are said not to be donated; the result list has room for
        // the number of outputs that the program has.
        unsafe { raw::loaded_executable_execute(api, input) }?;
        let place = rt::Place {
            function: FUNCTION,
            field: "output_lists",
        };
        let owner = rt::client_of(self);
        // All outputs are taken over before one that is null is reported, so that none is lost.
        let taken: Vec<Result<Buffer>> = results
            .into_iter()
            .take(outputs)
            // SAFETY: the outputs are new and the caller's to destroy; they need the client.
            .map(|result| unsafe { rt::owned(api, result, owner.clone(), place) })
            .collect();
        taken.into_iter().collect()
    }
}
