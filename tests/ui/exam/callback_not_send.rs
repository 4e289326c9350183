//! A callback that is called on a plugin's thread owns nothing that counts without a lock.

use std::rc::Rc;

fn told(event: &pjrt::Event, count: Rc<()>) {
    event.on_ready(move |_| drop(count)).unwrap();
}

fn main() {
    let _ = told;
}
