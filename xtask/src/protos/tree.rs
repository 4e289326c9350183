//! Where `.proto` files are read from: a folder with XLA's layout, or a revision of a repository.

use std::path::PathBuf;

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::protos::Source;
use pjrt_codegen::schema::sha256;

use crate::headers::git::{self, Repository};

/// A tree of files.
#[derive(Debug)]
pub enum Tree {
    /// A folder.
    Folder(PathBuf),
    /// A commit.
    Commit {
        /// Repository that has it.
        repository: Repository,
        /// Its name for the record.
        name: String,
        /// Full hash.
        commit: String,
    },
}

impl Tree {
    /// A revision of a repository.
    ///
    /// # Errors
    ///
    /// Git's.
    pub fn at(place: &str, revision: &str, name: Option<&str>) -> Result<Tree, Diagnostic> {
        let repository = Repository::open(place, &crate::paths::target())?;
        let commit = repository.resolve(revision)?;
        let name = name
            .map(str::to_owned)
            .or_else(|| repository.origin())
            .or_else(|| git::owner_name(place))
            .unwrap_or_else(|| place.to_owned());
        Ok(Tree::Commit {
            repository,
            name,
            commit,
        })
    }

    /// The text of a file, and where it came from.
    ///
    /// # Errors
    ///
    /// A file that is not there or not text.
    pub fn read(&self, path: &str) -> Result<(String, Source), Diagnostic> {
        let refused = |message: String| Diagnostic::new("P010", path, message);
        let (bytes, repository, revision) = match self {
            Tree::Folder(folder) => {
                let bytes = std::fs::read(folder.join(path)).map_err(|e| refused(e.to_string()))?;
                (bytes, "folder".to_owned(), String::new())
            }
            Tree::Commit {
                repository,
                name,
                commit,
            } => {
                let object = format!("{commit}:{path}");
                let bytes = repository.run(path, &["cat-file", "blob", &object])?;
                (bytes, name.clone(), commit.clone())
            }
        };
        let sha256 = sha256(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| refused("this is not text".to_owned()))?;
        let source = Source {
            repository,
            revision,
            sha256,
        };
        Ok((text, source))
    }
}
