//! One run of the command: from the file to the outputs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use pjrt::{
    Argument, Buffer, ClientOptions, CompileOptions, ExecuteOptions, LoadedExecutable, Plugin,
    Program,
};

use super::dump::{self, Dump};
use super::inputs::{self, Input};
use super::latency::{Latency, shown};
use super::{Problem, npy, plugin, show};
use crate::run_cmd::Args;

/// Compiles and runs the program; tells of it on `out`.
///
/// # Errors
///
/// What is wrong with the files or the inputs, what the plugin reports, and errors of `out`.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Problem> {
    let files = inputs::assigned(&args.input)?;
    if let Some(folder) = args.output.as_ref().filter(|path| path.is_file()) {
        let what = format!(
            "--output {}: it is a file, and a folder was expected",
            folder.display()
        );
        return Err(Problem::new(what).next("name another folder; it is made if it is missing"));
    }
    let program = Program::from_file(&args.file).map_err(|error| {
        Problem::new(error.to_string())
            .next("give a file with MLIR (StableHLO) as text or bytecode, or with a serialised HloModuleProto")
    })?;
    let bytes = program.code().len();
    let file = args.file.display();
    writeln!(
        out,
        "program     {file}, {}, {bytes} bytes",
        program.format()
    )?;

    let library = plugin::library(&args.plugin)?;
    let plugin = Plugin::load(&library)?;
    let client = plugin.create_client(&ClientOptions::new())?;
    let platform = client.platform_name()?;
    let version = plugin.api_version();
    let named = &args.plugin;
    writeln!(
        out,
        "plugin      {named}, platform {platform}, PJRT {version}"
    )?;

    let start = Instant::now();
    let compiled = client.compile(&program, &CompileOptions::new());
    let compile_time = start.elapsed();
    let compiled = compiled.map_err(|error| not_compiled(&args.file, &program, &error))?;
    let signature = compiled.signature()?;
    writeln!(out, "signature   {signature}")?;
    let inputs = inputs::gather(&files, &signature, args.seed)?;
    for (number, input) in inputs.iter().enumerate() {
        tell(out, number, input, args.seed)?;
    }
    let executable = compiled.executable()?;
    let mut written: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
    for what in &args.dump {
        match what {
            Dump::Cost => dump::cost(&executable, out)?,
            Dump::Memory => dump::memory(&executable, out)?,
            Dump::Optimised => {
                let optimised = dump::optimised(&executable)?;
                dump::list(&optimised, out)?;
                let name = match optimised.format() {
                    "mlir" => "optimised.mlir",
                    _ => "optimised.hlo.pb",
                };
                written.insert(name.to_owned(), Some(optimised.code().to_vec()));
            }
        }
    }

    let buffers: Vec<Buffer> = inputs
        .iter()
        .map(|input| input.upload(&client))
        .collect::<pjrt::Result<_>>()?;
    let (first, outputs) = timed(&compiled, &buffers)?;
    let mut times = Vec::new();
    for _ in 0..args.repeat {
        times.push(timed(&compiled, &buffers)?.0);
    }
    for (number, output) in outputs.iter().enumerate() {
        let (ty, dims) = (output.element_type()?, output.dimensions()?);
        let bytes = output.to_bytes()?;
        let kind = show::kind(ty, dims);
        if args.output.is_some() {
            let name = format!("output{number}.npy");
            writeln!(out, "output {number:<4} {kind}")?;
            written.insert(name, Some(npy::encode(ty, dims, &bytes)?));
        } else {
            writeln!(out, "output {number:<4} {kind}")?;
            block(out, &show::values(ty, dims, &bytes))?;
        }
    }
    writeln!(out, "compile     {}", shown(compile_time))?;
    writeln!(out, "first run   {}", shown(first))?;
    if !times.is_empty() {
        writeln!(out, "{:>5} more  {}", times.len(), Latency::of(times))?;
    }
    if let Some(folder) = &args.output {
        write_all(folder, &written, out)?;
    }
    Ok(())
}

/// Writes the files, all of them or none.
fn write_all(
    folder: &Path,
    files: &BTreeMap<String, Option<Vec<u8>>>,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    crate::outcome::write_all(folder, files).map_err(|fault| {
        Problem::new(format!("--output: {}: {}", fault.file, fault.message))
            .next("give a folder that can be written to")
    })?;
    for name in files.keys() {
        writeln!(out, "written     {}", folder.join(name).display())?;
    }
    Ok(())
}

fn tell(out: &mut dyn Write, number: usize, input: &Input, seed: u64) -> Result<(), Problem> {
    let kind = show::kind(input.element_type, &input.dims);
    match &input.file {
        Some(file) => writeln!(out, "input {number:<5} {kind} from {}", file.display())?,
        None => {
            writeln!(out, "input {number:<5} {kind} random, seed {seed}")?;
            block(out, &input.values())?;
        }
    }
    Ok(())
}

/// Lines below what they belong to.
fn block(out: &mut dyn Write, text: &str) -> std::io::Result<()> {
    text.lines()
        .try_for_each(|line| writeln!(out, "            {line}"))
}

/// Runs the program and waits until it is done and its outputs are there.
fn timed(compiled: &LoadedExecutable, inputs: &[Buffer]) -> pjrt::Result<(Duration, Vec<Buffer>)> {
    let arguments = inputs.iter().map(Argument::Borrow).collect();
    let options = ExecuteOptions::new();
    let start = Instant::now();
    let mut runs = compiled.execute(vec![arguments], &options)?;
    let mut outputs = Vec::new();
    for run in runs.drain(..) {
        run.done.wait()?;
        outputs.extend(run.outputs);
    }
    for output in &outputs {
        output.ready_event()?.wait()?;
    }
    Ok((start.elapsed(), outputs))
}

/// The compiler's message, and what the file was taken for.
fn not_compiled(file: &Path, program: &Program<'_>, error: &pjrt::Error) -> Problem {
    let taken = match program.format() {
        "hlo" => "a serialised HloModuleProto",
        _ => "an MLIR module",
    };
    let message = match error {
        pjrt::Error::Plugin(error) => error.message.trim().to_owned(),
        other => other.to_string(),
    };
    let what = format!(
        "{}, taken for {taken}, does not compile:\n  {}",
        file.display(),
        message.replace('\n', "\n  ")
    );
    Problem::new(what).next("correct the program at the place named; it must be StableHLO with a function `main`, or a serialised HloModuleProto")
}
