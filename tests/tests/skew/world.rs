//! Plugins that scenarios are tried on, and what came of it.

use crate::oracle::Version;
use crate::scenario::{self, Scenario};
use pjrt::{Error, Plugin};
use pjrt_mock::{Builder, Mock};
use pjrt_sys::PJRT_Api;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A plugin, and the mock behind it.
pub struct World {
    mock: Mock,
    plugin: Plugin,
    pub version: Version,
}

impl World {
    pub fn new(builder: &Builder) -> World {
        World::through(builder, |mock| mock.api())
    }

    /// A plugin whose table is given for the mock's own.
    pub fn through(builder: &Builder, table: impl FnOnce(&Mock) -> *const PJRT_Api) -> World {
        let mock = builder.clone().build();
        let table = table(&mock);
        // SAFETY: the table is the mock's or a copy of it, and lives as long as the process.
        let plugin = unsafe { Plugin::from_api(table) };
        let plugin = plugin.unwrap_or_else(|e| panic!("0.{} was not loaded: {e}", mock.minor()));
        // SAFETY: the size is the first word of a table.
        let reported = unsafe { table.cast::<u64>().read() };
        let minor = u32::try_from(plugin.api_version().minor).expect("a minor");
        World {
            mock,
            plugin,
            version: Version { minor, reported },
        }
    }
}

/// What came of a scenario.
pub type Outcome = Result<(), Error>;

/// Tries every scenario on a plugin, and hands over what came of each. A wrong answer, and what is
/// left behind or done wrong, is a complaint.
pub fn tried(
    builder: &Builder,
    make: impl Fn(&Builder) -> World,
    complaints: &mut Vec<String>,
    mut came: impl FnMut(&Scenario, Version, Outcome, &mut Vec<String>),
) {
    let mut world = make(builder);
    for scenario in scenario::all() {
        let what = format!("0.{}, {}", world.version.minor, scenario.name);
        match catch_unwind(AssertUnwindSafe(|| (scenario.run)(&world.plugin))) {
            Ok(outcome) => came(&scenario, world.version, outcome, complaints),
            Err(_) => complaints.push(format!("{what}: a wrong answer, see above")),
        }
        let report = world.mock.report();
        if !report.is_clean() {
            complaints.push(format!("{what}: {report:?}"));
            world = make(builder);
        }
    }
}
