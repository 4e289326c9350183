//! A handler's arrays and attributes are lent for the call.

use std::sync::Mutex;

static KEPT: Mutex<Option<&'static str>> = Mutex::new(None);

fn main() {
    pjrt::ffi::Handler::new("keep", |call| {
        let text: &str = call.attr("text")?;
        *KEPT.lock().unwrap() = Some(text);
        Ok(())
    });
}
