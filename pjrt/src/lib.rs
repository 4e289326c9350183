//! Safe bindings to PJRT, the C interface of OpenXLA's compiler and device runtime.
