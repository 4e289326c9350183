//! A Redis server for a test.

use pjrt::RedisStore;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "redis-server";

/// Set where the program cannot be installed.
const WITHOUT: &str = "PJRT_TEST_WITHOUT_REDIS";

/// A server with a socket in a folder of its own. It ends with this, and with the thread that has
/// started it, however that ends.
pub struct Server {
    folder: TempDir,
    arguments: Vec<String>,
    port: u16,
    running: Option<Child>,
}

impl Server {
    /// A server that answers on a socket. None, with a word on standard error, where the program is
    /// not installed.
    pub fn start(arguments: &[&str]) -> Option<Server> {
        let version = Command::new(PROGRAM).arg("--version").output();
        if version.is_err() {
            assert!(
                std::env::var_os("CI").is_none() || std::env::var_os(WITHOUT).is_some(),
                "`{PROGRAM}` is required where CI is set, unless {WITHOUT} is: apt-get install redis-server"
            );
            eprintln!(
                "skipped: `{PROGRAM}` is not installed; apt-get install redis-server does it"
            );
            return None;
        }
        let mut server = Server {
            folder: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            port: 0,
            running: None,
        };
        server.again();
        Some(server)
    }

    /// As [`Server::start`], with a port of this machine too.
    pub fn start_with_port() -> Option<Server> {
        let mut server = Server::start(&[])?;
        server.kill();
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            server.port = free.local_addr().unwrap().port();
            drop(free);
            server.again();
            if server.running.is_some() {
                return Some(server);
            }
        }
        panic!("no port is free");
    }

    /// Starts the server once more, without what it knew.
    pub fn again(&mut self) {
        assert!(self.running.is_none());
        let mut command = Command::new(PROGRAM);
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--unixsocket", "socket", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: between fork and exec there is one system call, which takes no memory.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut running = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let socket = self.folder.path().join("socket");
        loop {
            if running.try_wait().unwrap().is_some() {
                return;
            }
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                self.running = Some(running);
                return;
            }
            if Instant::now() > deadline {
                running.kill().unwrap();
                running.wait().unwrap();
                panic!("`{PROGRAM}` does not answer");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// Stops the server without ending it, or lets it go on.
    pub fn frozen(&self, frozen: bool) {
        let signal = if frozen { libc::SIGSTOP } else { libc::SIGCONT };
        let id = self.running.as_ref().unwrap().id();
        // SAFETY: the process is a child that was not waited for, so the number is its own.
        assert_eq!(unsafe { libc::kill(id as libc::pid_t, signal) }, 0);
    }

    /// Where it answers.
    pub fn address(&self) -> String {
        match self.port {
            0 => format!("redis+unix://{}/socket", self.folder.path().display()),
            port => format!("redis://127.0.0.1:{port}"),
        }
    }

    pub fn store(&self) -> RedisStore {
        RedisStore::connect(&self.address(), "job").unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
