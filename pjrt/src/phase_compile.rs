//! Compiling in phases.
//!
//! [`PhaseCompile::compiler`] gives the compiler, [`PhaseCompiler::names`] what its phases are
//! called, and [`PhaseCompiler::run`] runs some of them. A program between two phases is a serialised
//! [`crate::proto::PartialProgramProto`], which says what format it is in and which phase comes next.

use crate::raw::phase_compile as raw;
use crate::rt::{self, Function, Handle, Place, Table};
use crate::{CompileOptions, Error, Result, TopologyDescription};
use std::ffi::{CString, c_char};

pjrt_macros::generate!(extension phase_compile);
pjrt_macros::generate!(handle PJRT_PhaseCompiler);

const NAMES: &str = "PJRT_PhaseCompile_Get_PhaseNames";
const RUN: &str = "PJRT_PhaseCompile_Run_Phase";

impl PhaseCompile {
    /// The compiler of phases.
    ///
    /// Calls `PJRT_PhaseCompile_Get_Compiler` (since PJRT 0.69).
    ///
    /// # Errors
    ///
    /// `Unimplemented` where the plugin has the extension and no such compiler, as the CPU plugin,
    /// or cannot free one; what the plugin reports.
    pub fn compiler(&self) -> Result<PhaseCompiler> {
        let api = self.table.api();
        rt::destructor::<PhaseCompiler>(api)?;
        let input = raw::PhaseCompileGetCompilerIn::new();
        // SAFETY: the function takes nothing.
        let out = unsafe { raw::phase_compile_get_compiler(self.table, input) }?;
        let place = Place {
            function: "PJRT_PhaseCompile_Get_Compiler",
            field: "phase_compiler",
        };
        // SAFETY: the plugin hands the compiler over, which needs no other object.
        unsafe { rt::owned(api, out.phase_compiler.cast_mut(), None, place) }
    }
}

impl PhaseCompiler {
    /// Names of the phases, in the order in which they were registered.
    ///
    /// Calls `PJRT_PhaseCompile_Get_PhaseNames` (since PJRT 0.69) and frees what it gives with
    /// `PJRT_PhaseCompile_C_Buffers_Destroy`.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin's table lacks one of them; `InvalidOutput` for names that are
    /// not UTF-8; what the plugin reports.
    pub fn names(&self) -> Result<Vec<String>> {
        let table = table(self)?;
        let input = raw::PhaseCompileGetPhaseNamesIn::new(self.as_raw());
        // SAFETY: the compiler is live.
        let out = unsafe { raw::phase_compile_get_phase_names(table, input) }?;
        let place = |field| Place {
            function: NAMES,
            field,
        };
        // SAFETY: the plugin hands the arrays over, and nobody else frees them.
        let names = unsafe {
            Buffers::new(
                table,
                out.phase_names,
                (out.phase_names_sizes, place("phase_names_sizes")),
                (out.num_phase_names, place("phase_names")),
            )
        }?;
        // SAFETY: the texts are as the plugin says until the arrays are freed.
        let texts =
            unsafe { rt::texts(names.items, names.sizes, names.count, place("phase_names")) };
        let copies = texts.map(|texts| texts.into_iter().map(str::to_owned).collect());
        names.free();
        copies
    }

    /// Runs phases, one after the other, on programs for a topology, and gives the programs that
    /// come of them.
    ///
    /// Each program is a serialised `xla.PjRtPartialProgramProto`. Compiling may take minutes.
    ///
    /// Calls `PJRT_PhaseCompile_Run_Phase` (since PJRT 0.69) and frees what it gives with
    /// `PJRT_PhaseCompile_C_Buffers_Destroy`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a name with a zero byte in it; `ForeignHandle` for a topology of
    /// another plugin; `Unimplemented` if the plugin's table lacks one of the functions; what the
    /// plugin reports, such as a phase that it does not know or a program that is no message.
    pub fn run(
        &self,
        phases: &[&str],
        programs: &[&[u8]],
        options: &CompileOptions,
        topology: &TopologyDescription,
    ) -> Result<Vec<Vec<u8>>> {
        rt::same_plugin(self, topology, RUN, "topology")?;
        let table = table(self)?;
        // The header wants a zero behind each name, and the length without it.
        let names: Vec<CString> = phases
            .iter()
            .map(|name| ended(name))
            .collect::<Result<_>>()?;
        let mut phases: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let phase_sizes: Vec<usize> = names.iter().map(|name| name.as_bytes().len()).collect();
        let sizes: Vec<usize> = programs.iter().map(|program| program.len()).collect();
        let mut programs: Vec<*const c_char> = programs
            .iter()
            .map(|program| program.as_ptr().cast())
            .collect();
        let options = rt::Message::serialised(options)?;
        let input = raw::PhaseCompileRunPhaseIn::new(
            self.as_raw(),
            programs.as_mut_ptr(),
            sizes.as_ptr(),
            programs.len(),
            phases.as_mut_ptr(),
            phase_sizes.as_ptr(),
            phases.len(),
            options.as_ptr().cast(),
            options.len(),
            topology.as_raw(),
        );
        // SAFETY: compiler and topology are live and of one plugin; the arrays have as many items
        // as they say, and they and what they point to live through the call, which keeps nothing.
        let out = rt::compiling(|| unsafe { raw::phase_compile_run_phase(table, input) })?;
        let place = |field| Place {
            function: RUN,
            field,
        };
        // SAFETY: the plugin hands the arrays over, and nobody else frees them.
        let compiled = unsafe {
            Buffers::new(
                table,
                out.output_programs,
                (out.output_programs_sizes, place("output_programs_sizes")),
                (out.num_output_programs, place("output_programs")),
            )
        }?;
        // SAFETY: the programs are as the plugin says until the arrays are freed.
        let programs = unsafe {
            rt::byte_strings(
                compiled.items,
                compiled.sizes,
                compiled.count,
                place("output_programs"),
            )
        };
        let copies = programs.map(|programs| programs.into_iter().map(<[u8]>::to_vec).collect());
        compiled.free();
        copies
    }
}

fn ended(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::InvalidArgument {
        function: RUN,
        argument: "phases_to_run",
        problem: format!("{name:?} has a zero byte in it, which ends a name"),
    })
}

/// The table, if it has the function that frees what a call gives.
fn table(compiler: &PhaseCompiler) -> Result<&'static Table<raw::Table>> {
    let api = compiler.api();
    let table = api.extension::<raw::Table>()?;
    match table.table().0.phase_compile_c_buffers_destroy {
        Some(_) => Ok(table),
        None => Err(table.absent(&Function {
            name: "PJRT_PhaseCompile_C_Buffers_Destroy",
            since: 0,
        })),
    }
}

/// Arrays of the plugin's, which it frees when their contents are copied.
struct Buffers {
    table: &'static Table<raw::Table>,
    items: *mut *const c_char,
    sizes: *const usize,
    count: usize,
}

impl Buffers {
    /// Takes arrays over. Those that cannot be what the plugin says are left alone: to free them
    /// would be to believe it.
    ///
    /// # Safety
    ///
    /// A pointer that passes the checks of [`rt::slice`] has `count` items, which nobody else frees.
    unsafe fn new(
        table: &'static Table<raw::Table>,
        items: *mut *const c_char,
        (sizes, of_sizes): (*const usize, Place),
        (count, of_items): (usize, Place),
    ) -> Result<Buffers> {
        // SAFETY: the caller's promise.
        let _: &[*const c_char] = unsafe { rt::slice(items.cast_const(), count, of_items) }?;
        // SAFETY: the caller's promise.
        let _: &[usize] = unsafe { rt::slice(sizes, count, of_sizes) }?;
        Ok(Buffers {
            table,
            items,
            sizes,
            count,
        })
    }

    /// Gives the arrays back; nothing of them may be used after this.
    fn free(self) {
        let input = raw::PhaseCompileCBuffersDestroyIn::new(self.items, self.sizes, self.count);
        // SAFETY: the arrays came from this plugin, with this number of items, and are freed once.
        let _ = unsafe { raw::phase_compile_c_buffers_destroy(self.table, input) };
    }
}
