//! What is tried with the extensions of a mock plugin, step by step. Wrong answers panic.

mod called;
mod core;
mod deferred;
mod memory;
mod slices;
mod told;
mod transfers;

use pjrt::{Buffer, Client, ClientOptions, CompileOptions, Executable, Plugin, Program};
use pjrt_mock::Mock;

/// Steps with custom calls.
pub fn calls() -> Vec<Step> {
    [called::ALL, deferred::ALL].concat()
}

/// A step, by its name.
pub type Step = (&'static str, fn(&Scene));

/// Steps that together call every function of the extensions that stands in a table of the chain.
pub fn all() -> Vec<Step> {
    [
        core::ALL,
        memory::ALL,
        slices::ALL,
        told::ALL,
        transfers::ALL,
    ]
    .concat()
}

/// Steps with an extension that only older plugins have.
pub const OLD: &[Step] = &[("old_host", memory::old_host)];

/// A plugin with what most extensions ask for.
pub struct Scene<'a> {
    pub client: Client,
    pub plugin: Plugin,
    pub mock: &'a Mock,
}

impl<'a> Scene<'a> {
    pub fn new(mock: &'a Mock, plugin: Plugin) -> Scene<'a> {
        Scene {
            client: plugin.create_client(&ClientOptions::new()).unwrap(),
            plugin,
            mock,
        }
    }

    pub fn floats(&self) -> Buffer {
        let values = [1.0f32, 2.0, 3.0, 4.0];
        self.client.buffer_from_slice(&values, &[4]).unwrap()
    }

    pub fn executable(&self) -> Executable {
        let text = Program::mlir("mock one\nparam f32[4]\nout 0\n");
        let loaded = self.client.compile(&text, &CompileOptions::new()).unwrap();
        loaded.executable().unwrap()
    }
}
