//! What completes something else is consumed by it.

use pjrt::{AliasFulfiller, Buffer, Dependency, OwnEvent, RawCopyPromise};

fn alias(promise: AliasFulfiller, buffer: &Buffer) {
    let _ = AliasFulfiller::fulfill(promise, Ok(buffer));
    let _ = AliasFulfiller::fulfill(promise, Ok(buffer));
}

fn event(event: OwnEvent) {
    let _ = OwnEvent::set(event, Ok(()));
    let _ = OwnEvent::set(event, Ok(()));
}

fn copy(promise: RawCopyPromise) {
    let _ = RawCopyPromise::provide(promise, Vec::new());
    let _ = RawCopyPromise::provide(promise, Vec::new());
}

fn dependency(dependency: Dependency) {
    let _ = Dependency::set(dependency, Ok(()));
    let _ = Dependency::set(dependency, Ok(()));
}

fn main() {
    let _ = (alias, event, copy, dependency);
}
