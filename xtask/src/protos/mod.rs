//! Facts about protocol buffer messages, out of `.proto` files; the repository holds none of these.

mod edition;
mod read;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::protos::{self, Choice, Protos};

use crate::derive;
use crate::outcome::{Outcome, write_all};

pub use read::read;
pub use tree::Tree;

fn extracted(tree: Tree, root: &Path) -> Result<Protos, Diagnostics> {
    let choice = derive::proto_choice(root)?;
    let paths: Vec<&str> = choice.files.iter().map(String::as_str).collect();
    let mut protos = read(tree, &paths)?;
    protos.keep(&roots(&choice));
    let missing = roots(&choice)
        .into_iter()
        .filter(|name| protos.message(name).is_none());
    let mut found = Diagnostics::default();
    for name in missing {
        found.push(
            Diagnostic::new(
                "P013",
                derive::PROTO_CHOICE,
                format!("no file declares `{name}`"),
            )
            .help("correct the name, or add the file that declares it to `files`"),
        );
    }
    found.into_result(protos)
}

fn roots(choice: &Choice) -> Vec<&str> {
    let messages = choice.messages.keys().map(String::as_str);
    messages.chain(choice.options.as_deref()).collect()
}

/// Writes the facts; removes files of facts that no chosen message reaches any more.
///
/// # Errors
///
/// Files that cannot be read, parsed or written.
pub fn extract(tree: Tree, root: &Path) -> Outcome {
    let protos = extracted(tree, root)?;
    let mut files: BTreeMap<String, Option<String>> = derive::proto_files(root)?
        .into_iter()
        .map(|(path, _)| (path, None))
        .collect();
    for file in &protos.files {
        let path = format!("{}/{}.json", derive::PROTOS, stem(&file.path));
        if let Some(Some(_)) = files.insert(path.clone(), Some(protos::to_text(file))) {
            let message = "two `.proto` files have this name";
            return Err(Diagnostic::new("P014", path, message).into());
        }
    }
    write_all(root, &files)?;
    let messages: usize = protos.files.iter().map(|f| f.messages.len()).sum();
    let fields = protos.files.iter().flat_map(|f| &f.messages);
    let fields: usize = fields.map(|m| m.fields.len()).sum();
    println!(
        "{} files, {messages} messages, {fields} fields in {}",
        protos.files.len(),
        derive::PROTOS
    );
    Ok(true)
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".proto").unwrap_or(name)
}

/// Prints what a tree declares otherwise than the checked-in facts do.
///
/// # Errors
///
/// Files that cannot be read or parsed.
pub fn check(tree: Tree, root: &Path) -> Outcome {
    let theirs = extracted(tree, root)?;
    let ours = derive::protos(root)?;
    let lines = |protos: &Protos| -> BTreeMap<String, String> {
        protos.files.iter().flat_map(protos::declarations).collect()
    };
    let (ours, theirs) = (lines(&ours), lines(&theirs));
    let mut differences = 0;
    for (name, line) in &ours {
        match theirs.get(name) {
            Some(there) if there == line => continue,
            Some(there) => println!("changed  {name}: {line} -> {there}"),
            None => println!("gone     {name}: {line}"),
        }
        differences += 1;
    }
    for (name, line) in theirs.iter().filter(|(name, _)| !ours.contains_key(*name)) {
        println!("new      {name}: {line}");
        differences += 1;
    }
    if differences == 0 {
        println!("{} declarations are as the facts say", ours.len());
    } else {
        println!("{differences} differences: `cargo xtask protos extract` takes them");
    }
    Ok(differences == 0)
}
