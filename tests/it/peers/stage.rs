//! Starts the programs that others run between go and its modules: nginx, squid, microsocks, mitmproxy. Each gets a
//! folder and a port on loopback of its own, and is ended, with all that it started, by its id.

use crate::harness::{Project, be_on_ones_own};
use crate::lab::Running;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(30);

/// A running program, and the group of all that it starts.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// The folder, the files served, the certificates, and what runs.
pub(super) struct Stage {
    // Before the folder: they end first.
    running: Vec<Peer>,
    dir: tempfile::TempDir,
}

impl Stage {
    /// The files of a lab in a folder, a private authority, and a certificate for the loopback addresses.
    pub(super) fn new(lab: &Running) -> Stage {
        let dir = tempfile::Builder::new().prefix("gox-peers-").tempdir().expect("a temporary folder");
        // Servers that root starts become somebody else.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("a folder of ours");
        let stage = Stage { running: Vec::new(), dir };
        for module in lab.modules() {
            for file in ["list", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"] {
                let name = format!("{}/@v/{file}", module.path);
                stage.write(&format!("tree/{name}"), lab.file(&name).expect("a file of a module"));
            }
        }
        let mut params = CertificateParams::new(Vec::new()).expect("no names, no wrong names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a company");
        let key = KeyPair::generate().expect("a key");
        stage.write("ca.pem", params.self_signed(&key).expect("a certificate").pem());
        let issuer = Issuer::new(params, key);
        let names = ["localhost", "127.0.0.1", "0.0.0.0"].map(str::to_owned);
        let params = CertificateParams::new(names).expect("names that are right");
        let key = KeyPair::generate().expect("a key");
        stage.write("leaf.pem", params.signed_by(&key, &issuer).expect("a certificate").pem());
        stage.write("leaf.key", key.serialize_pem());
        // What `openssl passwd -1 -salt salt` makes of `p@ss:w%rd`.
        stage.write("users", "user:$1$salt$az3GovO6wUhJOI7CY6W501\n");
        stage
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file below the folder")).expect("a folder");
        fs::write(path, text).expect("a file in the temporary folder");
    }

    /// A port where nobody listens now.
    pub(super) fn port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.local_addr().expect("an address").port()
    }

    /// Starts a program and waits until it listens at all of these ports.
    fn start(&mut self, program: &Path, args: &[&str], env: &[(&str, &Path)], ports: &[u16]) {
        let log = fs::File::create(self.path(&format!("log{}", self.running.len()))).expect("a file");
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.dir.path()).envs(env.iter().copied());
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("a descriptor")).stdout(log);
        // SAFETY: it makes system calls alone, and allocates nothing.
        unsafe { command.pre_exec(be_on_ones_own) };
        let child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let mut peer = Peer(child);
        let begun = Instant::now();
        for port in ports {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_err() {
                let runs = matches!(peer.0.try_wait(), Ok(None)) && begun.elapsed() < START;
                assert!(runs, "{} does not listen: {}", program.display(), self.logs());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.running.push(peer);
    }

    /// What all of them wrote.
    fn logs(&self) -> String {
        let logs = fs::read_dir(self.dir.path()).into_iter().flatten().flatten();
        let logs = logs.filter(|file| file.file_name().to_string_lossy().contains("log"));
        logs.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// nginx with these servers, each `{ ... }` behind a `listen` that is made for it; gives their ports. In them
    /// DIR is the folder, TREE the files, and CERT stands for the certificate.
    pub(super) fn nginx<const N: usize>(&mut self, servers: [&str; N]) -> [u16; N] {
        let ports = servers.map(|_| Stage::port());
        let dir = self.dir.path().display().to_string();
        let mut text = String::new();
        for (server, port) in servers.iter().zip(ports) {
            let tls = "ssl_certificate DIR/leaf.pem; ssl_certificate_key DIR/leaf.key;";
            let server = server.replace("CERT", tls).replace("TREE", "root DIR/tree");
            text.push_str(&format!("server {{ listen 127.0.0.1:{port}{server} }}\n"));
        }
        let text = text.replace("FIRST", &format!("127.0.0.1:{}", ports[0]));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path DIR/{kind};\n"))
            .collect();
        let whole = format!(
            "daemon off; pid DIR/nginx.pid; error_log stderr;\nevents {{ worker_connections 256; }}\n\
             http {{ access_log off;\n{temporary}limit_req_zone $server_port zone=rate:1m rate=20r/s;\n\
             proxy_cache_path DIR/cache keys_zone=cache:1m;\n{text}}}\n"
        );
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        self.write("nginx.conf", format!("{user}{whole}").replace("DIR", &dir));
        let conf = self.path("nginx.conf");
        self.start(&program("nginx"), &["-c", &conf.display().to_string(), "-e", "stderr"], &[], &ports);
        ports
    }

    /// squid with these rules before the one that allows everything; gives its port.
    pub(super) fn squid(&mut self, rules: &str) -> u16 {
        let port = Stage::port();
        let name = format!("squid{port}");
        let conf = self.path(&name);
        let rules = rules.replace("DIR", &self.dir.path().display().to_string());
        let at = conf.display();
        self.write(
            &name,
            format!(
                "http_port 127.0.0.1:{port}\n{rules}\nhttp_access allow all\ncache deny all\n\
                 pid_filename {at}.pid\naccess_log stdio:{at}.access\ncache_log {at}.log\ncoredump_dir {at}.core\n\
                 shutdown_lifetime 0 seconds\npinger_enable off\n"
            ),
        );
        let conf = conf.display().to_string();
        self.start(&program("squid"), &["-N", "-n", &name, "-f", &conf], &[], &[port]);
        port
    }

    /// How many requests squid turned away for want of a login since the last call.
    pub(super) fn turned_away(&self, squid: u16) -> usize {
        let path = self.path(&format!("squid{squid}.access"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        // It is squid's file, open still: emptied, and not removed.
        let _ = fs::File::options().write(true).truncate(true).open(&path);
        text.lines().filter(|line| line.contains("TCP_DENIED/407")).count()
    }

    /// A SOCKS 5 server, with a user and password or without; gives its port.
    pub(super) fn socks(&mut self, login: Option<(&str, &str)>) -> u16 {
        let port = Stage::port();
        let text = port.to_string();
        let mut args = vec!["-i", "127.0.0.1", "-p", &text];
        if let Some((user, password)) = login {
            args.extend(["-u", user, "-P", password]);
        }
        self.start(&program("microsocks"), &args, &[], &[port]);
        port
    }

    /// A proxy that opens TLS, trusts everybody behind it, and signs by itself; gives its port. `both.pem` holds its
    /// authority and the company's then.
    pub(super) fn interception(&mut self) -> u16 {
        let port = Stage::port();
        let folder = mitmproxy();
        let confdir = format!("confdir={}", self.path("mitm").display());
        let text = port.to_string();
        let args = [
            "--listen-host",
            "127.0.0.1",
            "-p",
            &text,
            "--set",
            &confdir,
            "--set",
            "ssl_insecure=true",
            "-q",
        ];
        self.start(&folder.join("bin/mitmdump"), &args, &[("PYTHONPATH", &folder)], &[port]);
        let own = fs::read(self.path("mitm/mitmproxy-ca-cert.pem")).expect("an authority of mitmproxy's");
        let company = fs::read(self.path("ca.pem")).expect("the company's");
        self.write("both.pem", [own, company].concat());
        port
    }

    /// A project that asks `list`.
    pub(super) fn project(&self, lab: &Running, list: &str) -> Project {
        Project::new(lab)
            .env("GOPROXY", list)
            .env("SSL_CERT_FILE", self.path("ca.pem"))
            .without("GOX_ATTEMPTS")
            .env("GOX_BUDGET", "10s")
    }
}

/// A program of Debian's.
pub(super) fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/usr/lib/squid"].map(|dir| Path::new(dir).join(name));
    places
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no {name} here: run tests/run.sh, which gets it with tests/peers.sh"))
}

/// The folder with mitmproxy.
fn mitmproxy() -> PathBuf {
    let dir = std::env::var_os("GOX_TEST_PEERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/peers"), PathBuf::from);
    assert!(dir.join("bin/mitmdump").is_file(), "no mitmproxy in {}: run tests/run.sh", dir.display());
    dir
}
