//! What a tower stands on in tests: a mock plugin of the test's own.

/// Declares the ground of a test: a mock plugin whose chain has the tower's table.
macro_rules! ground {
    ($name:ident) => {
        struct $name;

        impl $name {
            fn books() -> &'static std::sync::OnceLock<pjrt_mock::Books> {
                static BOOKS: std::sync::OnceLock<pjrt_mock::Books> = std::sync::OnceLock::new();
                &BOOKS
            }

            /// A plugin as described, with the tower's table at a place of its chain.
            fn plugin(builder: pjrt_mock::Builder, at: usize) -> pjrt_tests::Mocked {
                let node = crate::tower::chain::<$name>(std::ptr::null_mut());
                // SAFETY: the node is new and lives as long as the process.
                let plugin = pjrt_tests::mocked(unsafe { builder.extension_node(at, node) });
                $name::books().get_or_init(|| plugin.mock.books());
                plugin
            }
        }

        impl crate::tower::Ground for $name {
            fn error(failure: pjrt::server::Failure) -> *mut pjrt::sys::PJRT_Error {
                let code = failure.code.as_raw();
                let failure = pjrt_mock::Failure::new(code, failure.message);
                let books = $name::books().get();
                books.map_or(std::ptr::null_mut(), |books| books.error(failure))
            }

            fn device(handle: *mut pjrt::sys::PJRT_Device) -> Result<i32, pjrt::server::Failure> {
                let books = $name::books().get();
                let books = books.ok_or_else(|| pjrt::server::Failure::internal("no plugin"))?;
                let device = books.device(handle);
                device.map_err(|failure| pjrt::server::Failure::invalid_argument(failure.text()))
            }
        }
    };
}
pub(crate) use ground;
