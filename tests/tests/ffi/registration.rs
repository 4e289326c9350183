//! Names, and who may register them.

use super::{compile, plugin_error, run, unary, with};
use pjrt::ffi::{self, Handler};
use pjrt::{Error, ErrorCode};
use pjrt_tests::{cpu, plugin};

#[test]
fn a_name_that_nobody_registered_fails_at_compilation() {
    let Some(client) = cpu() else { return };
    let error = plugin_error(compile(&client, &unary("nobody", "")));
    assert_eq!(error.function, "PJRT_Client_Compile");
    assert_eq!(error.code, ErrorCode::NOT_FOUND);
}

#[test]
fn a_name_is_registered_once() {
    let Some(plugin) = plugin("cpu") else { return };
    let first = Handler::new("once", |_| Ok(()));
    first.register(&plugin).unwrap();
    // The same handler is no other one.
    first.register(&plugin).unwrap();
    first.clone().register(&plugin).unwrap();
    for other in [
        Handler::new("once", |_| Ok(())),
        Handler::device("once", "cpu").execute(|_| Ok(())),
    ] {
        let error = other.register(&plugin).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::InvalidArgument {
                    argument: "target_name",
                    ..
                }
            ),
            "{error}"
        );
    }
    assert!(Handler::new("", |_| Ok(())).register(&plugin).is_err());
}

#[test]
fn a_name_that_others_took_is_refused_although_the_plugin_says_nothing() {
    unsafe extern "C" fn theirs(frame: *mut pjrt_sys::ffi_api::XLA_FFI_CallFrame) -> *mut () {
        // SAFETY: the plugin asks for the metadata at registration, and calls for nothing else
        // here.
        unsafe {
            let extension = (*frame).extension_start;
            let extension = extension.cast::<pjrt_sys::ffi_api::XLA_FFI_Metadata_Extension>();
            (*(*extension).metadata).api_version.minor_version = 1;
        }
        std::ptr::null_mut()
    }
    let Some(plugin) = plugin("cpu") else { return };
    let api = pjrt::__rt::OnPlugin::api(&plugin);
    let table = api.extension::<pjrt::raw::ffi::Table>().unwrap();
    let (name, platform) = ("theirs", "Host");
    let input = pjrt::raw::ffi::FfiRegisterHandlerIn::new(
        name.as_ptr().cast(),
        name.len(),
        theirs as *mut std::ffi::c_void,
        platform.as_ptr().cast(),
        platform.len(),
        pjrt_sys::ffi::PJRT_FFI_Handler_TraitsBits(0),
    );
    // SAFETY: the strings live through the call, and the function as long as the process.
    unsafe { pjrt::raw::ffi::ffi_register_handler(table, input) }.unwrap();
    let error = Handler::new(name, |_| Ok(()))
        .register(&plugin)
        .unwrap_err();
    assert!(error.to_string().contains("Duplicate"), "{error}");
}

#[test]
fn a_handler_may_not_register_another() {
    let handler = Handler::new("registers", |_| {
        let plugin = plugin("cpu").ok_or_else(|| ffi::Error::internal("no plugin"))?;
        Handler::new("registered", |_| Ok(())).register(&plugin)?;
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let error = plugin_error(run(&client, "registers", ""));
    assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn the_extension_says_whether_a_plugin_takes_handlers() {
    let Some(plugin) = plugin("cpu") else { return };
    let extension = plugin.extension::<ffi::Ffi>().unwrap();
    assert!(extension.takes_handlers());
    extension
        .register(&Handler::new("by_extension", |_| Ok(())))
        .unwrap();
    assert!(matches!(
        plugin.extension::<ffi::GpuCustomCall>(),
        Err(Error::NoExtension { .. })
    ));
}

#[test]
fn a_newer_plugin_takes_handlers_without_its_devices() {
    let Some(plugin) = plugin("tpu") else { return };
    let plain = Handler::new("plain", |_| Ok(()));
    let stateful = Handler::builder("stateful")
        .instantiate(|_| Ok(1))
        .execute(|_, _: &i32| Ok(()));
    let staged = Handler::device("staged", "TPU")
        .command_buffer_compatible()
        .prepare(|_| Ok(()))
        .initialize(|_| Ok(()))
        .execute(|_| Ok(()));
    for handler in [plain, stateful, staged] {
        handler.register(&plugin).unwrap();
        handler.register(&plugin).unwrap();
    }
    assert!(Handler::new("plain", |_| Ok(())).register(&plugin).is_err());
}

#[test]
fn a_stage_that_the_plugin_is_too_old_for_is_refused() {
    let Some(plugin) = plugin("cpu") else { return };
    let handler = Handler::device("recording", "Host")
        .record(|_| Ok(()))
        .execute(|_| Ok(()));
    let error = handler.register(&plugin).unwrap_err().to_string();
    assert!(error.contains("XLA FFI 0.2"), "{error}");
    assert!(error.contains("record"), "{error}");
}

#[test]
fn traits_are_told_the_plugin_and_change_nothing_on_the_host() {
    let handler = Handler::builder("with_traits")
        .command_buffer_compatible()
        .execute(|call| {
            let error = call.extension(1).expect_err("the plugin has XLA FFI 0.2");
            assert_eq!(error.code(), ErrorCode::UNIMPLEMENTED);
            let x = call.operand::<f32>(0)?;
            call.result_mut::<f32>(0)?.copy_from_slice(&x);
            Ok(())
        });
    let Some(client) = super::with(handler.clone()) else {
        return;
    };
    // Again, with the same traits, is no error.
    handler.register(&plugin("cpu").unwrap()).unwrap();
    let y = run(&client, "with_traits", "").unwrap();
    assert_eq!(y, [1.0, 2.0, 3.0, 4.0]);
}
