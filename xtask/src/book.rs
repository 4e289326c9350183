//! The pages of the book that are derived: the reference of the overlay, and the safety exam.

use std::path::Path;

use pjrt_codegen::derived::File;
use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::overlay;

use crate::coverage_cmd::optional;
use crate::exam::page;

/// The fixtures of overlays that are refused.
const REFUSALS: &str = "tests/fixtures/errors";

/// The pages, by their paths.
///
/// # Errors
///
/// A file that cannot be read, or an overlay at fault.
pub fn pages(root: &Path, overlay: &[File]) -> Result<Vec<File>, Diagnostics> {
    let reference = overlay::reference(overlay, &refusals(root)?)?;
    let exam = page::page(&optional(root, page::TESTS)?).map_err(fault)?;
    Ok(vec![
        (overlay::REFERENCE.to_owned(), reference),
        (page::PAGE.to_owned(), exam),
    ])
}

/// What each fixture is told, in the order of their names.
fn refusals(root: &Path) -> Result<Vec<File>, Diagnostics> {
    let failed = |error: std::io::Error| fault(format!("cannot read {REFUSALS}: {error}"));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join(REFUSALS)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let read = |name: String| {
        let text = optional(root, &format!("{REFUSALS}/{name}/expected.snap"))?;
        Ok((name, text))
    };
    names.into_iter().map(read).collect()
}

fn fault(message: String) -> Diagnostics {
    Diagnostic::new("X014", "codegen", message).into()
}
