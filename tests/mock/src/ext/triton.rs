//! Kernels of Triton: what comes back is what went in.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::triton as sys;
use std::ffi::c_char;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Triton_Compile", compile);
}

/// Nothing in the API frees the answers of real plugins; these stay for that reason too.
fn leak(text: String) -> (*const c_char, usize) {
    let text: &'static str = Box::leak(text.into_boxed_str());
    (text.as_ptr().cast(), text.len())
}

fn compile(_call: &Call, args: &mut sys::PJRT_Triton_Compile_Args) -> Outcome {
    let module = string(args.module, args.module_size)?;
    let arch = string(args.arch_name, args.arch_name_size)?;
    if module.is_empty() || args.num_warps < 1 || args.num_ctas < 1 || args.num_stages < 1 {
        return Err(Failure::invalid("nothing to compile"));
    }
    (args.out_asm, args.out_asm_size) = leak(format!("// {arch}\n{module}"));
    args.out_smem_bytes = i64::from(args.num_warps) * 32;
    // The code is in memory, and in no file.
    (args.out_path, args.out_path_size) = (std::ptr::null(), 0);
    Ok(())
}
