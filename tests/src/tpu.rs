//! Topologies of libtpu and programs compiled for them, for which no TPU is needed.

use crate::plugin;
use pjrt::__rt::{self as rt, Handle, Place};
use pjrt::{CompileOptions, Executable, Program, TopologyDescription, raw};

/// The topology of that name, such as `v5e:2x2`; none where libtpu is left out.
///
/// # Panics
///
/// As [`plugin`], and if libtpu refuses the name.
pub fn topology(name: &str) -> Option<TopologyDescription> {
    let made = plugin("tpu")?.create_topology(name, &[]);
    Some(made.unwrap_or_else(|error| panic!("no topology `{name}`: {error}")))
}

/// A program in MLIR, compiled for a topology: one replica of one partition.
///
/// # Panics
///
/// If libtpu does not compile it.
pub fn compile_for(topology: &TopologyDescription, mlir: &str) -> Executable {
    let compiled = topology.compile(&Program::mlir(mlir), &CompileOptions::new(), None);
    compiled.unwrap_or_else(|error| panic!("cannot compile: {error}"))
}

/// As [`compile_for`], with options as a serialised `CompileOptionsProto`.
///
/// # Panics
///
/// If libtpu does not compile it.
pub fn compile_with(topology: &TopologyDescription, mlir: &str, options: &[u8]) -> Executable {
    let api = topology.api();
    let program = Program::mlir(mlir);
    let (code, format) = (program.code(), program.format());
    let nested = raw::Program::new(
        code.as_ptr().cast_mut().cast(),
        code.len(),
        format.as_ptr().cast(),
        format.len(),
    );
    let place = Place {
        function: "PJRT_Compile",
        field: "executable",
    };
    let compiled = nested.lower(api).and_then(|nested| {
        let input = raw::CompileIn::new(
            topology.as_raw(),
            &nested,
            options.as_ptr().cast(),
            options.len(),
            std::ptr::null_mut(),
        );
        // SAFETY: topology, program and options outlive the call, which only reads them; no client
        // is needed. The executable is new, the caller's to destroy, and keeps the topology alive.
        unsafe {
            raw::compile(api, input)
                .and_then(|out| rt::owned(api, out.executable, rt::owner_of(topology), place))
        }
    });
    compiled.unwrap_or_else(|error| panic!("cannot compile: {error}"))
}
