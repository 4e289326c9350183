//! Key-value stores: what each of them does, what happens when it dies, and processes that meet
//! through it.

#[path = "stores/contract.rs"]
mod contract;
#[path = "stores/directory.rs"]
mod directory;
#[path = "stores/meeting.rs"]
mod meeting;
#[path = "stores/redis.rs"]
mod redis;
#[path = "stores/server.rs"]
mod server;
