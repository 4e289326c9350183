//! What completes something else has one owner, who cannot double it.

use pjrt::{AliasFulfiller, Buffer, Dependency, OwnEvent};

fn alias(promise: AliasFulfiller, buffer: &Buffer) {
    let _ = promise.clone().fulfill(Ok(buffer));
    let _ = promise.fulfill(Ok(buffer));
}

fn dependency(dependency: Dependency) {
    let _ = dependency.clone().set(Ok(()));
    let _ = dependency.set(Ok(()));
}

fn event(event: OwnEvent) {
    let _ = event.clone().set(Ok(()));
    let _ = event.set(Ok(()));
}

fn main() {
    let _ = (alias, dependency, event);
}
