//! `cargo xtask bump`: takes a new set of headers.

use std::path::PathBuf;

use crate::outcome::Outcome;

/// Arguments of `bump`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A set that `headers` obtained, or an XLA checkout
    #[arg(long, value_name = "DIR")]
    headers: PathBuf,
    /// Fold the whole history of this repository instead of adding the set to what is folded
    #[arg(long, value_name = "URL_OR_DIR")]
    git: Option<String>,
    /// With --git: the commit that the headers are from [default: that of the set]
    #[arg(long, requires = "git")]
    rev: Option<String>,
    /// Day for the record, YYYY-MM-DD [default: today]
    #[arg(long)]
    date: Option<String>,
    /// A module whose header upstream deleted; its facts are kept
    #[arg(long, value_name = "MODULE")]
    gone: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Headers, judgements or sources at fault; then nothing is written.
#[cfg(feature = "clang")]
pub fn run(args: &Args) -> Outcome {
    use crate::{coverage_cmd, derive};
    use pjrt_codegen::bump;

    let root = crate::paths::root();
    let repository = repository(&root)?;
    let headers = headers(args)?;
    let bumped = bump::bump(&repository, &headers)?;

    // Everything is worked out before anything is written.
    let derived = derive::files_of(&root, &bumped.sources, &bumped.model)?;
    let ledger = coverage_cmd::ledger(&root, &bumped.sources, &bumped.model)?;
    let changelog = match bumped.files.get(bump::CHANGELOG) {
        Some(Some(text)) => text,
        _ => &repository.changelog,
    };
    let overlay = &bumped.sources.overlay;
    let open = bump::open(&bumped.model, overlay, &ledger, changelog);
    let differences = derive::compare(&root, &derived).map_err(|e| fault("X031", e))?;
    let mut files = derive::pending(&differences, &derived);
    for (path, text) in &bumped.files {
        let now = coverage_cmd::optional(&root, path)?;
        if now != text.as_deref().unwrap_or_default() {
            files.insert(path.clone(), text.clone());
        }
    }
    crate::outcome::write_all(&root, &files)?;

    for (path, text) in &files {
        println!(
            "{}  {path}",
            if text.is_some() { "written" } else { "removed" }
        );
    }
    let schema = &headers.schema;
    let changes = &bumped.changes;
    println!(
        "PJRT {}.{}: {} files written, {} added, {} changed, {} removed",
        schema.major,
        schema.minor,
        files.len(),
        changes.added.len(),
        changes.changed.len(),
        changes.removed.len()
    );
    for line in &bumped.renames {
        println!("a rename? {line}: confirm it in schema/overlay/renames.toml and give --git");
    }
    print!("{}", bump::to_text(&open));
    Ok(open.is_empty())
}

#[cfg(feature = "clang")]
fn fault(code: &'static str, message: String) -> pjrt_codegen::diag::Diagnostics {
    pjrt_codegen::diag::Diagnostic::new(code, "bump", message).into()
}

/// The files that the headers are held against.
///
/// # Errors
///
/// A file that is missing or not what it must be.
#[cfg(feature = "clang")]
pub fn repository(
    root: &std::path::Path,
) -> Result<pjrt_codegen::bump::Repository, pjrt_codegen::diag::Diagnostics> {
    use crate::coverage_cmd::optional;
    use pjrt_codegen::{bump, history};

    const RENAMES: &str = "schema/overlay/renames.toml";
    Ok(bump::Repository {
        sources: crate::derive::sources(root).map_err(|e| fault("X030", e))?,
        history: history::load_file(&root.join(bump::HISTORY))?,
        renames: (RENAMES.to_owned(), optional(root, RENAMES)?),
        changelog: optional(root, bump::CHANGELOG)?,
    })
}

#[cfg(feature = "clang")]
fn headers(args: &Args) -> Result<pjrt_codegen::bump::Headers, pjrt_codegen::diag::Diagnostics> {
    use crate::headers::HeaderSet;
    use crate::history_cmd::build;

    let set = HeaderSet::open(&args.headers)?;
    crate::libclang::ensure(&crate::paths::target())?;
    let schema = crate::clang::extract(&set, &[])?;
    let source = &set.source;
    let commit = (source.kind == "git").then(|| source.revision.clone());
    let history = match &args.git {
        Some(git) => {
            let rev = args.rev.clone().or_else(|| commit.clone());
            let folded = build::folded(&build::Wanted {
                git,
                rev: rev.as_deref().unwrap_or("HEAD"),
                name: None,
                renames: None,
                out: None,
            })?;
            for line in &folded.candidates {
                eprintln!("a rename? {line}");
            }
            Some(folded.history)
        }
        None => None,
    };
    let date = match &args.date {
        Some(date) if is_date(date) => date.clone(),
        Some(date) => return Err(fault("X032", format!("`{date}` is no day like 2025-01-31"))),
        None => today(),
    };
    Ok(pjrt_codegen::bump::Headers {
        schema,
        commit: commit.map(|c| c.get(..12).unwrap_or(&c).to_owned()),
        date,
        history,
        gone: args.gone.clone(),
    })
}

#[cfg(feature = "clang")]
fn is_date(text: &str) -> bool {
    let shape = |(index, c): (usize, char)| match index {
        4 | 7 => c == '-',
        _ => c.is_ascii_digit(),
    };
    text.len() == 10 && text.chars().enumerate().all(shape)
}

/// The day in UTC.
#[cfg(feature = "clang")]
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = since.map_or(0, |d| d.as_secs() / 86_400);
    day(days)
}

/// The day that is so many days after 1970-01-01.
#[cfg(feature = "clang")]
fn day(mut days: u64) -> String {
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
    ] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

/// Runs the command in a binary that has libclang.
///
/// # Errors
///
/// As that binary.
#[cfg(not(feature = "clang"))]
pub fn run(_: &Args) -> Outcome {
    crate::clang_door::again()
}

#[cfg(all(test, feature = "clang"))]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let known = [(0, "1970-01-01"), (58, "1970-02-28"), (364, "1970-12-31")];
        for (days, text) in known.into_iter().chain([
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (20_454, "2026-01-01"),
        ]) {
            assert_eq!(day(days), text);
            assert!(is_date(text));
        }
        assert!(!is_date("2026-1-1") && !is_date("yesterday!"));
    }
}
