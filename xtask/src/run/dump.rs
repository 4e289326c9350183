//! What a plugin tells of a compiled program.

use std::io::Write;

use pjrt::{CompiledMemoryStats, Executable, Program};

use super::{Problem, listing};

/// What to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dump {
    /// The program as the compiler left it; with --output it is also a file, optimised.hlo.pb
    Optimised,
    /// What the compiler thinks that a run costs
    Cost,
    /// Memory that a run takes
    Memory,
}

/// The program as the compiler left it, in the form that `run` takes.
///
/// # Errors
///
/// If the plugin does not give it, or in a form that cannot be told.
pub fn optimised(executable: &Executable) -> Result<Program<'static>, Problem> {
    let program = executable
        .optimized_program()
        .map_err(|error| lacking("optimised", &error))?;
    match program.format() {
        "mlir" => Ok(program),
        format => program.to_hlo().ok_or_else(|| {
            Problem::new(format!(
                "--dump optimised: the plugin gives the program as `{format}`, which is not known here"
            ))
            .next("leave --dump optimised out")
        }),
    }
}

/// Prints the program's instructions, as far as they are read here.
///
/// # Errors
///
/// Errors of `out`.
pub fn list(program: &Program<'_>, out: &mut dyn Write) -> Result<(), Problem> {
    let listed = match program.format() {
        "mlir" => std::str::from_utf8(program.code())
            .ok()
            .map(|text| text.lines().map(str::to_owned).collect()),
        _ => listing::listing(program.code()),
    };
    let (format, bytes) = (program.format(), program.code().len());
    writeln!(out, "optimised   {format}, {bytes} bytes")?;
    let unread = || vec!["it cannot be listed; --output DIR writes it as it is".to_owned()];
    for line in listed.unwrap_or_else(unread) {
        writeln!(out, "            {line}")?;
    }
    Ok(())
}

/// Prints the costs.
///
/// # Errors
///
/// If the plugin does not tell.
pub fn cost(executable: &Executable, out: &mut dyn Write) -> Result<(), Problem> {
    let values = executable
        .cost_analysis()
        .map_err(|error| lacking("cost", &error))?;
    writeln!(out, "cost        {} figures", values.len())?;
    let mut lines = Vec::new();
    for value in values.iter() {
        let value = value?;
        lines.push((value.name.to_owned(), format!("{:?}", value.value)));
    }
    lines.sort();
    for (name, value) in lines {
        writeln!(out, "            {name:<28} {value}")?;
    }
    Ok(())
}

/// Prints the memory.
///
/// # Errors
///
/// If the plugin does not tell.
pub fn memory(executable: &Executable, out: &mut dyn Write) -> Result<(), Problem> {
    let stats = executable
        .compiled_memory_stats()
        .map_err(|error| lacking("memory", &error))?;
    writeln!(
        out,
        "memory      bytes on the device, and on the host where the plugin tells"
    )?;
    for (name, bytes) in figures(&stats) {
        if let Some(bytes) = bytes {
            writeln!(out, "            {name:<28} {bytes}")?;
        }
    }
    Ok(())
}

fn figures(stats: &CompiledMemoryStats) -> [(&'static str, Option<i64>); 12] {
    [
        ("arguments", Some(stats.argument_size_in_bytes)),
        ("outputs", Some(stats.output_size_in_bytes)),
        (
            "outputs in arguments' place",
            Some(stats.alias_size_in_bytes),
        ),
        ("temporary", Some(stats.temp_size_in_bytes)),
        ("code", Some(stats.generated_code_size_in_bytes)),
        ("peak", stats.peak_memory_in_bytes),
        ("total", stats.total_size_in_bytes),
        ("arguments on the host", stats.host_argument_size_in_bytes),
        ("outputs on the host", stats.host_output_size_in_bytes),
        ("in place on the host", stats.host_alias_size_in_bytes),
        ("temporary on the host", stats.host_temp_size_in_bytes),
        ("code on the host", stats.host_generated_code_size_in_bytes),
    ]
}

fn lacking(what: &str, error: &pjrt::Error) -> Problem {
    Problem::new(format!("--dump {what}: the plugin does not tell: {error}"))
        .next(format!("leave --dump {what} out"))
}
