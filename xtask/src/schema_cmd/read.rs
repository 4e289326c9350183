//! The commands that read headers.

use std::path::Path;

use pjrt_codegen::schema::{Stats, load_file, to_text};

use super::compare::{Verdict, compare};
use crate::headers::HeaderSet;
use crate::outcome::{Outcome, write_atomically};
use crate::{clang, libclang, paths};

/// Headers to a schema file.
pub fn extract(headers: &Path, out: &Path, only: &[String]) -> Outcome {
    let set = HeaderSet::open(headers)?;
    libclang::ensure(&paths::target())?;
    let schema = clang::extract(&set, only)?;
    // What is written must be what is read.
    let text = to_text(&schema);
    pjrt_codegen::schema::load(&out.display().to_string(), &text)?;
    write_atomically(out, &text)?;
    let functions: usize = schema.headers.iter().map(|h| Stats::of(h).functions).sum();
    eprintln!(
        "{}: PJRT {}.{}, {} headers, {functions} functions",
        out.display(),
        schema.major,
        schema.minor,
        schema.headers.len()
    );
    Ok(true)
}

/// Headers against a schema file.
pub fn check(headers: &Path, schema: &Path) -> Outcome {
    let known = load_file(schema)?;
    let set = HeaderSet::open(headers)?;
    libclang::ensure(&paths::target())?;
    let found = clang::extract(&set, &[])?;
    println!(
        "PJRT {}.{} in {}, {}.{} in {}",
        known.major,
        known.minor,
        schema.display(),
        found.major,
        found.minor,
        headers.display()
    );
    let verdicts = compare(&known, &found);
    let mut same = true;
    for (module, verdict) in verdicts {
        same &= !matches!(verdict, Verdict::Differs(_));
        println!("{module:22} {verdict}");
    }
    Ok(same)
}
