//! Clients: connections to the devices of a plugin.

use crate::client_options::platform_of;
use crate::key_value::Callbacks;
use crate::rt::{self, OnPlugin, guard};
use crate::{ClientOptions, Plugin, Result, raw};

pjrt_macros::generate!(handle PJRT_Client);

impl Client {
    pub(crate) fn create(plugin: &Plugin, options: &ClientOptions) -> Result<Client> {
        const FUNCTION: &str = "PJRT_Client_Create";
        let api = plugin.api();
        rt::destructor::<Client>(api)?;
        let values = options.for_plugin(platform_of(plugin))?;
        let values = rt::lower_named_values(&values)?;
        let try_get = raw::ClientCreateIn::knows_kv_try_get_callback(api).is_ok();
        let store = Callbacks::new(options.store.as_ref().map(|store| &store.0), try_get);
        let mut input = raw::ClientCreateIn::new(
            values.as_ptr(),
            values.len(),
            store.get(),
            store.data(),
            store.put(),
            store.data(),
        );
        if let Some(try_get) = store.try_get() {
            input = input
                .with_kv_try_get_callback(Some(try_get))
                .with_kv_try_get_user_arg(store.data());
        }
        // SAFETY: the options and their names outlive the call. The callbacks are given a number,
        // under which they find the store as long as it is kept, and nothing later.
        let out = unsafe { raw::client_create(api, input) }?;
        let place = rt::Place {
            function: FUNCTION,
            field: "client",
        };
        // SAFETY: the client is new and the caller's to destroy.
        let client: Client = unsafe { rt::owned(api, out.client, None, place) }?;
        if let (Some(store), Some(owner)) = (store.kept(), client.0.owner())
            && !guard::off("callback_data_on_stack")
        {
            owner.lend(store);
        }
        Ok(client)
    }
}

/// The number of elements of an array; none if a dimension is negative or the product too large.
pub(crate) fn element_count(dims: &[i64]) -> Option<usize> {
    dims.iter().try_fold(1usize, |count, dim| {
        count.checked_mul(usize::try_from(*dim).ok()?)
    })
}
