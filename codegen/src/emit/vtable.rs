//! Checked calls of the functions behind an object: one `unsafe fn` per slot, which takes the object
//! and the function's parameters by position.

use super::docs;
use crate::lower::vtable::{self, Gives, Holds, Param, Vtable, VtableSlot};
use crate::model::Model;
use crate::schema::Header;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// All slots of the tables that a header declares and the overlay has an entry for.
pub fn module(model: &Model, header: &Header) -> TokenStream {
    let tables = header.structs.iter();
    let tables = tables.filter_map(|s| vtable::vtable(model, s));
    let items = tables.map(|table| {
        let slots = table.slots.iter().map(|s| slot(&table, s));
        let counted = counted(&table);
        quote!(#(#slots)* #counted)
    });
    quote!(#(#items)*)
}

/// The object as its functions' callers give it: by address, or the pair that it is.
fn object_type(table: &Vtable<'_>) -> TokenStream {
    let object = &table.object;
    match table.data {
        Some(_) => quote!(#object),
        None => quote!(*mut #object),
    }
}

/// What the functions take first.
fn this(table: &Vtable<'_>) -> TokenStream {
    match &table.data {
        Some(data) => quote!(object.#data),
        None => quote!(object),
    }
}

fn c_name(table: &Vtable<'_>, slot: &VtableSlot<'_>) -> String {
    format!("{}.{}", table.table.name, slot.field.name)
}

/// The constant that describes a slot.
fn description(table: &Vtable<'_>, slot: &VtableSlot<'_>) -> TokenStream {
    let (path, head, field, object) = (&table.path, &table.head, &slot.slot, &table.object);
    let (name, since) = (c_name(table, slot), Literal::u32_unsuffixed(slot.since));
    let instance = match &table.instance {
        Some(instance) => quote!(::core::option::Option::Some((
            ::core::mem::offset_of!(#path, #instance),
            ::core::mem::size_of::<#object>(),
        ))),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        ::pjrt::__rt::Slot {
            function: ::pjrt::__rt::Function { name: #name, since: #since },
            head: ::core::mem::offset_of!(#path, #head),
            offset: ::core::mem::offset_of!(#path, #field),
            instance: #instance,
        }
    }
}

/// Binds `table` to the object's table, which has the slot `SLOT`.
fn lookup(table: &Vtable<'_>) -> TokenStream {
    let pointer = &table.pointer;
    let read = match table.data {
        Some(_) => quote!(let table = object.#pointer;),
        // The test of the version comes first: an older plugin's object may begin with anything.
        None => quote! {
            let object = ::pjrt::__rt::object(api, object, &SLOT)?;
            ::pjrt::__rt::safety!("the object is not null, and live by the caller's promise; its first word points to its table.");
            let table = unsafe { (*object).#pointer };
        },
    };
    quote! {
        #read
        ::pjrt::__rt::safety!("the table belongs to a live object of a plugin whose objects of this type have one.");
        unsafe { ::pjrt::__rt::reaches(api, table, &SLOT) }?;
    }
}

fn slot(table: &Vtable<'_>, slot: &VtableSlot<'_>) -> TokenStream {
    match &slot.holds {
        Holds::Function(params, gives) => function(table, slot, params, gives),
        Holds::Data(ty) => data(table, slot, ty),
    }
}

fn heading(table: &Vtable<'_>, slot: &VtableSlot<'_>, verb: &str) -> TokenStream {
    let since = match slot.since {
        0 => String::new(),
        since => format!(" (since PJRT 0.{since})"),
    };
    let first = format!(" {verb} `{}`{since}.", c_name(table, slot));
    quote! {
        #[doc = #first]
        ///
        /// # Errors
        ///
        /// `Unimplemented` if the object's table lacks it; `InvalidOutput` if the object has no
        /// table, or an absurd one; what the function itself reports.
    }
}

fn data(table: &Vtable<'_>, slot: &VtableSlot<'_>, ty: &TokenStream) -> TokenStream {
    let heading = heading(table, slot, "Reads");
    let (ident, field, object) = (&slot.ident, &slot.slot, object_type(table));
    let (description, lookup) = (description(table, slot), lookup(table));
    quote! {
        #heading
        ///
        /// # Safety
        ///
        /// The object is live and of this plugin.
        pub unsafe fn #ident(api: &::pjrt::__rt::Api, object: #object) -> ::pjrt::Result<#ty> {
            const SLOT: ::pjrt::__rt::Slot = #description;
            #lookup
            ::pjrt::__rt::safety!("the table reaches as far as this field.");
            ::core::result::Result::Ok(unsafe { (&raw const (*table).#field).read() })
        }
    }
}

fn function(
    table: &Vtable<'_>,
    slot: &VtableSlot<'_>,
    params: &[Param],
    gives: &Gives,
) -> TokenStream {
    let (ident, output, field) = (&slot.ident, &slot.output, &slot.slot);
    let heading = heading(table, slot, "Calls");
    let (object, this) = (object_type(table), this(table));
    let (description, lookup) = (description(table, slot), lookup(table));
    let why = docs::comment(&table.entry.why);
    let outputs: Vec<&Param> = params.iter().filter(|p| p.is_output).collect();
    let taken = params.iter().filter(|p| !p.is_output).map(|p| {
        let (ident, ty) = (&p.ident, &p.ty);
        quote!(#ident: #ty)
    });
    let prepared = outputs.iter().map(|p| {
        let (ident, ty) = (&p.ident, &p.ty);
        quote!(let mut #ident = ::core::mem::MaybeUninit::<#ty>::zeroed();)
    });
    let given = params.iter().map(|p| {
        let ident = &p.ident;
        match p.is_output {
            true => quote!(#ident.as_mut_ptr()),
            false => quote!(#ident),
        }
    });
    let call = quote!(unsafe { function(#this, #(#given),*) });
    let end = quote!(::pjrt::__rt::end(api, &SLOT.function, traced, true););
    let (bound, returned) = match gives {
        Gives::Nothing => (quote!(#call; #end), None),
        Gives::Error => (
            quote! {
                let error = #call;
                ::pjrt::__rt::check(api, error, &SLOT.function, traced)?;
            },
            None,
        ),
        Gives::Value(ty) => (quote!(let returned = #call; #end), Some(ty)),
    };
    let (structure, result, value) = if outputs.is_empty() {
        match returned {
            Some(ty) => (quote!(), quote!(#ty), quote!(returned)),
            None => (quote!(), quote!(()), quote!(())),
        }
    } else {
        let structure = struct_of_outputs(table, slot, &outputs, returned);
        let values = outputs.iter().map(|p| {
            let ident = &p.ident;
            quote! {
                ::pjrt::__rt::safety!("zeroed before the call, and all zero is a value of every type that a C function fills.");
                let #ident = unsafe { #ident.assume_init() };
            }
        });
        let idents = outputs.iter().map(|p| &p.ident);
        let returned = returned.map(|_| quote!(returned,));
        (
            structure,
            quote!(#output),
            quote!({ #(#values)* #output { #returned #(#idents),* } }),
        )
    };
    quote! {
        #structure
        #heading
        ///
        /// # Safety
        ///
        /// The object is live and of this plugin; every pointer must be valid for what the function
        /// does with it, for as long as it does.
        #[allow(clippy::too_many_arguments, reason = "one for each parameter of the C function")]
        pub unsafe fn #ident(api: &::pjrt::__rt::Api, object: #object, #(#taken),*) -> ::pjrt::Result<#result> {
            const SLOT: ::pjrt::__rt::Slot = #description;
            #lookup
            ::pjrt::__rt::safety!("the table reaches as far as this slot.");
            let function = unsafe { (&raw const (*table).#field).read() };
            let ::core::option::Option::Some(function) = function else {
                return ::core::result::Result::Err(api.absent(&SLOT.function));
            };
            #(#prepared)*
            let traced = ::pjrt::__rt::begin(api, &SLOT.function, 0);
            ::pjrt::__rt::safety!(#why);
            #bound
            ::core::result::Result::Ok(#value)
        }
    }
}

fn struct_of_outputs(
    table: &Vtable<'_>,
    slot: &VtableSlot<'_>,
    outputs: &[&Param],
    returned: Option<&TokenStream>,
) -> TokenStream {
    let (name, ident) = (&slot.output, &slot.ident);
    let doc = format!(
        " Outputs of [`{ident}`]: what `{}` fills.",
        c_name(table, slot)
    );
    let returned = returned.map(|ty| {
        quote! {
            /// What the function returned.
            pub returned: #ty,
        }
    });
    let members = outputs.iter().map(|p| {
        let (ident, ty) = (&p.ident, &p.ty);
        let doc = format!(" `{ident}` (`{}`).", p.c_type);
        quote!(#[doc = #doc] pub #ident: #ty,)
    });
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        pub struct #name { #returned #(#members)* }
    }
}

/// The type that stands for counted references.
fn counted(table: &Vtable<'_>) -> Option<TokenStream> {
    let counting = table.entry.counting.as_ref()?;
    let find = |name: &str| table.slots.iter().find(|s| s.field.name == name);
    let (clone, drop) = (find(&counting.clone)?, find(&counting.drop)?);
    let (name, object, this) = (&table.counted, object_type(table), this(table));
    let taken = match table.data {
        Some(_) => quote!(*mut ::core::ffi::c_void),
        None => quote!(#object),
    };
    let doc = format!(
        " Counted references to `{}`, by the table's `{}` and `{}`.",
        table.entry.object, counting.clone, counting.drop
    );
    let why = docs::comment(&table.entry.why);
    let one = |slot: &VtableSlot<'_>| {
        let (field, description, lookup) = (&slot.slot, description(table, slot), lookup(table));
        quote!({
            const SLOT: ::pjrt::__rt::Slot = #description;
            #lookup
            ::pjrt::__rt::safety!("the table reaches as far as this slot.");
            let function = unsafe { (&raw const (*table).#field).read() };
            (function.ok_or_else(|| api.absent(&SLOT.function))?, &SLOT.function)
        })
    };
    let (clone, drop) = (one(clone), one(drop));
    Some(quote! {
        #[doc = #doc]
        pub struct #name;
        ::pjrt::__rt::safety!(#why);
        unsafe impl ::pjrt::__rt::Counted for #name {
            type Object = #object;
            type This = #taken;
            fn this(object: #object) -> #taken { #this }
            unsafe fn counting(api: &::pjrt::__rt::Api, object: #object) -> ::pjrt::Result<::pjrt::__rt::Counting<#taken>> {
                ::core::result::Result::Ok(::pjrt::__rt::Counting {
                    clone: #clone,
                    drop: #drop,
                })
            }
        }
    })
}
