//! The audit of a plugin's file. A child process loads the plugin and reads its table as it is; this
//! one holds what it told against the history of the headers and the model.
//!
//! What cannot be read is a finding, and so are a crash, a hang and an exit: what was told before is
//! kept, and no process is left over.

mod attribute;
mod calls;
mod chain;
mod child;
mod fact;
mod file;
mod finding;
mod framework;
mod known;
mod memory;
mod process;
mod report;
mod safe;
mod step;
mod table;
mod text;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::model::API_TABLE;
use pjrt_codegen::model::gates::Verdict;

pub use child::run as child;
pub use finding::{Finding, Grade};
pub use report::Report;
pub use text::text;

use fact::{Called, Heard, Order};
use known::Known;
use step::Step;
use table::Table;

/// What to audit.
#[derive(Clone, Debug)]
pub struct Request {
    /// A library's path, or the name of a plugin that can be found.
    pub plugin: String,
    /// How long the child may take.
    pub limit: Duration,
    /// Files of facts that name a vendor's extensions.
    pub schemas: Vec<PathBuf>,
    /// The program that is the child when it is run with `audit --child ORDER`.
    pub program: PathBuf,
}

/// Audits.
///
/// # Errors
///
/// Not what is wrong with the plugin, which is in the report, but with a file that this needs.
pub fn audit(request: &Request) -> Result<Report, Diagnostics> {
    let known = Known::load(&request.schemas)?;
    let frameworks = framework::load()?;
    let mut report = Report {
        plugin: request.plugin.clone(),
        ..Report::default()
    };
    let found = find(&request.plugin).and_then(|path| {
        report.plugin = path.display().to_string();
        // The loader would look for a name without a folder in the system's places.
        let full = path.canonicalize().unwrap_or(path);
        file::inspect(&full).map(|file| (full, file))
    });
    let (path, file) = match found {
        Ok(found) => found,
        Err(finding) => {
            report.findings.push(finding);
            return Ok(report);
        }
    };
    report.needed = file.needed.clone();
    let order = order(&known, &path);
    let failed = |error: std::io::Error| {
        let message = format!("cannot run the process that loads the plugin: {error}");
        Diagnostic::new("X062", "audit", message)
    };
    let (mut heard, ended) =
        process::run(&request.program, &order, request.limit).map_err(failed)?;
    process::judge(&heard, &ended, request.limit, &mut report.findings);
    if heard.step == Some(Step::Initialize) {
        // It did not survive that; the attributes may still be had.
        let order = Order {
            initialize: false,
            ..order
        };
        let (again, _) = process::run(&request.program, &order, request.limit).map_err(failed)?;
        heard.called_attributes = again.called_attributes;
        heard.attributes = again.attributes;
        heard.attribute_faults = again.attribute_faults;
    }
    process::loader(&path, &file, &heard, &mut report.findings);
    let table = table::judge(&known, &heard, &mut report.findings);
    report.struct_size = heard.size;
    report.api = heard.version.map(|(major, minor, _)| (major, minor));
    report.extensions = chain::judge(&known, &heard, &mut report.findings);
    report.chain_read = heard.chain_fault.is_none();
    report.stablehlo = attribute::judge(&heard, &mut report.findings);
    if let (Some(table), Some((major, minor))) = (&table, report.api) {
        report.expected = table.expected;
        let size = heard.size.unwrap_or(0);
        let number = u32::try_from(minor).unwrap_or(0);
        report.missing = safe::missing(&known, table, &report.extensions, number, size);
        report.methods = safe::count(&known);
        report.frameworks =
            framework::served(&frameworks, table, (major, minor), failing(&heard, table));
        report.judge();
    }
    report.attributes = heard.attributes;
    report.table = table;
    // The worst first; those of one grade stay in the order of the audit.
    report
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    Ok(report)
}

/// Why no client can start, where none can.
fn failing(heard: &Heard, table: &Table) -> Option<&'static str> {
    let fails = |called: &Option<Called>| *called != Some(Called::Fine);
    if table.moved {
        return Some("its functions stand in other places");
    }
    match heard.step {
        Some(Step::Load | Step::Entry | Step::Table | Step::Chain) => {
            return Some("it cannot be read");
        }
        _ if fails(&heard.initialized) => return Some("its PJRT_Plugin_Initialize fails"),
        _ => {}
    }
    let broken = fails(&heard.called_attributes) || !heard.attribute_faults.is_empty();
    broken.then_some("its PJRT_Plugin_Attributes fails")
}

/// The library of a path or of an installed plugin's name.
fn find(plugin: &str) -> Result<PathBuf, Finding> {
    let path = Path::new(plugin);
    let is_path = path.components().count() > 1
        || [".so", ".dylib", ".dll"]
            .iter()
            .any(|end| plugin.ends_with(end))
        || plugin.contains(".so.");
    if is_path {
        return Ok(path.to_owned());
    }
    match pjrt::find::Search::new().find(plugin) {
        Ok(library) => Ok(library),
        Err(_) if path.exists() => Ok(path.to_owned()),
        Err(error) => {
            let text = format!(
                "expected a path or the name of an installed plugin, got `{plugin}`; install it with \
                 `cargo xtask plugin install {plugin}`: {error}"
            );
            Err(Finding::fatal("plugin-not-found", text))
        }
    }
}

/// What the child has to know of the history.
fn order(known: &Known, path: &Path) -> Order {
    let gates = &known.model.versions.gates;
    let ends = gates.of(API_TABLE).iter().map(|row| {
        let (minor, reported) = (u64::from(row.minor), u64::from(row.reported));
        match row.verdict {
            Verdict::Known { known, .. } => [minor, reported, u64::from(known), 1],
            _ => {
                let layout = known.layout(API_TABLE, row.minor, reported);
                [
                    minor,
                    reported,
                    layout.map_or(reported, |layout| layout.size),
                    0,
                ]
            }
        }
    });
    let sizes = gates.of("PJRT_Plugin_Attributes").iter();
    let attributes = sizes.filter_map(|row| match row.verdict {
        Verdict::Known { sent, .. } => Some([u64::from(row.minor), u64::from(sent)]),
        _ => None,
    });
    Order {
        library: path.to_owned(),
        out: PathBuf::new(),
        initialize: true,
        ends: ends.collect(),
        chain_since: u64::from(gates.layout_since("PJRT_Extension_Base").unwrap_or(0)),
        attributes: attributes.collect(),
    }
}
