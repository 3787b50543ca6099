//! A door before a server, with weather: open, shut, silent, or answering in the server's place, by a timetable.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often the weather is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long a connection has carried requests that is under way.
const UNDER_WAY: Duration = Duration::from_millis(300);

/// What somebody meets at the door.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weather {
    /// The server itself.
    Up,
    /// Nobody listens.
    Refused,
    /// Accepted, and reset at once.
    Reset,
    /// Accepted, and closed without a word.
    Closed,
    /// Accepted, and never a word.
    Silent,
    /// No SYN is answered.
    Swallowed,
    /// This status to every request, CONNECT included.
    Status(u16),
    /// The server, so many bytes a second.
    Drip(u64),
    /// The server, its first byte after so long.
    Late(Duration),
    /// The server, each body held so long after its head.
    Held(Duration),
    /// The server, each body paused so long before its last hundredth.
    Paused(Duration),
}

/// When the first stretch of bad weather begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Begin {
    /// Before anybody comes.
    AtStart,
    /// With the connection of this number.
    After(usize),
    /// While the first one carries requests.
    UnderWay,
}

/// What is behind the door.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behind {
    /// A server, or an HTTP proxy.
    Server(SocketAddr),
    /// A SOCKS proxy that leads everybody there.
    Socks(SocketAddr),
}

/// What was seen at a door.
#[derive(Default)]
pub(crate) struct Seen {
    /// Connections that were accepted, and how many of them while the server was away.
    pub(crate) all: AtomicUsize,
    pub(crate) away: AtomicUsize,
    /// When the weather last became good.
    pub(crate) cleared: Mutex<Option<Instant>>,
    /// When it first became bad.
    pub(crate) broke: Mutex<Option<Instant>>,
}

/// A door; its threads end with the process.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

struct State {
    behind: Behind,
    now: Mutex<(usize, Weather)>,
    seen: Arc<Seen>,
}

impl State {
    fn now(&self) -> (usize, Weather) {
        *self.now.lock().expect("no thread panics with it")
    }
}

/// A listener on a port that nobody is given by chance.
fn listen(port: Option<u16>) -> io::Result<TcpListener> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut tries = 0;
    loop {
        let here = std::process::id() as usize * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let at = port.unwrap_or(20_000 + (here % 12_000) as u16);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, at)) {
            Err(error) if tries > 2_000 => return Err(error),
            Err(_) => tries += 1,
            listener => return listener,
        }
    }
}

impl Gate {
    /// Opens a door. The timetable begins as `begin` says; after it the weather is good.
    pub(crate) fn open(behind: Behind, begin: Begin, timetable: Vec<(Weather, Duration)>) -> Gate {
        let listener = listen(None).expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Seen> = Arc::default();
        let first = if begin == Begin::AtStart { timetable[0].0 } else { Weather::Up };
        let state = Arc::new(State { behind, now: Mutex::new((0, first)), seen: seen.clone() });
        let watched = state.clone();
        std::thread::spawn(move || keep_time(&watched, begin, &timetable));
        std::thread::spawn(move || stand(listener, &state));
        Gate { address, seen }
    }
}

fn wait_for(state: &State, connections: usize) {
    while state.seen.all.load(Ordering::Relaxed) < connections {
        std::thread::sleep(LOOK / 10);
    }
}

/// Changes the weather as the timetable says; it starts with the first who comes.
fn keep_time(state: &State, begin: Begin, timetable: &[(Weather, Duration)]) {
    match begin {
        Begin::AtStart => {}
        Begin::After(connections) => wait_for(state, connections),
        Begin::UnderWay => {
            wait_for(state, 1);
            std::thread::sleep(UNDER_WAY);
        }
    }
    *state.seen.broke.lock().expect("no thread panics with it") = Some(Instant::now());
    for (at, (weather, length)) in timetable.iter().enumerate() {
        *state.now.lock().expect("no thread panics with it") = (at + 1, *weather);
        std::thread::sleep(*length);
    }
    *state.seen.cleared.lock().expect("no thread panics with it") = Some(Instant::now());
    *state.now.lock().expect("no thread panics with it") = (timetable.len() + 1, Weather::Up);
}

/// Accepts as the weather allows.
fn stand(listener: TcpListener, state: &Arc<State>) {
    let port = listener.local_addr().expect("an address").port();
    let mut open = Some(listener);
    let mut fillers: Vec<TcpStream> = Vec::new();
    loop {
        let (_, weather) = state.now();
        if weather == Weather::Refused {
            open = None;
            std::thread::sleep(LOOK);
            continue;
        }
        let listener = open.get_or_insert_with(|| listen(Some(port)).expect("its own port"));
        let _ = listener.set_nonblocking(true);
        if weather == Weather::Swallowed {
            if fillers.is_empty() {
                let _ = rustix::net::listen(listener.as_fd(), 0);
                let to = listener.local_addr().expect("an address");
                while let Ok(filler) = TcpStream::connect_timeout(&to, Duration::from_millis(100)) {
                    fillers.push(filler);
                }
            }
            std::thread::sleep(LOOK);
            continue;
        }
        if !fillers.is_empty() {
            fillers.clear();
            // What waits in the queue are they.
            open = None;
            continue;
        }
        match listener.accept() {
            Ok((client, _)) => {
                state.seen.all.fetch_add(1, Ordering::Relaxed);
                if !matches!(weather, Weather::Up) {
                    state.seen.away.fetch_add(1, Ordering::Relaxed);
                }
                let state = state.clone();
                std::thread::spawn(move || drop(meet(client, &state)));
            }
            Err(_) => std::thread::sleep(LOOK / 4),
        }
    }
}

fn reset(stream: &TcpStream) {
    let linger = Some(Duration::ZERO);
    let _ = rustix::net::sockopt::set_socket_linger(stream.as_fd(), linger);
}

/// One who came.
fn meet(mut client: TcpStream, state: &State) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    let (number, weather) = state.now();
    match weather {
        Weather::Reset => {
            reset(&client);
            Ok(())
        }
        Weather::Closed | Weather::Refused | Weather::Swallowed => Ok(()),
        Weather::Silent => {
            std::thread::sleep(Duration::from_secs(900));
            Ok(())
        }
        Weather::Status(status) => {
            head(&mut client)?;
            let phrase = match status {
                502 => "Bad Gateway",
                503 => "Service Unavailable",
                504 => "Gateway Timeout",
                _ => "Internal Server Error",
            };
            let line =
                format!("HTTP/1.1 {status} {phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            client.write_all(line.as_bytes())?;
            client.shutdown(Shutdown::Write)?;
            // Closed with something unread, it would be a reset.
            let _ = client.read(&mut [0; 512]);
            Ok(())
        }
        Weather::Late(_) | Weather::Held(_) | Weather::Paused(_) => slow(client, state, weather),
        Weather::Up | Weather::Drip(_) => pass(client, state, number, weather),
    }
}

fn head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    Ok(head)
}

/// The server's whole answer, in its own time.
fn slow(mut client: TcpStream, state: &State, weather: Weather) -> io::Result<()> {
    let Behind::Server(to) = state.behind else { return Ok(()) };
    let asked = head(&mut client)?;
    let mut server = TcpStream::connect(to)?;
    server.write_all(&asked)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let (at, pause) = match weather {
        Weather::Late(pause) => (0, pause),
        Weather::Held(pause) => (body, pause),
        Weather::Paused(pause) => (body + (answer.len() - body) * 99 / 100, pause),
        _ => (0, Duration::ZERO),
    };
    client.write_all(&answer[..at])?;
    std::thread::sleep(pause);
    client.write_all(&answer[at..])
}

/// Both directions, until the weather changes: then what is under way is cut, or freezes.
fn pass(mut client: TcpStream, state: &State, number: usize, weather: Weather) -> io::Result<()> {
    let to = match state.behind {
        Behind::Server(to) => to,
        Behind::Socks(to) => {
            greet(&mut client)?;
            to
        }
    };
    let server = TcpStream::connect(to)?;
    server.set_nodelay(true)?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(LOOK))?;
    }
    let rate = if let Weather::Drip(rate) = weather { Some(rate) } else { None };
    std::thread::scope(|scope| {
        scope.spawn(|| copy(&client, &server, state, number, None));
        copy(&server, &client, state, number, rate);
    });
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, state: &State, number: usize, rate: Option<u64>) {
    let mut buffer = vec![0; rate.map_or(64 << 10, |rate| (rate / 10).max(1) as usize)];
    loop {
        let (now, weather) = state.now();
        if now != number {
            match weather {
                // A server that is redeployed lets go of what it has; so does one that is well again.
                Weather::Up | Weather::Status(_) | Weather::Late(_) | Weather::Held(_) => {}
                Weather::Silent | Weather::Swallowed => {
                    std::thread::sleep(Duration::from_secs(900));
                    return;
                }
                _ => {
                    for stream in [from, to] {
                        reset(stream);
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                    return;
                }
            }
        }
        match from.read(&mut buffer) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(n) => {
                if to.write_all(&buffer[..n]).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
                if rate.is_some() {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => {
                reset(to);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// A SOCKS 5 proxy that wants no login.
fn greet(client: &mut TcpStream) -> io::Result<()> {
    let mut two = [0; 2];
    client.read_exact(&mut two)?;
    client.read_exact(&mut vec![0; usize::from(two[1])])?;
    client.write_all(&[5, 0])?;
    let mut four = [0; 4];
    client.read_exact(&mut four)?;
    let length = match four[3] {
        1 => 4,
        4 => 16,
        _ => {
            let mut one = [0];
            client.read_exact(&mut one)?;
            usize::from(one[0])
        }
    };
    client.read_exact(&mut vec![0; length + 2])?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
}
