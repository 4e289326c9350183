//! Installing plugins: a stand-in for Python gives crafted packages, so that nothing but the last
//! test needs a network.
#![cfg(unix)]

#[path = "install/scene.rs"]
mod scene;

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Child;

use pjrt::find::{Search, Surroundings};
use pjrt::install::{Catalogue, InstallError, Installer, PipFailure, Progress, platform};
use scene::{CHILD_CACHE, COPY_WHEEL, LIBRARY, Scene, WHEEL, installer, wait_until, wheel};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Not a test of its own: what [`Scene::child`] runs.
#[test]
fn child_process_installs() {
    let Some(root) = std::env::var_os(CHILD_CACHE) else {
        return;
    };
    let installed = installer(Path::new(&root))
        .install("demo")
        .expect("it can be installed");
    assert!(installed.library.is_file());
}

#[test]
fn an_install_takes_the_needed_files_and_tells_its_steps() {
    let scene = Scene::good();
    let mut steps = Vec::new();
    let installed = scene
        .installer()
        .on_progress(|progress| {
            steps.push(match progress {
                Progress::Waiting => "waiting",
                Progress::Resolving {
                    name: "demo",
                    version: "1.0",
                } => "resolving",
                Progress::Downloading {
                    package: "demo-pjrt",
                    number: 1,
                    of: 1,
                    ..
                } => "fetching",
                Progress::Verifying { file: WHEEL } => "verifying",
                Progress::Unpacking {
                    done: 0, total: 11, ..
                } => "unpacking",
                Progress::Unpacking {
                    done: 11,
                    total: 11,
                    ..
                } => "unpacked",
                Progress::Done { .. } => "done",
                other => panic!("unexpected step {other:?}"),
            });
        })
        .install("demo")
        .expect("it can be installed");
    let all = [
        "resolving",
        "fetching",
        "verifying",
        "unpacking",
        "unpacked",
        "done",
    ];
    assert_eq!(steps, all);
    assert_eq!(
        installed.library,
        scene.path("plugins/demo/1.0").join(LIBRARY)
    );
    assert_eq!(
        fs::read(&installed.library).expect("the library"),
        b"the library"
    );
    assert!(!installed.folder.join("demo-1.0.dist-info").exists());
    assert_eq!(
        scene.installer().installed(),
        std::slice::from_ref(&installed)
    );
    let around = Surroundings::empty().with_var("PJRT_CACHE_DIR", scene.root.path());
    assert_eq!(
        Search::new().surroundings(around).find("demo"),
        Ok(installed.library)
    );
}

#[test]
fn a_second_install_starts_no_python() {
    let scene = Scene::good();
    let first = scene.install().expect("it can be installed");
    scene.pip("exit 1");
    assert_eq!(scene.install().expect("it is installed"), first);
    assert_eq!(scene.calls(), 1);
}

#[test]
fn a_damaged_install_is_made_good() {
    let scene = Scene::good();
    let library = scene.install().expect("it can be installed").library;
    fs::write(&library, b"cut").expect("the library can be written");
    assert_eq!(scene.installer().path_of("demo"), None);
    scene.install().expect("it can be installed again");
    assert_eq!(fs::read(&library).expect("the library"), b"the library");
    assert_eq!((scene.calls(), scene.partial_folders()), (2, 0));
}

#[test]
fn another_pinned_file_replaces_the_installed_one() {
    let scene = Scene::good();
    scene.install().expect("it can be installed");
    let other = Scene::new(&[(LIBRARY, b"another build")]);
    scene.write(WHEEL, &fs::read(other.path(WHEEL)).expect("the package"));
    scene.write("catalogue.json", other.catalogue.as_bytes());
    assert_eq!(scene.installer().path_of("demo"), None);
    let library = scene.install().expect("it can be installed").library;
    assert_eq!(fs::read(library).expect("the library"), b"another build");
}

#[test]
fn a_package_with_another_hash_is_not_unpacked() {
    let pinned = "0".repeat(64);
    let scene = Scene::with_wheel(&wheel(&[(LIBRARY, b"evil")]), Some(&pinned));
    let error = scene.install().expect_err("the hash differs");
    let InstallError::Hash {
        file,
        expected,
        got,
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((file.as_str(), expected), (WHEEL, &pinned));
    assert!(
        got.len() == 64 && error.to_string().contains(got.as_str()),
        "{error}"
    );
    scene.assert_nothing_installed();
}

#[test]
fn a_truncated_package_is_not_unpacked() {
    let scene = Scene::good();
    scene.pip("head -c 60 \"$root\"/*.whl >\"$dest/demo_pjrt-1.0-py3-none-any.whl\"");
    assert!(matches!(scene.install(), Err(InstallError::Hash { .. })));
    scene.assert_nothing_installed();
    // The same where the pinned file itself is cut off.
    let bytes = wheel(&[(LIBRARY, b"the library")]);
    let scene = Scene::with_wheel(&bytes[..60], None);
    assert!(matches!(scene.install(), Err(InstallError::Unpack { .. })));
    scene.assert_nothing_installed();
}

#[test]
fn a_member_that_would_leave_the_folder_is_refused() {
    for member in [
        "../../outside.so",
        "/outside.so",
        "xla_plugins/../../outside.so",
        "a\\..\\b",
    ] {
        let scene = Scene::new(&[(LIBRARY, b"the library"), (member, b"evil")]);
        let error = scene.install().expect_err("an unsafe member");
        assert!(
            matches!(error, InstallError::UnsafeMember { .. }),
            "{member}: {error}"
        );
        scene.assert_nothing_installed();
        assert!(!scene.path("plugins/outside.so").exists());
    }
}

#[test]
fn a_link_in_place_of_the_library_is_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink(LIBRARY, "/etc/passwd", SimpleFileOptions::default())
        .expect("a link");
    let scene = Scene::with_wheel(&zip.finish().expect("a package").into_inner(), None);
    let error = scene.install().expect_err("a link");
    assert!(error.to_string().contains("symbolic link"), "{error}");
    scene.assert_nothing_installed();
}

#[test]
fn a_package_without_the_library_is_an_error() {
    let scene = Scene::new(&[("demo/README", b"no library")]);
    let error = scene.install().expect_err("no library");
    assert!(
        error
            .to_string()
            .contains("expected a member \"xla_plugins/*/*.so\""),
        "{error}"
    );
    scene.assert_nothing_installed();
}

#[test]
fn a_failure_of_pip_is_told_with_its_last_lines_and_a_next_step() {
    let scene = Scene::good();
    for (says, kind, next) in [
        (
            "NewConnectionError: Network is unreachable",
            PipFailure::Network,
            "check the network",
        ),
        (
            "ERROR: No matching distribution found",
            PipFailure::NotThere,
            "pip config list",
        ),
        (
            "/x/python3: No module named pip",
            PipFailure::NoPip,
            "ensurepip",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            PipFailure::DiskFull,
            "free space",
        ),
    ] {
        scene.pip(&format!("echo first line; echo '{says}' >&2; exit 1"));
        let error = scene.install().expect_err("pip failed");
        let InstallError::Pip {
            requirement,
            failure,
            output,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!((requirement.as_str(), *failure), ("demo-pjrt==1.0", kind));
        assert_eq!(*output, format!("first line\n{says}"));
        assert!(error.to_string().contains(next), "{error}");
        scene.assert_nothing_installed();
    }
}

#[test]
fn a_pip_that_gives_another_file_is_an_error() {
    let scene = Scene::good();
    scene.pip("cp \"$root\"/*.whl \"$dest/demo_pjrt-1.0-cp312-cp312-any.whl\"");
    let error = scene.install().expect_err("another file");
    assert!(
        matches!(&error, InstallError::WrongFile { got, .. } if got.len() == 1),
        "{error}"
    );
    scene.assert_nothing_installed();
}

#[test]
fn without_python_the_error_says_how_to_name_one() {
    let scene = Scene::good();
    let error = scene
        .installer()
        .python("/nowhere/python3")
        .install("demo")
        .expect_err("none");
    assert!(matches!(error, InstallError::NoPython { .. }));
    assert!(error.to_string().contains("PJRT_PYTHON"), "{error}");
    scene.assert_nothing_installed();
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let scene = Scene::good();
    scene.write("plugins", b"a file where a folder is needed");
    let error = scene.install().expect_err("not writable");
    assert!(
        matches!(error, InstallError::NotWritable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("PJRT_CACHE_DIR"), "{error}");
}

#[test]
fn unknown_names_and_platforms_are_told_with_what_there_is() {
    let scene = Scene::good();
    let error = scene.installer().install("gpu").expect_err("unknown");
    assert!(error.to_string().contains("there are demo"), "{error}");
    let elsewhere = scene.catalogue.replace(platform(), "riscv64-plan9");
    let catalogue = Catalogue::parse(&elsewhere).expect("a sound catalogue");
    let error = scene
        .installer()
        .catalogue(catalogue)
        .install("demo")
        .expect_err("no package");
    let text = error.to_string();
    assert!(
        text.contains("riscv64-plan9") && text.contains(platform()),
        "{text}"
    );
    assert_eq!(scene.calls(), 0);
}

#[test]
fn threads_and_processes_at_once_install_it_once() {
    let scene = Scene::good();
    scene.pip(&format!("sleep 0.3; {COPY_WHEEL}"));
    let children: Vec<Child> = (0..2).map(|_| scene.child()).collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| scene.install().expect("it can be installed"));
        }
    });
    for mut child in children {
        assert!(child.wait().expect("the child ends").success());
    }
    assert_eq!((scene.calls(), scene.partial_folders()), (1, 0));
}

#[test]
fn an_interrupted_install_counts_for_nothing_and_is_cleared() {
    let scene = Scene::good();
    scene.pip(&format!(
        "{COPY_WHEEL}; touch \"$root/started\"; while [ -d \"$root\" ] && [ ! -e \"$root/go\" ]; do sleep 0.02; done"
    ));
    let mut child = scene.child();
    wait_until("the download to start", || scene.path("started").exists());
    assert_eq!(scene.partial_folders(), 1);
    child.kill().expect("the child can be ended");
    child.wait().expect("the child ends");
    assert_eq!(scene.installer().path_of("demo"), None);
    assert!(scene.installer().installed().is_empty());
    assert_eq!(scene.partial_folders(), 1);
    scene.pip(COPY_WHEEL);
    scene.install().expect("it can be installed");
    assert_eq!(scene.partial_folders(), 0);
    // The stand-in has outlived the killed process; it may end now.
    scene.write("go", b"");
}

#[test]
fn the_cpu_plugin_comes_from_its_real_package() {
    if std::env::var("PJRT_TEST_PLUGINS").is_ok_and(|value| value == "none") {
        eprintln!("skipped: PJRT_TEST_PLUGINS=none keeps the tests off the network");
        return;
    }
    if platform() != "x86_64-linux" {
        eprintln!(
            "skipped: no package of the CPU plugin is pinned for {}",
            platform()
        );
        return;
    }
    let root = tempfile::tempdir().expect("a temporary directory");
    let installed = Installer::new()
        .cache_dir(root.path())
        .install("cpu")
        .expect("the package");
    assert_eq!(
        (installed.name.as_str(), installed.version.as_str()),
        ("cpu", "0.0.1")
    );
    let size = fs::metadata(&installed.library).expect("the library").len();
    assert_eq!(size, 259_284_552);
    assert_eq!(
        Installer::new().cache_dir(root.path()).path_of("cpu"),
        Some(installed.library)
    );
}
