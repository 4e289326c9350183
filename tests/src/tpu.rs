//! Topologies of libtpu and programs compiled for them, for which no TPU is needed.

use crate::plugin;
use pjrt::__rt::{self as rt, Handle, OnPlugin, Place};
use pjrt::{CompileOptions, Executable, Program, TopologyDescription, raw};

/// The topology of that name, such as `v5e:2x2`; none where libtpu is left out.
///
/// # Panics
///
/// As [`plugin`], and if libtpu refuses the name.
pub fn topology(name: &str) -> Option<TopologyDescription> {
    let plugin = plugin("tpu")?;
    let api = plugin.api();
    let input = raw::TopologyDescriptionCreateIn::new(
        name.as_ptr().cast(),
        name.len(),
        std::ptr::null(),
        0,
    );
    let place = Place {
        function: "PJRT_TopologyDescription_Create",
        field: "topology",
    };
    // SAFETY: the name is read during the call, and there are no options; the topology is new, the
    // caller's to destroy, and stands alone.
    let made = unsafe {
        raw::topology_description_create(api, input)
            .and_then(|out| rt::owned(api, out.topology, None, place))
    };
    Some(made.unwrap_or_else(|error| panic!("no topology `{name}`: {error}")))
}

/// A program in MLIR, compiled for a topology: one replica of one partition.
///
/// # Panics
///
/// If libtpu does not compile it.
pub fn compile_for(topology: &TopologyDescription, mlir: &str) -> Executable {
    compile_with(topology, mlir, &CompileOptions::new())
}

/// As [`compile_for`], with options.
///
/// # Panics
///
/// If libtpu does not compile it.
pub fn compile_with(
    topology: &TopologyDescription,
    mlir: &str,
    options: &CompileOptions,
) -> Executable {
    let api = topology.api();
    let program = Program::mlir(mlir);
    let (code, format) = (program.code(), program.format());
    let nested = raw::Program::new(
        code.as_ptr().cast_mut().cast(),
        code.len(),
        format.as_ptr().cast(),
        format.len(),
    );
    let options = options.to_bytes();
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
