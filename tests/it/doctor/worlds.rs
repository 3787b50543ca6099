//! Networks and disks of a test's own: Linux gives a thread namespaces, which all that it starts is in.
//!
//! Only root may have them for one thread alone; elsewhere these tests do nothing, and the verdicts' own tests
//! stand for them.

use super::{Told, tells, well};
use crate::harness::Project;
use crate::lab::{Entry, Lab, Running};
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;

/// What the world is like.
#[derive(Clone, Copy, PartialEq)]
enum Loopback {
    /// Not even a way to this machine itself.
    Down,
    /// This machine alone.
    Up,
}

fn done(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts this thread, and all that it starts, into a network without a way out; false where that is not allowed.
fn alone(loopback: Loopback) -> bool {
    // SAFETY: it concerns this thread alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return false;
    }
    if loopback == Loopback::Up {
        for (name, address) in [("lo", None), ("lo:1", Some([198, 18, 0, 5]))] {
            configure(name, address).expect("a loopback device");
        }
    }
    mounts()
}

/// Gives this thread mounts of its own.
fn mounts() -> bool {
    let (none, root) = (c"none".as_ptr(), c"/".as_ptr());
    // SAFETY: system calls with strings that end.
    unsafe {
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(none, root, std::ptr::null(), flags, std::ptr::null()) == 0
    }
}

/// Gives a device an address, and turns it on.
fn configure(name: &str, address: Option<[u8; 4]>) -> io::Result<()> {
    // SAFETY: all zero is a request; the socket is closed again.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        let mut request: libc::ifreq = std::mem::zeroed();
        for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *place = byte as libc::c_char;
        }
        let mut result = Ok(());
        if let Some(octets) = address {
            let mut to: libc::sockaddr_in = std::mem::zeroed();
            to.sin_family = libc::AF_INET as u16;
            to.sin_addr.s_addr = u32::from_ne_bytes(octets);
            request.ifr_ifru.ifru_addr = *(&raw const to).cast::<libc::sockaddr>();
            result = done(libc::ioctl(socket, libc::SIOCSIFADDR as _, &request));
        } else {
            request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
            result = result.and(done(libc::ioctl(socket, libc::SIOCSIFFLAGS as _, &request)));
        }
        libc::close(socket);
        result
    }
}

/// Puts a file of the test's in the place of one of the system's.
fn instead(system: &str, text: &str, folder: &Path) {
    let own = folder.join(Path::new(system).file_name().expect("a name"));
    fs::write(&own, text).expect("a file of ours");
    let terminated =
        |path: &Path| std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    let (own, system) = (terminated(&own), terminated(Path::new(system)));
    // SAFETY: a system call with strings that end.
    let mounted = unsafe {
        libc::mount(own.as_ptr(), system.as_ptr(), std::ptr::null(), libc::MS_BIND, std::ptr::null())
    };
    done(mounted).expect("a bind mount");
}

/// Passes connections to one address on to another.
fn forward(from: SocketAddr, to: String) {
    let listener = TcpListener::bind(from).expect("an address of this world");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&to).expect("the lab");
            for (mut from, mut to) in [
                (client.try_clone().expect("a socket"), server.try_clone().expect("a socket")),
                (server, client),
            ] {
                std::thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
}

/// A project whose proxy has a name.
fn named(name: &str) -> Project {
    Project::empty()
        .env("GOPROXY", format!("https://{name}"))
        .env("GOSUMDB", "sum.golang.org")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n")
}

fn without_a_route(loopback: Loopback) {
    if !alone(loopback) {
        return;
    }
    let project = named("proxy.example.com");
    instead("/etc/resolv.conf", "nameserver 192.0.2.53\n", project.root());
    let told = Told { verdict: "local-network", what: "no route", advice: "connect this machine" };
    tells(&project, &[], told);
}

#[test]
fn s02_no_route() {
    without_a_route(Loopback::Up);
}

#[test]
fn s02_no_route_not_even_to_itself() {
    without_a_route(Loopback::Down);
}

#[test]
fn s03_resolver_dead() {
    if !alone(Loopback::Up) {
        return;
    }
    let project = named("proxy.example.com");
    instead("/etc/resolv.conf", "nameserver 127.0.0.1\n", project.root());
    let told = Told { verdict: "dns", what: "resolver does not answer", advice: "/etc/resolv.conf" };
    tells(&project, &[], told);
}

#[test]
fn s23_the_disk_is_full() {
    if !mounts() {
        return;
    }
    let lab = Lab::new().sumdb().start();
    let project = Project::new(&lab);
    let cache =
        std::ffi::CString::new(project.module_cache().as_os_str().as_encoded_bytes()).expect("a path");
    // SAFETY: a system call with strings that end.
    let mounted = unsafe {
        libc::mount(c"none".as_ptr(), cache.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=32k".as_ptr().cast())
    };
    done(mounted).expect("a small disk");
    tells(&project, &[], Told { verdict: "cache", what: "no room is left", advice: "make room" });
}

/// A lab that is reached by name at this address of the world.
fn reached_at(address: IpAddr) -> Option<(Running, Project)> {
    if !alone(Loopback::Up) {
        return None;
    }
    let name = "proxy.corp.example";
    let lab = Lab::new().entry(Entry::tls().named(name)).sumdb().start();
    let mut project = Project::new(&lab);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY"] {
        project = project.without(proxy);
    }
    forward(SocketAddr::new(address, 443), lab.host(0));
    instead("/etc/hosts", &format!("{address} {name}\n"), project.root());
    instead("/etc/resolv.conf", "nameserver 127.0.0.1\n", project.root());
    Some((lab, project))
}

#[test]
fn s26_ipv6_alone_is_well() {
    let Some((_lab, project)) = reached_at("::1".parse().expect("an address")) else { return };
    let found = tells(&project, &[], well());
    assert!(found.to_string().contains("(::1)"), "{found}");
}

#[test]
fn s27_an_address_made_up_by_a_tunnel_that_works_is_well() {
    let Some((_lab, project)) = reached_at("198.18.0.5".parse().expect("an address")) else { return };
    let found = tells(&project, &[], well());
    assert!(found.to_string().contains("made up by a local proxy program"), "{found}");
}

#[test]
fn s05_a_public_name_that_leads_to_this_machine() {
    if !mounts() {
        return;
    }
    let project = named("goproxy.cn").env("GOSUMDB", "off");
    instead("/etc/hosts", "0.0.0.0 goproxy.cn\n", project.root());
    let told = Told { verdict: "dns", what: "leads to 0.0.0.0", advice: "/etc/hosts" };
    tells(&project, &[], told);
}
