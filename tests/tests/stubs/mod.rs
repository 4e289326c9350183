//! Small plugins in C++, compiled against real headers out of the git history of XLA: they know
//! nothing of the facts and the history kept here.

pub mod drive;

use pjrt::Plugin;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("stub.cc");
const MAIN: &str = "xla/pjrt/c/pjrt_c_api.h";
const LAYOUTS: &str = "xla/pjrt/c/pjrt_c_api_layouts_extension.h";

/// A repository of XLA, and how to compile.
pub struct Witness {
    git: PathBuf,
    compiler: String,
}

impl Witness {
    /// The repository that `PJRT_XLA_GIT` names, else the first that `cargo xtask` cloned, and a
    /// compiler. None, with a word on standard error, if there is none.
    pub fn find() -> Option<Witness> {
        let skipped = |why: &str| {
            eprintln!("skipped the stubs of real headers: {why}");
            None
        };
        let cloned = || {
            let folder = xtask::paths::target().join("git").read_dir().ok()?;
            let mut clones: Vec<PathBuf> = folder.flatten().map(|e| e.path()).collect();
            clones.sort();
            clones.into_iter().next()
        };
        let git = std::env::var_os("PJRT_XLA_GIT").map(PathBuf::from);
        let Some(git) = git.or_else(cloned) else {
            return skipped("PJRT_XLA_GIT names no repository of XLA");
        };
        let Some(compiler) = compiler() else {
            return skipped("no C++ compiler");
        };
        Some(Witness { git, compiler })
    }

    /// A file of a commit; none if the commit lacks it.
    fn file(&self, commit: &str, path: &str) -> Option<String> {
        let shown = Command::new("git")
            .arg("-C")
            .arg(&self.git)
            .args(["cat-file", "blob", &format!("{commit}:{path}")])
            .output()
            .ok()?;
        let text = String::from_utf8(shown.stdout).ok()?;
        shown.status.success().then_some(text)
    }

    /// The headers of a commit, compiled. None, with a word on standard error, if git lacks them.
    pub fn compile(&self, commit: &str) -> Option<Compiled> {
        let Some(main) = self.file(commit, MAIN) else {
            eprintln!("skipped the stub of {commit}: git does not give its {MAIN}");
            return None;
        };
        let layouts = self.file(commit, LAYOUTS);
        let texts = [SOURCE, &main, layouts.as_deref().unwrap_or_default()].concat();
        let digest = pjrt_codegen::schema::sha256(texts.as_bytes());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("stubs")
            .join(&digest);
        let headers = [main.as_str(), layouts.as_deref().unwrap_or_default()].concat();
        let compiled = Compiled {
            library: folder.join("stub.so"),
            slots: names(&main, "_PJRT_API_STRUCT_FIELD("),
            layouts: layouts.is_some(),
            old_chain: main.contains("PJRT_Structure_Base"),
        };
        if compiled.library.is_file() {
            return Some(compiled);
        }
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(MAIN, &main);
        if let Some(text) = &layouts {
            write(LAYOUTS, text);
        }
        let list = |mark: &str, names: &BTreeSet<String>| -> String {
            let lines = names.iter().map(|name| format!("{mark}({name})\n"));
            lines.collect()
        };
        let structs = names(&headers, "PJRT_DEFINE_STRUCT_TRAITS(");
        write("traits.inc", &list("TRAIT", &structs));
        write("slots.inc", &list("SLOT", &compiled.slots));
        write("stub.cc", SOURCE);
        let made = tempfile::NamedTempFile::new_in(&folder).unwrap();
        let output = Command::new(&self.compiler)
            .args(["-std=c++20", "-O0", "-w", "-shared", "-fPIC", "-I."])
            .args(compiled.old_chain.then_some("-DOLD_CHAIN"))
            .arg("-o")
            .arg(made.path())
            .arg("stub.cc")
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the stub of {commit}: {said}");
        made.persist(&compiled.library).unwrap();
        Some(compiled)
    }
}

/// The compiler that `CXX` names, or a common one.
fn compiler() -> Option<String> {
    let chosen = std::env::var("CXX").ok();
    let common = ["g++", "c++"].map(str::to_owned);
    chosen.into_iter().chain(common).find(|name| {
        let told = Command::new(name).arg("--version").output();
        told.is_ok_and(|output| output.status.success())
    })
}

/// What stands first in the parentheses behind each `mark`, wherever the lines break.
fn names(header: &str, mark: &str) -> BTreeSet<String> {
    let text: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    let found = text.split(mark).skip(1);
    found
        .filter_map(|rest| rest.split([',', ')']).next())
        .filter(|name| name.starts_with("PJRT_"))
        .map(str::to_owned)
        .collect()
}

/// A stub as a library.
#[derive(Clone)]
pub struct Compiled {
    library: PathBuf,
    /// Functions of the main table.
    pub slots: BTreeSet<String>,
    /// Whether it has the extension for layouts.
    pub layouts: bool,
    /// Whether the nodes of its chain carry no size.
    pub old_chain: bool,
}

impl Compiled {
    /// Loads a copy of its own. `exact`: sizes must be those of the header, not just as large.
    pub fn load(&self, exact: bool) -> (Stub, pjrt::Result<Plugin>) {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("stub.so");
        std::fs::copy(&self.library, &copy).unwrap();
        // SAFETY: the library is ours; its start does nothing but make empty sets.
        let library = unsafe { libloading::Library::new(&copy) }.unwrap();
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        // SAFETY: these are the types in the source.
        let stub = unsafe {
            Stub {
                compiled: self.clone(),
                exact: *library.get(b"stub_exact").unwrap(),
                living: *library.get(b"stub_living").unwrap(),
                answer: *library.get(b"stub_answer").unwrap(),
            }
        };
        // SAFETY: as above.
        unsafe { (stub.exact)(exact.into()) };
        (stub, Plugin::load(&copy))
    }
}

/// A stub that is loaded, with what it tells of its caller. It stays loaded.
pub struct Stub {
    pub compiled: Compiled,
    exact: unsafe extern "C" fn(c_int),
    living: unsafe extern "C" fn() -> c_int,
    answer: unsafe extern "C" fn(c_char) -> *const c_char,
}

impl Stub {
    fn answer(&self, question: u8) -> String {
        // SAFETY: the library stays loaded, and the answer stays until the next question, which
        // the one thread that drives the stub asks.
        let text = unsafe { CStr::from_ptr((self.answer)(question.cast_signed() as c_char)) };
        text.to_str().unwrap().to_owned()
    }

    /// What the caller did wrong.
    pub fn faults(&self) -> String {
        self.answer(b'f')
    }

    /// What was heard since the last time, as lines `name=value`.
    pub fn heard(&self) -> String {
        self.answer(b'h')
    }

    /// Functions that were called.
    pub fn reached(&self) -> usize {
        self.answer(b'r').lines().count()
    }

    /// Whether the header has a field; it must have been read or written before.
    pub fn knows(&self, field: &str) -> bool {
        self.answer(b'k').lines().any(|line| line == field)
    }

    /// Objects that nobody gave back.
    pub fn living(&self) -> i32 {
        // SAFETY: the library stays loaded.
        unsafe { (self.living)() }
    }
}
