//! What a person can do about it: one line for each cause at each source, the one that surely helps first.
//!
//! Advice that harms is a defect: none turns a check off or changes go's own settings for good, none sends a
//! login to somebody who did not ask for it, none calls a public module private.

use super::reading::{self, Certificate};
use super::{Phrase, Text, causes, phrases};
use crate::vocabulary::{Behind, Cause, Detail, Failure, Source};

phrases! {
    AGAIN_LATER = "try again later, or with another proxy in GOPROXY", "稍后重试，或在 GOPROXY 中换一个代理";
    AGAIN_ORIGIN = "try again later, or let a module proxy fetch it (GOPROXY)", "稍后重试，或通过模块代理（GOPROXY）获取";
    DATABASE_LATER = "try again later and leave GOSUMDB on; a proxy in GOPROXY may pass the database on", "稍后重试，不要关闭 GOSUMDB；GOPROXY 中的代理也可以转发校验和数据库";
    DATABASE_PROXY = "try again later, or put another proxy before {host} in GOPROXY; leave GOSUMDB on", "稍后重试，或在 GOPROXY 中把别的代理排到 {host} 前面；不要关闭 GOSUMDB";
    DAMAGED_THERE = "ask who runs {host} to fetch it anew, or put another proxy first in GOPROXY", "请 {host} 的管理员重新获取该文件，或在 GOPROXY 中把别的代理排在前面";
    LOG_IN = "log in to this network first: open any page in a browser", "请先登录当前网络：用浏览器随便打开一个网页";
    CHECK_URL = "check the URL in GOPROXY, and look at it in a browser", "检查 GOPROXY 中的地址，并用浏览器打开看看";
    PLAIN_HTTP = "check the port: {host} speaks plain HTTP there", "检查端口：{host} 在该端口上使用明文 HTTP";
    SITE = "check the import path; for a private module: `gox private add {bare}`, and a login for {host} in ~/.netrc",
        "检查导入路径；若是私有模块：执行 `gox private add {bare}`，并在 ~/.netrc 中为 {host} 配置登录信息";
    LESS = "wait a while; GOMAXPROCS=2 asks for less at a time", "稍等一会儿；设置 GOMAXPROCS=2 可以减少并发请求";
    REACH = "check that {host} runs and that this network lets you through to it", "检查 {host} 是否在运行，以及当前网络是否允许访问它";
    NAME = "check how {host} is spelt in GOPROXY, and this machine's DNS", "检查 GOPROXY 中 {host} 的拼写，以及本机的 DNS";
    NAME_ORIGIN = "check how {host} is spelt, and this machine's DNS", "检查 {host} 的拼写，以及本机的 DNS";
    RESOLVER = "check this machine's network and DNS (VPN, /etc/resolv.conf), then try again", "检查本机的网络和 DNS（VPN、/etc/resolv.conf），然后重试";
    FAKE = "a local proxy program (Clash and the like) made up this address (198.18.0.0/15): start it again, or take go out of it",
        "该地址（198.18.0.0/15）是本机代理软件（Clash 等）的 fake-ip：请重启代理软件，或让 go 不经过它";
    RENEW = "ask who runs {host} for a new certificate, unless this machine's clock is wrong", "请 {host} 的管理员更换证书；也请确认本机时钟是否正确";
    CLOCK = "set this machine's clock", "请校准本机时钟";
    RIGHT_NAME = "use the name that the certificate is for, or ask who runs {host}: somebody else may have answered",
        "请使用证书所对应的域名，或询问 {host} 的管理员：应答的可能不是它本身";
    AUTHORITY = "if your company inspects TLS, name its root certificate in SSL_CERT_FILE", "如果公司会检查 TLS 流量，请用 SSL_CERT_FILE 指定公司的根证书";
    NEW_CERTIFICATE = "ask who runs {host} for a certificate that go accepts", "请 {host} 的管理员换用 go 能接受的证书";
    TLS = "try again; if it stays, something between here and {host} breaks TLS: try another network", "重试；若一直如此，说明到 {host} 途中有设备破坏了 TLS：换个网络试试";
    ALLOWED = "ask who runs {host} to allow {module}", "请 {host} 的管理员放行 {module}";
    PROXY_SETTINGS = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY; a login goes there as user:password@", "检查 HTTPS_PROXY、HTTP_PROXY 和 NO_PROXY；登录信息以 user:password@ 的形式写在其中";
    SPELLING = "check path and version; if it is private: `gox private add {bare}`", "检查模块路径和版本；若是私有模块：`gox private add {bare}`";
    SPELLING_ORIGIN = "check path and version at {host}", "检查 {host} 上的模块路径和版本";
    SPELLING_PUBLIC = "check path and version", "检查模块路径和版本";
    STORE = "have {origin} let through from here (firewall, HTTP proxy), or put another proxy first in GOPROXY", "请让本机能访问 {origin}（防火墙、HTTP 代理），或在 GOPROXY 中把别的代理排在前面";
    LOGIN_BEHIND = "check the path; if it is private: `gox private add {bare}`, and a login for {origin} in ~/.netrc",
        "检查模块路径；若是私有模块：`gox private add {bare}`，并在 ~/.netrc 中为 {origin} 配置登录信息";
    LOGIN_PROXY = "put a login for {host} into ~/.netrc, or into GOPROXY as https://user:password@{host}", "在 ~/.netrc 中为 {host} 配置登录信息，或在 GOPROXY 中写成 https://user:password@{host}";
    LOGIN_HTTPS = "ask {host} over https:// in GOPROXY: go sends no login of ~/.netrc or GOAUTH over http://", "在 GOPROXY 中改用 https:// 访问 {host}：go 不会通过 http:// 发送 ~/.netrc 或 GOAUTH 中的登录信息";
    LOGIN_ORIGIN = "give git a login for {host}: ~/.netrc, a credential helper, or ssh by insteadOf", "为 git 配置 {host} 的登录信息：~/.netrc、credential helper，或用 insteadOf 改走 ssh";
    LOGIN_SITE = "put a login for {host} into ~/.netrc, or use GOAUTH", "在 ~/.netrc 中为 {host} 配置登录信息，或使用 GOAUTH";
    DATABASE_SETTINGS = "check GOSUMDB, or the proxy that passes the database on; leave the check itself on", "检查 GOSUMDB，或转发数据库的代理；不要关闭校验本身";
    WHO_CHANGED = "do not go on before you know why, and leave go.sum as it is: ask the module's authors, or compare with a colleague's go.sum",
        "查明原因之前不要继续，也不要改动 go.sum：请询问模块作者，或与同事的 go.sum 比对";
    WHO_CHANGED_IT = "find out who changed it; then `go clean -modcache` fetches all anew", "先查明是谁改动的；之后 `go clean -modcache` 会重新下载全部模块";
    UNFIT = "try again: it may have been damaged on the way; if it stays, leave this network or proxy", "重试：数据可能在途中损坏；若一直如此，请不要再用这个网络或代理";
    LEAVE_NETWORK = "leave this network or proxy until it is explained", "在查明原因之前，不要再用这个网络或代理";
    REFETCH = "try again: gox looks for the damaged file and fetches it anew (by hand: `gox evict {bare} --refetch`)", "重试：gox 会找出损坏的文件并重新下载（手动：`gox evict {bare} --refetch`）";
    REFETCH_ANY = "try again: gox looks for the damaged file and fetches it anew", "重试：gox 会找出损坏的文件并重新下载";
    OWN_FOLDER = "give yourself the folder, or set GOMODCACHE, GOCACHE or TMPDIR to one of your own", "取得该目录的权限，或把 GOMODCACHE、GOCACHE 或 TMPDIR 设为自己的目录";
    OTHER_DISK = "put GOMODCACHE and GOCACHE on a local disk: this file system lacks what go needs (locks, renames)", "把 GOMODCACHE 和 GOCACHE 放到本地磁盘：当前文件系统缺少 go 需要的功能（文件锁、重命名）";
    ROOM = "make room, for example with `go clean -cache`", "清理出空间，例如执行 `go clean -cache`";
    INSTALL_GIT = "install git (or the program that is named), or let a module proxy fetch it (GOPROXY)", "安装 git（或上面提到的程序），或通过模块代理（GOPROXY）获取";
    ALLOW_GIT = "name the program in GOVCS for this path, or let a module proxy fetch it (see `go help vcs`)", "在 GOVCS 中为该路径允许此程序，或通过模块代理获取（见 `go help vcs`）";
    NO_STAMP = "install git, or build with -buildvcs=false", "安装 git，或用 -buildvcs=false 构建";
    VERSIONS = "see which there are: `go list -m -versions {bare}`", "查看有哪些版本：`go list -m -versions {bare}`";
    DECLARED = "require the module by the path that it declares, or replace it", "按模块声明的路径引用它，或使用 replace";
    IMPORT = "check the import path, then `go mod tidy`", "检查导入路径，然后执行 `go mod tidy`";
    REPLACEMENT = "put the folder there, or mend the replace in go.mod", "把该目录放到那里，或修改 go.mod 中的 replace";
    NEWER_GO = "use the Go release that is asked for (GOTOOLCHAIN=auto fetches it)", "使用所要求的 Go 版本（GOTOOLCHAIN=auto 会自动下载）";
    LOCAL_GO = "install that Go release; GOTOOLCHAIN=local uses the installed one, where go.mod allows it", "安装该 Go 版本；若 go.mod 允许，可用 GOTOOLCHAIN=local 使用已安装的版本";
    GOOD_TOOLCHAIN = "set GOTOOLCHAIN to auto, local or a name such as go1.27.0", "把 GOTOOLCHAIN 设为 auto、local 或形如 go1.27.0 的名称";
    MEND_LINE = "mend the line that go names", "修改 go 指出的那一行";
    ONE_OF_TWO = "require a version of one of the two that no longer has the package", "把其中一个模块换成不再包含该包的版本";
    TIDY = "run `go mod tidy` (and `go mod vendor` where there is a vendor folder)", "执行 `go mod tidy`（若有 vendor 目录，再执行 `go mod vendor`）";
    MEND_CODE = "mend the code at that place", "修改该处的代码";
    SEE_TEST = "look at the test: its words are its own", "查看该测试的输出";
    TAKE_OFF = "take `off` out of GOPROXY, or fill the module cache first", "从 GOPROXY 中去掉 `off`，或先填充模块缓存";
    MEMORY = "give it more memory, or build with GOFLAGS=-p=1", "增加内存，或用 GOFLAGS=-p=1 构建";
    ASK_STATUS = "ask who runs {host} what its answer means", "请 {host} 的管理员解释这个回答";
    READ_GO = "read go's own words", "请看 go 自己的输出";
}

/// The one thing to do.
pub(crate) fn advice(failure: &Failure) -> Text {
    causes::fill(phrase(failure), failure)
}

/// The one thing to do, for a module that is plainly public: nobody is to call it private.
pub(crate) fn advice_on_a_public_module(failure: &Failure) -> Text {
    let phrase = phrase(failure);
    causes::fill(
        if [SPELLING, SITE, LOGIN_BEHIND].contains(&phrase) { SPELLING_PUBLIC } else { phrase },
        failure,
    )
}

/// The one thing to do where a host had what it now says it has not.
pub(crate) fn advice_on_what_was_there(failure: &Failure) -> Text {
    causes::fill(AGAIN_LATER, failure)
}

/// The one thing to do where a host sends the same damaged bytes each time.
pub(crate) fn advice_on_what_stays_damaged(failure: &Failure) -> Text {
    causes::fill(DAMAGED_THERE, failure)
}

/// The row of the table: exhaustive in the cause, the source and detail where they change what helps.
#[allow(clippy::too_many_lines, reason = "the table itself: a row for each cause, and no logic")]
pub(super) fn phrase(failure: &Failure) -> Phrase {
    let Failure { source, detail, .. } = failure;
    let or = |known: bool, this: Phrase, other: Phrase| if known { this } else { other };
    if *detail == Detail::HttpProxy {
        return PROXY_SETTINGS;
    }
    if *detail == Detail::Verify && matches!(failure.cause, Cause::ChecksumMismatch | Cause::CacheCorrupt) {
        return WHO_CHANGED_IT;
    }
    let passed_on = reading::is_passed_on(failure);
    // Whoever is asked again, or passed over.
    let again = match source {
        Some(Source::Sumdb) => or(passed_on, DATABASE_PROXY, DATABASE_LATER),
        Some(Source::Direct | Source::Vcs) => AGAIN_ORIGIN,
        Some(Source::Proxy | Source::Toolchain | Source::Cache | Source::Local) | None => AGAIN_LATER,
    };
    let verdict = matches!(failure.cause, Cause::Http403 | Cause::Http404410 | Cause::PrivateAuth);
    match &failure.facts.behind {
        Some(Behind::Login(_)) if verdict => return LOGIN_BEHIND,
        Some(Behind::Trouble) if verdict => return AGAIN_LATER,
        Some(Behind::Store(_)) if verdict => return STORE,
        Some(Behind::Login(_) | Behind::Trouble | Behind::Store(_)) | None => {}
    }
    let origin = matches!(source, Some(Source::Direct | Source::Vcs));
    match failure.cause {
        Cause::ConnRefused | Cause::Unreachable | Cause::Timeout if reading::is_fake(failure) => FAKE,
        Cause::Eof | Cause::ConnReset | Cause::Timeout | Cause::Http2 | Cause::Http5xx | Cause::Stalled => {
            again
        }
        Cause::CaptiveOrHtml => match detail {
            Detail::PlainHttp => PLAIN_HTTP,
            Detail::NoMetaTags => SITE,
            _ if reading::is_page(failure) || reading::is_same_for_all(failure) => LOG_IN,
            _ if reading::is_loop(failure) => CHECK_URL,
            _ => or(origin || *source == Some(Source::Sumdb), LOG_IN, CHECK_URL),
        },
        Cause::Http429 => LESS,
        Cause::ConnRefused | Cause::Unreachable => REACH,
        Cause::Dns if *detail == Detail::Resolver => RESOLVER,
        Cause::Dns => or(origin, NAME_ORIGIN, NAME),
        Cause::TlsCert => match reading::certificate(failure) {
            Certificate::Expired => RENEW,
            Certificate::NotYet => CLOCK,
            Certificate::OtherName => RIGHT_NAME,
            Certificate::Unknown => AUTHORITY,
            Certificate::Weak => NEW_CERTIFICATE,
            Certificate::Handshake => TLS,
        },
        Cause::Http403 => match source {
            Some(Source::Sumdb) => DATABASE_SETTINGS,
            Some(Source::Toolchain) => LOCAL_GO,
            Some(Source::Proxy | Source::Direct | Source::Vcs | Source::Cache | Source::Local) | None => {
                ALLOWED
            }
        },
        Cause::Http404410 => match source {
            Some(Source::Sumdb) => SPELLING,
            Some(Source::Toolchain) => LOCAL_GO,
            Some(Source::Direct | Source::Vcs) => SPELLING_ORIGIN,
            Some(Source::Proxy | Source::Cache | Source::Local) | None => SPELLING,
        },
        Cause::PrivateAuth => match source {
            Some(Source::Vcs) => LOGIN_ORIGIN,
            Some(Source::Proxy) => or(reading::is_over_plain_http(failure), LOGIN_HTTPS, LOGIN_PROXY),
            Some(Source::Direct | Source::Sumdb | Source::Toolchain | Source::Cache | Source::Local)
            | None => or(reading::is_over_plain_http(failure), LOGIN_HTTPS, LOGIN_SITE),
        },
        Cause::ChecksumMismatch => WHO_CHANGED,
        Cause::SumdbUnreachable => match detail {
            Detail::Untrusted => AUTHORITY,
            Detail::Absent => SPELLING,
            Detail::Refused => DATABASE_SETTINGS,
            _ => or(passed_on, DATABASE_PROXY, DATABASE_LATER),
        },
        Cause::SumdbMisbehaviour => or(*detail == Detail::Unfit, UNFIT, LEAVE_NETWORK),
        Cause::CacheCorrupt => or(failure.module.is_some(), REFETCH, REFETCH_ANY),
        Cause::CachePermission => or(reading::is_of_the_file_system(failure), OTHER_DISK, OWN_FOLDER),
        Cause::DiskFull => ROOM,
        Cause::GitNetwork => AGAIN_ORIGIN,
        Cause::VcsMissing if reading::is_forbidden_by_govcs(failure) => ALLOW_GIT,
        Cause::VcsMissing => or(reading::is_stamping(failure), NO_STAMP, INSTALL_GIT),
        Cause::UnknownRevision => VERSIONS,
        Cause::PathMismatch => DECLARED,
        Cause::MissingPackage => or(reading::is_replaced_by_nothing(failure), REPLACEMENT, IMPORT),
        Cause::GoVersion => NEWER_GO,
        Cause::ToolchainDownload => or(reading::is_misspelt_toolchain(failure), GOOD_TOOLCHAIN, LOCAL_GO),
        Cause::GoModSyntax => MEND_LINE,
        Cause::AmbiguousImport => ONE_OF_TWO,
        Cause::ImportRestriction => TIDY,
        Cause::CompileError => MEND_CODE,
        Cause::TestFailure => SEE_TEST,
        Cause::ProxyOff => TAKE_OFF,
        Cause::OomKilled => MEMORY,
        Cause::Other if matches!(detail, Detail::Odd | Detail::Reasoned) => ASK_STATUS,
        Cause::Other => or(reading::is_of_the_file_system(failure), OTHER_DISK, READ_GO),
        Cause::None => READ_GO,
    }
}
