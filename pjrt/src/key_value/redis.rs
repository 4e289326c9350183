//! A store on a Redis server.

use super::KeyValueStore;
use super::waits::Waits;
use super::words::second;
use crate::{CallbackError, ErrorCode};
use redis::{
    Cmd, Connection, ConnectionLike, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a server may take for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Nobody answers faster than this over a network, whatever little time is left.
const LEAST: Duration = Duration::from_millis(100);
/// For how long a server may be away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are kept for later; as many as threads call at once are opened.
const KEPT: usize = 8;

/// A store on a Redis server, for processes on several machines. Feature `redis`.
///
/// The keys of a job have a namespace of their own, so that several jobs can share a server. A key
/// keeps its first value. Who waits asks the server again and again, a few milliseconds apart; no
/// connection is held meanwhile.
///
/// A connection that breaks is opened again. A server that is away is tried for 10 s, see
/// [`patience`](RedisStore::patience), by those who wait and those who put; then the call fails
/// (UNAVAILABLE). One that takes a request and does not answer counts as away after 5 s.
///
/// ```no_run
/// use pjrt::{ClientOptions, Plugin, RedisStore};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let store = RedisStore::connect("redis://head-node:6379", "job-17")?;
/// // The server forgets what the job has put after a day.
/// let store = store.lifetime(Duration::from_secs(24 * 60 * 60));
/// let options = ClientOptions::new().key_value_store(Arc::new(store));
/// # Ok::<(), pjrt::CallbackError>(())
/// ```
pub struct RedisStore {
    client: redis::Client,
    prefix: Vec<u8>,
    namespace: String,
    patience: Duration,
    lifetime: Option<Duration>,
    idle: Mutex<Vec<Connection>>,
}

impl RedisStore {
    /// A store on the server at an address, for the job of that name: `redis://HOST:PORT`,
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE` or `redis+unix:///PATH/OF/SOCKET`. Connections
    /// are not encrypted.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT for an address that is none, UNAVAILABLE if nobody answers there,
    /// UNAUTHENTICATED or another code with the words of the server if it refuses.
    pub fn connect(address: &str, namespace: &str) -> Result<RedisStore, CallbackError> {
        let client = redis::Client::open(address).map_err(|error| {
            // The address itself may have a password in it.
            let problem = format!(
                "the address of the Redis server cannot be used: {error}; expected redis://HOST:PORT or redis+unix:///PATH"
            );
            CallbackError::new(ErrorCode::INVALID_ARGUMENT, problem)
        })?;
        let store = RedisStore {
            client,
            // With the length, no two pairs of namespace and key are one name.
            prefix: format!("pjrt:{}:{namespace}:", namespace.len()).into_bytes(),
            namespace: namespace.to_owned(),
            patience: PATIENCE,
            lifetime: None,
            idle: Mutex::default(),
        };
        let ping = redis::cmd("PING");
        match store.ask::<String>(&ping, ANSWER) {
            Ok(_) => Ok(store),
            Err(error) => Err(store.failure(&error)),
        }
    }

    /// For how long the server may be away before a call fails; 10 s at first.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> RedisStore {
        self.patience = patience;
        self
    }

    /// For how long the server keeps each value that this store puts, counted in milliseconds;
    /// without end at first.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> RedisStore {
        self.lifetime = Some(lifetime);
        self
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks over a connection that is there, or a new one if that is broken.
    fn ask<T: FromRedisValue>(&self, command: &Cmd, limit: Duration) -> Result<T, RedisError> {
        let limit = limit.clamp(LEAST, ANSWER);
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match self.ask_over(connection, command, limit) {
                Err(error) if error.is_io_error() && !error.is_timeout() => {
                    // The others go to the same server.
                    self.idle().clear();
                }
                answer => return answer,
            }
        }
        let connection = self.client.get_connection_with_timeout(limit)?;
        self.ask_over(connection, command, limit)
    }

    /// Keeps the connection for later, unless it is broken or an answer is still to come on it.
    fn ask_over<T: FromRedisValue>(
        &self,
        mut connection: Connection,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, RedisError> {
        connection.set_read_timeout(Some(limit))?;
        connection.set_write_timeout(Some(limit))?;
        let answer = command.query(&mut connection);
        let whole = match &answer {
            Ok(_) => true,
            Err(error) => matches!(error.kind(), ErrorKind::Server(_)),
        };
        let mut idle = self.idle();
        if whole && connection.is_open() && idle.len() < KEPT {
            idle.push(connection);
        }
        answer
    }

    /// Asks until there is an answer, as long as `waits` and the store's patience last.
    fn insist<T: FromRedisValue>(
        &self,
        command: &Cmd,
        waits: &mut Waits,
    ) -> Result<T, CallbackError> {
        let mut away = Waits::new(self.patience);
        loop {
            let limit = waits.rest().min(away.rest());
            match self.ask(command, limit) {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    if !passing(&error) || waits.rest().is_zero() || !away.pause() {
                        return Err(self.failure(&error));
                    }
                }
            }
        }
    }

    fn named(&self, command: &str, key: &[u8]) -> Cmd {
        let mut command = redis::cmd(command);
        command.arg([self.prefix.as_slice(), key].concat());
        command
    }

    fn failure(&self, error: &RedisError) -> CallbackError {
        let code = match (error.kind(), error.code()) {
            _ if passing(error) => ErrorCode::UNAVAILABLE,
            (ErrorKind::InvalidClientConfig, _) => ErrorCode::INVALID_ARGUMENT,
            (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
                ErrorCode::UNAUTHENTICATED
            }
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) => ErrorCode::PERMISSION_DENIED,
            (ErrorKind::Server(ServerErrorKind::ReadOnly), _) | (_, Some("MISCONF")) => {
                ErrorCode::FAILED_PRECONDITION
            }
            (_, Some("OOM")) => ErrorCode::RESOURCE_EXHAUSTED,
            _ => ErrorCode::INTERNAL,
        };
        let address = self.client.get_connection_info().addr();
        let problem = format!("the Redis server at {address} gives no answer to use: {error}");
        CallbackError::new(code, problem)
    }
}

/// Whether an error may be gone when the server is asked again.
fn passing(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
        ),
        _ => false,
    }
}

impl KeyValueStore for RedisStore {
    /// # Errors
    ///
    /// UNAVAILABLE if the server is away for too long, or until the time is up; a code with the
    /// words of the server if it refuses.
    fn get(&self, key: &[u8], timeout: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        let command = self.named("GET", key);
        let mut waits = Waits::new(timeout);
        loop {
            let value: Option<Vec<u8>> = self.insist(&command, &mut waits)?;
            if value.is_some() || !waits.pause() {
                return Ok(value);
            }
        }
    }

    /// Does not wait for a server that is away.
    ///
    /// # Errors
    ///
    /// As [`get`](KeyValueStore::get).
    fn try_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        self.ask(&self.named("GET", key), ANSWER)
            .map_err(|error| self.failure(&error))
    }

    /// # Errors
    ///
    /// ALREADY_EXISTS for a second value under one key that is not the first; as
    /// [`get`](KeyValueStore::get) otherwise.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CallbackError> {
        let mut command = self.named("SET", key);
        command.arg(value).arg("NX");
        if let Some(lifetime) = self.lifetime {
            let most = u64::try_from(i64::MAX / 2).unwrap_or(u64::MAX);
            let milliseconds = u64::try_from(lifetime.as_millis()).map_or(most, |n| n.min(most));
            command.arg("PX").arg(milliseconds.max(1));
        }
        let mut waits = Waits::new(self.patience);
        loop {
            // It may have been done by a request whose answer was lost: then the value is there.
            let done: Option<String> = self.insist(&command, &mut waits)?;
            if done.is_some() {
                return Ok(());
            }
            let first: Option<Vec<u8>> = self.insist(&self.named("GET", key), &mut waits)?;
            if let Some(first) = first {
                return second(key, &first, value);
            }
            // The first value has ended its life between both requests.
            if !waits.pause() {
                let problem = "the value comes and goes on the Redis server";
                return Err(CallbackError::new(ErrorCode::ABORTED, problem));
            }
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.client.get_connection_info().addr().to_string();
        f.debug_struct("RedisStore")
            .field("address", &address)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
