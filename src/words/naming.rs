//! Short names: of what failed and of what was done about it, where many stand in one line.

use super::{Phrase, Text, phrases, running};
use crate::vocabulary::Cause;

phrases! {
    CUT = "a connection that ended early", "连接提前断开";
    SLOW = "no answer in time", "响应超时";
    RESET = "a connection that was cut", "连接被重置";
    NOBODY = "nobody listening", "无服务监听";
    NAME = "a name that did not resolve", "域名无法解析";
    NO_WAY = "no way to a host", "主机不可达";
    CERTIFICATE = "a certificate or TLS handshake", "证书或 TLS 握手问题";
    HTTP2 = "a broken HTTP/2 connection", "HTTP/2 连接中断";
    BUSY = "too many requests (429)", "请求过多（429）";
    REFUSED = "a refusal (403)", "被拒绝（403）";
    ABSENT = "a module that is not there (404, 410)", "模块不存在（404、410）";
    TROUBLE = "a server's own trouble (5xx)", "服务器故障（5xx）";
    PAGE = "a page instead of a file", "返回的是网页";
    MISMATCH = "a wrong hash", "哈希值不符";
    DATABASE = "no answer of the checksum database", "校验和数据库无回答";
    DATABASE_ODD = "a checksum database that contradicts itself", "校验和数据库自相矛盾";
    CACHE = "a damaged cache", "缓存损坏";
    RIGHTS = "a folder without permission", "目录无权限";
    DISK = "a full disk", "磁盘已满";
    LOGIN = "a login that was wanted", "需要登录";
    GIT = "git and the network", "git 网络问题";
    NO_GIT = "no git, or none allowed", "git 缺失或被禁止";
    REVISION = "an unknown version", "版本不存在";
    PATH = "another module path", "模块路径不同";
    PACKAGE = "a missing package", "缺少包";
    OLD_GO = "a go that is too old", "go 版本过旧";
    TOOLCHAIN = "a Go toolchain that cannot be had", "Go 工具链无法下载";
    SYNTAX = "go.mod that cannot be read", "go.mod 无法解析";
    AMBIGUOUS = "two modules with one package", "两个模块含同一个包";
    IMPORT = "an import that is not allowed", "不允许的导入";
    CODE = "code that does not compile", "代码无法编译";
    TEST = "a failed test", "测试未通过";
    OFF = "GOPROXY=off", "GOPROXY=off（禁止联网）";
    KILLED = "a killed process", "进程被杀死";
    SILENCE = "silence", "停滞";
    OTHER = "another error of go's", "go 的其他错误";
    NOTHING = "nothing", "无";
    ASKED = "asked {host}", "改问 {host}";
    REMOVED = "removed {what}", "删除 {what}";
    MOVED = "set aside {what}", "移开 {what}";
    CALLED_PRIVATE = "called {pattern} private", "视 {pattern} 为私有";
    BY_FILE = "asked file by file", "逐个文件重试";
    GIT_PATIENCE = "git with a limit on silence", "限制 git 的停顿";
    WAITED = "waited", "等待";
    NO_RUN = "no run has met the network yet", "还没有运行用到过网络";
    BYPASSED = "bypassed", "未介入";
    RECOVERED = "recovered", "已恢复";
    EXIT = "exit {code}", "退出码 {code}";
    ONE_ATTEMPT = "1 attempt, {seconds} s", "1 次，{seconds} 秒";
    ATTEMPTS = "{attempts} attempts, {seconds} s", "{attempts} 次，{seconds} 秒";
    RUNS = "{runs} runs, {recovered} recovered", "共 {runs} 次运行，{recovered} 次恢复";
    IN_RUNS = "in {runs}", "{runs} 次";
    OF_RUNS = "{recovered} of {runs} recovered", "{runs} 次中恢复 {recovered} 次";
}

/// The short name of the cause that a report spells like this; what is spelt otherwise stays as it is.
pub(crate) fn cause(spelled: &str) -> Text {
    let known = Cause::ALL.iter().find(|cause| cause.as_str() == spelled);
    known.map_or_else(|| Text::plain(spelled), |cause| short(*cause).into())
}

/// The short name of the remedy that a report spells like this.
pub(crate) fn remedy(spelled: &str) -> Text {
    let (kind, what) = spelled.split_once(':').unwrap_or((spelled, ""));
    let bare = what.is_empty();
    match kind {
        "rotate" | "sumdb" => ASKED.with(&[("host", &if bare { "..." } else { what })]),
        "evict" => REMOVED.with(&[("what", &if bare { "..." } else { what })]),
        "aside" => MOVED.with(&[("what", &if bare { "..." } else { what })]),
        "private" => CALLED_PRIVATE.with(&[("pattern", &if bare { "..." } else { what })]),
        "http1" => running::HTTP1.into(),
        "no-mlkem" => running::NO_MLKEM.into(),
        "git-patience" => GIT_PATIENCE.into(),
        "relay" => BY_FILE.into(),
        "wait" => WAITED.into(),
        _ => Text::plain(spelled),
    }
}

const fn short(cause: Cause) -> Phrase {
    match cause {
        Cause::Eof => CUT,
        Cause::Timeout => SLOW,
        Cause::ConnReset => RESET,
        Cause::ConnRefused => NOBODY,
        Cause::Dns => NAME,
        Cause::Unreachable => NO_WAY,
        Cause::TlsCert => CERTIFICATE,
        Cause::Http2 => HTTP2,
        Cause::Http429 => BUSY,
        Cause::Http403 => REFUSED,
        Cause::Http404410 => ABSENT,
        Cause::Http5xx => TROUBLE,
        Cause::CaptiveOrHtml => PAGE,
        Cause::ChecksumMismatch => MISMATCH,
        Cause::SumdbUnreachable => DATABASE,
        Cause::SumdbMisbehaviour => DATABASE_ODD,
        Cause::CacheCorrupt => CACHE,
        Cause::CachePermission => RIGHTS,
        Cause::DiskFull => DISK,
        Cause::PrivateAuth => LOGIN,
        Cause::GitNetwork => GIT,
        Cause::VcsMissing => NO_GIT,
        Cause::UnknownRevision => REVISION,
        Cause::PathMismatch => PATH,
        Cause::MissingPackage => PACKAGE,
        Cause::GoVersion => OLD_GO,
        Cause::ToolchainDownload => TOOLCHAIN,
        Cause::GoModSyntax => SYNTAX,
        Cause::AmbiguousImport => AMBIGUOUS,
        Cause::ImportRestriction => IMPORT,
        Cause::CompileError => CODE,
        Cause::TestFailure => TEST,
        Cause::ProxyOff => OFF,
        Cause::OomKilled => KILLED,
        Cause::Stalled => SILENCE,
        Cause::Other => OTHER,
        Cause::None => NOTHING,
    }
}
