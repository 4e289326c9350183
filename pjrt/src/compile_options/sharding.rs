//! Whether a module and its options mean the same partitioner.

use crate::Program;

const WANTS_SHARDY: &str = "the module is annotated for Shardy, in the dialect `sdy`, and the options leave it to GSPMD: try `CompileOptions::shardy(true)`";
const WANTS_GSPMD: &str = "the module is annotated for GSPMD, by `mhlo.sharding`, and the options leave it to Shardy: try `CompileOptions::shardy(false)`";

/// Advice for a compilation that failed; none if program and options agree, or the program says
/// nothing of partitioning.
pub(super) fn hint(program: &Program<'_>, shardy: bool) -> Option<&'static str> {
    if program.format() != "mlir" {
        return None;
    }
    let has = |word: &[u8]| program.code().windows(word.len()).any(|part| part == word);
    // Text names the dialect before a dot, bytecode before a zero byte.
    let annotated = has(b"sdy.") || has(b"\0sdy\0");
    match (shardy, annotated) {
        (false, true) => Some(WANTS_SHARDY),
        (true, false) if has(b"mhlo.sharding") => Some(WANTS_GSPMD),
        _ => None,
    }
}
