//! A text that a client lends cannot outlive it.

fn platform(client: pjrt::Client) -> &'static str {
    client.platform_name().unwrap()
}

fn main() {
    let _ = platform;
}
