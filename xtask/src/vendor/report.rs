//! What the commands print: holes, and how many functions have what.

use pjrt_codegen::infer::Inferred;

/// Each hole with its place, what is to be decided and what may be right, then the counts. `lines`
/// stand in the file before what was inferred.
pub fn text(file: &str, lines: usize, inferred: &Inferred) -> String {
    let mut out = String::new();
    for hole in &inferred.holes {
        let line = hole.line.saturating_add(lines);
        out.push_str(&format!("{file}:{line}: {}: {}\n", hole.about, hole.decide));
        if !hole.proposal.is_empty() {
            out.push_str(&format!("    proposal: {}\n", hole.proposal));
        }
    }
    let of = |many: usize, one: &str, more: &str| match many {
        1 => format!("1 {one}"),
        many => format!("{many} {more}"),
    };
    let calls = inferred
        .checked
        .len()
        .saturating_add(inferred.positional.len());
    out.push_str(&format!(
        "{} generated, {}, {}\n",
        of(inferred.generated.len(), "function", "functions"),
        of(calls, "checked call only", "checked calls only"),
        of(inferred.holes.len(), "hole", "holes"),
    ));
    out
}
