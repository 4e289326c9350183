//! Compiled programs.

use crate::rt::{self, Handle, Place, guard};
use crate::{Program, Result, raw, sys};
use std::ptr;

pjrt_macros::generate!(handle PJRT_Executable);

/// Where the answer of [`Executable::optimized_program`] comes from.
const PROGRAM: Place = Place {
    function: "PJRT_Executable_OptimizedProgram",
    field: "program",
};

/// Protocol buffers, which programs come as, are smaller than this.
const LARGEST_PROGRAM: usize = 1 << 31;

impl Executable {
    /// The program as the compiler left it. XLA's plugins answer in the format `hlo_with_config`,
    /// which they do not take back as it is: [`Program::to_hlo`] makes a program of it that they
    /// take.
    ///
    /// Calls `PJRT_Executable_OptimizedProgram`, once for the size and once for the program.
    ///
    /// # Errors
    ///
    /// What the plugin reports: `UNIMPLEMENTED` for programs of several modules,
    /// `INVALID_ARGUMENT` where there is none, `RESOURCE_EXHAUSTED` above 2 GiB.
    pub fn optimized_program(&self) -> Result<Program<'static>> {
        let mut program = raw::Program::unset().lower(self.api())?;
        self.ask_program(&mut program)?;
        let room = program.code_size;
        if room > LARGEST_PROGRAM {
            return Err(PROGRAM.invalid("a program of an absurd size"));
        }
        let mut code: Vec<u8> = rt::zeroed_items(room, PROGRAM.function, PROGRAM.field)?;
        if room != 0 {
            program.code = code.as_mut_ptr().cast();
            program.code_size = room;
            self.ask_program(&mut program)?;
            code = rt::filled(code, program.code_size, PROGRAM)?;
        }
        // SAFETY: the plugin keeps the name of the format for as long as the process.
        let format = unsafe { rt::text(program.format, program.format_size, PROGRAM) }?;
        Ok(Program::given(code, format.to_owned()))
    }

    fn ask_program(&self, program: &mut sys::PJRT_Program) -> Result<()> {
        let program = match guard::off("null_program") {
            true => ptr::null_mut(),
            false => ptr::from_mut(program),
        };
        let input = raw::ExecutableOptimizedProgramIn::new(self.as_raw(), program);
        // SAFETY: the executable is live; the struct is ours for the call, and its code is null, to
        // ask for the size, or has as many bytes as it says.
        unsafe { raw::executable_optimized_program(self.api(), input) }?;
        Ok(())
    }
}
