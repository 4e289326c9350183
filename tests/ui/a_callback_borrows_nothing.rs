//! A closure that the plugin keeps outlives the call that it was given to.

fn wait(event: &pjrt::Event, done: &mut bool) {
    event.on_ready(|_| *done = true).unwrap();
}

fn main() {
    let _ = wait;
}
