//! Compiling Triton kernels.

use crate::raw::triton as raw;
use crate::rt::{self, Place};
use crate::{Error, Result};
use std::ffi::{c_char, c_int};

pjrt_macros::generate!(extension triton);

const COMPILE: &str = "PJRT_Triton_Compile";

/// How a kernel is to run. The default is four warps, one block in a cluster and three stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelOptions {
    /// Warps (on AMD, wavefronts) of a block: a power of two.
    pub warps: u32,
    /// Blocks of a cluster: at least 1.
    pub blocks_per_cluster: u32,
    /// Stages of software pipelining: at least 1.
    pub stages: u32,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self {
            warps: 4,
            blocks_per_cluster: 1,
            stages: 3,
        }
    }
}

impl KernelOptions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of warps.
    #[must_use]
    pub fn warps(mut self, warps: u32) -> Self {
        self.warps = warps;
        self
    }

    /// Sets the number of blocks in a cluster.
    #[must_use]
    pub fn blocks_per_cluster(mut self, blocks: u32) -> Self {
        self.blocks_per_cluster = blocks;
        self
    }

    /// Sets the number of stages.
    #[must_use]
    pub fn stages(mut self, stages: u32) -> Self {
        self.stages = stages;
        self
    }
}

/// A compiled kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kernel {
    /// Its code.
    pub code: KernelCode,
    /// Bytes of shared memory that a block needs.
    pub shared_memory: i64,
}

/// The code of a kernel. It stays for as long as the process: nothing can free it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelCode {
    /// Assembler text: PTX, for NVIDIA.
    Assembler(&'static str),
    /// Path of the file that the compiler wrote, for AMD. Since PJRT 0.90.
    File(&'static str),
}

impl Triton {
    /// Compiles a kernel, a module of MLIR in Triton's dialects, for an architecture: the number of
    /// a compute capability, such as `9.0`, for NVIDIA; a name such as `gfx942` for AMD.
    ///
    /// The plugin allocates the code with an allocator of its own and has no function that frees
    /// it, so the memory of each call stays for as long as the process. Compile a kernel once and
    /// keep what comes back.
    ///
    /// Calls `PJRT_Triton_Compile` (since PJRT 0.65).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a number of warps that is no power of two, or numbers that are 0 or do
    /// not fit, which the compiler does not test; `InvalidOutput` where no code comes back, or both
    /// kinds, or text that is not UTF-8; what the compiler reports.
    pub fn compile(
        &self,
        module: &[u8],
        architecture: &str,
        options: KernelOptions,
    ) -> Result<Kernel> {
        let refused = |argument, problem: String| Error::InvalidArgument {
            function: COMPILE,
            argument,
            problem,
        };
        if !options.warps.is_power_of_two() {
            let problem = format!("{} is no power of two", options.warps);
            return Err(refused("num_warps", problem));
        }
        let number = |number: u32, argument| {
            let fits = c_int::try_from(number).ok().filter(|number| *number > 0);
            let range = c_int::MAX;
            fits.ok_or_else(|| refused(argument, format!("{number} is not in 1..={range}")))
        };
        let input = raw::TritonCompileIn::new(
            module.as_ptr().cast(),
            module.len(),
            architecture.as_ptr().cast(),
            architecture.len(),
            number(options.warps, "num_warps")?,
            number(options.blocks_per_cluster, "num_ctas")?,
            number(options.stages, "num_stages")?,
        );
        // SAFETY: both texts have their lengths and live through the call, which keeps nothing.
        let out = unsafe { raw::triton_compile(self.table, input) }?;
        let place = |field| Place {
            function: COMPILE,
            field,
        };
        // SAFETY: what the plugin allocated is the caller's and is never freed.
        let assembler = unsafe { text(out.out_asm, out.out_asm_size, place("out_asm")) }?;
        let path = match out.out_path.zip(out.out_path_size) {
            // SAFETY: as above.
            Some((path, size)) => unsafe { text(path, size, place("out_path")) }?,
            None => None,
        };
        let code = match (assembler, path) {
            (Some(text), None) => KernelCode::Assembler(text),
            (None, Some(path)) => KernelCode::File(path),
            (None, None) => return Err(place("out_asm").invalid("neither code nor a path")),
            (Some(_), Some(_)) => return Err(place("out_path").invalid("a path beside the code")),
        };
        Ok(Kernel {
            code,
            shared_memory: out.out_smem_bytes,
        })
    }
}

/// Text that is never freed; none where there is none.
///
/// # Safety
///
/// As [`rt::text`], for as long as the process.
unsafe fn text(text: *const c_char, size: usize, place: Place) -> Result<Option<&'static str>> {
    if size == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { rt::text(text, size, place) }.map(Some)
}
