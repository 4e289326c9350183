//! A place where a stand-in for Python gives a crafted package.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pjrt::install::{Catalogue, InstallError, Installed, Installer, platform};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub const WHEEL: &str = "demo_pjrt-1.0-py3-none-any.whl";
pub const LIBRARY: &str = "xla_plugins/demo/demo_pjrt.so";
pub const CHILD_CACHE: &str = "PJRT_TEST_INSTALL_CHILD";
pub const COPY_WHEEL: &str = "cp \"$root\"/*.whl \"$dest\"/";

/// A cache directory, the package that the stand-in gives, and a catalogue that pins it.
pub struct Scene {
    pub root: TempDir,
    pub catalogue: String,
}

impl Scene {
    /// A package with these members; pinned as it is.
    pub fn new(members: &[(&str, &[u8])]) -> Self {
        Self::with_wheel(&wheel(members), None)
    }

    pub fn good() -> Self {
        Self::new(&[
            (LIBRARY, b"the library"),
            ("demo-1.0.dist-info/METADATA", b"Name: demo"),
        ])
    }

    /// These bytes as the package; pinned with their sha256 or with another.
    pub fn with_wheel(bytes: &[u8], sha256: Option<&str>) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let hash: String = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let catalogue = format!(
            r#"{{"format": 1, "plugins": [{{"name": "demo", "about": "a stand-in", "version": "1.0",
            "library": "{LIBRARY}", "wheels": {{"{}": [{{"package": "demo-pjrt", "version": "1.0",
            "file": "{WHEEL}", "sha256": "{}", "python": "3.12", "keep": ["xla_plugins/*/*.so"]
            }}]}}}}]}}"#,
            platform(),
            sha256.unwrap_or(&hash),
        );
        let scene = Self { root, catalogue };
        scene.write(WHEEL, bytes);
        scene.write("catalogue.json", scene.catalogue.as_bytes());
        scene.pip(COPY_WHEEL);
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("the file can be written");
    }

    /// What the stand-in does.
    pub fn pip(&self, script: &str) {
        self.write("fake_pip.sh", script.as_bytes());
    }

    pub fn installer(&self) -> Installer<'static> {
        installer(self.root.path())
    }

    pub fn install(&self) -> Result<Installed, InstallError> {
        self.installer().install("demo")
    }

    /// How often Python was started.
    pub fn calls(&self) -> usize {
        fs::read_to_string(self.path("calls.txt"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    pub fn partial_folders(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.path("plugins/demo")) else {
            return 0;
        };
        let partial =
            |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".partial-");
        entries.flatten().filter(partial).count()
    }

    pub fn assert_nothing_installed(&self) {
        assert_eq!(self.installer().path_of("demo"), None);
        assert!(self.installer().installed().is_empty());
        assert!(!self.path("plugins/demo/1.0").exists());
        assert_eq!(self.partial_folders(), 0);
    }

    /// A process of its own that installs the plugin.
    pub fn child(&self) -> Child {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "child_process_installs", "--nocapture"])
            .env(CHILD_CACHE, self.root.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("a child process")
    }
}

pub fn installer(root: &Path) -> Installer<'static> {
    let catalogue = fs::read_to_string(root.join("catalogue.json")).expect("the catalogue");
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fake_python.sh");
    Installer::new()
        .cache_dir(root)
        .python(python)
        .catalogue(Catalogue::parse(&catalogue).expect("a sound catalogue"))
}

pub fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default())
            .expect("a member");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("a package").into_inner()
}

/// Waits until `done`; a stand-in that hangs must not hang the tests.
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited too long for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
