use std::fs;

use super::*;

/// A directory that is removed when dropped.
struct Temp(PathBuf);

impl Temp {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pjrt-find-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn file(&self, path: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("the folders");
        fs::write(&path, b"lib").expect("the file");
        path
    }

    fn installed(&self, name: &str, version: &str) -> PathBuf {
        let library = self.file(&format!("cache/plugins/{name}/{version}/p/lib.so"));
        let manifest = manifest::Manifest {
            name: name.into(),
            version: version.into(),
            library: "p/lib.so".into(),
            wheels: vec![],
            files: vec![(3, "p/lib.so".into())],
        };
        let folder = self.0.join(format!("cache/plugins/{name}/{version}"));
        fs::write(folder.join(manifest::FILE), manifest.to_text()).expect("the list");
        library
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::empty().with_var("PJRT_CACHE_DIR", self.0.join("cache"))
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn search(surroundings: &Surroundings) -> Search {
    Search::new().surroundings(surroundings.clone())
}

#[test]
fn each_place_goes_before_the_later_ones() {
    let temp = Temp::new("order");
    let system = temp.file("usr/lib/python3.11/site-packages/libtpu/libtpu.so");
    let on_path = temp.file("path/libtpu/libtpu.so");
    let in_conda = temp.file("conda/lib/python3.12/site-packages/libtpu/libtpu.so");
    let in_venv = temp.file("venv/lib/python3.9/site-packages/libtpu/libtpu.so");
    let cached = temp.installed("tpu", "0.0.9");
    let tpu_variable = temp.file("v/tpu.so");
    let of_names = temp.file("v/named.so");
    let of_plugin = temp.file("v/any.so");
    let given = temp.file("v/given.so");

    let none = Surroundings::empty();
    let found = |surroundings: &Surroundings| search(surroundings).find("tpu");
    assert!(found(&none).is_err());
    let around = none.with_python_prefix(temp.0.join("usr"));
    assert_eq!(found(&around), Ok(system));
    let around = around.with_var("PYTHONPATH", temp.0.join("path"));
    assert_eq!(found(&around), Ok(on_path));
    let around = around.with_var("CONDA_PREFIX", temp.0.join("conda"));
    assert_eq!(found(&around), Ok(in_conda));
    let around = around.with_var("VIRTUAL_ENV", temp.0.join("venv"));
    assert_eq!(found(&around), Ok(in_venv));
    let around = around.with_var("PJRT_CACHE_DIR", temp.0.join("cache"));
    assert_eq!(found(&around), Ok(cached));
    let around = around.with_var("TPU_LIBRARY_PATH", &tpu_variable);
    assert_eq!(found(&around), Ok(tpu_variable));
    let separator = if cfg!(windows) { ';' } else { ':' };
    let pairs = format!(
        "xpu{separator}/nowhere,tpu{separator}{}",
        of_names.display()
    );
    let around = around.with_var("PJRT_NAMES_AND_LIBRARY_PATHS", pairs);
    assert_eq!(found(&around), Ok(of_names));
    let around = around.with_var("PJRT_PLUGIN_LIBRARY_PATH", &of_plugin);
    assert_eq!(found(&around), Ok(of_plugin));
    let last = search(&around).path(&given).locate("tpu");
    assert_eq!(
        last,
        Ok(Found {
            path: given,
            place: Place::Given
        })
    );
}

#[test]
fn the_error_lists_every_place_with_its_reason() {
    let temp = Temp::new("error");
    fs::create_dir_all(temp.0.join("venv/lib/python3.11/site-packages")).expect("the folders");
    let around = temp
        .surroundings()
        .with_var("PJRT_NAMES_AND_LIBRARY_PATHS", "xpu:/a.so,tt:/b.so")
        .with_var("TPU_LIBRARY_PATH", "/somewhere/libtpu.so")
        .with_var("VIRTUAL_ENV", temp.0.join("venv"));
    let error = search(&around).find("cpu").expect_err("nothing is there");
    assert!(!error.ended_early);
    let misses: Vec<_> = error
        .looked
        .iter()
        .map(|looked| (&looked.place, &looked.miss))
        .collect();
    let expected = [
        (&Place::Given, &Miss::Unset),
        (&variables::PLUGIN, &Miss::Unset),
        (
            &variables::NAMES,
            &Miss::NotForThisName("`xpu`, `tt`".into()),
        ),
        (&variables::TPU, &Miss::NotForThisName("`tpu`".into())),
        (&Place::Cache, &Miss::NoPlugin),
        (&Place::SitePackages("VIRTUAL_ENV"), &Miss::NoPlugin),
        (&Place::SitePackages("CONDA_PREFIX"), &Miss::Unset),
        (&Place::SitePackages("PYTHONPATH"), &Miss::Unset),
        (&Place::SitePackages("of the user"), &Miss::Unset),
        (&Place::SitePackages("of the system"), &Miss::NoPlugin),
    ];
    assert_eq!(misses, expected);
    let text = error.to_string();
    assert!(text.contains("PJRT_PLUGIN_LIBRARY_PATH: not set"), "{text}");
    assert!(text.contains("Installer::new().install(\"cpu\")"), "{text}");
    assert!(text.contains("cargo xtask plugin install cpu"), "{text}");
}

#[test]
fn what_a_person_set_is_binding() {
    let temp = Temp::new("binding");
    temp.installed("tpu", "0.0.9");
    let nowhere = temp.0.join("nowhere.so");
    let around = temp.surroundings();
    let cases = [
        search(&around).path(&nowhere),
        search(
            &around
                .clone()
                .with_var("PJRT_PLUGIN_LIBRARY_PATH", &nowhere),
        ),
        search(&around.clone().with_var("TPU_LIBRARY_PATH", &nowhere)),
        search(&around.clone().with_var(
            "PJRT_NAMES_AND_LIBRARY_PATHS",
            format!(
                "tpu{}{}",
                if cfg!(windows) { ';' } else { ':' },
                nowhere.display()
            ),
        )),
    ];
    for case in cases {
        let error = case.find("tpu").expect_err("the file is not there");
        assert!(error.ended_early);
        let last = error.looked.last().expect("a place");
        assert_eq!(
            (last.path.as_ref(), &last.miss),
            (Some(&nowhere), &Miss::NoSuchFile)
        );
        assert!(error.to_string().contains("leave it unset"), "{error}");
    }
}

#[test]
fn a_broken_pair_is_named_and_passed_over() {
    let temp = Temp::new("pair");
    let library = temp.file("a.so");
    let separator = if cfg!(windows) { ';' } else { ':' };
    let value = format!("nonsense, cpu{separator}{}", library.display());
    let around = Surroundings::empty().with_var("PJRT_NAMES_AND_LIBRARY_PATHS", value);
    assert_eq!(search(&around).find("CPU"), Ok(library));
    let error = search(&around).find("tpu").expect_err("not there");
    assert_eq!(error.looked[2].miss, Miss::Malformed("nonsense".into()));
}

#[test]
fn the_plugin_variable_takes_folders_and_passes_over_other_plugins() {
    let temp = Temp::new("folders");
    let cpu = temp.file("libs/pjrt_c_api_cpu_plugin.so");
    let tpu = temp.file("more/libtpu.so");
    let both = std::env::join_paths([temp.0.join("libs"), tpu.clone()]).expect("no separators");
    let around = temp
        .surroundings()
        .with_var("PJRT_PLUGIN_LIBRARY_PATH", both);
    assert_eq!(search(&around).find("cpu"), Ok(cpu));
    assert_eq!(search(&around).find("tpu"), Ok(tpu));
    let error = search(&around).find("cuda13").expect_err("not there");
    assert_eq!(error.looked[1].miss, Miss::NotForThisName("`tpu`".into()));
}

#[test]
fn the_cache_gives_the_highest_whole_version() {
    let temp = Temp::new("versions");
    let old = temp.installed("cpu", "0.0.9");
    let new = temp.installed("cpu", "0.0.10");
    temp.installed("cuda12", "1");
    let cuda13 = temp.installed("cuda13", "0.1");
    temp.file("cache/plugins/cpu/.partial-1-0/files/p/lib.so");
    temp.file("cache/plugins/cpu/0.0.11/p/lib.so");
    let around = temp.surroundings();
    assert_eq!(search(&around).find("cpu"), Ok(new.clone()));
    assert_eq!(search(&around).find("cuda"), Ok(cuda13));
    fs::write(&new, b"longer").expect("the file");
    assert_eq!(search(&around).find("cpu"), Ok(old.clone()));
    fs::remove_file(&old).expect("the file");
    let error = search(&around).find("cpu").expect_err("both are damaged");
    assert_eq!(error.looked[4].miss, Miss::Damaged);
    let error = search(&around).find("../cpu").expect_err("no such name");
    assert_eq!(error.looked[4].miss, Miss::NoPlugin);
}

#[test]
fn python_packages_are_read_as_they_lie() {
    let temp = Temp::new("packages");
    let site = "venv/lib/python3.11/site-packages";
    let cuda = temp.file(&format!("{site}/jax_plugins/xla_cuda13/xla_cuda_plugin.so"));
    temp.file(&format!(
        "{site}/jax_plugins/xla_cuda13/a.cpython-311-x86_64-linux-gnu.so"
    ));
    temp.file(&format!("{site}/jax_plugins/xla_cuda12/xla_cuda_plugin.so"));
    let cpu = temp.file(&format!("{site}/xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"));
    let newer = temp.file("venv/lib/python3.12/site-packages/libtpu/libtpu.so");
    temp.file(&format!("{site}/libtpu/libtpu.so"));
    let around = Surroundings::empty().with_var("VIRTUAL_ENV", temp.0.join("venv"));
    assert_eq!(search(&around).find("cuda13"), Ok(cuda.clone()));
    assert_eq!(search(&around).find("cuda"), Ok(cuda));
    assert_eq!(search(&around).find("cpu"), Ok(cpu));
    assert_eq!(search(&around).find("tpu"), Ok(newer));
    assert!(search(&around).find("rocm").is_err());
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_cache_directory_follows_the_variables() {
    let home = Surroundings::empty().with_var("HOME", "/home/u");
    assert_eq!(Surroundings::empty().cache_dir(), None);
    assert_eq!(home.cache_dir(), Some("/home/u/.cache/pjrt".into()));
    let xdg = home.clone().with_var("XDG_CACHE_HOME", "/x");
    assert_eq!(xdg.cache_dir(), Some("/x/pjrt".into()));
    let relative = home.with_var("XDG_CACHE_HOME", "x");
    assert_eq!(relative.cache_dir(), Some("/home/u/.cache/pjrt".into()));
    assert_eq!(
        xdg.with_var("PJRT_CACHE_DIR", "/p").cache_dir(),
        Some("/p".into())
    );
}
