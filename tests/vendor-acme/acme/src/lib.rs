//! The PJRT extension Acme (number 1000), made of `acme_pjrt_extension.h`.
//!
//! [`sys`] has the declarations of the header, [`raw`] a checked call for each of its functions, and
//! the types beside them are safe. The extension of a plugin is `plugin.extension::<acme::Acme>()?`.
//!
//! ```no_run
//! use acme::{Acme, Unit};
//! use pjrt::{ClientOptions, Plugin};
//!
//! let plugin = Plugin::find("acme")?;
//! let client = plugin.create_client(&ClientOptions::new())?;
//! let device = client.devices()?.remove(0);
//! let acme = plugin.extension::<Acme>()?;
//!
//! let probe = acme.probe_create(&device, "inlet", Unit::CELSIUS)?;
//! let measured = probe.read()?;
//! println!("{} {:?}", measured.value, measured.unit);
//! # Ok::<(), pjrt::Error>(())
//! ```

mod alarm;
mod driver;
mod meter;

pub use meter::Meter;

pjrt::extension! { schema = "acme.json", overlay = "acme.toml", history = "acme.history.json" }
