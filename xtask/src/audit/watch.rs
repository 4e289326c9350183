//! A child with a time limit, of which nothing is left when it has ended.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// In the environment of a child and of all that it starts: which audit it belongs to.
const MARK: &str = "PJRT_AUDIT_MARK";
/// How long killed processes may take to go.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal.
    Signal(i32),
    /// It did not within the limit.
    TimedOut,
}

/// A child that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: How,
    /// What it printed last on standard error.
    pub said: String,
    /// Processes that it had started and that were still there.
    pub left: usize,
}

/// Runs a command to its end or the limit, then ends everything that it started.
///
/// # Errors
///
/// It cannot be started or waited for.
pub fn watch(mut command: Command, limit: Duration, mark: &str) -> std::io::Result<Ended> {
    let said = tempfile::NamedTempFile::new()?;
    // Files, not pipes: nobody waits for a reader, and a process that stays holds nothing open.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said.reopen()?)
        .env(MARK, mark)
        .process_group(0);
    let _reaper = Reaper::start();
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(std::io::Error::other)?;
    let deadline = Instant::now().checked_add(limit);
    let mut late = false;
    // It is only reaped once its group is dead: until then nobody else can get its number.
    while !is_over(pid)? {
        late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    kill(-pid);
    let status = reap(pid)?;
    let how = if late {
        How::TimedOut
    } else if libc::WIFSIGNALED(status) {
        How::Signal(libc::WTERMSIG(status))
    } else {
        How::Exited(libc::WEXITSTATUS(status))
    };
    let left = clear(pid, mark);
    let text = std::fs::read(said.path()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    Ok(Ended {
        how,
        said: last.unwrap_or_default().chars().take(300).collect(),
        left,
    })
}

/// Whether a child has ended; it stays to be reaped.
fn is_over(pid: i32) -> std::io::Result<bool> {
    // SAFETY: the struct is plain data, for which zeroes are valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let number = libc::id_t::try_from(pid).map_err(std::io::Error::other)?;
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the struct is whole and ours.
    let result = unsafe { libc::waitid(libc::P_PID, number, &raw mut info, options) };
    match result {
        0 => Ok(info.si_signo == libc::SIGCHLD),
        _ => {
            let error = std::io::Error::last_os_error();
            match error.kind() {
                std::io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            }
        }
    }
}

/// Waits for a child that has ended or was killed.
fn reap(pid: i32) -> std::io::Result<i32> {
    loop {
        let mut status = 0;
        // SAFETY: the number is that of our own child, which was not reaped yet.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return Ok(status);
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn kill(pid: i32) {
    // SAFETY: the call takes two numbers. That nobody is there is no fault.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Ends and reaps what a child left: its group, and those who went to a group of their own, who
/// still carry the mark. Gives how many there were.
fn clear(group: i32, mark: &str) -> usize {
    let (mut left, mut open) = (BTreeSet::new(), BTreeSet::new());
    let end = Instant::now().checked_add(PATIENCE);
    loop {
        let marked = marked(mark);
        for pid in &marked {
            kill(*pid);
            left.insert(*pid);
            open.insert(*pid);
        }
        // Dead ones carry no mark any longer, and still are to be reaped.
        open.retain(|pid| reap_now(*pid) == 0);
        let mut of_group = reap_now(-group);
        while of_group > 0 {
            left.insert(of_group);
            of_group = reap_now(-group);
        }
        let is_clear = of_group < 0 && open.is_empty() && marked.is_empty();
        if is_clear || end.is_none_or(|end| Instant::now() >= end) {
            return left.len();
        }
        std::thread::sleep(PAUSE);
    }
}

/// Reaps a process, or one of a group: its number, 0 if it still runs, less if it is no child.
fn reap_now(of: i32) -> i32 {
    // SAFETY: only what this audit started is waited for; nothing is written.
    unsafe { libc::waitpid(of, std::ptr::null_mut(), libc::WNOHANG) }
}

/// Living processes with the mark in their environment.
fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let has = |pid: &i32| {
        let text = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        text.split(|byte| *byte == 0)
            .any(|entry| entry == wanted.as_bytes())
    };
    numbers.filter(has).collect()
}

/// While it is there, processes whose parent ends become this process's children, so that they can
/// be reaped.
struct Reaper {
    #[cfg(target_os = "linux")]
    before: libc::c_int,
}

impl Reaper {
    #[cfg(target_os = "linux")]
    fn start() -> Self {
        let mut before: libc::c_int = 0;
        // SAFETY: the first call writes the number that it is given, the second takes a number.
        unsafe {
            libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut before);
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        }
        Self { before }
    }

    #[cfg(not(target_os = "linux"))]
    fn start() -> Self {
        Self {}
    }
}

#[cfg(target_os = "linux")]
impl Drop for Reaper {
    fn drop(&mut self) {
        // SAFETY: the call takes a number.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, self.before) };
    }
}

/// The name of a signal that ends processes.
pub fn signal(number: i32) -> String {
    let name = match number {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGTERM => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}
