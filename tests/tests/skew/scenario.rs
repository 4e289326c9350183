//! What the safe layer is tried with, on a plugin of any version: each scenario does one thing and
//! gives the first error of a call. Wrong answers panic.

use pjrt::{
    Buffer, Client, ClientOptions, CompileOptions, LoadedExecutable, Memory, Plugin, Program,
    Result,
};

/// One thing to do with a plugin.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub run: fn(&Plugin) -> Result<()>,
}

/// A list of scenarios, each a function.
macro_rules! scenarios {
    ($($(#[$meta:meta])* fn $name:ident($plugin:ident) $body:block)*) => {
        $($(#[$meta])* fn $name($plugin: &pjrt::Plugin) -> pjrt::Result<()> {
            $body
            Ok(())
        })*

        /// The scenarios of this file.
        pub const ALL: &[$crate::scenario::Scenario] = &[
            $($crate::scenario::Scenario { name: stringify!($name), run: $name }),*
        ];
    };
}
pub(crate) use scenarios;

/// All scenarios.
pub fn all() -> Vec<Scenario> {
    [
        crate::core::ALL,
        crate::buffers::ALL,
        crate::promises::ALL,
        crate::programs::ALL,
        crate::extensions::ALL,
    ]
    .concat()
}

pub fn client(plugin: &Plugin) -> Result<Client> {
    plugin.create_client(&ClientOptions::new())
}

/// 1 to 4, two by two.
pub fn floats(client: &Client) -> Result<Buffer> {
    client.buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])
}

pub fn memory(client: &Client) -> Result<Memory> {
    let devices = client.addressable_devices()?;
    devices.first().expect("a device").default_memory()
}

pub fn compiled(client: &Client, text: &str) -> Result<LoadedExecutable> {
    client.compile(&Program::mlir(text), &CompileOptions::new())
}

/// Adds two arrays, two by two, and gives the second back.
pub const ADD: &str = "mock two\nparam f32[2,2]\nparam f32[2,2]\nout add 0 1\nout 1\n";

pub fn bytes(items: &[f32]) -> Vec<u8> {
    items.iter().flat_map(|x| x.to_ne_bytes()).collect()
}
