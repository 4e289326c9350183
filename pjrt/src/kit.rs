//! What a vendor's crate writes its methods with where the generator cannot: [`crate::extension!`]
//! gives the checked calls in `raw`, and these are the checks and keepers around them.
//!
//! The type of the extension has a field `table`, which the module of the macro and the modules within
//! it see: the first argument of every checked call.
//!
//! Everything here keeps the rules of the safe methods of this crate: handles are of the plugin that
//! is called ([`of_plugin`], [`same_client`]), what a plugin returns is read with a [`Place`] that
//! errors name, closures are kept for as long as a plugin may call them ([`Kept`]), and objects that
//! count their references are given up by whoever holds them ([`Ref`]).

pub use crate::rt::{
    Api, Counted, Handle, Kept, OnPlugin, Owner, Place, Ref, Table, TableType, Value, call_back,
    let_go, of_plugin, owner_of, same_client, slice, text, value_list,
};
