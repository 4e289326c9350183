//! A closure that the plugin keeps may be called on any thread, so it owns only what may go there.

use std::cell::Cell;
use std::rc::Rc;

fn event(event: &pjrt::Event) {
    let seen = Rc::new(Cell::new(false));
    event.on_ready(move |_| seen.set(true)).unwrap();
}

fn errors(megascale: &pjrt::megascale::Megascale) {
    let seen = Cell::new(0);
    let count = move |_: &[u8]| seen.set(seen.get() + 1);
    megascale.register_error_handler("count", count).unwrap();
}

fn handler() {
    let seen = Cell::new(0);
    pjrt::ffi::Handler::new("count", move |_| {
        seen.set(seen.get() + 1);
        Ok(())
    });
}

fn main() {
    let _ = (event, errors, handler);
}
