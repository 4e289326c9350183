//! The extension that tells whether a compiled program fits a runtime of another version.

pjrt_macros::generate!(extension abi_version);
pjrt_macros::generate!(handle PJRT_RuntimeAbiVersion);
pjrt_macros::generate!(handle PJRT_ExecutableAbiVersion);
