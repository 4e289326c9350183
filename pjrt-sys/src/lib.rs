//! Raw bindings to PJRT, the C interface of OpenXLA's compiler and device runtime.
//!
//! Everything here is made by `cargo xtask codegen` from the facts in `schema/`; nothing links,
//! nothing runs at build time. The main header is at the root, each other header has a module.
//! The crate `xla-pjrt` (library `pjrt`) is the safe way to use any of it.
//!
//! # Conventions
//!
//! - Names are those of the C headers, whole: `PJRT_Buffer_Type_F32` is a constant of type
//!   [`PJRT_Buffer_Type`], beside its type. An enumeration is an open newtype over the integer
//!   that C uses, so that a value which is newer than these bindings is no undefined behaviour.
//! - A field whose name Rust reserves gets an underscore: `type_`. An anonymous union is the
//!   field `__bindgen_anon_1`, of type `Struct__bindgen_ty_1`. A C++ namespace becomes a prefix:
//!   `xla_GlobalDeviceId`.
//! - A slot of a function table is an `Option` of an `unsafe extern "C" fn`. The name of a C
//!   function type, such as [`PJRT_Client_Create`], is an alias of that `Option`.
//! - Where a struct's tag and its typedef differ, both names exist.
//! - `X_STRUCT_SIZE` is the header's own constant, the end of the last field. It is less than
//!   `size_of::<X>()` where the struct ends in padding, and it is what goes into `struct_size`.
//! - Every struct and union with fields has a constant function `zeroed()`, and `Default` does
//!   the same.
//! - Types that C only declares are opaque and without `Copy`: hold them by pointer.
//!
//! The layout is asserted at compile time wherever pointers have 64 bits.
#![no_std]

/// Gives structs and unions of C a value whose bytes are all zero.
macro_rules! zeroed {
    ($($name:ident,)*) => {
        $(
            impl $name {
                /// A value whose bytes are all zero: null pointers, absent functions, zeros.
                #[must_use]
                pub const fn zeroed() -> Self {
                    // SAFETY: the type is declared in C and made of integers, floats, `bool`,
                    // raw pointers, `Option`s of function pointers, newtypes of integers, and
                    // arrays, structs and unions of these. Zero bytes are a value of each.
                    unsafe { ::core::mem::zeroed() }
                }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::zeroed()
                }
            }
        )*
    };
}
use zeroed;

include!("modules.rs");
