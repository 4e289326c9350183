//! Layer 2: one `unsafe fn` for each function of a module, over structs of raw values.

use super::gates;
use crate::lower::call::{self, Call, CallField, CallResult};
use crate::lower::ctype::CType;
use crate::lower::names;
use crate::model::{API_TABLE, ERROR, Model};
use crate::overlay::Returns;
use crate::schema::{Header, Struct};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// Size of a slot.
const POINTER: u64 = 8;

/// All checked calls of a module, and the versioned structs that they take.
pub fn module(model: &Model, header: &Header) -> TokenStream {
    let nested = model
        .versioned_values(header)
        .filter_map(|s| call::nested(model, s))
        .map(|n| super::nested::nested(model, &n));
    let own = |table: &str| {
        let of_extension = || header.extension.as_ref().is_some_and(|e| e.table == table);
        table == API_TABLE || of_extension() || model.behind(table).is_some()
    };
    let calls = header
        .functions
        .iter()
        .filter(|f| own(&f.table))
        .filter_map(|f| call::call(model, f))
        .map(|c| self::call(model, &c));
    let table = match &header.extension {
        Some(extension) => super::tables::table(model, extension),
        None => super::tables::main_table(model, header),
    };
    let structs = header.structs.iter().filter_map(|s| model.behind(&s.name));
    let behind = structs.map(|t| super::behind::table(model, &t));
    let objects = super::vtable::module(model, header);
    quote!(#table #(#behind)* #(#nested)* #(#calls)* #objects)
}

fn call(model: &Model, call: &Call<'_>) -> TokenStream {
    let input = struct_of_inputs(model, call);
    let output = struct_of_outputs(model, call);
    let function = function(model, call);
    quote!(#input #output #function)
}

/// A field that its function's first version lacks.
fn later(model: &Model, call: &Call<'_>, field: &CallField<'_>) -> Option<u32> {
    model.later(&call.structure.name, &field.field.name)
}

fn struct_of_inputs(model: &Model, call: &Call<'_>) -> TokenStream {
    let (later, first): (Vec<_>, Vec<_>) = call
        .inputs
        .iter()
        .partition(|f| self::later(model, call, f).is_some());
    let doc = format!(
        " Inputs of [`{}`]: the fields of `{}` that the caller fills.",
        call.ident, call.structure.name
    );
    let later = later
        .into_iter()
        .map(|f| (f, self::later(model, call, f).unwrap_or_default()))
        .collect::<Vec<_>>();
    let (table, gate) = gate(model, call);
    let api = (!call.core).then(|| quote!(let api = table.api();));
    let knows = knows(
        model,
        &call.function.name,
        &call.input,
        &later,
        &table,
        &quote!(#api let gate = #gate;),
    );
    let inputs = inputs(
        model,
        (&call.input, &call.function.name),
        &doc,
        &first,
        &later,
    );
    quote!(#inputs #knows)
}

/// For each later field the question whether a plugin knows it, for code that must know before it
/// makes what it would give.
pub(super) fn knows(
    model: &Model,
    c_name: &str,
    name: &Ident,
    later: &[(&CallField<'_>, u32)],
    table: &TokenStream,
    gate: &TokenStream,
) -> TokenStream {
    if later.is_empty() {
        return quote!();
    }
    let tests = later.iter().map(|(field, since)| {
        let test = Ident::new(
            &format!("knows_{}", field.ident.to_string().trim_start_matches("r#")),
            field.ident.span(),
        );
        let field_name = &field.field.name;
        let doc = format!(
            " Refuses a plugin that does not know `{field_name}`, which came with {}.",
            model.version_in_words(c_name, *since)
        );
        let knows = gates::knows(field.field);
        let since = gates::told(model, c_name, *since);
        quote! {
            #[doc = #doc]
            pub fn #test(#table) -> ::pjrt::Result<()> {
                const ITEM: ::pjrt::__rt::Function = ::pjrt::__rt::Function { name: #c_name, since: 0 };
                #gate
                if #knows {
                    ::core::result::Result::Ok(())
                } else {
                    ::core::result::Result::Err(api.too_new(&ITEM, #field_name, #since))
                }
            }
        }
    });
    quote!(impl #name { #(#tests)* })
}

/// The parameter for the table of a call, and what that says of the sizes of the call's arguments.
fn gate(model: &Model, call: &Call<'_>) -> (TokenStream, TokenStream) {
    let table = model.structure(&call.function.table);
    let slot = table.and_then(|t| t.fields.iter().find(|f| f.name == call.function.slot));
    let slot = Literal::u64_unsuffixed(slot.map_or(0, |f| f.offset / POINTER));
    match call.core {
        true => (quote!(api: &::pjrt::__rt::Api), quote!(api.gate(#slot))),
        false => {
            let ty = call.behind.clone();
            let ty = ty.unwrap_or_else(|| names::ident("Table"));
            (
                quote!(table: &::pjrt::__rt::Table<#ty>),
                quote!(table.gate(#slot)),
            )
        }
    }
}

/// A struct of raw values with a constructor of the first version's fields and setters of later ones.
pub(super) fn inputs(
    model: &Model,
    (name, c_name): (&Ident, &str),
    doc: &str,
    first: &[&CallField<'_>],
    later: &[(&CallField<'_>, u32)],
) -> TokenStream {
    let members = first.iter().map(|field| {
        let (ident, ty, doc) = (&field.ident, &field.ty, field_doc(field));
        quote!(#[doc = #doc] pub #ident: #ty,)
    });
    let late_members = later.iter().map(|(field, since)| {
        let (ident, ty) = (&field.ident, &field.ty);
        let doc = format!(
            "{} Since {}; none leaves it out.",
            field_doc(field),
            model.version_in_words(c_name, *since)
        );
        quote!(#[doc = #doc] pub #ident: ::core::option::Option<#ty>,)
    });
    let params = first.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        quote!(#ident: #ty)
    });
    let values = first.iter().map(|field| &field.ident);
    let unset = later.iter().map(|(field, _)| {
        let ident = &field.ident;
        quote!(#ident: ::core::option::Option::None)
    });
    let setters = later.iter().map(|(field, since)| {
        let (ident, ty) = (&field.ident, &field.ty);
        let doc = format!(
            " Sets `{}`, which came with {}.",
            field.field.name,
            model.version_in_words(c_name, *since)
        );
        let setter = Ident::new(
            &format!("with_{}", field.ident.to_string().trim_start_matches("r#")),
            field.ident.span(),
        );
        quote! {
            #[doc = #doc]
            #[inline]
            pub fn #setter(mut self, #ident: #ty) -> Self {
                self.#ident = ::core::option::Option::Some(#ident);
                self
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        pub struct #name { #(#members)* #(#late_members)* }
        impl #name {
            /// Takes the fields of the first version.
            #[allow(clippy::too_many_arguments, clippy::new_without_default, reason = "one for each field")]
            #[inline]
            pub fn new(#(#params),*) -> Self {
                Self { #(#values,)* #(#unset),* }
            }
            #(#setters)*
        }
    }
}

fn field_doc(field: &CallField<'_>) -> String {
    format!(" `{}` (`{}`).", field.field.name, field.field.ty)
}

fn status(model: &Model, call: &Call<'_>) -> Option<Returns> {
    model.entry(&call.function.name).and_then(|e| e.returns)
}

fn struct_of_outputs(model: &Model, call: &Call<'_>) -> TokenStream {
    let name = &call.output;
    let doc = format!(
        " Outputs of [`{}`]: the fields of `{}` that the plugin fills.",
        call.ident, call.structure.name
    );
    let members = call.outputs.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        let text = field_doc(field);
        match later(model, call, field) {
            None => quote!(#[doc = #text] pub #ident: #ty,),
            Some(since) => {
                let since = model.version_in_words(&call.function.name, since);
                let text = format!("{text} Since {since}; none from an older plugin.");
                quote!(#[doc = #text] pub #ident: ::core::option::Option<#ty>,)
            }
        }
    });
    let status = match status(model, call) {
        Some(Returns::Status) => quote! {
            /// The status that was asked for: none is success.
            pub status: ::core::option::Option<::pjrt::Error>,
        },
        Some(Returns::Raw) => {
            let error = match call.result {
                CallResult::Own => super::behind::error_path(model, &call.function.table),
                _ => call::path(model, ERROR),
            };
            quote! {
                /// The error that came back, null for success; the caller destroys it.
                pub error: *mut #error,
            }
        }
        _ => quote!(),
    };
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        pub struct #name { #(#members)* #status }
    }
}

/// The call itself. Like everything that is thin and generated it is `#[inline]`: the crate that
/// calls it compiles it, so that a program pays for the functions that it uses and no others.
fn function(model: &Model, call: &Call<'_>) -> TokenStream {
    let (ident, input, output, args, slot) = (
        &call.ident,
        &call.input,
        &call.output,
        &call.args,
        &call.slot,
    );
    let c_name = &call.function.name;
    let since = model.since(c_name);
    let doc = match since {
        Some(since) => format!(" Calls `{c_name}` (since PJRT 0.{since})."),
        None => format!(" Calls `{c_name}`."),
    };
    let since = Literal::u32_unsuffixed(since.unwrap_or(0));
    let is_sized = gates::is_sized(model, call.structure);
    let size = if is_sized {
        quote!(gate.sent as usize)
    } else {
        size_constant(model, call.structure, args)
    };
    let sized = Model::is_versioned(call.structure).then(|| quote!(args.struct_size = #size;));
    let fill = call.inputs.iter().map(|field| {
        let ident = &field.ident;
        match later(model, call, field) {
            None => {
                let check = gates::check_value(model, field.field, &quote!(input.#ident));
                quote!(#check args.#ident = input.#ident;)
            }
            Some(since) => {
                let value = names::ident("value");
                let refuse = refuse(
                    model,
                    field,
                    since,
                    &value,
                    (&call.function.name, "FUNCTION"),
                );
                let check = gates::check_value(model, field.field, &quote!(value));
                quote! {
                    if let ::core::option::Option::Some(value) = input.#ident {
                        #refuse
                        #check
                        args.#ident = value;
                    }
                }
            }
        }
    });
    let outputs = call.outputs.iter().map(|field| read(model, call, field));
    let check = match call.result {
        CallResult::Own => quote!(::pjrt::__rt::check_own(table, error, &FUNCTION, traced)),
        _ => quote!(::pjrt::__rt::check(api, error, &FUNCTION, traced)),
    };
    let traced_by = match call.core {
        true => quote!(api),
        false => quote!(table.api()),
    };
    let sent = match sized {
        Some(_) => quote!(args.struct_size),
        None => quote!(0),
    };
    let (convert, status_field) = match (&call.result, status(model, call)) {
        (CallResult::Void, _) => (
            quote!(::pjrt::__rt::end(#traced_by, &FUNCTION, traced, true);),
            quote!(),
        ),
        (_, Some(Returns::Status)) => (quote!(let status = #check.err();), quote!(status,)),
        (_, Some(Returns::Raw)) => (
            quote!(::pjrt::__rt::end(#traced_by, &FUNCTION, traced, error.is_null());),
            quote!(error,),
        ),
        (_, _) => (quote!(#check?;), quote!()),
    };
    let bind = match call.result {
        CallResult::Void => quote!(),
        _ => quote!(let error =),
    };
    let (first, gate) = self::gate(model, call);
    let (api, table) = match call.core {
        true => (None, quote!(api.table())),
        false => (
            asks_api(model, call).then(|| quote!(let api = table.api();)),
            quote!(table.table().0),
        ),
    };
    let unused = call.inputs.is_empty().then(|| quote!(let _ = input;));
    let absent = match call.core {
        true => quote!(api.absent(&FUNCTION)),
        false => quote!(table.absent(&FUNCTION)),
    };
    let gate = is_sized.then(|| quote!(let gate = #gate;));
    // Where some version's arguments are larger than ours, zeroes stand behind ours.
    let reads = !call.outputs.is_empty();
    let (memory, pointer, again) = match gates::beyond(model, call.structure) {
        0 => (
            quote!(let mut args = <#args>::zeroed();),
            quote!(&raw mut args),
            None,
        ),
        more => {
            let more = Literal::u64_unsuffixed(more);
            (
                quote! {
                    let mut room = ::pjrt::__rt::Room { args: <#args>::zeroed(), rest: [0u8; #more] };
                    let args = &mut room.args;
                },
                quote!((&raw mut room).cast()),
                reads.then(|| quote!(let args = &room.args;)),
            )
        }
    };
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        ///
        /// What the plugin reports; `Unimplemented` if its table lacks the function.
        ///
        /// # Safety
        ///
        /// Every pointer must be valid for what the function does with it, for as long as it does.
        #[inline]
        pub unsafe fn #ident(#first, input: #input) -> ::pjrt::Result<#output> {
            const FUNCTION: ::pjrt::__rt::Function = ::pjrt::__rt::Function { name: #c_name, since: #since };
            #api
            #unused
            let ::core::option::Option::Some(function) = #table.#slot else {
                return ::core::result::Result::Err(#absent);
            };
            #gate
            #memory
            #sized
            #(#fill)*
            let traced = ::pjrt::__rt::begin(#traced_by, &FUNCTION, #sent);
            ::pjrt::__rt::safety!("the slot is inside the plugin's own table and of this function's type; `args` is a whole struct of ours, zeroed but for the inputs, and lives through the call; what its pointers refer to is the caller's promise.");
            #bind unsafe { function(#pointer) };
            #again
            #convert
            ::core::result::Result::Ok(#output { #(#outputs,)* #status_field })
        }
    }
}

/// Whether a checked call on an extension's table has to do with the plugin itself.
fn asks_api(model: &Model, call: &Call<'_>) -> bool {
    let refuses = |field: &CallField<'_>| {
        let value = quote!(value);
        later(model, call, field).is_some()
            || gates::check_value(model, field.field, &value).is_some()
    };
    call.result == CallResult::Error || call.inputs.iter().any(refuses)
}

/// The refusal of a value that is given for a field which the plugin is too old to know.
pub(super) fn refuse(
    model: &Model,
    field: &CallField<'_>,
    since: u32,
    value: &Ident,
    (item, of): (&str, &str),
) -> TokenStream {
    let (name, of) = (&field.field.name, names::ident(of));
    let since = gates::told(model, item, since);
    let ignores = gates::ignores(field.field);
    let is_set = gates::is_set(model, field.field, value);
    quote! {
        if #is_set && #ignores {
            return ::core::result::Result::Err(api.too_new(&#of, #name, #since));
        }
    }
}

/// Reads an output. A truth value is read as a byte, for a plugin may store any.
fn read(model: &Model, call: &Call<'_>, field: &CallField<'_>) -> TokenStream {
    let ident = &field.ident;
    let is_bool = CType::of_field(field.field).is_some_and(|ty| ty.name() == Some("bool"));
    let value = if is_bool {
        quote!({
            let byte = (&raw const args.#ident).cast::<u8>();
            ::pjrt::__rt::safety!("it points at a field of `args`, which is initialised and lives here.");
            (unsafe { byte.read() }) != 0
        })
    } else {
        quote!(args.#ident)
    };
    match later(model, call, field) {
        None => quote!(#ident: #value),
        Some(_) => {
            let knows = gates::knows(field.field);
            quote!(#ident: if #knows { ::core::option::Option::Some(#value) } else { ::core::option::Option::None })
        }
    }
}

/// The header's own size constant of a struct, beside the struct in the bindings.
pub(super) fn size_constant(model: &Model, structure: &Struct, path: &TokenStream) -> TokenStream {
    // Where the header defines none, sizeof serves.
    let named = structure
        .struct_size
        .and_then(|_| call::sibling(model, &structure.name, "_STRUCT_SIZE"));
    named.unwrap_or_else(|| quote!(::core::mem::size_of::<#path>()))
}
