//! What some plugins want to find in the environment before they start.
//!
//! A plugin reads these variables itself, in the process that loads it, mostly while it
//! initialises. There is no other way to tell it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// What to set in the environment before a plugin starts. The default sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// For the TPU plugin.
    pub tpu: Option<TpuOptions>,
}

/// What the TPU plugin reads from its environment. The default sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TpuOptions {
    /// Do not ask the cloud's metadata server what this machine is (`TPU_SKIP_MDS_QUERY=1`).
    ///
    /// Outside a TPU machine that server does not answer, and the plugin asks it again and again:
    /// initialising then takes many minutes. Needed wherever the plugin is used to compile alone.
    pub skip_mds_query: bool,
    /// Let several processes hold the plugin at once (`ALLOW_MULTIPLE_LIBTPU_LOAD=1`).
    ///
    /// Without it a process that initialises the plugin keeps others out until it ends. Right for
    /// processes that only compile; two that want the same chips will get in each other's way.
    pub allow_multiple_load: bool,
    /// Where the plugin writes its log files (`TPU_LOG_DIR`).
    pub log_dir: TpuLogDir,
}

/// Where the TPU plugin writes its log files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TpuLogDir {
    /// As the environment says; where it says nothing, a file per process in a folder of the
    /// system's temporary directory.
    #[default]
    Unchanged,
    /// Nowhere.
    Disabled,
    /// In this folder.
    Path(PathBuf),
}

impl LoadOptions {
    /// Sets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with these options for the TPU plugin.
    #[must_use]
    pub fn tpu(mut self, options: TpuOptions) -> Self {
        self.tpu = Some(options);
        self
    }

    /// The variables to set, with their values. Only options that are on are listed.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        let mut pairs = Vec::new();
        if let Some(tpu) = &self.tpu {
            if tpu.skip_mds_query {
                pairs.push(("TPU_SKIP_MDS_QUERY", OsString::from("1")));
            }
            if tpu.allow_multiple_load {
                pairs.push(("ALLOW_MULTIPLE_LIBTPU_LOAD", OsString::from("1")));
            }
            match &tpu.log_dir {
                TpuLogDir::Unchanged => {}
                TpuLogDir::Disabled => pairs.push(("TPU_LOG_DIR", OsString::from("disabled"))),
                TpuLogDir::Path(path) => pairs.push(("TPU_LOG_DIR", path.clone().into())),
            }
        }
        pairs
    }

    /// The variables of [`LoadOptions::env`] that this process does not have with that value.
    ///
    /// Empty where a parent process or a shell has set them all: nothing is left to apply.
    #[must_use]
    pub fn missing(&self) -> Vec<(&'static str, OsString)> {
        let mut pairs = self.env();
        pairs.retain(|(name, value)| std::env::var_os(name).as_ref() != Some(value));
        pairs
    }

    /// Sets the variables for a process that is about to be started: the way that is always safe.
    pub fn apply_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(self.env())
    }

    /// Sets the variables in this process, over values they may have. Variables that already have
    /// their value are left alone.
    ///
    /// Call it first thing in `main`, before the plugin is loaded: a plugin reads its variables
    /// when it is loaded or initialised, and setting them later has no effect.
    ///
    /// # Safety
    ///
    /// While this runs, no other thread of the process may read or write the environment, except
    /// through `std::env`. On most systems reading it takes no lock, and C code reads it in places
    /// that do not show: name resolution, time zones, another plugin's start. A process with one
    /// thread satisfies this; a test harness or an asynchronous run time usually does not. On
    /// Windows every call is sound.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] where a value holds a NUL byte; nothing is set then.
    pub unsafe fn apply(&self) -> io::Result<()> {
        let pairs = self.missing();
        if let Some((name, _)) = pairs.iter().find(|(_, value)| has_nul(value)) {
            let why = format!("{name} holds a NUL byte, which no variable can; give another path");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        for (name, value) in pairs {
            // SAFETY: the caller has promised that no other thread reads or writes the environment
            // now. The names are ours and plain; the values were checked for NUL, on which
            // `set_var` would panic.
            unsafe { std::env::set_var(name, value) };
        }
        Ok(())
    }
}

impl TpuOptions {
    /// Sets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a machine without a TPU wants, to compile for one: no metadata server, several
    /// processes at once, no log files.
    #[must_use]
    pub fn compile_only() -> Self {
        Self {
            skip_mds_query: true,
            allow_multiple_load: true,
            log_dir: TpuLogDir::Disabled,
        }
    }

    /// The same with [`TpuOptions::skip_mds_query`] as given.
    #[must_use]
    pub fn skip_mds_query(mut self, yes: bool) -> Self {
        self.skip_mds_query = yes;
        self
    }

    /// The same with [`TpuOptions::allow_multiple_load`] as given.
    #[must_use]
    pub fn allow_multiple_load(mut self, yes: bool) -> Self {
        self.allow_multiple_load = yes;
        self
    }

    /// The same with [`TpuOptions::log_dir`] as given.
    #[must_use]
    pub fn log_dir(mut self, log_dir: TpuLogDir) -> Self {
        self.log_dir = log_dir;
        self
    }
}

fn has_nul(value: &OsString) -> bool {
    value.as_encoded_bytes().contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_set_unless_asked() {
        assert!(LoadOptions::new().env().is_empty());
        assert!(LoadOptions::new().tpu(TpuOptions::new()).env().is_empty());
        assert!(LoadOptions::new().missing().is_empty());
    }

    #[test]
    fn compile_only_lists_its_three_variables() {
        let options = LoadOptions::new().tpu(TpuOptions::compile_only());
        let pairs: Vec<(&str, OsString)> = vec![
            ("TPU_SKIP_MDS_QUERY", "1".into()),
            ("ALLOW_MULTIPLE_LIBTPU_LOAD", "1".into()),
            ("TPU_LOG_DIR", "disabled".into()),
        ];
        assert_eq!(options.env(), pairs);
        let mut command = Command::new("none");
        options.apply_to(&mut command);
        assert_eq!(command.get_envs().count(), 3);
    }

    #[test]
    fn a_log_folder_is_passed_on() {
        let tpu = TpuOptions::new().log_dir(TpuLogDir::Path("/logs".into()));
        let pairs: Vec<(&str, OsString)> = vec![("TPU_LOG_DIR", "/logs".into())];
        assert_eq!(LoadOptions::new().tpu(tpu).env(), pairs);
    }

    #[test]
    fn a_nul_byte_is_an_error_and_sets_nothing() {
        let tpu = TpuOptions::new().log_dir(TpuLogDir::Path("a\0b".into()));
        // SAFETY: the value is refused before anything is set.
        let error = unsafe { LoadOptions::new().tpu(tpu).apply() }.expect_err("a NUL byte");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("TPU_LOG_DIR"));
    }
}
