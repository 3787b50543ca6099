//! Starting go beside gox's own memory instead of in a copy of it.
//!
//! fork copies the tables of gox's memory, and afterwards each page that either side writes to; that is a
//! tenth of what gox adds to a go command. So this does what Go's own `os/exec` and the C library's
//! `posix_spawn` do (which knows no parent-death signal): the child runs on a small stack of its own in the
//! same memory, while the thread that made it waits, and is another program a few system calls later.

use super::{Command, Streams};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// Bytes of the child's stack. It makes a dozen system calls; what the C library puts there for a signal
/// that arrives in between is counted in.
const STACK: usize = 64 * 1024;

/// What a C function gets as a list: pointers, the last of them null.
struct List {
    pointers: Vec<*const c_char>,
    /// Where they point to.
    _strings: Vec<CString>,
}

impl List {
    fn new(strings: Vec<CString>) -> List {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        List { pointers, _strings: strings }
    }
}

/// All that the child needs, made before it exists: it may allocate nothing and take no lock.
struct Plan {
    program: CString,
    args: List,
    env: List,
    dir: Option<CString>,
    /// What becomes descriptor 0, 1 and 2, where it is not gox's own.
    streams: [Option<RawFd>; 3],
    own_group: bool,
    parent: libc::pid_t,
    /// What the child could not do, written by it.
    error: c_int,
}

/// Starts the command with these streams, in a process group of its own where `own_group` says so.
#[allow(unsafe_code, reason = "no safe way leads beside the copy of all memory")]
pub(super) fn spawn(command: &Command, streams: Streams, own_group: bool) -> io::Result<Pid> {
    let mut plan = plan(command, &streams, own_group)?;
    let mut stack: Vec<MaybeUninit<u128>> = Vec::with_capacity(STACK / size_of::<u128>());
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // No handler of gox's may run in the child: it would do its work twice in the same memory.
    // SAFETY: both sets are written before they are read, `plan` and `stack` outlive the child's time in
    // this memory (this thread waits until the child is another program or gone), and the stack is aligned
    // and grows down from its end on every machine that this is built for.
    let pid = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let pid = libc::clone(become_go, top.cast(), flags, ptr::from_mut(&mut plan).cast());
        let failure = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        if pid < 0 { Err(failure) } else { Ok(pid) }
    }?;
    drop(streams);
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("the system gave a child no number"))?;
    // SAFETY: the child wrote there before it ended, and no longer runs in this memory.
    let error = unsafe { ptr::from_ref(&plan.error).read_volatile() };
    if error != 0 {
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
        return Err(io::Error::from_raw_os_error(error));
    }
    Ok(pid)
}

fn plan(command: &Command, streams: &Streams, own_group: bool) -> io::Result<Plan> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let program = text(command.program.as_os_str().as_bytes())?;
    let mut args = vec![program.clone()];
    for arg in &command.args {
        args.push(text(arg.as_bytes())?);
    }
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in &command.envs {
        match value {
            Some(value) => env.insert(name.clone(), value.clone()),
            None => env.remove(name),
        };
    }
    let mut lines = Vec::with_capacity(env.len());
    for (name, value) in &env {
        lines.push(text(&[name.as_bytes(), b"=", value.as_bytes()].concat())?);
    }
    Ok(Plan {
        program,
        args: List::new(args),
        env: List::new(lines),
        dir: command.dir.as_ref().map(|dir| text(dir.as_os_str().as_bytes())).transpose()?,
        streams: [
            streams.stdin.as_ref().map(AsRawFd::as_raw_fd),
            Some(streams.stdout.as_raw_fd()),
            Some(streams.stderr.as_raw_fd()),
        ],
        own_group,
        parent: rustix::process::getpid().as_raw_pid(),
        error: 0,
    })
}

/// The child, from its first step to the next program. Every signal is blocked here until the last step.
#[allow(unsafe_code, reason = "these are the C library's functions")]
extern "C" fn become_go(plan: *mut c_void) -> c_int {
    // SAFETY: `spawn` hands over its own plan and waits, so that nobody else reads or writes it; all
    // functions called are async-signal-safe, and what they point to was made before.
    unsafe {
        let plan = plan.cast::<Plan>();
        if prepare(&*plan).is_some() {
            libc::execve(
                (*plan).program.as_ptr(),
                (*plan).args.pointers.as_ptr(),
                (*plan).env.pointers.as_ptr(),
            );
        }
        let error = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL);
        ptr::from_mut(&mut (*plan).error).write_volatile(error);
        libc::_exit(127)
    }
}

/// All that has to be so before go begins; `None` where a step failed, with the reason in `errno`.
#[allow(unsafe_code, reason = "these are the C library's functions")]
unsafe fn prepare(plan: &Plan) -> Option<()> {
    let well = |result: c_int| (result >= 0).then_some(());
    // SAFETY: see `become_go`.
    unsafe {
        // A handler of gox's must not run in this memory; exec would set these back, but only later.
        for signal in 1..=libc::SIGRTMAX() {
            let mut action = MaybeUninit::<libc::sigaction>::uninit();
            if libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) != 0 {
                continue;
            }
            let handler = action.assume_init().sa_sigaction;
            // Ignored by gox itself, as by every program of its kind; what it was started with is the default.
            let is_own = signal == libc::SIGPIPE && handler == libc::SIG_IGN;
            if is_own || (handler != libc::SIG_DFL && handler != libc::SIG_IGN) {
                let mut default: libc::sigaction = MaybeUninit::zeroed().assume_init();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &default, ptr::null_mut());
            }
        }
        if plan.own_group {
            well(libc::setpgid(0, 0))?;
        }
        well(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        // gox may have died before the line above; then nothing would ever be sent. (This child would not
        // have been waited for either.)
        if libc::getppid() != plan.parent {
            libc::_exit(127);
        }
        crate::machine::limits::restore();
        for (number, stream) in (0..).zip(plan.streams) {
            if let Some(stream) = stream {
                well(libc::dup2(stream, number))?;
            }
        }
        if let Some(dir) = &plan.dir {
            well(libc::chdir(dir.as_ptr()))?;
        }
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        well(libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()))
    }
}
