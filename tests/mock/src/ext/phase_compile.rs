//! Compiling in phases: each phase that is run puts its name before every program.

use super::texts::Texts;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::{bytes, items, string};
use crate::topology::Topology;
use pjrt_sys::phase_compile as sys;
use std::ffi::c_char;
use std::sync::Arc;

/// The compiler of phases.
struct PhaseCompiler;

const PHASES: [&str; 2] = ["mock_lower", "mock_link"];

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_PhaseCompile_Get_Compiler", get);
    all.add("PJRT_PhaseCompile_Destroy_Compiler", destroy);
    all.add("PJRT_PhaseCompile_Get_PhaseNames", names);
    all.add("PJRT_PhaseCompile_Run_Phase", run);
    all.add("PJRT_PhaseCompile_C_Buffers_Destroy", free);
}

fn get(call: &Call, args: &mut sys::PJRT_PhaseCompile_Get_Compiler_Args) -> Outcome {
    args.phase_compiler = call.give(Arc::new(PhaseCompiler));
    Ok(())
}

fn destroy(call: &Call, args: &mut sys::PJRT_PhaseCompile_Destroy_Compiler_Args) -> Outcome {
    call.destroy::<PhaseCompiler>(args.phase_compiler).map(drop)
}

/// Lists that the caller gives back by where they are. An empty one is null.
fn give(call: &Call, texts: Vec<Vec<u8>>) -> (*mut *const c_char, *const usize, usize) {
    let texts = Arc::new(Texts::new(texts));
    let given = (texts.starts(), texts.sizes(), texts.count());
    if given.2 == 0 {
        return (std::ptr::null_mut(), std::ptr::null(), 0);
    }
    call.inner.registry().adopt(texts, given.0 as usize);
    given
}

fn names(call: &Call, args: &mut sys::PJRT_PhaseCompile_Get_PhaseNames_Args) -> Outcome {
    call.get::<PhaseCompiler>(args.phase_compiler)?;
    (
        args.phase_names,
        args.phase_names_sizes,
        args.num_phase_names,
    ) = give(
        call,
        PHASES.iter().map(|name| name.as_bytes().to_vec()).collect(),
    );
    Ok(())
}

/// Texts of the caller.
fn given<'a>(starts: *mut *const c_char, sizes: *const usize, count: usize) -> Vec<&'a [u8]> {
    let starts = items(starts.cast_const(), count);
    let sizes = items(sizes, count);
    let each = starts.iter().zip(sizes);
    each.map(|(start, size)| bytes(*start, *size)).collect()
}

fn run(call: &Call, args: &mut sys::PJRT_PhaseCompile_Run_Phase_Args) -> Outcome {
    call.get::<PhaseCompiler>(args.phase_compiler)?;
    call.get::<Topology>(args.topology)?;
    crate::executable::sizes(bytes(args.compile_options, args.compile_options_size))?;
    let (starts, sizes) = (args.phases_to_run, args.phases_to_run_sizes);
    let mut prefix = Vec::new();
    for phase in given(starts, sizes, args.num_phases_to_run) {
        let name = string(phase.as_ptr().cast(), phase.len())?;
        if !PHASES.contains(&name.as_str()) {
            let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
            return Err(Failure::new(code, format!("no phase `{name}`")));
        }
        prefix.extend_from_slice(phase);
        prefix.push(b':');
    }
    let (starts, sizes) = (args.input_programs, args.input_programs_sizes);
    let programs = given(starts, sizes, args.num_input_programs);
    let made = programs.iter().map(|program| [&prefix, *program].concat());
    (
        args.output_programs,
        args.output_programs_sizes,
        args.num_output_programs,
    ) = give(call, made.collect());
    Ok(())
}

fn free(call: &Call, args: &mut sys::PJRT_PhaseCompile_C_Buffers_Destroy_Args) -> Outcome {
    let Some(texts) = call.destroy::<Texts>(args.char_buffers)? else {
        return Ok(());
    };
    if texts.sizes() != args.char_buffer_sizes || texts.count() != args.num_char_buffers {
        return Err(call.violation("a list is freed with the lengths of another".to_owned()));
    }
    Ok(())
}
