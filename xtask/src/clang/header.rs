//! One header: sorts its declarations and reads each kind.

use std::collections::{HashMap, HashSet};

use clang_sys::*;
use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::schema::{
    Alias, Callback, Function, FunctionForm, Header, Macro, Opaque, Source, StructKind,
};

use super::index::{Cursor, Index, Unit};
use super::source::{Sources, full_path, tag_of};
use super::types::Speller;
use super::{enums, functions, kinds, macros, structs};
use crate::headers::{HeaderFile, HeaderSet};

/// What is read as one header.
pub struct Job<'j> {
    /// The file that is given to the compiler, as libclang names it.
    pub full: String,
    /// How messages and facts name it.
    pub path: &'j str,
    /// Its module.
    pub module: &'j str,
    /// SHA-256 of its text.
    pub sha256: &'j str,
    /// Where it came from.
    pub source: &'j Source,
    /// The files whose declarations are the module's: the file itself, and what it is split into.
    pub own: HashSet<String>,
}

/// Reads the declarations of one file of a set.
pub fn read(
    set: &HeaderSet,
    file: &HeaderFile,
    sources: &Sources<'_>,
    index: &Index,
    args: &[String],
) -> Result<Header, Diagnostics> {
    let full = full_path(&set.root, &file.path);
    let job = Job {
        own: HashSet::from([full.clone()]),
        full,
        path: &file.path,
        module: &file.module,
        sha256: &file.sha256,
        source: &set.source,
    };
    let unit = Unit::parse(index, job.full.as_ref(), args)
        .map_err(|error| Diagnostic::new("H001", &file.path, error))?;
    read_unit(&job, &unit, sources)
}

/// Reads the declarations of a parsed file that are its module's.
pub fn read_unit(
    job: &Job<'_>,
    unit: &Unit<'_>,
    sources: &Sources<'_>,
) -> Result<Header, Diagnostics> {
    let mut problems = Diagnostics::new();
    for error in unit.errors() {
        let shown = match error.file == job.full {
            true => job.path.to_string(),
            false => error.file.clone(),
        };
        problems.push(
            Diagnostic::new("H001", shown, error.text)
                .at(error.line, error.column)
                .help(format!("found while reading `{}`", job.path)),
        );
    }
    let mut reader = Reader {
        job,
        sources,
        speller: Speller::new(sources, job.module),
        header: Header {
            module: job.module.to_string(),
            path: job.path.to_string(),
            sha256: job.sha256.to_string(),
            source: job.source.clone(),
            ..Header::default()
        },
        problems,
        sizes: HashMap::new(),
        records: Vec::new(),
        names: HashMap::new(),
        function_types: Vec::new(),
        seen: HashSet::new(),
    };
    reader.names(unit.root());
    reader.walk(unit.root());
    reader.finish()
}

struct Reader<'r, 'u> {
    job: &'r Job<'r>,
    sources: &'r Sources<'r>,
    speller: Speller<'r>,
    header: Header,
    problems: Diagnostics,
    /// The header's own sizes of structs.
    sizes: HashMap<String, u64>,
    /// Definitions of structs, in the order of `header.structs`.
    records: Vec<Cursor<'u>>,
    /// Names that a typedef gives to what has no tag, by the place of its definition.
    names: HashMap<(String, usize), String>,
    function_types: Vec<functions::FunctionType<'u>>,
    seen: HashSet<String>,
}

impl<'u> Reader<'_, 'u> {
    fn problem(&mut self, cursor: Cursor<'_>, message: String) {
        let spot = cursor.spot();
        let shown = match spot.file == self.job.full {
            true => self.job.path,
            false => &spot.file,
        };
        let problem = Diagnostic::new("H002", shown, message).at(spot.line, 0);
        self.problems.push(problem);
    }

    fn is_linkage(cursor: Cursor<'_>) -> bool {
        // Older versions of libclang call `extern "C"` unexposed.
        matches!(cursor.kind(), CXCursor_LinkageSpec | CXCursor_UnexposedDecl)
    }

    fn mine(&self, cursor: Cursor<'_>) -> bool {
        self.job.own.contains(&cursor.spot().file)
    }

    /// First pass: the names of untagged types.
    fn names(&mut self, root: Cursor<'u>) {
        for cursor in root.children() {
            if Self::is_linkage(cursor) {
                self.names(cursor);
            } else if cursor.kind() == CXCursor_TypedefDecl && self.mine(cursor) {
                let declaration = cursor.underlying().canonical().declaration();
                if self.mine(declaration) && tag_of(self.sources, declaration).is_none() {
                    self.names.insert(place_of(declaration), cursor.name());
                }
            }
        }
    }

    fn walk(&mut self, root: Cursor<'u>) {
        for cursor in root.children() {
            if Self::is_linkage(cursor) {
                self.walk(cursor);
                continue;
            }
            if !self.mine(cursor) {
                continue;
            }
            match cursor.kind() {
                CXCursor_TypedefDecl | CXCursor_TypeAliasDecl => self.typedef(cursor),
                CXCursor_StructDecl => self.record(cursor),
                CXCursor_EnumDecl if cursor.is_definition() => self.enumeration(cursor),
                CXCursor_VarDecl => self.variable(cursor),
                // What is inline is no part of the interface.
                CXCursor_FunctionDecl if cursor.is_inline() => {}
                CXCursor_FunctionDecl => self.function(cursor),
                CXCursor_MacroDefinition => {
                    let found = macros::read(cursor, self.sources);
                    self.header.macros.extend(found);
                }
                // C++ helpers in a namespace are no part of the interface.
                CXCursor_Namespace
                | CXCursor_StaticAssert
                | CXCursor_EnumDecl
                | CXCursor_MacroExpansion
                | CXCursor_InclusionDirective => {}
                CXCursor_UnionDecl | CXCursor_ClassDecl => {
                    let name = cursor.name();
                    self.problem(
                        cursor,
                        format!("the declaration of `{name}` is not understood"),
                    );
                }
                _ => {}
            }
        }
    }

    fn first(&mut self, name: &str) -> bool {
        self.seen.insert(name.to_string())
    }

    fn typedef(&mut self, cursor: Cursor<'u>) {
        let name = cursor.name();
        if let Some(function) = functions::from_typedef(cursor) {
            if self.first(&name) {
                self.function_types.push(function);
            }
            return;
        }
        let underlying = cursor.underlying();
        let canonical = underlying.canonical();
        let record = canonical.kind() == CXType_Record || canonical.kind() == CXType_Enum;
        if record {
            let declaration = canonical.declaration();
            let own = match tag_of(self.sources, declaration) {
                Some(tag) => tag,
                None => self
                    .names
                    .get(&place_of(declaration))
                    .cloned()
                    .unwrap_or_default(),
            };
            if own == name {
                if declaration.definition().is_none() {
                    self.opaque(declaration, name);
                }
                return;
            }
        }
        if self.first(&name) {
            let ty = self.speller.spell(underlying);
            self.header.aliases.push(Alias {
                name,
                ty,
                line: cursor.spot().line,
            });
        }
    }

    /// A type without a definition belongs to the header that names it first.
    fn opaque(&mut self, declaration: Cursor<'_>, name: String) {
        let first = declaration.canonical();
        if self.mine(first) && self.first(&name) {
            self.header.opaques.push(Opaque {
                name,
                line: first.spot().line,
            });
        }
    }

    fn record(&mut self, cursor: Cursor<'u>) {
        let tag = tag_of(self.sources, cursor);
        if !cursor.is_definition() {
            if let (Some(tag), None) = (tag, cursor.definition()) {
                self.opaque(cursor, tag);
            }
            return;
        }
        let name = match &tag {
            Some(tag) => tag.clone(),
            None => match self.names.get(&place_of(cursor)) {
                Some(name) => name.clone(),
                None => {
                    self.problem(
                        cursor,
                        "a struct without a name is not understood".to_string(),
                    );
                    return;
                }
            },
        };
        let tag = tag.unwrap_or_default();
        match structs::read(cursor, &name, &tag, self.sources, &mut self.speller) {
            Ok(found) => {
                self.header.structs.push(found);
                self.records.push(cursor);
            }
            Err(message) => self.problem(cursor, format!("the struct `{name}`: {message}")),
        }
    }

    fn enumeration(&mut self, cursor: Cursor<'_>) {
        let name =
            tag_of(self.sources, cursor).or_else(|| self.names.get(&place_of(cursor)).cloned());
        let Some(name) = name.filter(|name| !name.contains(' ')) else {
            let constants = enums::constants(cursor);
            for (name, value) in constants {
                self.constant(&name, value, cursor);
            }
            return;
        };
        match enums::read(cursor, &name) {
            Ok(found) => self.header.enums.push(found),
            Err(message) => self.problem(cursor, format!("the enumeration `{name}`: {message}")),
        }
    }

    /// A constant: a size of a struct, or an integer that goes to the macros.
    fn variable(&mut self, cursor: Cursor<'_>) {
        let name = cursor.name();
        match cursor.integer() {
            Some(value) => self.constant(&name, value, cursor),
            None => self.problem(cursor, format!("a variable, `{name}`, is not understood")),
        }
    }

    fn constant(&mut self, name: &str, value: i64, cursor: Cursor<'_>) {
        match enums::struct_size(name, value) {
            Some((name, size)) => _ = self.sizes.insert(name, size),
            None => self.header.macros.push(Macro {
                name: name.to_string(),
                value: value.to_string(),
                line: cursor.spot().line,
            }),
        }
    }

    /// A symbol that a library exports: a function that no table holds.
    fn function(&mut self, cursor: Cursor<'u>) {
        let name = cursor.name();
        if self.first(&name) {
            self.function_types.push(functions::FunctionType {
                name,
                form: FunctionForm::Function,
                cursor,
                ty: cursor.ty().canonical(),
            });
        }
    }

    fn finish(mut self) -> Result<Header, Diagnostics> {
        let vtables = kinds::vtables(&self.header.structs);
        let mut placed: Vec<Function> = Vec::new();
        let mut failed = Vec::new();
        for (found, cursor) in self.header.structs.iter_mut().zip(&self.records) {
            found.struct_size = self.sizes.remove(&found.name);
            if vtables.contains(&found.name) {
                found.kind = StructKind::Vtable;
                functions::mark_vtable(found);
                continue;
            }
            if kinds::is_extension_table(found) {
                found.kind = StructKind::ExtensionTable;
            } else if kinds::is_api(found) {
                found.kind = StructKind::Api;
            } else {
                continue;
            }
            match functions::place(found, *cursor, &mut self.speller) {
                Ok(functions) => placed.extend(functions),
                Err(message) => failed.push((*cursor, message)),
            }
        }
        for (cursor, message) in failed {
            self.problem(cursor, message);
        }
        let lost: Vec<String> = self.sizes.keys().cloned().collect();
        for name in lost {
            self.problems.push(Diagnostic::new(
                "H002",
                self.job.path,
                format!("`{name}_STRUCT_SIZE` names no struct of this header"),
            ));
        }
        let taken: HashSet<String> = placed.iter().map(|f| f.name.clone()).collect();
        for function in &self.function_types {
            if taken.contains(&function.name) {
                continue;
            }
            let described = functions::describe(function, &mut self.speller);
            if function.form == FunctionForm::Pointer {
                self.header.callbacks.push(Callback {
                    name: described.name,
                    signature: described.signature,
                    line: described.line,
                });
            } else {
                placed.push(described);
            }
        }
        kinds::assign(&mut self.header.structs, &placed);
        self.header.functions = placed;
        for (name, ty) in &self.speller.foreign {
            self.header.aliases.push(Alias {
                name: name.clone(),
                ty: ty.clone(),
                line: 0,
            });
        }
        self.header.uses = self.speller.uses.into_iter().collect();
        self.problems.into_result(self.header)
    }
}

/// Where a declaration begins: file and offset.
fn place_of(cursor: Cursor<'_>) -> (String, usize) {
    let start = cursor.start();
    (start.file, start.offset)
}
