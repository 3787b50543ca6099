//! The same failure in the shapes that consoles, languages and people give it.

use super::*;

fn dominant(text: &str) -> (Option<Cause>, Option<String>, Option<String>) {
    let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
    reading.dominant().map_or((None, None, None), |f| (Some(f.cause), f.module.clone(), f.host.clone()))
}

fn cause(text: &str) -> Option<Cause> {
    dominant(text).0
}

const CLONE: &str = "/root/go/pkg/mod/cache/vcs/18c8a4821c6ff1f0d96f125c972f52d7";

/// What git, the C library and Windows say to people who read Chinese.
#[test]
fn translated_words_are_read() {
    let git = |said: &str| {
        format!(
            "go: a.test/b@v1.0.0: invalid version: git fetch -f origin in {CLONE}: exit status 128:\n\t{said}\n"
        )
    };
    let get =
        |said: &str| format!("go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": {said}\n");
    let colon = '\u{ff1a}';
    let stop = '\u{3002}';
    let comma = '\u{ff0c}';
    for (text, want) in [
        (git(&format!("致命错误{colon}无法访问 'https://git.test/b/'{colon}Failed to connect to git.test port 443{colon} 连接超时")), Cause::GitNetwork),
        (git(&format!("错误{colon}RPC 失败{stop}curl 56 GnuTLS recv error\n\t致命错误{colon}远端意外挂断了")), Cause::GitNetwork),
        (git("fatal: 过早的文件结束符（EOF）\n\tfatal: index-pack 失败"), Cause::GitNetwork),
        (git(&format!("ssh: connect to host git.test port 22: 拒绝连接\n\t致命错误{colon}无法读取远程仓库{stop}")), Cause::GitNetwork),
        (git(&format!("致命错误{colon}无法读取远程仓库{stop}\n\n\t请确认您有正确的访问权限并且仓库存在{stop}")), Cause::PrivateAuth),
        (git(&format!("致命错误{colon}仓库 'https://git.test/b/' 未找到")), Cause::PrivateAuth),
        (git(&format!("致命错误{colon}'https://git.test/b/' 鉴权失败")), Cause::PrivateAuth),
        (git(&format!("致命错误{colon}无法读取 Username for 'https://git.test'{colon}终端提示被禁用")), Cause::PrivateAuth),
        (git(&format!("致命错误{colon}无法找到远程引用 v1.0.0")), Cause::UnknownRevision),
        (git(&format!("致命错误{colon}不是 git 仓库（或者任何父目录）{colon}.git")), Cause::CacheCorrupt),
        (git(&format!("致命錯誤{colon}無法存取 'https://git.test/b/'{colon}Failed to connect to git.test port 443{colon} 連線逾時")), Cause::GitNetwork),
        (get("dial tcp: lookup p.test: 域名解析暂时失败"), Cause::Dns),
        (get("dial tcp: lookup p.test: 未知的名称或服务"), Cause::Dns),
        (get(&format!("dial tcp 127.0.0.1:7890: connectex: 由于目标计算机积极拒绝{comma}无法连接{stop}")), Cause::ConnRefused),
        (get(&format!("dial tcp 192.0.2.1:443: connectex: 由于连接方在一段时间后没有正确答复或连接的主机没有反应{comma}连接尝试失败{stop}")), Cause::Timeout),
        (get(&format!("read tcp 192.0.2.2:5->192.0.2.1:443: wsarecv: 远程主机强迫关闭了一个现有的连接{stop}")), Cause::ConnReset),
        (get("dial tcp 192.0.2.1:443: connect: 网络不可达"), Cause::Unreachable),
        ("go: could not create module cache: mkdir /root/go: 权限不够\n".into(), Cause::CachePermission),
        (format!("go: a.test/b@v1.0.0: mkdir D:\\go\\pkg\\mod\\cache\\download\\a.test: 拒绝访问{stop}\n"), Cause::CachePermission),
        ("go: a.test/b@v1.0.0: write /root/go/pkg/mod/cache/download/a.test/b/@v/v1.0.0.zip1.tmp: 设备上没有空间\n".into(), Cause::DiskFull),
        // Other languages, where one word decides; and the place, where no word is known.
        ("go: a.test/b@v1.0.0: mkdir /root/go/pkg/mod/cache/vcs/18c8: Permission non accordée\n".into(), Cause::CachePermission),
        ("go: a.test/b@v1.0.0: mkdir /root/go/pkg/mod/cache/vcs/18c8: Oprávnění odepřeno\n".into(), Cause::CachePermission),
        (git("fatal: konnte nicht auf 'https://git.test/b/' zugreifen: Failed to connect to git.test port 443: Verbindungsaufbau abgelehnt"), Cause::GitNetwork),
    ] {
        assert_eq!(cause(&text), Some(want), "{text}");
    }
    // Nobody's words but go's are made go's by it.
    assert_eq!(
        cause(&format!("正克隆到 'b'...\n致命错误{colon}无法访问 'https://git.test/b/'{colon}连接超时\n")),
        None
    );
}

/// What only Go's own network packages print, with nothing around it.
#[test]
fn tails_of_go_s_network_packages_stand_alone() {
    for (text, want) in [
        ("read tcp 192.0.2.2:40922->192.0.2.1:443: read: connection reset by peer", Cause::ConnReset),
        ("read tcp [2001:db8::5]:50022->[2001:db8::1]:443: i/o timeout", Cause::Timeout),
        ("write tcp 192.0.2.2:40922->192.0.2.1:443: write: broken pipe", Cause::ConnReset),
        ("net/http: TLS handshake timeout", Cause::Timeout),
        (
            "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            Cause::Timeout,
        ),
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", Cause::Timeout),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Cause::TlsCert),
        (
            "x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2024-01-01T00:00:00Z",
            Cause::TlsCert,
        ),
        ("stream error: stream ID 101; INTERNAL_ERROR; received from peer", Cause::Http2),
        (
            "http2: server sent GOAWAY and closed the connection; LastStreamID=1999, ErrCode=NO_ERROR, debug=\"\"",
            Cause::Http2,
        ),
        ("lookup p.test on 192.0.2.53:53: server misbehaving", Cause::Dns),
        ("dial tcp: lookup p.test: nodename nor servname provided, or not known", Cause::Dns),
    ] {
        assert_eq!(cause(&format!("{text}\n")), Some(want), "{text}");
        for around in [
            "panic: ",
            "main.go:12: ",
            "db: ",
            "2024/05/01 12:00:00 ",
            "Unable to connect to the server: ",
            "docker: Error response from daemon: ",
        ] {
            assert_eq!(cause(&format!("{around}{text}\n")), None, "{around}{text}");
        }
        assert_eq!(
            cause(&format!("=== RUN   TestDial\n{text}\n--- PASS: TestDial (0.00s)\n")),
            None,
            "{text}"
        );
    }
    for text in [
        "dial tcp 192.0.2.1:5432: connect: connection refused",
        "read tcp 127.0.0.1:5->127.0.0.1:7000: read: connection reset by peer",
        "x509: ",
        "tls:",
    ] {
        assert_eq!(cause(&format!("{text}\n")), None, "{text}");
    }
}

/// What is damaged or closed is told by where it lies.
#[test]
fn a_path_tells_the_store() {
    let vcs =
        |said: &str| format!("go: a.test/b@v1.0.0: git init --bare in {CLONE}: exit status 128:\n\t{said}\n");
    for (text, want) in [
        ("/root/go/pkg/mod/a.test/b@v1.0.0/x.go:1:1: expected 'package', found 'EOF'\n".to_owned(), Cause::CacheCorrupt),
        ("../go/pkg/mod/a.test/b@v1.0.0/x.go:1:1: expected 'package', found 'EOF'\nmake: *** [build] Error 1\n".into(), Cause::CacheCorrupt),
        ("C:\\go\\pkg\\mod\\a.test\\b@v1.0.0\\x.go:1:1: illegal character NUL\n".into(), Cause::CacheCorrupt),
        ("# a.test/b\n/root/go/pkg/mod/a.test/b@v1.0.0/x.go:1:1: syntax error: package statement must be first\n".into(), Cause::CompileError),
        ("./x.go:1:1: expected 'package', found 'EOF'\n".into(), Cause::CompileError),
        (vcs("error: cannot open 'HEAD': Permission denied\n\tfatal: unable to write 'HEAD'"), Cause::CachePermission),
        (vcs("fatal: insufficient permission for adding an object to repository database objects"), Cause::CachePermission),
        ("go: open /usr/local/bin/tool: permission denied\n".into(), Cause::Other),
        ("go build: open C:\\tools\\bin\\tool.exe: Access is denied.\n".into(), Cause::Other),
        ("go: open /root/go/pkg/mod/cache/download/a.test/b/@v/v1.0.0.lock: permission denied\n".into(), Cause::CachePermission),
        ("open /root/.cache/go-build/00/00a1-d: permission denied\n".into(), Cause::CachePermission),
    ] {
        let seen = cause(&text);
        assert!(seen == Some(want) || want == Cause::Other && seen.is_none(), "{seen:?} {text}");
    }
    let named = dominant("C:\\go\\pkg\\mod\\a.test\\b@v1.0.0\\x.go:1:1: expected 'package', found 'EOF'\n");
    assert_eq!(named.1.as_deref(), Some("a.test/b"));
    let damaged = classify(
        &Rules::default(),
        Stream::Stderr,
        b"# a.test/b\n/root/go/pkg/mod/a.test/b@v1.0.0/x.go:1:1: expected 'package', found 'EOF'\n",
    );
    assert_eq!(
        damaged.dominant().and_then(|f| f.facts.path.clone()),
        Some(PathBuf::from("/root/go/pkg/mod/a.test/b@v1.0.0/x.go"))
    );
}

fn broken(text: &str, width: usize, hang: &str) -> String {
    let mut lines = vec![];
    let mut line = String::new();
    for c in text.chars() {
        if line.chars().count() == width {
            lines.push(std::mem::replace(&mut line, hang.to_owned()));
        }
        line.push(c);
    }
    lines.push(line);
    lines.join("\n")
}

fn folded(text: &str, width: usize, hang: &str) -> String {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.trim().is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, hang.to_owned()));
        } else if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// Wherever a console, a mail or a box breaks a line.
#[test]
fn lines_that_were_broken_anywhere_are_one() {
    let whole = [
        "go: example.test/pack/age@v1.8.4: Get \"https://proxy.example.test/example.test/pack/age/@v/v1.8.4.mod\": dial tcp: lookup proxy.example.test on 192.0.2.2:53: no such host",
        "go: example.test/pack/age@v1.8.4: reading https://proxy.example.test/example.test/pack/age/@v/v1.8.4.mod: 502 Bad Gateway",
        "example.test/pack/age@v1.8.4: Get \"https://proxy.example.test/example.test/pack/age/@v/v1.8.4.zip\": net/http: TLS handshake timeout",
        "go: example.test/pack/age@v1.8.4: verifying module: example.test/pack/age@v1.8.4: Get \"https://sum.example.test/lookup/example.test/pack/age@v1.8.4\": dial tcp 192.0.2.141:443: connect: connection refused",
    ];
    for text in whole {
        let want = dominant(text);
        assert!(want.0.is_some() && want.1.is_some() && want.2.is_some(), "{text} {want:?}");
        for width in [72, 76, 79, 80, 90, 100, 110, 120, 132] {
            for hang in ["", "  ", "    ", "\t"] {
                for form in [broken, folded] {
                    let seen = format!("{}\nmake: *** [build] Error 1\n", form(text, width, hang));
                    assert_eq!(dominant(&seen), want, "{seen}");
                }
            }
        }
    }
    let boxed = "| go: example.test/m@v0.26.0: Get \"https://proxy.example.test/example.  |\n| test/m/@v/v0.26.0.mod\": dial tcp [2001:db8::8d]:443: connect:      |\n| network is unreachable                                              |\n";
    assert_eq!(
        dominant(boxed),
        (Some(Cause::Unreachable), Some("example.test/m".into()), Some("proxy.example.test".into()))
    );
    // A line that is whole takes none of what follows.
    for next in ["make: *** [build] Error 1", "EOF", "connection refused", "exit status 1"] {
        let text = format!("{}\n{next}\n", whole[1]);
        assert_eq!(dominant(&text), dominant(whole[1]), "{text}");
    }
}

/// The module that was asked for, by whatever names it.
#[test]
fn fields_come_from_what_names_them() {
    for (text, want, module, host) in [
        (
            "go: downloading a.test/b v1.9.0\nread \"https://proxy.golang.org/…/v1.9.0.zip\": unexpected EOF\n",
            Cause::Eof,
            "a.test/b",
            "proxy.golang.org",
        ),
        (
            "import \"a.test/b\": unexpected status (https://api.test/repos/b): 401 Unauthorized\n",
            Cause::PrivateAuth,
            "a.test/b",
            "api.test",
        ),
        (
            "verifying module: reading https://sum.golang.org/lookup/a.test/b@...: 500 Internal Server Error\n",
            Cause::SumdbUnreachable,
            "a.test/b",
            "sum.golang.org",
        ),
        (
            "go: ***/lib@v1.4.0: reading https://p.test/***/lib/@v/v1.4.0.mod: 502 Bad Gateway\n",
            Cause::Http5xx,
            "***/lib",
            "p.test",
        ),
        (
            "go: git.<corp>.test/x@v1.4.0: Get \"https://<proxy>/git.<corp>.test/x/@v/v1.4.0.mod\": EOF\n",
            Cause::Eof,
            "git.<corp>.test/x",
            "<proxy>",
        ),
        (
            "# cd .; hg clone -U https://hg.test/x/y /go/src/hg.test/x/y\nabort: error: Connection timed out\npackage hg.test/x/y: exit status 255\n",
            Cause::GitNetwork,
            "hg.test/x/y",
            "hg.test",
        ),
        (
            "# cd .; bzr branch https://bzr.test/x /go/src/bzr.test/x\nbzr: ERROR: Connection error: Couldn't resolve host 'bzr.test' [Errno -2] Name or service not known\npackage bzr.test/x: exit status 3\n",
            Cause::GitNetwork,
            "bzr.test/x",
            "bzr.test",
        ),
    ] {
        assert_eq!(dominant(text), (Some(want), Some(module.into()), Some(host.into())), "{text}");
    }
    assert_eq!(
        cause(
            "go: a.test/lint@v0.0.0-20190313153728-d0100b6bd8b3: parsing go.mod: unexpected module path \"b.test/lint\"\n"
        ),
        Some(Cause::PathMismatch)
    );
    let chain = "imports\n  a.test/b/c: module a.test/b@latest found (v1.32.0), but does not contain package a.test/b/c\n";
    assert_eq!(dominant(chain), (Some(Cause::MissingPackage), Some("a.test/b".into()), None));
}
