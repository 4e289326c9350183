//! The versions of StableHLO that a plugin reads.

use crate::{NamedValues, Plugin, Result};
use std::fmt;

/// A version of StableHLO, as portable artifacts are written for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StableHloVersion {
    /// Changes where nothing is compatible.
    pub major: u32,
    /// Changes where older readers are left behind.
    pub minor: u32,
    /// Changes with every addition.
    pub patch: u32,
}

impl fmt::Display for StableHloVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The versions of StableHLO whose artifacts a plugin reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StableHloRange {
    /// The oldest.
    pub minimum: StableHloVersion,
    /// The newest: the plugin was built with it.
    pub current: StableHloVersion,
}

impl StableHloRange {
    /// Whether the plugin reads artifacts of a version.
    pub fn contains(&self, version: StableHloVersion) -> bool {
        (self.minimum..=self.current).contains(&version)
    }
}

impl fmt::Display for StableHloRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.minimum, self.current)
    }
}

impl Plugin {
    /// The versions of StableHLO whose portable artifacts the plugin reads; none if it does not
    /// tell both ends.
    ///
    /// The attributes `stablehlo_minimum_version` and `stablehlo_current_version`, which
    /// `PJRT_Plugin_Attributes` gives.
    ///
    /// # Errors
    ///
    /// As [`Plugin::attributes`].
    pub fn stablehlo_versions(&self) -> Result<Option<StableHloRange>> {
        Ok(range(&self.attributes()?))
    }

    /// The version that a portable artifact for this plugin is best written in, such as `1.13.3`:
    /// the newest that the plugin reads. Newer ones it may refuse, older ones may lack what the
    /// program needs. None if the plugin does not tell.
    ///
    /// # Errors
    ///
    /// As [`Plugin::attributes`].
    pub fn stablehlo_target(&self) -> Result<Option<StableHloVersion>> {
        Ok(version(&self.attributes()?, "stablehlo_current_version"))
    }
}

fn range(attributes: &NamedValues<'_>) -> Option<StableHloRange> {
    Some(StableHloRange {
        minimum: version(attributes, "stablehlo_minimum_version")?,
        current: version(attributes, "stablehlo_current_version")?,
    })
}

fn version(attributes: &NamedValues<'_>, name: &str) -> Option<StableHloVersion> {
    let &[major, minor, patch] = attributes.get(name)?.as_i64_list()? else {
        return None;
    };
    Some(StableHloVersion {
        major: u32::try_from(major).ok()?,
        minor: u32::try_from(minor).ok()?,
        patch: u32::try_from(patch).ok()?,
    })
}
