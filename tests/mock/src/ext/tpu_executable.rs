//! What executables of TPUs hold. Bytes go in and come back with a word before them.

use super::{hold, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::{bytes, items, string};
use crate::named::{Named, Value};
use pjrt_sys::tpu_executable as sys;
use std::ffi::c_char;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_TpuExecutable_GetTargetArguments", target_arguments);
    all.add("PJRT_TpuExecutable_GetHloModuleWithConfig", hlo_module);
    all.add("PJRT_TpuExecutable_RunHloCostAnalysis", cost_analysis);
    all.add("PJRT_TpuExecutable_GetCompiledMemoryStats", memory_stats);
    all.add("PJRT_TpuExecutable_SetTpuCompilationEnv", set_environment);
    all.add(
        "PJRT_TpuExecutable_GetTpuCompilationEnvFieldAsString",
        environment_field,
    );
    all.add(
        "PJRT_TpuExecutable_IsTpuPredeterminedError",
        is_predetermined,
    );
    all.add(
        "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError",
        is_placeholder,
    );
}

/// A word, then what came in.
fn marked(word: &str, start: *const c_char, size: usize) -> Result<Vec<u8>, Failure> {
    let given = bytes(start, size);
    if given.is_empty() {
        return Err(Failure::invalid("nothing was given"));
    }
    let mut marked = word.as_bytes().to_vec();
    marked.extend_from_slice(given);
    Ok(marked)
}

fn target_arguments(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_GetTargetArguments_Args,
) -> Outcome {
    let (start, size) = (args.serialized_executable, args.serialized_executable_size);
    let held = hold(call, marked("arguments:", start, size)?);
    (
        args.target_arguments,
        args.target_arguments_size,
        args.target_arguments_ptr,
    ) = held;
    args.target_arguments_deleter = Some(release);
    Ok(())
}

fn hlo_module(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_GetHloModuleWithConfig_Args,
) -> Outcome {
    let (start, size) = (args.serialized_executable, args.serialized_executable_size);
    let (start, size, holder) = hold(call, marked("module:", start, size)?);
    (
        args.hlo_module_with_config,
        args.hlo_module_with_config_size,
    ) = (start, size);
    args.hlo_module_with_config_ptr = holder;
    args.hlo_module_with_config_deleter = Some(release);
    Ok(())
}

unsafe extern "C" fn free_results(results: *mut sys::PJRT_TpuExecutable_CostAnalysisResult) {
    if !results.is_null() {
        // SAFETY: the pointer was made below of a box, and callers call this once.
        drop(unsafe { Box::from_raw(results.cast::<Named>()) });
    }
}

fn cost_analysis(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_RunHloCostAnalysis_Args,
) -> Outcome {
    marked("", args.target_arguments, args.target_arguments_size)?;
    let modules = items(args.hlo_module.cast_const(), args.num_hlo_modules);
    let sizes = items(args.hlo_module_size.cast_const(), args.num_hlo_modules);
    let total: usize = modules
        .iter()
        .zip(sizes)
        .map(|(m, s)| bytes(*m, *s).len())
        .sum();
    let list = Box::new(Named::new(
        call.era(),
        vec![("flops", Value::Float(total as f32))],
    ));
    (args.analysis_results, args.num_analysis_results) = list.array();
    args.analysis_results_ptr = Box::into_raw(list).cast();
    args.analysis_results_deleter = Some(free_results);
    Ok(())
}

fn memory_stats(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_GetCompiledMemoryStats_Args,
) -> Outcome {
    let (start, size) = (args.serialized_executable, args.serialized_executable_size);
    let (start, size, holder) = hold(call, marked("stats:", start, size)?);
    (args.compiled_memory_stats, args.compiled_memory_stats_size) = (start, size);
    args.compiled_memory_stats_ptr = holder;
    args.compiled_memory_stats_deleter = Some(release);
    Ok(())
}

fn set_environment(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_SetTpuCompilationEnv_Args,
) -> Outcome {
    let start = args.serialized_compilation_environments;
    let size = args.serialized_compilation_environments_size;
    let (start, size, holder) = hold(call, bytes(start, size).to_vec());
    (
        args.result_compilation_environments,
        args.result_compilation_environments_size,
    ) = (start, size);
    args.result_compilation_environments_ptr = holder;
    args.result_compilation_environments_deleter = Some(release);
    Ok(())
}

fn environment_field(
    call: &Call,
    args: &mut sys::PJRT_TpuExecutable_GetTpuCompilationEnvFieldAsString_Args,
) -> Outcome {
    let name = string(args.field_name, args.field_name_size)?;
    if name == "absent" {
        let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
        return Err(Failure::new(code, "there is no such field"));
    }
    let held = hold(call, format!("value of {name}").into_bytes());
    (
        args.field_value,
        args.field_value_size,
        args.field_value_ptr,
    ) = held;
    args.field_value_deleter = Some(release);
    Ok(())
}

fn is_predetermined(
    _call: &Call,
    args: &mut sys::PJRT_TpuExecutable_IsTpuPredeterminedError_Args,
) -> Outcome {
    let status = bytes(args.serialized_status, args.serialized_status_size);
    args.is_predetermined = status == b"predetermined";
    Ok(())
}

fn is_placeholder(
    _call: &Call,
    args: &mut sys::PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args,
) -> Outcome {
    let status = bytes(args.serialized_status, args.serialized_status_size);
    args.is_cancellation_placeholder = status == b"cancelled";
    Ok(())
}
